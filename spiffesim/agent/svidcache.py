"""The SVID cache: the entries that an agent serves, and the X509-SVIDs that it holds for them.

SPIRE: pkg/agent/manager/cache/lru_cache.go, pkg/agent/manager/cache/x509_lru_cache.go
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from heapq import heappop, heappush
from typing import TypeAlias

import attrs

from spiffesim.agentconfig import DEFAULT_CACHE_SIZE
from spiffesim.authority import IssuedSvid
from spiffesim.entries import RegistrationEntry, Selector
from spiffesim.entries.cache import unfile
from spiffesim.instants import Microseconds

SelectorSet: TypeAlias = frozenset[Selector]


@attrs.frozen
class Identity:
    """One entry of an agent with its present X509-SVID."""

    entry: RegistrationEntry
    svid: IssuedSvid


@attrs.frozen
class Change:
    """What became of one entry: ``before`` is None for a new one, ``after`` for one that is gone."""

    before: RegistrationEntry | None
    after: RegistrationEntry | None

    @property
    def touched(self) -> list[SelectorSet]:
        """The selectors of the workloads that hear of it at once.

        SPIRE: what else changes about an entry is heard of with its next SVID.
        """
        before, after = self.before, self.after
        if before is None or after is None or frozenset(before.selectors) != frozenset(after.selectors):
            return [frozenset(entry.selectors) for entry in (before, after) if entry is not None]
        if frozenset(before.federates_with) != frozenset(after.federates_with):
            return [frozenset(after.selectors)]
        return []


class SvidCache:
    """What an agent knows of its entries, and holds for them.

    An entry is *stale* while the agent has to fetch an SVID for it: because it is new, because it has
    changed, or because its SVID is past its half-life. Until there is a new SVID the old one is served.

    The size is a soft limit: an SVID with a subscriber stays, and so does what somebody asked for until
    the next sync. Entries for secret stores are known, and no SVID is held for them.

    Args:
        size: How many SVIDs are held, and fetched before somebody asks; 0 for 1000.
    """

    def __init__(self, size: int = DEFAULT_CACHE_SIZE) -> None:
        self.size = size or DEFAULT_CACHE_SIZE
        self._entries: dict[str, RegistrationEntry] = {}
        # Each entry lies under its first selector: a workload that has not even that one does not match.
        self._by_selector: dict[Selector, dict[str, RegistrationEntry]] = {}
        self._svids: dict[str, IssuedSvid] = {}
        self._missing: dict[str, RegistrationEntry] = {}  # served, and without an SVID
        self._renewals: list[tuple[Microseconds, str]] = []  # a heap; what is out of date in it is passed over
        self._renew_after: dict[str, Microseconds] = {}
        self._stale: set[str] = set()
        self._asked_at: dict[str, Microseconds] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def held(self) -> int:
        """How many SVIDs it holds."""
        return len(self._svids)

    # Entries

    def differs(self, entries: Iterable[RegistrationEntry]) -> bool:
        """Whether these are other entries than the present ones."""
        return {entry.id: entry for entry in entries} != self._entries

    def update(self, entries: Iterable[RegistrationEntry]) -> list[Change]:
        """Take these entries in place of all others; what that changed, by entry ID."""
        current = {entry.id: entry for entry in entries}
        if current == self._entries:
            return []
        gone = [Change(self.forget(known), None) for known in sorted(self._entries.keys() - current.keys())]
        changes = (self.learn(current[entry_id]) for entry_id in sorted(current))
        return gone + [change for change in changes if change is not None]

    def learn(self, entry: RegistrationEntry) -> Change | None:
        """Take one entry, in place of the one with the same ID; None if it is no news."""
        known = self._entries.get(entry.id)
        if known == entry:
            return None
        if known is not None:
            self._unfile(known)
        self._entries[entry.id] = entry
        if entry.store_svid:
            self._drop(entry.id)
            return Change(_served(known), None)
        self._by_selector.setdefault(entry.selectors[0], {})[entry.id] = entry
        if entry.id in self._svids:
            self._stale.add(entry.id)
        else:
            self._missing[entry.id] = entry
        return Change(_served(known), entry)

    def forget(self, entry_id: str) -> RegistrationEntry:
        """Drop an entry, and its SVID."""
        entry = self._entries.pop(entry_id)
        self._unfile(entry)
        self._drop(entry_id)
        self._asked_at.pop(entry_id, None)
        return entry

    def _drop(self, entry_id: str) -> None:
        self._svids.pop(entry_id, None)
        self._renew_after.pop(entry_id, None)

    def _unfile(self, entry: RegistrationEntry) -> None:
        self._stale.discard(entry.id)
        self._missing.pop(entry.id, None)
        if not entry.store_svid:
            unfile(self._by_selector, entry.selectors[0], entry.id)

    def clear(self) -> None:
        """Forget everything."""
        self.__init__(self.size)  # type: ignore[misc]  # the one place that knows all there is

    def entry(self, entry_id: str) -> RegistrationEntry:
        """The entry with this ID."""
        return self._entries[entry_id]

    # What needs an SVID

    def plan(self, active: Collection[Selector] = ()) -> None:
        """Find out which entries without an SVID need one: those that are subscribed to, and others while there is room.

        Args:
            active: The selectors of those who subscribe. SPIRE: an entry counts that has any of them.
        """
        if not self._missing:
            return
        self._stale.update(entry.id for entry in self._missing.values() if _is_active(entry, active))
        room = self.size - len(self._svids)
        for entry_id in sorted(self._missing):
            if len(self._stale) >= room:
                break
            if not self._missing[entry_id].disable_x509_svid_prefetch:
                self._stale.add(entry_id)

    def plans(self, active: Collection[Selector] = ()) -> bool:
        """Whether ``plan`` would find any."""
        if not self._missing:
            return False
        room = self.size - len(self._svids) > len(self._stale)
        return any(
            (room and not entry.disable_x509_svid_prefetch) or _is_active(entry, active)
            for entry_id, entry in self._missing.items()
            if entry_id not in self._stale
        )

    def evict(self, active: Collection[Selector] = ()) -> None:
        """Drop the SVIDs that are too many, those first that nobody has asked for in the longest time."""
        surplus = len(self._svids) - self.size
        if surplus > 0:
            idle = sorted(self._idle(active), key=lambda entry_id: (self._asked_at.get(entry_id, 0), entry_id))
            for entry_id in idle[:surplus]:
                self.drop(entry_id)

    def is_crowded(self, active: Collection[Selector] = ()) -> bool:
        """Whether ``evict`` would drop any."""
        return len(self._svids) > self.size and any(True for _ in self._idle(active))

    def _idle(self, active: Collection[Selector]) -> Iterator[str]:
        return (entry_id for entry_id in self._svids if not _is_active(self._entries[entry_id], active))

    def drop(self, entry_id: str) -> None:
        """Drop the SVID of an entry."""
        self._drop(entry_id)
        self._missing[entry_id] = self._entries[entry_id]

    def ask(self, entry_ids: Iterable[str], now: Microseconds) -> None:
        """Note that somebody subscribes to entries."""
        for entry_id in entry_ids:
            self._asked_at[entry_id] = now

    @property
    def lacks_any(self) -> bool:
        """Whether there is any entry that has no SVID, or needs a new one."""
        return bool(self._stale or self._missing)

    @property
    def any_stale(self) -> bool:
        """Whether any entry is stale."""
        return bool(self._stale)

    @property
    def stale_ids(self) -> Collection[str]:
        """The IDs of the entries that are stale, in no order."""
        return self._stale

    @property
    def stale(self) -> list[RegistrationEntry]:
        """The entries that are stale, by entry ID."""
        return [self._entries[entry_id] for entry_id in sorted(self._stale)]

    # SVIDs

    def hold(self, entry_id: str, svid: IssuedSvid, renew_after: Microseconds) -> None:
        """Hold a new SVID for an entry, until a check at or after an instant finds it to be renewed."""
        self._svids[entry_id] = svid
        self._renew_after[entry_id] = renew_after
        heappush(self._renewals, (renew_after, entry_id))
        self._stale.discard(entry_id)
        self._missing.pop(entry_id, None)

    @property
    def next_renewal(self) -> tuple[Microseconds, str] | None:
        """From when on which SVID is to be renewed first; None if none is held that is not stale already."""
        while self._renewals:
            instant, entry_id = self._renewals[0]
            if self._renew_after.get(entry_id) == instant and entry_id not in self._stale:
                return self._renewals[0]
            heappop(self._renewals)
        return None

    def age(self, now: Microseconds) -> None:
        """Find out which SVIDs are to be renewed: their entries are stale."""
        while (renewal := self.next_renewal) is not None and renewal[0] <= now:
            self._stale.add(renewal[1])

    def svid(self, entry: RegistrationEntry) -> IssuedSvid | None:
        """The SVID that is held for an entry, or None."""
        return self._svids.get(entry.id)

    @property
    def svids(self) -> dict[str, IssuedSvid]:
        """All SVIDs that are held, by entry ID."""
        return {entry_id: self._svids[entry_id] for entry_id in sorted(self._svids)}

    # Who gets which

    def matching(self, selectors: Iterable[Selector]) -> list[RegistrationEntry]:
        """The entries of a workload with these selectors, by entry ID: it has every one of each entry's."""
        held = frozenset(selectors)
        found = [
            entry
            for selector in held
            for entry in self._by_selector.get(selector, {}).values()
            if held.issuperset(entry.selectors)
        ]
        return sorted(found, key=_entry_id)

    def federating(self, names: Collection[object]) -> list[SelectorSet]:
        """The selectors of the entries that federate with any of these trust domains."""
        return [
            frozenset(entry.selectors)
            for entry in self._entries.values()
            if not entry.store_svid and any(name in names for name in entry.federates_with)
        ]

    def identities(self, entries: Iterable[RegistrationEntry]) -> list[Identity]:
        """Those of the entries for which there is an SVID, each with it."""
        held = self._svids
        return [Identity(entry, held[entry.id]) for entry in entries if entry.id in held]

    def nearest(self, selectors: Iterable[Selector]) -> RegistrationEntry | None:
        """The entry that lacks the fewest selectors of being matched; among such, the one that has most of them."""
        held = frozenset(selectors)
        served = (entry for entry in self._entries.values() if not entry.store_svid)
        return min(served, key=lambda entry: _distance(entry, held), default=None)


def _served(entry: RegistrationEntry | None) -> RegistrationEntry | None:
    """An entry, if workloads can have it."""
    return None if entry is None or entry.store_svid else entry


def _is_active(entry: RegistrationEntry, active: Collection[Selector]) -> bool:
    return bool(active) and any(selector in active for selector in entry.selectors)


def _distance(entry: RegistrationEntry, held: SelectorSet) -> tuple[int, int, str]:
    wanted = frozenset(entry.selectors)
    return len(wanted - held), -len(wanted & held), entry.id


def _entry_id(entry: RegistrationEntry) -> str:
    return entry.id
