"""Deployment: the world of a state machine, and what may be claimed of it after all that has been done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, ClassVar, Final, ParamSpec, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from spiffesim.agent import Agent
from spiffesim.authority import IssuedSvid, X509Authority
from spiffesim.chain import CertificateLike
from spiffesim.errors import SpiffeSimError
from spiffesim.instants import SECOND, Microseconds, span
from spiffesim.server import Server
from spiffesim.simulation import Simulation
from spiffesim.workload import Workload

_Params = ParamSpec("_Params")
_Answer = TypeVar("_Answer")

MINUTE: Final = 60 * SECOND
RECOVERY: Final = 30 * MINUTE
"""How long everything takes at most to come back: the longest back-off is an agent's, of nine minutes."""

_RULE: Final = 6
_LEAST_CA: Final = timedelta(minutes=30)
_LEAST_SVID: Final = timedelta(minutes=1)


def tier(ca_ttl: timedelta) -> dict[str, Any]:
    """The settings of a server whose SVIDs live for a sixth of its CA at most."""
    sixth = ca_ttl / _RULE
    return {
        "ca_ttl": ca_ttl,
        "default_x509_svid_ttl": min(sixth, timedelta(hours=1)),
        "default_jwt_svid_ttl": min(sixth, timedelta(minutes=5)),
        "agent_ttl": sixth,
    }


@st.composite
def deployments(draw: st.DrawFn, /) -> Simulation:
    """Up to four servers in up to three tiers, each with two workloads; most respect the rule of six, some do not.

    Their CAs live from half an hour to nine days, and their keys end with their processes or do not.
    """
    key_managers = st.sampled_from(("disk", "memory"))
    ca_ttl = timedelta(hours=draw(st.sampled_from((216, 24, 8)), label="hours of the root CA"))
    rule = _RULE if draw(st.integers(0, 4), label="rule of six") < 4 else 1  # four times of five
    seed = draw(st.integers(0, 2**16), label="seed")
    sim = Simulation("example.org", seed=seed, key_manager=draw(key_managers), **tier(ca_ttl))
    servers = [sim.root]
    for number in range(draw(st.integers(0, 3), label="nested servers")):
        parent = draw(st.sampled_from(servers))
        below = parent.config.ca_ttl / rule
        if parent.depth < 2 and below >= _LEAST_CA:  # three tiers
            nested = parent.nest(f"server{number}", key_manager=draw(key_managers), **tier(below))
            servers.append(nested)
    for server in servers:
        for path in (f"/one/{server.name}", f"/two/{server.name}"):
            server.workload(path)
    return sim


def drawn(ask: Callable[[Any], Any]) -> st.SearchStrategy[Any]:
    """What a state machine says at this moment."""
    return st.runner().map(ask)


def names_of(kind: Callable[[Any], Iterable[str]]) -> st.SearchStrategy[Any]:
    """One of the names that a state machine lists at this moment."""
    return st.runner().flatmap(lambda machine: st.sampled_from(list(kind(machine))))


SERVERS: Final = names_of(lambda machine: machine.sim.servers)
AGENTS: Final = names_of(lambda machine: machine.sim.agents)
DAEMONS: Final = names_of(lambda machine: (*machine.sim.servers, *machine.sim.agents))
WORKLOADS: Final = names_of(lambda machine: machine.sim.workloads)
CALLERS: Final = names_of(lambda machine: machine.callers)


class Deployment(RuleBasedStateMachine):
    """The world of a machine. It knows its nodes by name, so that the world can be replaced by a copy.

    Attributes:
        worlds: From which the world is drawn.
        sim: The world.
        lost: The names of servers and agents that SPIRE itself would not bring back without an operator who
            attests or registers them anew, and of all below them: nothing is claimed of them.
        changed_at: When somebody did last what has yet to reach everybody.
        broken: How many times something has broken since the world was whole.
        broken_since: Since when something has been broken; None while the world is whole.
        deadline: Until when the world survives what is broken.
    """

    worlds: ClassVar[st.SearchStrategy[Simulation]] = deployments()

    def __init__(self) -> None:
        super().__init__()
        self.sim: Simulation
        self.lost: set[str] = set()
        self.changed_at: Microseconds = 0
        self.broken = 0
        self.broken_since: Microseconds | None = None
        self.deadline: Microseconds = 0
        self._made = 0

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Draw a world. Without a workload it gets one."""
        self.sim = data.draw(self.worlds)
        if not self.sim.workloads:
            self.sim.workload("/first")
        self.touch()

    # Calls

    def ask(self, call: Callable[_Params, _Answer], /, *args: _Params.args, **kwargs: _Params.kwargs) -> _Answer | None:
        """What a call answers; None for a refusal. Whatever it raises that is no error of ours fails the machine."""
        try:
            return call(*args, **kwargs)
        except SpiffeSimError:
            return None

    def touch(self) -> None:
        """Note that something was done that has yet to reach everybody."""
        self.changed_at = self.now

    def name(self, kind: str) -> str:
        """A name for something new."""
        self._made += 1
        return f"{kind}{self._made}"

    # What there is

    @property
    def now(self) -> Microseconds:
        """The present instant."""
        return self.sim.world.now

    @property
    def daemons(self) -> dict[str, Server | Agent]:
        """Servers and agents by name, parents first."""
        return {**self.sim.servers, **self.sim.agents}

    @property
    def callers(self) -> list[str]:
        """The names of those who call a server: agents, and nested servers."""
        return [name for name, node in self.daemons.items() if isinstance(node, Agent) or node.parent is not None]

    def below(self, node: Server | Agent) -> Iterator[Server | Agent]:
        """A node and everything that hangs on it."""
        yield node
        if isinstance(node, Server):
            for agent in node.agents:
                yield from self.below(agent)
        else:
            yield from (
                nested for server in node.server.children if server.via is node for nested in self.below(server)
            )

    def lose(self, *nodes: Server | Agent) -> None:
        """Claim nothing any more of these nodes, and of all below them."""
        self.lost |= {found.name for node in nodes for found in self.below(node)}

    def registered(self, workload: Workload) -> bool:
        """Whether its server has an entry for it."""
        agent = workload.agent
        return any(
            entry.parent_id == agent.spiffe_id and set(entry.selectors) <= set(workload.selectors)
            for entry in self.ask(agent.server.list_entries) or ()
        )

    def claimed(self) -> list[Workload]:
        """The workloads of which something is claimed: registered, on an agent that is not lost."""
        return [
            workload
            for workload in self.sim.workloads.values()
            if workload.agent.name not in self.lost and self.registered(workload)
        ]

    # How it is

    @property
    def follows_the_rule_of_six(self) -> bool:
        """Whether each CA lives for six times what it signs at least, and nothing too short for SPIRE's loops."""
        return all(
            (server.parent is None or server.parent.config.ca_ttl >= _RULE * server.config.ca_ttl)
            and all(_LEAST_SVID <= ttl <= server.config.ca_ttl / _RULE for ttl in _ttls(server))
            for server in self.sim.servers.values()
        )

    @property
    def patience(self) -> Microseconds:
        """How long news takes at most while nothing is broken: to everybody, up and down the tiers."""
        return MINUTE + 30 * SECOND * max(server.depth for server in self.sim.servers.values())

    @property
    def settled(self) -> bool:
        """Whether nothing is broken, and all that was done has reached everybody."""
        return self.broken_since is None and self.now - self.changed_at >= self.patience

    def breaks(self, skew: Microseconds = 0) -> None:
        """Something breaks. When it is the first, it is found out how long the world survives it.

        That is until the first agent's SVID ends, or a CA, for a quarter of the lifetime of the root CA at most:
        roots are known for a third of it before they sign.

        Args:
            skew: How wrong a clock is now.
        """
        self.touch()
        self.broken += 1
        if self.broken_since is None:
            self.broken_since = self.now
            self.deadline = min(self._ends())
        self.deadline -= abs(skew)

    def _ends(self) -> Iterator[Microseconds]:
        for server in self.sim.servers.values():
            if server.parent is None:
                yield self.now + span(server.config.ca_ttl) // 4
            if server.name not in self.lost:
                slots = server.keyring.x509
                yield max(slots.current.not_after, slots.next.not_after)
        yield from (
            agent.credentials.svid.not_after for agent in self.sim.agents.values() if agent.name not in self.lost
        )


def _ttls(server: Server) -> tuple[timedelta, ...]:
    config = server.config
    ttls = config.default_x509_svid_ttl, config.default_jwt_svid_ttl
    return ttls if config.agent_ttl is None else (*ttls, config.agent_ttl)


def knows(agent: Agent, root: CertificateLike) -> bool:
    """Whether an agent has a root in its bundle."""
    return any(held.subject_key_id == root.subject_key_id for held in agent.view.roots)


def leads_to(record: IssuedSvid | X509Authority | None, key_id: str) -> bool:
    """Whether an SVID or a CA, as a record, comes from the root with this subject key ID."""
    authority = record.certificate.issuer if isinstance(record, IssuedSvid) else record
    top = None if authority is None else authority.top.subject_key_id
    return top is not None and top.hex() == key_id
