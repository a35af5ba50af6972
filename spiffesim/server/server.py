"""Server: one SPIRE server, root or nested.

What it signs is in ``ca``, what it has registered in ``entries``, whom it has attested in
``nodes``; here are its methods, as agents, downstream servers and operators call them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import attrs

from spiffesim.authority import IssuedSvid
from spiffesim.chain import CertificateLike
from spiffesim.channel import Channel
from spiffesim.configuration import ServerConfig
from spiffesim.entries import Entries, EntryCache
from spiffesim.errors import Refused, SpiffeSimError
from spiffesim.federation import FederationRelationship
from spiffesim.instants import Microseconds, moment, rfc3339
from spiffesim.ledger import Ledger
from spiffesim.loop import Loop
from spiffesim.nodes import Nodes
from spiffesim.plugins.key_manager import KeyManager
from spiffesim.plugins.node_attestor.join_token import JoinTokens
from spiffesim.plugins.upstream_authority import UpstreamAuthority
from spiffesim.randomness import Randomness
from spiffesim.server import loops
from spiffesim.server.api.agent import AgentService
from spiffesim.server.api.bundle import BundleService
from spiffesim.server.api.localauthority import LocalAuthorityService
from spiffesim.server.api.svid import SvidService
from spiffesim.server.api.trustdomain import TrustDomainService
from spiffesim.server.ca import Health, ServerCa
from spiffesim.server.contents import MARGIN, Pruned
from spiffesim.server.keyring import Keyring
from spiffesim.server.nested import Nested
from spiffesim.server.svid import ServerSvid
from spiffesim.server.view import View
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.x509svid import X509Svid
from spiffesim.world import AgentOptions, NestOptions, WorkloadOptions, World

if TYPE_CHECKING:
    from spiffesim.agent import Agent
    from spiffesim.workload import Workload


class Server(Nested, AgentService, SvidService, BundleService, TrustDomainService, LocalAuthorityService):
    """A SPIRE server.

    Make one with ``Simulation(...)``, ``Server.nest(...)`` or ``Simulation.from_graph(...)``.

    Attributes:
        name: Its name in the simulation.
        config: Its settings.
        parent: The server that it is nested in; None for a root.
        via: The agent through which it fetches the SVID that it shows its parent; None for a root.
        depth: How many servers stand above it.
        ca: Its authorities.
        entries: Its registration entries.
        nodes: The agents that it has attested.
        own_svid: Its own X509-SVID.
        agents: Its agents, in the order of their making.
        bearers: Which agent got an SVID of an ID last; who got one before may find itself turned away.
        children: The servers nested in it.
        pollers: The servers of other trust domains that fetch its bundle.
        revision: How often anything changed that agents and nested servers fetch from here.
    """

    _LOOPS: ClassVar[tuple[type[Loop], ...]] = loops.LOOPS

    def __init__(
        self,
        world: World,
        name: str,
        ledger: Ledger,
        config: ServerConfig,
        *,
        key_manager: KeyManager,
        upstream: UpstreamAuthority | None = None,
        parent: Server | None = None,
        via: Agent | None = None,
        channel: Channel | None = None,
    ) -> None:
        super().__init__(world, name)
        self.channel = channel
        if channel is not None:
            channel.server = self
        self.config = config
        self.parent = parent
        self.via = via
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.view = View(ledger)
        self.keyring = Keyring(
            name,
            self.view,
            config,
            key_manager=key_manager,
            upstream=upstream,
            randomness=world.randomness,
            journal=world.journal,
        )
        self.ca = ServerCa(self.keyring)
        self.entries = Entries(
            ledger.trust_domain, draw_id=self._draw_entry_id, has_bundle=self._has_bundle, now=self._now
        )
        self.cache = EntryCache(ledger.trust_domain)
        self.nodes = Nodes(ledger.trust_domain)
        self.join_tokens = JoinTokens()
        self.node_attestors: dict[str, Any] = {}
        self.federated: dict[TrustDomain, SpiffeBundle] = {}
        self.relationships: dict[TrustDomain, FederationRelationship] = {}
        self.updaters: dict[TrustDomain, loops.BundleUpdater] = {}
        self.pollers: list[Server] = []
        self.agents: list[Agent] = []
        self.bearers: dict[str, Agent] = {}
        self.upstream_name = ""
        self.revision = self.upstream_seen = 0
        self.children: list[Server] = []
        self.own_svid = ServerSvid(self)

    # What the rest of the simulation needs of it, by name, so that a world can be pickled

    def _now(self) -> Microseconds:
        return self.now

    def _draw_entry_id(self) -> str:
        stream = f"{self.name} entry"
        return self.world.randomness.uuid(stream, self.world.randomness.count(stream))

    def _has_bundle(self, trust_domain: TrustDomain) -> bool:
        return trust_domain == self.trust_domain or trust_domain in self.federated

    # Identity

    @property
    def spiffe_id(self) -> SpiffeId:
        """Its SPIFFE ID, which is that of every server of the trust domain."""
        return self.trust_domain.id("/spire/server")

    @property
    def upstream_authority(self) -> UpstreamAuthority | None:
        """Who signs its CA; None for a self-signed root."""
        return self.keyring.upstream

    @property
    def randomness(self) -> Randomness:
        """The streams of the simulation."""
        return self.world.randomness

    @property
    def svid(self) -> X509Svid:
        """Its own X509-SVID, which it shows to agents and downstream servers."""
        return self.own_svid.record.draw()

    @property
    def not_after(self) -> datetime:
        """When the CA that signs now ends."""
        return moment(self.ca.authority.not_after)

    # Conveniences

    def nest(self, name: str, **options: Unpack[NestOptions]) -> Server:
        """Nest a server: register it as downstream here, and let it fetch its CA.

        Args:
            name: Its name; its SPIFFE ID as a downstream workload is ``/<name>``, with an underscore for
                what a path cannot have.
            **options: ``via`` (the agent through which it attests; by default this server's first),
                ``process`` (a ``Process`` with its attributes: then you have registered it yourself),
                ``key_manager`` (``"memory"``, ``"disk"``, or an object like those), and the settings of ``ServerConfig``, by default this server's.

        Returns:
            The nested server, running.

        Raises:
            InvalidTopology: If the name is taken, or ``via`` is of another trust domain.
            NoIdentityIssued: If no entry of the agent matches the process. SPIRE's server waits then.
            NotAuthorized: If no entry here with its SPIFFE ID is downstream.
            Refused: If it would stand deeper than ``max_depth``.
        """
        return self.world.builder.nest(self, name, **options)

    def agent(self, name: str | None = None, **options: Unpack[AgentOptions]) -> Agent:
        """This server's agent of that name, attested when it is new; without a name, its first.

        Args:
            name: Its name in the simulation; by default ``<server>-agent``.
            **options: ``attestor`` (how it attests; by default with a join token),
                ``workload_attestors`` (by default all that there are) and ``workload_key_type``.

        Raises:
            InvalidTopology: If the name is taken, or there are options for an agent that is there already.
            AttestationFailed: With SPIRE's text.
        """
        return self.world.builder.agent(self, name, **options)

    def workload(self, path: SpiffeId | str, **options: Unpack[WorkloadOptions]) -> Workload:
        """Register a workload on this server's first agent, and start it there.

        Args:
            path: The path of its SPIFFE ID, such as ``/web``, or the whole ID.
            **options: As for ``Agent.workload``.
        """
        return self.agent().workload(path, **options)

    def disable_jwt_svids(self) -> None:
        """Refuse to mint JWT-SVIDs from now on; keys of downstream servers are still relayed."""
        self.config = self.keyring.config = attrs.evolve(self.config, disable_jwt_svids=True)

    # What its loops do

    def rotate_authorities(self) -> None:
        """Prepare and activate the authorities that are due."""
        if not self.waits and self.now >= self.keyring.due():
            self.keyring.rotate(self.now)
            self.changed()
            self.leave_tainted()

    def prune_bundle(self) -> bool:
        """Remove from the bundle what ended a day ago; True if there was anything.

        SPIRE: pkg/server/ca/manager/manager.go (PruneBundle)
        """
        try:
            pruned = self.view.prune(self.now)
        except Refused as refusal:
            self._note_pruned(refusal.pruned)
            error = f"unable to prune bundle: prune failed: {refusal.message}"
            self.note("Could not prune CA certificates", error=error)
            return False
        if pruned:
            self._note_pruned(pruned)
            self.changed()
        return bool(pruned)

    @property
    def prune_due(self) -> Microseconds | None:
        """From when on, by the world's clock, a prune of the bundle would do something; None if never."""
        due, ledger = self.view.prune_due, self.view.ledger
        if due is None:
            return None
        ledger.latest_prune = max(ledger.latest_prune, due)
        return due - self.skew

    def _wake_pruners(self) -> None:
        """Let all prune in time what was just announced everywhere, which reaches their bundles without waking them.

        Only where it ends before something that one of them waits for.
        """
        authority, ledger = self.keyring.jwt.current.authority, self.view.ledger
        if authority is None or authority.not_after + MARGIN >= ledger.latest_prune:
            return
        for server in self.world.servers.values():
            if server.view.ledger is ledger:
                server.wake()

    def _note_pruned(self, pruned: Pruned) -> None:
        for element in pruned.x509:
            expiration = rfc3339(element.certificate.not_after)
            self.note("Pruning CA certificate due to expiration", subject_key_id=element, expiration=expiration)
        for key in pruned.jwt:
            self.note("Pruning JWT signing key due to expiration", kid=key, expiration=rfc3339(key.not_after))
        for wit in pruned.wit:
            self.note("Pruning WIT signing key due to expiration", kid=wit.key_id, expiration=rfc3339(wit.not_after))

    def notify_tainted(self, roots: Sequence[CertificateLike]) -> None:
        """Renew its own SVID at the next check, if that leads to one of these tainted roots."""
        self.own_svid.notify_tainted(roots)

    @property
    def health(self) -> Health:
        """What its health checks find now; SPIRE's look once a minute."""
        return self.ca.health(self.now)

    def changed(self) -> None:
        """Let those look again who fetch from here: agents, nested servers, and those of other trust domains."""
        self.revision += 1
        self.wake()
        self.wake_callers()

    def wake_callers(self) -> None:
        """Let all who call here look again: agents, nested servers, and those of other trust domains."""
        for caller in (*self.agents, *self.pollers):
            caller.wake()
        for child in self.children:
            child.wake_upward()

    # Life

    def start(self, *, everywhere: bool) -> None:
        """Make its first CA and keys, and begin its loops.

        Args:
            everywhere: Whether its JWT key is known in the whole trust domain at once.

        Raises:
            Refused: If the upstream authority refuses; SPIRE's server ends then.
        """
        self.keyring.start(self.now, everywhere=everywhere)
        if everywhere:
            self._wake_pruners()
        for warning in self.config.warnings():
            self.note(warning)
        self.own_svid.renew()
        self.note("Starting Server APIs", trust_domain_id=self.trust_domain.spiffe_id)
        self.start_loops()
        self.leave_tainted()

    def shut_down(self, reason: str) -> None:
        """End the process: what it has in memory is lost, its datastore is not.

        Args:
            reason: Why.
        """
        self.let_agents_catch_up()
        self.own_svid.catch_up()  # what is drawn is drawn, whoever looks
        self.stopped = reason
        self.end_loops()
        self.keyring.shut_down()
        self.own_svid.end()
        if self.channel is not None:
            self.channel.close()
        for agent in self.agents:
            agent.credentials.connected = False
        self.look_around()

    def restart(self) -> None:
        """Start its process again, from its datastore and from what its key manager has kept.

        It returns as a supervisor does who has started a process: ``stopped`` says what became of it.

        SPIRE: pkg/server/server.go
        """
        self.stopped = "starting"
        self.keyring.load(self.now)
        self.proceed()

    def proceed(self) -> None:
        """Go on with a start. One that needs the server above waits for the Workload API, and for nothing else."""
        if self.channel is not None and self._needs_upstream() and not self._fetch_source_first():
            return
        self.end_loops()
        try:
            self.start(everywhere=False)
        except SpiffeSimError as error:
            self.crash(error)
            return
        self.stopped = ""
        self.entries.refresh(self.cache)
        self.nodes.refresh(self.now)
        self.changed()

    def _needs_upstream(self) -> bool:
        keyring = self.keyring
        kinds = (keyring.x509,) if self.config.disable_jwt_svids else (keyring.x509, keyring.jwt)
        return any(
            slots.current.empty or (slots.next.empty and slots.current.should_prepare_next(self.now)) for slots in kinds
        )

    def _fetch_source_first(self) -> bool:
        if not self.loops:
            self.loops = (loops.WorkloadApiWatcher(self),)
            self.world.timetable.add(self.loops)
        self.stopped = "starting: waiting for the Workload API"
        return self.fetch_source()

    def crash(self, error: SpiffeSimError) -> None:
        """End, because of an error that SPIRE's server does not survive."""
        self.note("Fatal run error", error=str(error))
        self.shut_down(f"Server crashed: {error}")

    def let_agents_catch_up(self) -> None:
        """Let its agents do what they would have done by now, before something changes here."""
        for agent in self.agents:
            agent.catch_up()

    def look_around(self) -> None:
        """Let all see what has changed here: a connection that cannot be held breaks, from above and from below."""
        for server in (self, *self.children):
            server.check_upstream()
        for node in (self, *self.agents, *self.children, *self.pollers):
            node.wake()
        for agent in self.agents:
            agent.tell_channels()

    def set_skew(self, skew: Microseconds) -> None:
        """Set its clock that far ahead of the world's."""
        self.own_svid.catch_up()
        self.keyring.forget_history()
        super().set_skew(skew)
        self.own_svid.forget_next()

    def pause(self) -> None:
        """Suspend its machine."""
        self.own_svid.catch_up()
        super().pause()

    def resume(self) -> None:
        """Go on."""
        super().resume()
        self.own_svid.forget_next()

    def lose_datastore(self) -> None:
        """Lose all that is stored; its process has ended."""
        trust_domain = self.trust_domain
        self.view.forget()
        self.keyring.forget()
        self.entries = Entries(trust_domain, draw_id=self._draw_entry_id, has_bundle=self._has_bundle, now=self._now)
        self.cache = EntryCache(trust_domain)
        self.nodes = Nodes(trust_domain)
        self.join_tokens = JoinTokens()
        self.federated = {}
        self.relationships = {}

    def _kinds(self) -> tuple[type[Loop], ...]:
        return self._LOOPS if self.channel is None else (*self._LOOPS, *loops.NESTED)

    @property
    def shown(self) -> IssuedSvid | None:
        """Its own X509-SVID as a record; None before there is one."""
        return self.own_svid.record if self.own_svid.held else None

    @property
    def steady_svid(self) -> IssuedSvid | None:
        """An SVID of its own as good as the one that it shows; None where one has to look at that."""
        return self.own_svid.steady

    @property
    def valid_until(self) -> Microseconds:
        """Until when, by its own clock, it is sure to have a valid SVID to show, as it renews it in time."""
        return self.own_svid.valid_until

    def wake_those_who_mind(self) -> None:
        """Let those callers look again to whom a newer SVID may be another: who polls, and whose clock is behind."""
        for caller in (*self.agents, *self.children, *self.pollers):
            if caller.skew != self.skew or caller in self.pollers:
                caller.wake()
