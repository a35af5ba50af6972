"""Sync: how an agent keeps up with its server, and has SVIDs for its entries.

SPIRE: pkg/agent/manager/manager.go, pkg/agent/manager/sync.go
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from spiffesim.agent.credentials import is_unknown_authority
from spiffesim.agent.minter import SyncFailed
from spiffesim.agent.svidcache import Change
from spiffesim.agentconfig import NEVER
from spiffesim.entries import RegistrationEntry
from spiffesim.errors import NotAuthorized, NotFound, Refused, SpiffeSimError
from spiffesim.instants import Microseconds
from spiffesim.server.lineage import leads_to
from spiffesim.server.view import Copied
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain

if TYPE_CHECKING:
    from spiffesim.agent.agent import Agent
    from spiffesim.chain import CertificateLike


class Sync:
    """What an agent does to keep up with its server.

    Args:
        agent: The agent.

    Attributes:
        seen: Which revision of its server it has seen last.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.seen = -1

    # When

    @property
    def due(self) -> Microseconds:
        """From when on a sync would bring anything."""
        agent, server = self.agent, self.agent.server
        credentials, cache = agent.credentials, agent.cache
        if self.expects_news or (cache.lacks_any and agent.minter.pending) or cache.is_crowded(agent.active):
            return 0
        due = min(credentials.svid.not_after + 1 - server.skew, credentials.server_fails_from)
        if due <= agent.world.now:
            return 0
        renewal = cache.next_renewal
        if renewal is None:
            return due
        # What nobody looks at is renewed when somebody does (catch_up), as long as the server can sign.
        ca_ends = server.keyring.x509.current.not_after + 1 - server.skew
        return min(due, renewal[0] - agent.skew if agent.minter.eager else ca_ends)

    # What

    def run(self, *, rotating: bool) -> bool:
        """Sync; False if that failed and is to be tried again after a while.

        Args:
            rotating: Whether SVIDs that are to be renewed count as stale, as they do in SPIRE's own syncs.
        """
        if self.agent.minter.eager:
            self.agent.minter.catch_up()
        try:
            self.synchronize(rotating=rotating)
        except SyncFailed as failure:
            self.agent.minter.catch_up()
            return self._fail(failure, rotating=rotating)
        self.agent.credentials.storage.started_at = None
        return True

    def synchronize(self, *, rotating: bool) -> None:
        """Fetch entries and bundles, and mint what is stale.

        Raises:
            SyncFailed: If a step failed; then nothing of the later ones has happened.

        SPIRE: pkg/agent/manager/sync.go (synchronize)
        """
        agent, server = self.agent, self.agent.server
        step = "failed to fetch authorized entries"
        try:
            agent.credentials.connect()
            if rotating and self.seen == server.revision:
                self._show_itself()
            else:
                entries = server.authorized_entries(agent.credentials.caller)
                agent.credentials.fresh = False
                step = "failed to fetch federated bundle"
                self._take(entries, self._fetch_federated(entries))
        except SpiffeSimError as error:
            raise SyncFailed(step, error) from error
        active = agent.active
        agent.cache.plan(active)
        agent.cache.evict(active)
        if not rotating:
            agent.minter.forget_refusals()
        elif agent.minter.eager:
            agent.cache.age(agent.now)
        agent.minter.mint()

    def _show_itself(self) -> None:
        """Fetch what would be what it was; what counts is that the server sees the agent's SVID in use."""
        credentials, server = self.agent.credentials, self.agent.server
        if self.expects_news:
            server.nodes.authorize("authorized_entries", credentials.caller, server.now)
            credentials.fresh = False

    @property
    def expects_news(self) -> bool:
        """Whether the server might answer otherwise than at the last sync."""
        credentials, server = self.agent.credentials, self.agent.server
        return (
            self.seen != server.revision
            or credentials.fresh
            or server.now > credentials.svid.not_after
            or not server.nodes.knows(credentials.caller)
        )

    def _take(self, entries: list[RegistrationEntry], federated: dict[TrustDomain, SpiffeBundle]) -> None:
        """Go on with what was fetched, and tell those who listen."""
        agent = self.agent
        self.seen = agent.server.revision
        news = agent.view.copy(agent.server.view)
        other = [name for name, bundle in federated.items() if agent.federated.get(name) != bundle]
        agent.federated = federated
        self._process_taints(news)
        changes: list[Change] = []
        if agent.cache.differs(entries):
            agent.minter.catch_up()
            for channel in agent.channels:
                channel.remember()
            changes = agent.cache.update(entries)
            agent.tell_channels()
            agent.view.ledger.closures += 1  # a nested server that attests through here may have lost its identity
        if not agent.streams:
            return
        if news:
            agent.notify(None)
        else:
            agent.notify(
                [*(touched for change in changes for touched in change.touched), *agent.cache.federating(other)]
            )

    def _fetch_federated(self, entries: Iterable[RegistrationEntry]) -> dict[TrustDomain, SpiffeBundle]:
        """The bundles that entries federate with; one that the server has lost is passed over.

        Raises:
            Refused: If the server refuses one, as it does its own.
        """
        bundles: dict[TrustDomain, SpiffeBundle] = {}
        for name in dict.fromkeys(name for entry in entries for name in entry.federates_with):
            with suppress(NotFound):
                bundles[name] = self.agent.server.get_federated_bundle(name, caller=self.agent.credentials.caller)
        return bundles

    def learn(self, entry: RegistrationEntry) -> None:
        """Take over one entry that has just been created: its SVID, and the bundles that it alone federates with."""
        agent = self.agent
        agent.cache.learn(entry)
        if not entry.disable_x509_svid_prefetch and agent.cache.held < agent.cache.size:
            agent.minter.mint_for(entry)
        if entry.federates_with:
            with suppress(Refused):  # the next sync finds out
                agent.credentials.connect()
                agent.federated = self._fetch_federated([entry]) | agent.federated

    # Tainted authorities

    def _process_taints(self, news: Copied) -> None:
        """Have renewed what comes from an authority that has been tainted since the last sync.

        SPIRE: pkg/agent/manager/sync.go (processTaintedAuthorities)
        """
        agent = self.agent
        if news.tainted_x509:
            agent.note("New tainted X.509 authorities found", subject_key_ids=",".join(news.tainted_x509))
            tainted = {element.subject_key_id: element.certificate for element in agent.view.x509_elements}
            roots = tuple(tainted[key_id] for key_id in news.tainted_x509)
            self._schedule(roots)
            agent.credentials.judge(roots)
        if news.tainted_jwt:
            agent.note("New tainted JWT authorities found", jwt_authority_key_ids=",".join(news.tainted_jwt))
            for key_id, count in agent.tokens.taint(news.tainted_jwt).items():
                agent.note(
                    "JWT-SVIDs were removed from the JWT cache because they were issued by a tainted authority",
                    jwt_authority_key_ids=key_id,
                    tainted_jwt_svids=count,
                )

    def _schedule(self, roots: tuple[CertificateLike, ...]) -> None:
        agent = self.agent
        held = tuple(agent.cache.svids)
        if held:
            agent.note("Scheduled rotation for SVID entries due to tainted X.509 authorities", count=len(held))
            agent.taint_loop.schedule(held, roots)

    def taint(self, entry_ids: Iterable[str], roots: tuple[CertificateLike, ...]) -> None:
        """Drop the SVIDs of these entries that lead to tainted roots; they are minted again at the next look.

        SPIRE: pkg/agent/manager/cache/x509_lru_cache.go (processTaintedSVIDs)
        """
        self.agent.minter.catch_up()
        agent, tainted = self.agent, 0
        held = agent.cache.svids
        for entry_id in entry_ids:
            svid = held.get(entry_id)
            if svid is None:
                continue
            if agent.now > svid.not_after:
                agent.note("Failed to check if SVID is signed by tainted authority", entry_id=entry_id)
            elif leads_to(svid, roots, agent.now):
                tainted += 1
                agent.cache.drop(entry_id)
        agent.note("Tainted X.509 SVIDs", tainted_svids=tainted)
        agent.wake()

    # When it fails

    def _fail(self, failure: SyncFailed, *, rotating: bool) -> bool:
        """React to a sync that failed. SPIRE: pkg/agent/manager/manager.go (runSynchronizer)."""
        agent, cause = self.agent, failure.cause
        agent.tell_channels()
        if is_unknown_authority(cause):
            return self._face_another_authority(failure, rotating=rotating)
        agent.note("Synchronize failed", error=str(failure))
        if not isinstance(cause, NotAuthorized) or cause.detail is None:
            return False
        if not agent.credentials.recover(cause):
            return True
        if rotating:
            agent.restart_loops()
            return True
        return self.run(rotating=False)

    def _face_another_authority(self, failure: SyncFailed, *, rotating: bool) -> bool:
        """The server has become another: end, or wait whether it stays so, and then bootstrap again."""
        agent, storage = self.agent, self.agent.credentials.storage
        if agent.rebootstrap_mode == NEVER:
            agent.note("Synchronize failed, non-recoverable error", error=str(failure))
            agent.crash(f"failed to sync with SPIRE Server: {failure}")
            return True
        if agent.credentials.waits_for_old_server():
            if agent.sync_loop is not None and rotating:
                agent.sync_loop.failures = -1  # SPIRE: it does not back off
            return False
        agent.note("Trust Bundle and Server don't agree, rebootstrapping")
        storage.forget()
        agent.crash("shutting down for rebootstrapping")
        return True
