"""Server: one SPIRE server, root or nested.

What it signs is in ``ca``, what it has registered in ``entries``, whom it has attested in
``nodes``; here are its methods, as agents, downstream servers and operators call them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import attrs

from spiffesim import rotation, serverloops
from spiffesim.api.agent import AgentService
from spiffesim.api.bundle import BundleService
from spiffesim.api.svid import SvidService
from spiffesim.authority import IssuedSvid
from spiffesim.ca import ServerCa
from spiffesim.configuration import ServerConfig
from spiffesim.entries import Entries, EntryCache
from spiffesim.errors import SpiffeSimError
from spiffesim.instants import Microseconds, moment, span
from spiffesim.keyring import Keyring
from spiffesim.keys import Draw
from spiffesim.ledger import Ledger, View
from spiffesim.loop import Loop
from spiffesim.nodes import Nodes
from spiffesim.plugins.key_manager import KeyManager
from spiffesim.plugins.node_attestor.join_token import JoinTokens
from spiffesim.plugins.upstream_authority import UpstreamAuthority
from spiffesim.profiles import SERVER_SVID
from spiffesim.randomness import Randomness
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.x509svid import X509Svid
from spiffesim.world import AgentOptions, NestOptions, WorkloadOptions, World

if TYPE_CHECKING:
    from spiffesim.agent import Agent
    from spiffesim.workload import Workload


class Server(AgentService, SvidService, BundleService):
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
        agents: Its agents, in the order of their making.
        children: The servers nested in it.
        revision: How often anything changed that agents and nested servers fetch from here.
    """

    _LOOPS: ClassVar[tuple[type[Loop], ...]] = serverloops.LOOPS

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
    ) -> None:
        super().__init__(world, name)
        self.config = config
        self.parent = parent
        self.via = via
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.view = View(ledger)
        if parent is not None:
            self.view.learn_roots(parent.view.x509_position)
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
        self.agents: list[Agent] = []
        self.upstream_name = ""
        self.revision = self.upstream_seen = 0
        self.children: list[Server] = []
        self._svid: IssuedSvid | None = None

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
        return self._server_svid().draw()

    @property
    def not_after(self) -> datetime:
        """When the CA that signs now ends."""
        return moment(self.ca.authority.not_after)

    def _server_svid(self) -> IssuedSvid:
        if self._svid is None:
            self.renew_svid()
        assert self._svid is not None
        return self._svid

    # Conveniences

    def nest(self, name: str, **options: Unpack[NestOptions]) -> Server:
        """Nest a server: register it as downstream here, and let it fetch its CA.

        Args:
            name: Its name; its SPIFFE ID as a downstream workload is ``/<name>``, with an underscore for
                what a path cannot have.
            **options: ``via`` (the agent through which it attests; by default this server's first),
                ``process`` (a ``Process`` with its attributes: then you have registered it yourself),
                ``key_manager``, and the settings of ``ServerConfig``, by default this server's.

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
        if self.now >= self.keyring.due():
            self.keyring.rotate(self.now)
            self.changed()

    @property
    def svid_due(self) -> Microseconds:
        """From when on its own SVID is to be renewed, by its own clock."""
        return 0 if self._svid is None else rotation.half_life(self._svid.not_before, self._svid.not_after) + 1

    def rotate_svid(self) -> None:
        """Renew its own SVID past its half-life. SPIRE: pkg/server/svid/rotator.go."""
        if self.now < self.svid_due:
            return
        try:
            self.renew_svid()
        except SpiffeSimError as error:  # the CA has ended, or the packaged RSA primes are used up
            self.note("Could not rotate server SVID", error=str(error))

    def poll_upstream(self) -> bool:
        """Learn what the parent's bundle has that this one has not; True if there was anything."""
        if self.parent is None or not self.world.reaches(self, self.parent):
            return False
        self.upstream_seen = self.parent.revision
        if not self.view.catch_up(self.parent.view):
            return False
        self.changed()
        return True

    @property
    def upstream_news(self) -> bool:
        """Whether a poll of the server above would bring anything."""
        return self.parent is not None and self.parent.revision != self.upstream_seen

    def changed(self) -> None:
        """Let those look again who fetch from here: agents and nested servers."""
        self.revision += 1
        self.wake()
        for dependent in (*self.agents, *self.children):
            dependent.wake()

    # Life

    def start(self, *, everywhere: bool) -> None:
        """Make its first CA and keys, and begin its loops.

        Args:
            everywhere: Whether its JWT key is known in the whole trust domain at once.
        """
        self.keyring.start(self.now, everywhere=everywhere)
        for warning in self.config.warnings():
            self.note(warning)
        self.renew_svid()
        self.note("Starting Server APIs", trust_domain_id=self.trust_domain.spiffe_id)
        self.start_loops()

    def renew_svid(self) -> None:
        """Sign a new SVID of its own, over a new key."""
        draw = Draw.next(self.world.randomness, f"{self.name} server")
        self._svid = self.ca.sign_svid(
            SERVER_SVID,
            draw,
            spiffe_id=str(self.spiffe_id),
            now=self.now,
            ttl=span(self.config.default_x509_svid_ttl),
            key_type=self.config.ca_key_type,
        )
