"""Agent: attests to its server, syncs entries and bundles from it, and holds the SVIDs of its workloads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Unpack

import attrs

from spiffesim.authority import IssuedSvid
from spiffesim.authorization import Caller
from spiffesim.entries import RegistrationEntry, Selector
from spiffesim.errors import AttestationFailed, NotAuthorized, Refused, Unavailable
from spiffesim.instants import Microseconds, moment
from spiffesim.ledger import View
from spiffesim.plugins.node_attestor import NodeAttestor
from spiffesim.plugins.workload_attestor import Process, WorkloadAttestor
from spiffesim.server import Server
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.x509svid import X509Svid
from spiffesim.world import ProcessOptions, WorkloadOptions, World

if TYPE_CHECKING:
    from spiffesim.workload import Workload


@attrs.frozen
class Identity:
    """One entry of an agent with its present X509-SVID."""

    entry: RegistrationEntry
    svid: IssuedSvid


class Agent:
    """A SPIRE agent.

    Make one with ``Server.agent(...)``.

    Attributes:
        name: Its name in the simulation.
        server: The server that it attested to.
        attestor: How it attests.
        workload_attestors: How it finds the selectors of its workloads.
        workload_key_type: The type of its workloads' keys (``workload_x509_svid_key_type``).
    """

    def __init__(
        self,
        world: World,
        name: str,
        server: Server,
        attestor: NodeAttestor,
        *,
        workload_attestors: Sequence[WorkloadAttestor],
        workload_key_type: str = "ec-p256",
    ) -> None:
        self.world = world
        self.name = name
        self.server = server
        self.attestor = attestor
        self.workload_attestors = tuple(workload_attestors)
        self.workload_key_type = workload_key_type
        self.view = View(server.view.ledger)
        self.federated: dict[TrustDomain, SpiffeBundle] = {}
        self.stopped = ""
        self._entries: dict[str, RegistrationEntry] = {}
        self._by_selector: dict[Selector, dict[str, RegistrationEntry]] = {}
        self._svids: dict[str, IssuedSvid] = {}
        self._tokens: dict[tuple[str, tuple[str, ...]], JwtSvid] = {}
        self._svid: IssuedSvid | None = None

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
    def caller(self) -> Caller:
        """This agent as its server sees it."""
        return Caller.holding(self._attested())

    def _attested(self) -> IssuedSvid:
        if self._svid is None:
            raise AttestationFailed(
                f"agent {self.name} has not attested", status="FAILED_PRECONDITION", hint="call attest()"
            )
        return self._svid

    def attest(self) -> None:
        """Prove to the server what this node is, and receive the agent's SVID.

        Raises:
            AttestationFailed: With SPIRE's text.
        """
        attestation = self.attestor.attest(self.server, self.world.now)
        self._svid = self.server.admit_agent(self.attestor.name, attestation)
        self.view.copy(self.server.view)
        self.stopped = ""

    # Conveniences

    def workload(self, path: str, **options: Unpack[WorkloadOptions]) -> Workload:
        """Register a workload on this agent, with a selector of its own, and start it.

        Args:
            path: The path of its SPIFFE ID, such as ``/web``, or the whole ID.
            **options: ``name`` (in the simulation), ``process`` (a ``Process`` with more attributes),
                and the other fields of ``RegistrationEntry``, such as ``dns_names`` or ``hint``.
        """
        return self.world.builder.workload(self, path, **options)

    def process(self, **options: Unpack[ProcessOptions]) -> Workload:
        """Start a process that nobody has registered yet.

        Args:
            **options: ``name`` (in the simulation) and the attributes of ``Process``, such as ``uid``.
        """
        return self.world.builder.process(self, **options)

    # Sync

    def sync(self) -> bool:
        """Fetch entries and bundles from the server, and mint what is new; True if anything changed.

        SPIRE: pkg/agent/manager/sync.go
        """
        try:
            entries = self.server.authorized_entries(self.caller)
        except NotAuthorized as refusal:
            return self._lost_access(refusal)
        changed = self.view.copy(self.server.view)
        changed |= self._sync_federated(entries)
        current = {entry.id: entry for entry in entries}
        if current != self._entries:
            changed = True
            for entry_id in [known for known in self._entries if known not in current]:
                self._drop(entry_id)
            for entry in entries:
                self.learn(entry)
        return changed

    def learn(self, entry: RegistrationEntry) -> None:
        """Take over one entry, and mint its SVID when it is new or has changed."""
        known = self._entries.get(entry.id)
        if known == entry and entry.id in self._svids:
            return
        if known is not None:
            self._by_selector[known.selectors[0]].pop(known.id)
        self._entries[entry.id] = entry
        self._by_selector.setdefault(entry.selectors[0], {})[entry.id] = entry
        if not entry.store_svid:
            self._mint(entry)

    def _mint(self, entry: RegistrationEntry) -> None:
        try:
            svid = self.server.new_x509_svid(self.caller, entry.id, key_type=self.workload_key_type)
        except Refused as refusal:
            # SPIRE: the entry stays stale, and the next sync tries again (pkg/agent/manager/manager.go).
            self.world.note(self.name, "Failed to mint X509 SVID", entry_id=entry.id, error=str(refusal))
            return
        self._svids[entry.id] = svid

    def _drop(self, entry_id: str) -> None:
        entry = self._entries.pop(entry_id)
        self._by_selector[entry.selectors[0]].pop(entry_id)
        self._svids.pop(entry_id, None)

    def _sync_federated(self, entries: Iterable[RegistrationEntry]) -> bool:
        wanted = {name: None for entry in entries for name in entry.federates_with}
        known = self.server.federated
        federated = {name: known[name] for name in wanted if name in known}
        changed = federated != self.federated
        self.federated = federated
        return changed

    def _lost_access(self, refusal: NotAuthorized) -> bool:
        """React to a server that refuses: attest again where that is possible, else stop.

        SPIRE: pkg/common/nodeutil/node.go
        """
        if refusal.detail != "AGENT_BANNED" and self.attestor.can_reattest:
            self.world.note(self.name, "Agent needs to re-attest; will attempt to re-attest", reason=refusal.detail)
            self.attest()
            return True
        reason = "Agent is banned" if refusal.detail == "AGENT_BANNED" else "Agent failed re-attestation"
        changed = not self.stopped
        self.stopped = f"{reason}: removing SVID and shutting down"
        if changed:
            self.world.note(self.name, self.stopped)
        return changed

    # What time does

    def renew_if_due(self) -> None:
        """Renew its own SVID, and those of its workloads, once past their half-life."""
        now = self.world.now
        node = self.server.nodes.get(self.spiffe_id)
        if node is None or node.banned:
            return  # the next sync finds out
        if self._attested().past_half_life(now):
            self._renew()
        for entry_id, svid in self._svids.items():
            if svid.past_half_life(now):
                self._mint(self._entries[entry_id])

    def _renew(self) -> None:
        """A new SVID of its own; by the time a step of the clock ends, the old one may have expired.

        SPIRE: pkg/agent/svid/rotator.go attests again where the attestor allows, else renews.
        """
        if self.attestor.can_reattest:
            self._svid = self.server.admit_agent(self.attestor.name, self.attestor.attest(self.server, self.world.now))
        else:
            self._svid = self.server.roll_over(self.spiffe_id)
        self.world.note(self.name, "Renewing agent SVID", spiffe_id=self.spiffe_id)

    # Serving workloads

    def selectors(self, process: Process) -> tuple[Selector, ...]:
        """What the workload attestors find out about a process."""
        found = (selector for attestor in self.workload_attestors for selector in attestor.attest(process))
        return tuple(dict.fromkeys(found))

    def identities(self, selectors: Iterable[Selector]) -> list[Identity]:
        """The identities of a workload with these selectors, by entry ID.

        SPIRE: pkg/agent/manager/cache/lru_cache.go: every selector of the entry must be among them.
        """
        self.check_running()
        held = frozenset(selectors)
        found = [
            entry
            for selector in held
            for entry in self._by_selector.get(selector, {}).values()
            if held.issuperset(entry.selectors)
        ]
        return [
            Identity(entry, self._svids[entry.id])
            for entry in sorted(found, key=lambda entry: entry.id)
            if entry.id in self._svids
        ]

    def check_running(self) -> None:
        """Refuse when the agent's process has ended."""
        if self.stopped:
            raise Unavailable(
                "the Workload API is unavailable", status="UNAVAILABLE", hint=f"agent {self.name}: {self.stopped}"
            )

    def nearest(self, selectors: Iterable[Selector]) -> RegistrationEntry | None:
        """The entry that lacks the fewest selectors of being matched."""
        held = frozenset(selectors)
        return min(
            self._entries.values(),
            key=lambda entry: (len(frozenset(entry.selectors) - held), entry.id),
            default=None,
        )

    def jwt_svid(self, entry: RegistrationEntry, audience: tuple[str, ...]) -> JwtSvid:
        """A JWT-SVID of an entry: the cached one until its half-life, then a new one.

        SPIRE: pkg/agent/manager/cache/jwt_cache.go
        """
        key = (str(entry.spiffe_id), tuple(sorted(audience)))
        cached = self._tokens.get(key)
        now = self.world.now
        if cached is not None and not _expires_soon(cached, now):
            return cached if cached.hint == entry.hint else attrs.evolve(cached, hint=entry.hint)
        try:
            token = self.server.new_jwt_svid(self.caller, entry.id, audience)
        except Refused as refusal:
            raise Unavailable(
                f"could not fetch JWT-SVID: failed to fetch JWT SVID: rpc error: code = {grpc_name(refusal.status)} "
                f"desc = {refusal.message}",
                status="UNAVAILABLE",
                hint=refusal.hint,
                upstream=refusal.status,
            ) from refusal
        svid = JwtSvid.parse(token)
        self._tokens[key] = svid
        return attrs.evolve(svid, hint=entry.hint) if entry.hint else svid

    def __repr__(self) -> str:
        return f"<Agent {self.name}>"


def _expires_soon(svid: JwtSvid, now: Microseconds) -> bool:
    issued_at, expiry = svid.issued_at, svid.expiry
    assert issued_at is not None  # SPIRE's servers always set it
    return moment(now) >= expiry - (expiry - issued_at) / 2


def grpc_name(status: str) -> str:
    """A gRPC status as Go prints it: ``PermissionDenied`` for ``PERMISSION_DENIED``."""
    return "".join(word.capitalize() for word in status.split("_"))
