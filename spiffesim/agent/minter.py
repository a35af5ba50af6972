"""Minter: how an agent has an X509-SVID for each of its entries, and keeps it fresh.

SPIRE: pkg/agent/manager/sync.go (fetchSVIDs)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spiffesim.authority import IssuedSvid
from spiffesim.entries import RegistrationEntry
from spiffesim.errors import NotAuthorized, Refused, SpiffeSimError
from spiffesim.instants import Microseconds
from spiffesim.rotation import AVAILABILITY_GRACE
from spiffesim.rpc import error_text

if TYPE_CHECKING:
    from spiffesim.agent.agent import Agent

_MOST_AT_ONCE: Final = 500
"""How many SVIDs one call asks for. SPIRE: pkg/server/api/limits/limits.go"""


class SyncFailed(Exception):
    """One step of a sync failed; SPIRE gives the rest of it up.

    Args:
        step: Which one, in SPIRE's words.
        cause: Why.
    """

    def __init__(self, step: str, cause: SpiffeSimError) -> None:
        super().__init__(f"{step}: {error_text(cause)}")
        self.cause = cause


class Minter:
    """What an agent asks its server for on behalf of workloads.

    Args:
        agent: The agent.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self._at_once = _MOST_AT_ONCE
        # SPIRE asks again every half second for what was refused. The answer stays what it is while the server's
        # revision does, so here it is asked for again when that has changed.
        self._refused: set[str] = set()
        self._refused_at = -1
        self._demanding = bool(agent.config.target or agent.config.workload_key_type.startswith("rsa"))

    @property
    def pending(self) -> bool:
        """Whether the next look at what is stale would ask the server for anything."""
        cache, stale = self.agent.cache, self.agent.cache.stale_ids
        if stale:
            refused = self._still_refused
            if any(entry_id not in refused for entry_id in stale):
                return True
        return cache.plans(self.agent.active)

    @property
    def _still_refused(self) -> set[str]:
        if self._refused_at != self.agent.server.revision:
            self._refused.clear()
            self._refused_at = self.agent.server.revision
        return self._refused

    def mint_stale(self) -> bool:
        """Mint what is stale; False if the server could not be asked."""
        self.agent.cache.plan(self.agent.active)
        try:
            self.mint()
        except SyncFailed as failure:
            self.agent.note("SVID sync failed", error=str(failure))
            return False
        return True

    def mint(self) -> None:
        """Mint SVIDs for entries that are stale, as many as one call may ask for.

        Raises:
            SyncFailed: If the call failed. Of the next one half as much is asked.
        """
        agent = self.agent
        if not agent.cache.any_stale:
            return
        refused = self._still_refused
        asked = [entry for entry in agent.cache.stale if entry.id not in refused][: self._at_once]
        if not asked:
            return
        try:
            agent.credentials.connect()
            for entry in asked:
                self._ask(entry)
        except (NotAuthorized, Refused) as error:
            self._at_once = max(self._at_once // 2, 1)
            raise SyncFailed("failed to batch new X509 SVID(s)", error) from error
        self._at_once = min(self._at_once * 2, _MOST_AT_ONCE)
        agent.wake()

    def mint_for(self, entry: RegistrationEntry) -> bool:
        """Mint the SVID of one entry; False if that failed."""
        try:
            self.agent.credentials.connect()
            return self._ask(entry)
        except Refused as error:
            self._refuse(entry, error)
            return False

    def _ask(self, entry: RegistrationEntry) -> bool:
        """Ask for the SVID of one entry; False if it was refused.

        Raises:
            NotAuthorized: If the agent itself is turned away.
        """
        agent = self.agent
        if agent.world.journal.debug:
            held = agent.cache.svid(entry)
            agent.note(
                "Creating X509-SVID" if held is None else "Renewing X509-SVID",
                spiffe_id=entry.spiffe_id,
                entry_id=entry.id,
            )
        try:
            svid = agent.server.new_x509_svid(
                agent.credentials.caller, entry.id, key_type=agent.config.workload_key_type
            )
        except NotAuthorized:
            raise
        except SpiffeSimError as error:  # or there is no key: the packaged RSA primes may be used up
            self._refuse(entry, error)
            return False
        self.hold(entry, svid, agent.world.now)
        return True

    def _refuse(self, entry: RegistrationEntry, error: SpiffeSimError) -> None:
        """Note that an entry stays stale, which SPIRE does at each attempt."""
        self._still_refused.add(entry.id)
        self.agent.tell_channels()
        self.agent.note("Failed to mint X509 SVID", entry_id=entry.id, error=str(error))

    def hold(self, entry: RegistrationEntry, svid: IssuedSvid, instant: Microseconds) -> None:
        """Hold an SVID that was minted at an instant, to be renewed at a later check, and tell those who listen."""
        agent, target = self.agent, self.agent.config.target
        if target and svid.not_after - svid.not_before - target <= AVAILABILITY_GRACE:
            agent.note(
                "X509 SVID lifetime isn't long enough to guarantee the availability_target, falling back to the default "
                "rotation strategy",
                spiffe_id=entry.spiffe_id,
                entry_id=entry.id,
            )
        renew_after = svid.renew_after(agent.sync_interval, target)
        agent.cache.hold(entry.id, svid, max(renew_after, instant + agent.skew + 1))
        if agent.streams:
            agent.notify([frozenset(entry.selectors)])

    def forget_refusals(self) -> None:
        """Ask again for what was refused, though nothing has changed."""
        self._refused.clear()

    # What nobody looks at

    @property
    def eager(self) -> bool:
        """Whether each renewal of a workload's SVID is an event of its own: somebody hears of it, or it may fail."""
        agent, server = self.agent, self.agent.server
        if self._demanding or agent.streams or agent.world.journal.debug:
            return True
        loop = agent.sync_loop
        return server.now > server.keyring.x509.current.not_after or (loop is not None and loop.retry_at is not None)

    def catch_up(self) -> None:
        """Renew what the syncs up to now would have renewed, had anybody looked."""
        agent = self.agent
        loop = agent.sync_loop
        if loop is None or loop.grid is None or loop.retry_at is not None or not agent.running:
            return
        while (renewal := agent.cache.next_renewal) is not None:
            if renewal[0] - agent.skew > agent.world.now:
                return  # nearly always, and quicker than to find its tick
            instant = loop.grid.next(max(renewal[0] - agent.skew, agent.caught_up + 1))
            if not agent.world.timetable.passed(instant, loop):
                return
            entry = agent.cache.entry(renewal[1])
            svid = agent.server.sign_entry(
                entry,
                agent.spiffe_id,
                now=instant + agent.server.skew,
                key_type=agent.config.workload_key_type,
            )
            self.hold(entry, svid, instant)
