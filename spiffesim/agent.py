"""Agent: attests to its server, syncs entries and bundles from it, and holds the SVIDs of its workloads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Unpack

from spiffesim.agentloops import LOOPS, SvidRotator
from spiffesim.authority import IssuedSvid
from spiffesim.authorization import ANONYMOUS, Caller
from spiffesim.daemon import Daemon
from spiffesim.entries import RegistrationEntry, Selector
from spiffesim.errors import AttestationFailed, NotAuthorized, NotFound, Refused, SpiffeSimError, Unavailable
from spiffesim.instants import SECOND, Microseconds, moment
from spiffesim.jwtcache import Audience, JwtCache
from spiffesim.ledger import View
from spiffesim.loop import Loop
from spiffesim.plugins.node_attestor import NodeAttestor
from spiffesim.plugins.workload_attestor import Process, WorkloadAttestor
from spiffesim.server import Server
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.x509svid import X509Svid
from spiffesim.svidcache import Identity, SvidCache
from spiffesim.world import ProcessOptions, WorkloadOptions, World

if TYPE_CHECKING:
    from spiffesim.workload import Workload


class Agent(Daemon):
    """A SPIRE agent.

    Make one with ``Server.agent(...)``.

    Attributes:
        name: Its name in the simulation.
        server: The server that it attested to.
        attestor: How it attests.
        workload_attestors: How it finds the selectors of its workloads.
        workload_key_type: The type of its workloads' keys (``workload_x509_svid_key_type``).
        sync_interval: How often it syncs, in microseconds.
        seen: Which revision of its server it has seen last.
    """

    _LOOPS: ClassVar[tuple[type[Loop], ...]] = LOOPS

    def __init__(
        self,
        world: World,
        name: str,
        server: Server,
        attestor: NodeAttestor,
        *,
        workload_attestors: Sequence[WorkloadAttestor],
        workload_key_type: str = "ec-p256",
        sync_interval: Microseconds = 5 * SECOND,
    ) -> None:
        super().__init__(world, name)
        self.server = server
        self.attestor = attestor
        self.workload_attestors = tuple(workload_attestors)
        self.workload_key_type = workload_key_type
        self.view = View(server.view.ledger)
        self.federated: dict[TrustDomain, SpiffeBundle] = {}
        self.sync_interval = sync_interval
        self.seen = -1
        self._cache = SvidCache()
        self._tokens = JwtCache()
        self._svid: IssuedSvid | None = None
        self._caller = ANONYMOUS  # its own once it has attested

    # Identity

    @property
    def spiffe_id(self) -> SpiffeId:
        """The SPIFFE ID that its attestation gave it."""
        return SpiffeId(self._attested().spiffe_id)

    @property
    def svid(self) -> X509Svid:
        """Its X509-SVID."""
        return self._attested().draw()

    @property
    def not_after(self) -> datetime:
        """When its X509-SVID ends."""
        return moment(self._attested().not_after)

    @property
    def depth(self) -> int:
        """How many servers stand above it."""
        return self.server.depth + 1

    @property
    def caller(self) -> Caller:
        """This agent as its server sees it."""
        svid = self._attested()
        if self._caller.svid is not svid:
            self._caller = Caller.holding(svid)
        return self._caller

    def _attested(self) -> IssuedSvid:
        if self._svid is None:
            raise AttestationFailed(
                f"agent {self.name} has not attested", status="FAILED_PRECONDITION", hint="call attest()"
            )
        return self._svid

    def attest(self) -> None:
        """Start: prove to the server what this node is, receive the agent's SVID, and sync for the first time.

        Raises:
            AttestationFailed: With SPIRE's text.

        SPIRE: pkg/agent/agent.go (the Workload API opens after the first sync)
        """
        self._attest()
        self.stopped = ""
        self.sync()
        self.start_loops()

    def _attest(self) -> None:
        attestation = self.attestor.attest(self.server, self.now)
        self._take(self.server.admit_agent(self.attestor.name, attestation))
        self.view.copy(self.server.view)

    def _take(self, svid: IssuedSvid) -> None:
        """Take over a new SVID of its own."""
        self._svid = svid
        self._svid_renew_after = svid.renew_after(SvidRotator.period)
        self.seen = -1  # the next sync uses it for the first time
        self.wake()

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

    def sync(self, *, rotating: bool = False) -> bool:
        """Fetch entries and bundles from the server, and mint what is stale; False if that failed.

        An agent that the server no longer knows attests again where it can, or else stops.

        Args:
            rotating: Whether SVIDs that are to be renewed count as stale, as they do in SPIRE's own syncs.

        SPIRE: pkg/agent/manager/sync.go
        """
        self.catch_up()
        if not self.running:
            return True
        if not self.world.reaches(self, self.server):
            return self._fail_sync("failed to fetch authorized entries: rpc error: code = Unavailable")
        entries = self._fetch_entries()
        if entries is None:
            return True
        try:
            federated = self._fetch_federated(entries)
        except Refused as refusal:  # SPIRE: then nothing of the sync counts
            return self._fail_sync(f"failed to fetch federated bundle: {refusal}")
        self.seen = self.server.revision
        self.view.copy(self.server.view)
        self.federated = federated
        self._update(entries)
        if rotating:
            self._cache.age(self.now)
        self.mint_stale()
        return True

    def _fail_sync(self, error: str) -> bool:
        self.note("Synchronize failed", error=error)
        return False

    @property
    def sync_due(self) -> Microseconds | None:
        """From when on a sync would bring anything; None if nothing is to be expected."""
        if self.seen != self.server.revision or not self.world.reaches(self, self.server):
            return 0
        ends = [self._attested().not_after + 1 - self.server.skew]
        renewal = self._cache.next_renewal
        if renewal is not None:
            # What nobody looks at is renewed when somebody does (catch_up), as long as the server can sign.
            ends.append(renewal[0] - self.skew if self._eager else self.server.ca.authority.not_after + 1)
        return min(ends)

    @property
    def _eager(self) -> bool:
        """Whether each renewal of a workload's SVID is an event of its own."""
        return self.workload_key_type.startswith("rsa") or self.world.journal.debug

    def catch_up(self) -> None:
        """Renew what the syncs up to now would have renewed, had anybody looked."""
        if not self.loops:
            return
        grid, cache = self.loops[0].grid, self._cache
        assert grid is not None
        while (renewal := cache.next_renewal) is not None:
            instant = grid.at(grid.next(renewal[0] - self.skew))
            if not self.world.timetable.passed(instant, self.loops[0]):
                return
            self._renew(renewal[1], instant)

    def _renew(self, entry_id: str, instant: Microseconds) -> None:
        svid = self.server.sign_entry(
            self._cache.entry(entry_id),
            self.spiffe_id,
            now=instant + self.server.skew,
            key_type=self.workload_key_type,
        )
        self._hold(entry_id, svid, instant)

    @property
    def has_stale(self) -> bool:
        """Whether any entry needs an SVID."""
        return self._cache.any_stale

    def mint_stale(self) -> bool:
        """Mint an SVID for every entry that needs one; False if the server could not be asked."""
        for entry in self._cache.stale:
            self._mint(entry)
        return True

    def _fetch_entries(self) -> list[RegistrationEntry] | None:
        try:
            return self.server.authorized_entries(self.caller)
        except NotAuthorized as refusal:
            return self.server.authorized_entries(self.caller) if self._recover(refusal) else None

    def _update(self, entries: list[RegistrationEntry]) -> None:
        if self._cache.update(entries):
            self.view.ledger.closures += 1  # a nested server that attests through here may have lost its identity

    def learn(self, entry: RegistrationEntry) -> None:
        """Take over one entry that has just been created: its SVID, and the bundles that it alone federates with."""
        if self.stopped:
            return
        self._cache.learn(entry)
        if self._cache.is_stale(entry):
            self._mint(entry)
        if entry.federates_with:
            with suppress(Refused):  # the next sync finds out
                self.federated = self._fetch_federated([entry]) | self.federated

    def _mint(self, entry: RegistrationEntry) -> bool:
        try:
            svid = self.server.new_x509_svid(self.caller, entry.id, key_type=self.workload_key_type)
        except SpiffeSimError as error:  # or there is no key: the packaged RSA primes may be used up
            # SPIRE: the entry stays stale, and is tried again (pkg/agent/manager/manager.go).
            self.note("Failed to mint X509 SVID", entry_id=entry.id, error=str(error))
            return False
        self._hold(entry.id, svid, self.world.now)
        return True

    def _hold(self, entry_id: str, svid: IssuedSvid, instant: Microseconds) -> None:
        """Hold an SVID that was minted at an instant, to be renewed at a later check."""
        self._cache.hold(entry_id, svid, max(svid.renew_after(self.sync_interval), instant + self.skew + 1))

    def _fetch_federated(self, entries: Iterable[RegistrationEntry]) -> dict[TrustDomain, SpiffeBundle]:
        """The bundles that entries federate with; one that the server has lost is passed over.

        Raises:
            Refused: If the server refuses one, as it does its own.
        """
        bundles: dict[TrustDomain, SpiffeBundle] = {}
        for name in dict.fromkeys(name for entry in entries for name in entry.federates_with):
            with suppress(NotFound):
                bundles[name] = self.server.get_federated_bundle(name, caller=self.caller)
        return bundles

    def _recover(self, refusal: NotAuthorized) -> bool:
        """React to a server that refuses: attest again, and say True, or else stop.

        SPIRE: pkg/agent/manager/manager.go, pkg/common/nodeutil/node.go
        """
        if refusal.detail == "AGENT_BANNED":
            self._stop("Agent is banned: removing SVID and shutting down", refusal)
            return False
        self.note("Agent needs to re-attest; will attempt to re-attest", reason=refusal.detail)
        try:
            if not self.attestor.can_reattest:
                raise AttestationFailed("attestation method is not re-attestable", status="FAILED_PRECONDITION")
            self._attest()
        except SpiffeSimError as failure:
            self._stop("Agent failed re-attestation; removing SVID and shutting down", failure)
            return False
        return True

    def _stop(self, reason: str, error: SpiffeSimError) -> None:
        self.stopped = reason
        self._cache.clear()
        self._tokens.clear()
        self.end_loops()
        self.view.ledger.closures += 1  # a nested server that attests through here has lost its identity
        self.note(reason, error=str(error))

    # Its own SVID

    @property
    def svid_due(self) -> Microseconds:
        """From when on its own SVID is to be renewed."""
        return self._svid_renew_after - self.skew

    def rotate_svid(self) -> bool:
        """Renew its own SVID: attest again where the attestor allows, or else renew; False if that failed.

        SPIRE: pkg/agent/svid/rotator.go
        """
        if self.now < self._svid_renew_after:
            return True
        try:
            self._rotate_svid()
        except SpiffeSimError as error:
            self._fail_rotation(error)
            return False
        return True

    def _rotate_svid(self) -> None:
        if not self.world.reaches(self, self.server):
            raise Unavailable("server unreachable", status="UNAVAILABLE")
        if self.attestor.can_reattest:
            self._attest()
            done = "Successfully reattested node"
        else:
            self._take(self.server.renew_agent(self.caller))
            done = "Successfully rotated agent SVID"
        self.note(done, spiffe_id=self.spiffe_id)

    def _fail_rotation(self, error: SpiffeSimError) -> None:
        what = "reattest agent" if self.attestor.can_reattest else "rotate agent SVID"
        self.note(f"Could not {what}", error=str(error))
        if self.now > self._attested().not_after:
            self._stop(f"current SVID has already expired and {what} failed", error)

    # Serving workloads

    def check_running(self) -> None:
        """Refuse when the agent's process has ended.

        Raises:
            Unavailable: UNAVAILABLE, as whoever connects to a socket that is gone.
        """
        if self.stopped:
            raise Unavailable(
                "the Workload API is unavailable", status="UNAVAILABLE", hint=f"agent {self.name}: {self.stopped}"
            )

    def selectors(self, process: Process) -> tuple[Selector, ...]:
        """What the workload attestors find out about a process."""
        found = (selector for attestor in self.workload_attestors for selector in attestor.attest(process))
        return tuple(dict.fromkeys(found))

    def matching(self, selectors: Iterable[Selector]) -> list[RegistrationEntry]:
        """The entries of a workload with these selectors, by entry ID."""
        return self._cache.matching(selectors)

    def nearest(self, selectors: Iterable[Selector]) -> RegistrationEntry | None:
        """The entry that lacks the fewest selectors of being matched."""
        return self._cache.nearest(selectors)

    def identities(self, selectors: Iterable[Selector]) -> list[Identity]:
        """The identities that are at hand for a workload with these selectors, by entry ID."""
        self.catch_up()
        return self._cache.identities(self._cache.matching(selectors))

    def subscribe(self, selectors: Iterable[Selector]) -> list[Identity]:
        """The identities of a workload with these selectors, by entry ID, minted now where they are not at hand.

        Raises:
            Unavailable: DEADLINE_EXCEEDED, if one cannot be minted. SPIRE waits for it as long as the
                workload does.
        """
        self.catch_up()
        entries = self._cache.matching(selectors)
        for entry in entries:
            if self._cache.svid(entry) is None and not self._mint(entry):
                raise Unavailable(
                    "context deadline exceeded",
                    status="DEADLINE_EXCEEDED",
                    hint=f"agent {self.name} has no SVID for entry {entry.id} ({entry.spiffe_id}), and could not mint "
                    "one; its journal says why",
                )
        return self._cache.identities(entries)

    def jwt_svid(self, entry: RegistrationEntry, audience: Audience) -> JwtSvid:
        """A JWT-SVID of an entry: the cached one until its half-life, then a new one.

        Args:
            entry: The entry.
            audience: Whom it is for, in any order.

        Raises:
            Unavailable: With SPIRE's text, if the server refuses and no cached one is still good.
        """
        return self._tokens.fetch(
            entry,
            audience,
            self.now,
            mint=lambda: self.server.new_jwt_svid(self.caller, entry.id, audience),
            warn=lambda reason: self.note(
                "Unable to renew JWT; returning cached copy", spiffe_id=entry.spiffe_id, error=reason
            ),
        )

