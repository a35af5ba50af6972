"""Faults: what breaks in a deployment, and how it is put right again."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from spiffesim.agent import Agent
from spiffesim.authority import JwtAuthority, X509Authority
from spiffesim.errors import InvalidInput, InvalidTopology
from spiffesim.forger import Forger
from spiffesim.instants import SECOND, span
from spiffesim.plugins.upstream_authority.impaired import ImpairedUpstreamAuthority
from spiffesim.server import Server
from spiffesim.world import World

Node: TypeAlias = Server | Agent | str
"""A server or an agent, or its name."""


class Faults:
    """The verbs of a simulation that break something, and those that repair it.

    Each is an event in the journal. Who does twice what is done already does nothing.
    """

    world: World

    # Links

    def cut(self, one: Node, other: Node) -> None:
        """Cut the link between two nodes that talk to each other; connections break at once.

        Args:
            one: An agent and its server; a nested server and its parent; a nested server and the agent that it
                attests through, whose Workload API falls silent for it; or two servers of different trust domains.
            other: The other one.

        Raises:
            InvalidTopology: If there is no such link; it says which there are.
            InvalidInput: If one is no node of this simulation.
        """
        nodes = self._link(one, other)
        _let_catch_up(*nodes)
        if self.world.links.cut(nodes[0].name, nodes[1].name):
            self.world.note(nodes[0].name, "Link cut", peer=nodes[1].name)
            _look_around(*nodes)

    def heal(self, one: Node, other: Node) -> None:
        """Join again what ``cut`` has parted.

        Args:
            one: One node.
            other: The other one.

        Raises:
            InvalidTopology: As for ``cut``.
            InvalidInput: As for ``cut``.
        """
        nodes = self._link(one, other)
        _let_catch_up(*nodes)
        if self.world.links.heal(nodes[0].name, nodes[1].name):
            self.world.note(nodes[0].name, "Link healed", peer=nodes[1].name)
            _look_around(*nodes)

    def _link(self, one: Node, other: Node) -> tuple[Server | Agent, Server | Agent]:
        nodes = self._node(one), self._node(other)
        if not (_talks_to(*nodes) or _talks_to(*reversed(nodes))):
            raise InvalidTopology(
                f"there is no link between {nodes[0].name} and {nodes[1].name}; {nodes[0].name} can be cut from "
                f"{', '.join(self._peers(nodes[0])) or 'nobody'}",
                code="no_link",
            )
        return nodes

    def _peers(self, node: Server | Agent) -> list[str]:
        others: list[Server | Agent] = [*self.world.servers.values(), *self.world.agents.values()]
        return [other.name for other in others if _talks_to(node, other) or _talks_to(other, node)]

    def _node(self, node: object) -> Server | Agent:
        name = node if isinstance(node, str) else getattr(node, "name", None)
        found = self.world.servers.get(name) or self.world.agents.get(name) if isinstance(name, str) else None
        if found is None or (not isinstance(node, str) and found is not node):
            raise InvalidInput(
                f"{name if isinstance(name, str) else node!r:.80} is no server and no agent of this simulation",
                code="no_node",
            )
        return found

    def _server(self, node: object) -> Server:
        found = self._node(node)
        if not isinstance(found, Server):
            raise InvalidInput(f"{found.name} is an agent; this is for servers", code="no_server")
        return found

    # Processes

    def stop(self, node: Node) -> None:
        """End the process of a server or an agent; what it has on disk stays, and workloads run on.

        A server keeps its datastore, and its keys if its key manager is ``disk``.

        Args:
            node: The server or agent.

        Raises:
            InvalidInput: If that is no node of this simulation.
        """
        stopping = self._node(node)
        if stopping.stopped and not stopping.loops:
            return
        if stopping.paused:
            self.resume(stopping)
        _let_catch_up(stopping)
        reason = f"{'Server' if isinstance(stopping, Server) else 'Agent'} stopped gracefully"
        stopping.note(reason)
        stopping.shut_down(reason)
        _look_around(stopping)

    def start(self, node: Node) -> None:
        """Start a server or an agent that has ended, of whatever cause.

        It returns at once, as a supervisor does: where the process ends again, or has to wait, the journal and
        ``stopped`` say so.

        Args:
            node: The server or agent.

        Raises:
            InvalidInput: If that is no node of this simulation.
        """
        starting = self._node(node)
        if not starting.stopped or starting.loops:
            return
        starting.note("Starting")
        starting.restart()
        _look_around(starting)

    def pause(self, node: Node) -> None:
        """Suspend the machine of a server or an agent, as a laptop is: nothing runs, nothing is answered, time goes on.

        Args:
            node: The server or agent.

        Raises:
            InvalidInput: If that is no node of this simulation, or its process has ended.
        """
        pausing = self._node(node)
        if pausing.stopped:
            raise InvalidInput(f"{pausing.name} does not run: {pausing.stopped}; start it first", code="stopped")
        if pausing.paused:
            return
        _let_catch_up(pausing)
        pausing.note("Machine suspended")
        pausing.pause()
        _look_around(pausing)

    def resume(self, node: Node) -> None:
        """Wake up a machine: what its loops still had to wait they wait now, and its clock shows what time it is.

        Args:
            node: The server or agent.

        Raises:
            InvalidInput: If that is no node of this simulation.
        """
        resuming = self._node(node)
        if not resuming.paused:
            return
        resuming.resume()
        resuming.note("Machine resumed")
        if isinstance(resuming, Server):
            resuming.reconnect()  # the server above has closed the connection meanwhile
        _look_around(resuming)

    def skew(self, node: Node, seconds: float) -> None:
        """Set the clock of a server or an agent wrong; zero sets it right.

        Args:
            node: The server or agent.
            seconds: How far it is ahead of true time; negative for behind.

        Raises:
            InvalidInput: If that is no node of this simulation.
            ClockError: If its clock would show a time beyond the years 1 to 9999.
        """
        skewed = self._node(node)
        skew = _span(seconds)
        self.world.clock.after(timedelta(microseconds=max(skew, 0)))
        if skew == skewed.skew:
            return
        _let_catch_up(skewed)
        skewed.note("Clock set", seconds=skew / SECOND)
        skewed.set_skew(skew)
        _look_around(skewed)

    # Upstream authorities

    def slow(self, server: Server | str, seconds: float) -> None:
        """Let the upstream authority of a server take its time.

        A JWT key whose publication takes more than five seconds on its whole way up counts as not published,
        although the servers above have it by then. A CA is minted all the same, in no time.

        Args:
            server: The server.
            seconds: How long each of its calls takes.

        Raises:
            InvalidInput: If that is no server of this simulation, or it has no upstream authority.
        """
        self._impair(server, "Upstream authority slowed", delay=max(_span(seconds), 0), seconds=seconds)

    def fail(self, server: Server | str, message: str = "upstream authority failed") -> None:
        """Let the upstream authority of a server refuse every call.

        Args:
            server: The server.
            message: What it says.

        Raises:
            InvalidInput: As for ``slow``.
        """
        self._impair(server, "Upstream authority fails", message=message, error=message)

    def recover(self, server: Server | str) -> None:
        """Let the upstream authority of a server work again, as before ``slow`` and ``fail``.

        Args:
            server: The server.

        Raises:
            InvalidInput: As for ``slow``.
        """
        broken = self._server(server)
        upstream = broken.keyring.upstream
        if isinstance(upstream, ImpairedUpstreamAuthority):
            broken.keyring.upstream = upstream.sound
            broken.note("Upstream authority recovered")
            _look_around(broken)

    def _impair(self, server: object, kind: str, *, delay: int = 0, message: str = "", **facts: object) -> None:
        broken = self._server(server)
        upstream = broken.keyring.upstream
        if upstream is None:
            raise InvalidInput(f"{broken.name} has no upstream authority: its CA is self-signed", code="no_upstream")
        sound = upstream.sound if isinstance(upstream, ImpairedUpstreamAuthority) else upstream
        broken.keyring.upstream = ImpairedUpstreamAuthority(sound, delay, message)
        broken.view.ledger.closures += 1
        broken.note(kind, **facts)
        _look_around(broken)

    # What cannot be undone

    def lose_datastore(self, server: Server | str) -> None:
        """Lose a server's datastore: its entries, nodes, join tokens, bundles and CA journal. It restarts, if it ran.

        Args:
            server: The server.

        Raises:
            InvalidInput: If that is no server of this simulation.
        """
        losing = self._server(server)
        ran = not losing.stopped or bool(losing.loops)
        self.stop(losing)
        losing.lose_datastore()
        losing.note("Datastore lost")
        if ran:
            self.start(losing)

    def steal(self, authority: Server | X509Authority | JwtAuthority | str) -> Forger:
        """Copy the private keys of a server's present authorities, or of one authority.

        Args:
            authority: The server, its name, or an authority such as ``server.ca.authority``.

        Returns:
            Who mints with them what they like, whatever becomes of the server.

        Raises:
            InvalidInput: If that is none of these.
            NoActiveAuthority: If the server has no authority now.
        """
        if isinstance(authority, X509Authority):
            forger = Forger(self.world, x509=authority)
        elif isinstance(authority, JwtAuthority):
            forger = Forger(self.world, jwt=authority)
        else:
            victim = self._server(authority)
            jwt = victim.keyring.jwt.current.authority
            forger = Forger(self.world, x509=victim.ca.authority, jwt=jwt if isinstance(jwt, JwtAuthority) else None)
            victim.note("Authority stolen")
        return forger


def _span(seconds: float) -> int:
    try:
        return span(timedelta(seconds=seconds))
    except (OverflowError, TypeError, ValueError):
        raise InvalidInput(f"a number of seconds is wanted, not {seconds!r:.80}", code="seconds") from None


def _talks_to(one: Server | Agent, other: Server | Agent) -> bool:
    """Whether a node calls another one."""
    if isinstance(one, Agent):
        return one.server is other
    foreign = isinstance(other, Server) and other.trust_domain != one.trust_domain
    return foreign or (other is not one and (one.parent is other or one.via is other))


def _let_catch_up(*nodes: Server | Agent) -> None:
    """Do what would have been done by now, before something changes; nested servers hear of it, too."""
    for node in nodes:
        if isinstance(node, Server):
            node.let_agents_catch_up()
            if node.channel is not None:
                node.channel.remember()
        else:
            node.catch_up()
            for channel in node.channels:
                channel.remember()


def _look_around(*nodes: Server | Agent) -> None:
    """Let all see what has changed around them: connections that have broken, or can be made again."""
    for node in nodes:
        if isinstance(node, Agent):
            node.wake()
            node.tell_channels()
        else:
            if node.channel is not None:
                node.channel.restless = True
            node.look_around()
