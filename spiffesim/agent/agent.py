"""Agent: one SPIRE agent.

Its own identity is in ``credentials``, what it fetches from its server in ``synchronization``, and what it has for
workloads is its Workload API; here is its life.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from spiffesim.agent import loops
from spiffesim.agent.credentials import Credentials
from spiffesim.agent.jwtcache import JwtCache
from spiffesim.agent.minter import Minter
from spiffesim.agent.startup import Starter, check_rebootstrap
from spiffesim.agent.svidcache import SvidCache
from spiffesim.agent.sync import Sync
from spiffesim.agent.workloadapi import WorkloadApi
from spiffesim.agentconfig import AgentConfig
from spiffesim.authorization import Caller
from spiffesim.channel import AMPLE, Channel
from spiffesim.entries import RegistrationEntry
from spiffesim.instants import Microseconds, moment, span
from spiffesim.loop import Loop
from spiffesim.plugins.node_attestor import NodeAttestor
from spiffesim.plugins.workload_attestor import WorkloadAttestor
from spiffesim.server import Server
from spiffesim.server.view import View
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.x509svid import X509Svid
from spiffesim.world import ProcessOptions, WorkloadOptions, World

if TYPE_CHECKING:
    from spiffesim.workload import Workload

_CRASHED = "Cache manager crashed"


class Agent(WorkloadApi):
    """A SPIRE agent.

    Make one with ``Server.agent(...)``.

    Attributes:
        name: Its name in the simulation.
        server: The server that it attests to.
        attestor: How it attests.
        workload_attestors: How it finds the selectors of its workloads.
        config: Its settings.
        rebootstrap_mode: What it does when its server has become another: as configured, or ``never`` where
            its attestor does not allow more.
        credentials: Its own identity.
        synchronization: What it has fetched from its server.
        minter: What it asks its server for on behalf of workloads.
        clients: The names of the nested servers that attest through it.
    """

    _LOOPS: ClassVar[tuple[type[Loop], ...]] = loops.LOOPS

    def __init__(
        self,
        world: World,
        name: str,
        server: Server,
        attestor: NodeAttestor,
        *,
        workload_attestors: Sequence[WorkloadAttestor],
        config: AgentConfig | None = None,
    ) -> None:
        super().__init__(world, name)
        self.server = server
        self.depth = server.depth + 1
        self.attestor = attestor
        self.workload_attestors = tuple(workload_attestors)
        self.config = config or AgentConfig()
        self.rebootstrap_mode = self.config.rebootstrap_mode
        self.view = View(server.view.ledger)
        self.clients: list[str] = []
        self.credentials = Credentials(self)
        self._begin_process()

    def _begin_process(self) -> None:
        """Begin with an empty memory."""
        self.federated = {}
        self.streams = []
        self.cache = SvidCache(self.config.x509_svid_cache_max_size)
        self.tokens = JwtCache(self.config.jwt_svid_cache_max_size, self.world.randomness, self.name)
        self.synchronization = Sync(self)
        self.minter = Minter(self)

    # Identity

    @property
    def spiffe_id(self) -> SpiffeId:
        """The SPIFFE ID that its attestation gave it."""
        return self.credentials.spiffe_id

    @property
    def svid(self) -> X509Svid:
        """Its X509-SVID."""
        return self.credentials.svid.draw()

    @property
    def not_after(self) -> datetime:
        """When its X509-SVID ends."""
        return moment(self.credentials.svid.not_after)

    @property
    def caller(self) -> Caller:
        """This agent as its server sees it."""
        return self.credentials.caller

    @property
    def sync_interval(self) -> Microseconds:
        """How often it syncs, in microseconds."""
        return span(self.config.sync_interval)

    # Conveniences

    def workload(self, path: SpiffeId | str, **options: Unpack[WorkloadOptions]) -> Workload:
        """Register a workload on this agent, with a selector of its own, and start it.

        Args:
            path: The path of its SPIFFE ID, such as ``/web``, or the whole ID.
            **options: ``name`` (in the simulation), ``process`` (a ``Process`` with more attributes),
                ``selectors`` (what the entry asks for instead, which the process must have), and the
                other fields of ``RegistrationEntry``, such as ``dns_names`` or ``hint``.

        Raises:
            InvalidTopology: If the name is taken.
            InvalidSpiffeId: If that is not the path of a SPIFFE ID.
            Refused: With SPIRE's status and text, if its server does not accept the entry.
        """
        return self.world.builder.workload(self, path, **options)

    def process(self, **options: Unpack[ProcessOptions]) -> Workload:
        """Start a process that nobody has registered yet.

        Args:
            **options: ``name`` (in the simulation) and the attributes of ``Process``, such as ``uid``.
        """
        return self.world.builder.process(self, **options)

    # Sync

    @property
    def sync_loop(self) -> Loop | None:
        """The loop that syncs; None while the process does not run, or is still starting."""
        return self.loops[0] if self.loops and isinstance(self.loops[0], loops.Synchronizer) else None

    @property
    def taint_loop(self) -> loops.TaintProcessor:
        """The loop that drops SVIDs of tainted authorities; one that never runs while there is nothing to drop."""
        return self.loop(loops.TaintProcessor)

    @property
    def behind(self) -> bool:
        """Whether a sync would bring anything, or anything is still to be minted."""
        return self.synchronization.expects_news or self.cache.any_stale

    def sync(self, *, rotating: bool = False) -> bool:
        """Fetch entries and bundles from the server, and mint what is stale; False if that failed.

        An agent that the server no longer knows attests again where it can, or else ends.

        Args:
            rotating: Whether this is a sync of SPIRE's own: SVIDs that are to be renewed count as stale, and a
                server that cannot be reached is a failure.
        """
        if not self.running or not (rotating or self.world.reaches(self, self.server)):
            return True
        done = self.synchronization.run(rotating=rotating)
        if not rotating:
            self.wake()
        return done

    @property
    def channels(self) -> list[Channel]:
        """Those of the nested servers that attest through it."""
        channels = (self.world.servers[name].channel for name in self.clients)
        return [channel for channel in channels if channel is not None]

    @property
    def renews_until(self) -> Microseconds | None:
        """Until when, by the world's clock, it is sure to renew its workloads' SVIDs in time; None if it is not."""
        loop = self.sync_loop
        if not self.running or loop is None or loop.retry_at is not None or self.skew != self.server.skew:
            return None
        if self.config.workload_key_type.startswith("rsa"):
            return None
        return self.server.keyring.x509.current.not_after - AMPLE * self.sync_interval - self.skew

    def tell_channels(self) -> None:
        """Let the nested servers that attest through it look again whether they still get an SVID."""
        for channel in self.channels:
            channel.restless = True
            channel.server.wake()

    def learn(self, entry: RegistrationEntry) -> None:
        """Take over one entry that has just been created."""
        if self.running:
            self.synchronization.learn(entry)
            self.wake()

    # Life

    def attest(self) -> None:
        """Start at once: prove to the server what this node is, receive the agent's SVID, and sync for the first time.

        Raises:
            AttestationFailed: With SPIRE's text.
            Unavailable: If the server cannot be reached.

        SPIRE: pkg/agent/agent.go (the Workload API opens after the first sync)
        """
        self.credentials.attest()
        check_rebootstrap(self)
        self.server.nodes.show(self.spiffe_id, self.server.now)
        self.stopped = ""
        self.sync()
        if self.running:
            self.restart_loops()

    def restart(self) -> None:
        """Start the process again, from its disk and from what its key manager has kept.

        It returns as a supervisor does who has started a process: ``stopped`` says what becomes of it. While the
        server cannot be reached it tries again as time passes, and serves nothing.

        SPIRE: pkg/agent/agent.go
        """
        self.stopped = "starting"
        self.rebootstrap_mode = self.config.rebootstrap_mode
        self._begin_process()
        starter = Starter(self)
        self.loops = (starter,)
        self.world.timetable.add(self.loops)
        starter.run()
        self.world.timetable.wake(starter)

    def open(self) -> None:
        """Open the Workload API, after the first sync."""
        self.stopped = ""
        self.restart_loops()
        self.note("Starting Workload and SDS APIs")
        self.credentials.rotate()  # SPIRE looks at its own SVID first, and then waits

    def restart_loops(self) -> None:
        """Let its loops begin anew, as after an attestation."""
        self.end_loops()
        self.start_loops()

    def shut_down(self, reason: str = "Agent stopped gracefully") -> None:
        """End the process: what it has in memory is lost, its disk is not.

        Args:
            reason: Why.
        """
        self.catch_up()
        for channel in self.channels:
            channel.remember()
        self.tell_channels()
        self.end_streams(reason)
        self.end_loops()
        self.stopped = reason
        self.credentials.end_process()
        self._begin_process()
        self.view.ledger.closures += 1  # a nested server that attests through here has lost its identity

    def end(self, reason: str, kind: str = "", **facts: Any) -> None:
        """End the process because of something that it does not survive.

        Args:
            reason: Why.
            kind: What is noted; by default the reason.
            **facts: What is noted with it.
        """
        self.shut_down(reason)
        self.note(kind or reason, **facts)

    def crash(self, error: str) -> None:
        """End the process because of an error of its loops."""
        self.end(error, _CRASHED, error=error)

    def pause(self) -> None:
        """Suspend its machine."""
        self.catch_up()
        super().pause()
