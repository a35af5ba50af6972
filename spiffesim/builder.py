"""Builder: makes new nodes, and brings up to date what that takes and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Unpack

import attrs

from spiffesim.agent import Agent
from spiffesim.agentconfig import AgentConfig, AgentSettings
from spiffesim.channel import Channel
from spiffesim.configuration import ServerConfig, Settings, configure
from spiffesim.entries import EntryOptions, RegistrationEntry, SelectorLike
from spiffesim.errors import InvalidEntry, InvalidInput, InvalidTopology, Refused
from spiffesim.handshake import Handshake
from spiffesim.ledger import Ledger
from spiffesim.plugins.key_manager import DrawnKeys, KeyManager
from spiffesim.plugins.key_manager.disk import DiskKeyManager
from spiffesim.plugins.key_manager.memory import MemoryKeyManager
from spiffesim.plugins.node_attestor import NodeAttestor
from spiffesim.plugins.node_attestor.join_token import JoinTokenAttestor
from spiffesim.plugins.upstream_authority import UpstreamAuthority
from spiffesim.plugins.upstream_authority.spire import SpireUpstreamAuthority
from spiffesim.plugins.workload_attestor import Process, ProcessAttributes, WorkloadAttestor
from spiffesim.plugins.workload_attestor.declared import DeclaredWorkloadAttestor
from spiffesim.plugins.workload_attestor.docker import DockerWorkloadAttestor
from spiffesim.plugins.workload_attestor.k8s import K8sWorkloadAttestor
from spiffesim.plugins.workload_attestor.unix import UnixWorkloadAttestor
from spiffesim.server import Server
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.workload import Workload
from spiffesim.world import AgentOptions, World, path_of

_GO_MAX_DEPTH = 99  # Go stops at 100 signature checks, so a SPIRE server at depth 100 never starts


class Builder:
    """Makes the nodes of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._warned = False

    def root(
        self,
        name: str,
        trust_domain: TrustDomain,
        config: ServerConfig,
        upstream: UpstreamAuthority | None,
        key_manager: KeyManager | str | None = None,
    ) -> Server:
        """A root server, the first of its trust domain."""
        _check_upstream(upstream)
        server = self._server(name, Ledger(trust_domain), config, upstream=upstream, key_manager=key_manager)
        if upstream is not None:
            self._name_upstream(server, upstream, self.world.free_name(f"{name}-upstream"))
        return server

    def rename_upstream(self, server: Server, name: str) -> None:
        """Give the upstream authority of a root server another name.

        Raises:
            InvalidTopology: If the name is taken.
        """
        upstream = self.world.upstreams.pop(server.upstream_name)
        self._name_upstream(server, upstream, self.world.claim(name))

    def _name_upstream(self, server: Server, upstream: UpstreamAuthority, name: str) -> None:
        server.upstream_name = name
        self.world.upstreams[name] = upstream

    def nest(
        self,
        parent: Server,
        name: str,
        *,
        via: Agent | None = None,
        process: Process | None = None,
        key_manager: KeyManager | str | None = None,
        **settings: Unpack[Settings],
    ) -> Server:
        """A nested server; see ``Server.nest``."""
        self.world.claim(name)
        self._check_depth(parent, name)
        own = attrs.evolve(parent.config, bundle_endpoint=None, federates_with=())  # no two servers share those
        config = configure(own, **settings)
        if via is None:
            via = self.agent(parent)
        elif via.view.ledger is not parent.view.ledger:
            raise InvalidTopology(
                f"{name} cannot attest through {via.name}, which is of trust domain {via.server.trust_domain}; "
                f"nesting is within one trust domain, here {parent.trust_domain}; name an agent of this one",
                code="via",
            )
        with ExitStack() as undo:  # a server that does not start leaves no entries behind: its name is as good as new
            if process is None:
                process = self._own_process(name, None)
                self._register_server(via, parent, name, process, undo)
            client = Workload(self.world, name, via, process)
            channel = Channel(client, via, parent)
            server = self._server(
                name,
                parent.view.ledger,
                config,
                upstream=SpireUpstreamAuthority(channel, parent),
                parent=parent,
                via=via,
                key_manager=key_manager,
                channel=channel,
            )
            undo.pop_all()
        via.clients.append(name)
        return server

    def _register_server(self, via: Agent, parent: Server, name: str, process: Process, undo: ExitStack) -> None:
        """Let an agent give a nested server an SVID, and its parent take that for a downstream's."""
        entry = self._register(via, parent.trust_domain.id(path_of(name)), process, downstream=True)
        undo.callback(via.server.delete_entry, entry.id)
        if via.server is not parent:
            # The parent looks at its own entries, whoever issued the SVID; it has no agent of this ID.
            twin = parent.create_entry(
                spiffe_id=entry.spiffe_id, parent_id=entry.parent_id, selectors=entry.selectors, downstream=True
            )
            undo.callback(parent.delete_entry, twin.id)

    def _check_depth(self, parent: Server, name: str) -> None:
        depth, limit = parent.depth + 1, self.world.max_depth
        if limit is not None and depth > limit:
            raise Refused(
                "X509 CA minted by upstream authority is invalid: X509 CA produced an invalid X509-SVID chain: "
                "x509svid: could not verify leaf certificate: x509: signature check attempts limit reached while "
                "verifying certificate chain",
                status="INVALID_ARGUMENT",
                hint=f"server {name} would stand at depth {depth}; max_depth is {limit}",
                depth=depth,
            )
        if depth > _GO_MAX_DEPTH and not self._warned:
            self._warned = True
            self.world.note(
                name,
                "Server would not start in SPIRE: Go stops at 100 signature checks",
                depth=depth,
                max_depth=_GO_MAX_DEPTH,
            )

    def _server(
        self,
        name: str,
        ledger: Ledger,
        config: ServerConfig,
        *,
        upstream: UpstreamAuthority | None,
        parent: Server | None = None,
        via: Agent | None = None,
        key_manager: KeyManager | str | None = None,
        channel: Channel | None = None,
    ) -> Server:
        server = Server(
            self.world,
            self.world.claim(name),
            ledger,
            config,
            key_manager=self._key_manager(name, key_manager),
            upstream=upstream,
            parent=parent,
            via=via,
            channel=channel,
        )
        server.start(everywhere=True)
        self.world.servers.add(server)
        if parent is not None:
            parent.children.append(server)
        return server

    def _key_manager(self, server: str, key_manager: KeyManager | str | None) -> KeyManager:
        """A key manager, or the one of that name."""
        kinds: dict[object, type[DrawnKeys]] = {kind.name: kind for kind in (MemoryKeyManager, DiskKeyManager)}
        if isinstance(key_manager, KeyManager):
            return key_manager
        kind = kinds.get("memory" if key_manager is None else key_manager)
        if kind is None:
            raise InvalidInput(
                f"a key manager is one of {', '.join(map(str, kinds))}, or an object like theirs, not {key_manager!r:.80}",
                code="key_manager",
            )
        return kind(self.world.randomness, server)

    def agent(self, server: Server, name: str | None = None, **options: Unpack[AgentOptions]) -> Agent:
        """An agent of a server, old or new; see ``Server.agent``."""
        known = server.agents[0] if name is None and server.agents else self.world.agents.get(name or "")
        if known is None:
            own = self.world.free_name(f"{server.name}-agent") if name is None else self.world.claim(name)
            return self._new_agent(server, own, **options)
        if known.server is not server or options:
            raise InvalidTopology(
                f"there is an agent {known.name} already, of server {known.server.name}; give a new one another name",
                code="equal_names",
                name=known.name,
            )
        return known

    def _new_agent(
        self,
        server: Server,
        name: str,
        *,
        attestor: NodeAttestor | None = None,
        workload_attestors: Sequence[WorkloadAttestor] | None = None,
        **settings: Unpack[AgentSettings],
    ) -> Agent:
        server.check_running()
        agent = Agent(
            self.world,
            name,
            server,
            attestor or JoinTokenAttestor(server.create_join_token()),
            workload_attestors=_all_workload_attestors() if workload_attestors is None else workload_attestors,
            config=AgentConfig(**settings),
        )
        agent.attest()
        server.agents.append(agent)
        self.world.agents.add(agent)
        return agent

    def workload(
        self,
        agent: Agent,
        path: SpiffeId | str,
        *,
        name: str | None = None,
        process: Process | None = None,
        selectors: Iterable[SelectorLike] | None = None,
        **fields: Unpack[EntryOptions],
    ) -> Workload:
        """A registered workload; see ``Agent.workload``."""
        _check_not_of_the_process(fields)
        text = str(path)
        spiffe_id = SpiffeId(text) if "://" in text else agent.server.trust_domain.id(text)
        own = self.world.claim(name) if name is not None else self.world.free_name(spiffe_id.path[1:] or "workload")
        process = self._own_process(own, process)
        self._register(agent, spiffe_id, process, selectors, **fields)
        return self._start(agent, own, process)

    def process(self, agent: Agent, *, name: str | None = None, **attributes: Unpack[ProcessAttributes]) -> Workload:
        """An unregistered workload; see ``Agent.process``."""
        own = self.world.claim(name) if name is not None else self.world.free_name(f"{agent.name}-process")
        return self._start(agent, own, Process(**attributes))

    def _start(self, agent: Agent, name: str, process: Process) -> Workload:
        workload = Workload(self.world, name, agent, process)
        self.world.workloads.add(workload)
        return workload

    def _own_process(self, name: str, process: Process | None) -> Process:
        """A process with a selector that no other workload has."""
        own = f"declared:name:{name}"
        return Process(selectors=(own,)) if process is None else process.with_selectors(own)

    def _register(
        self,
        agent: Agent,
        spiffe_id: SpiffeId,
        process: Process,
        selectors: Iterable[SelectorLike] | None = None,
        **fields: Unpack[EntryOptions],
    ) -> RegistrationEntry:
        """Create an entry, and take it to its agent; whatever else is pending stays pending."""
        _check_reached(agent)
        asked = (process.selectors[-1],) if selectors is None else selectors
        entry = agent.server.create_entry(spiffe_id=spiffe_id, parent_id=agent.spiffe_id, selectors=asked, **fields)
        agent.server.cache.admit(entry)
        agent.learn(entry)
        return entry


def _all_workload_attestors() -> Sequence[WorkloadAttestor]:
    return (UnixWorkloadAttestor(), DockerWorkloadAttestor(), K8sWorkloadAttestor(), DeclaredWorkloadAttestor())


def _check_not_of_the_process(fields: Iterable[str]) -> None:
    """Refuse for an entry what a process has, and say where it belongs."""
    for name in fields:
        if name in ProcessAttributes.__annotations__:
            raise InvalidEntry(
                f"{name!r} is no field of a registration entry, but what a process is: workload(..., "
                f"process=Process({name}=...)), or agent.process({name}=...) for one that is not registered",
                code="unknown_field",
                field=name,
            )


def _check_reached(agent: Agent) -> None:
    """Refuse what would have to wait until an agent hears of its server again.

    Raises:
        Unavailable: UNAVAILABLE, or DEADLINE_EXCEEDED if one of them is suspended.
    """
    agent.server.check_running()
    if not agent.stopped:  # from one that has ended nobody expects anything
        agent.check_running()
        Handshake(agent, agent.server, None, agent.view).check()


def _check_upstream(upstream: object) -> None:
    """Refuse what is no upstream authority before a server stumbles over it."""
    if upstream is not None and not isinstance(upstream, UpstreamAuthority):
        raise InvalidInput(
            "an upstream authority is an object with a name, mint_x509_ca and publish_jwt_key, such as a "
            f"DiskUpstreamAuthority, not {upstream!r:.80}"
        )
