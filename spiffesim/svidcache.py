"""The SVID cache: the entries that an agent serves, and the X509-SVIDs that it holds for them.

SPIRE: pkg/agent/manager/cache/lru_cache.go
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

import attrs

from spiffesim.authority import IssuedSvid
from spiffesim.entries import RegistrationEntry, Selector
from spiffesim.entries.cache import unfile
from spiffesim.instants import Microseconds


@attrs.frozen
class Identity:
    """One entry of an agent with its present X509-SVID."""

    entry: RegistrationEntry
    svid: IssuedSvid


class SvidCache:
    """What an agent knows of its entries, and holds for them.

    An entry is *stale* while the agent has to fetch an SVID for it: because it is new, because it has
    changed, or because its SVID is past its half-life. Until there is a new SVID the old one is served.

    Not SPIRE: the cache has no size, so nothing is evicted. Entries for secret stores are known, and
    no SVID is held for them.
    """

    def __init__(self) -> None:
        self._entries: dict[str, RegistrationEntry] = {}
        # Each entry lies under its first selector: a workload that has not even that one does not match.
        self._by_selector: dict[Selector, dict[str, RegistrationEntry]] = {}
        self._svids: dict[str, IssuedSvid] = {}
        self._renewals: list[tuple[Microseconds, str]] = []  # a heap; what is out of date in it is passed over
        self._renew_after: dict[str, Microseconds] = {}
        self._stale: set[str] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def update(self, entries: Iterable[RegistrationEntry]) -> bool:
        """Take these entries in place of all others; True if that changed anything."""
        current = {entry.id: entry for entry in entries}
        if current == self._entries:
            return False
        for entry_id in [known for known in self._entries if known not in current]:
            self.forget(entry_id)
        for entry in current.values():
            self.learn(entry)
        return True

    def learn(self, entry: RegistrationEntry) -> None:
        """Take one entry, in place of the one with the same ID."""
        known = self._entries.get(entry.id)
        if known == entry:
            return
        if known is not None:
            self._unfile(known)
        self._entries[entry.id] = entry
        if entry.store_svid:
            self._drop(entry.id)
            return
        self._by_selector.setdefault(entry.selectors[0], {})[entry.id] = entry
        if entry.id in self._svids or not entry.disable_x509_svid_prefetch:
            self._stale.add(entry.id)

    def forget(self, entry_id: str) -> None:
        """Drop an entry, and its SVID."""
        self._unfile(self._entries.pop(entry_id))
        self._drop(entry_id)

    def _drop(self, entry_id: str) -> None:
        self._svids.pop(entry_id, None)
        self._renew_after.pop(entry_id, None)

    def _unfile(self, entry: RegistrationEntry) -> None:
        self._stale.discard(entry.id)
        if not entry.store_svid:
            unfile(self._by_selector, entry.selectors[0], entry.id)

    def hold(self, entry_id: str, svid: IssuedSvid, renew_after: Microseconds) -> None:
        """Hold a new SVID for an entry, until a check at or after an instant finds it to be renewed."""
        self._svids[entry_id] = svid
        self._renew_after[entry_id] = renew_after
        heappush(self._renewals, (renew_after, entry_id))
        self._stale.discard(entry_id)

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

    def clear(self) -> None:
        """Forget everything."""
        for known in (self._entries, self._by_selector, self._svids, self._renewals, self._renew_after, self._stale):
            known.clear()

    @property
    def any_stale(self) -> bool:
        """Whether any entry needs an SVID."""
        return bool(self._stale)

    def entry(self, entry_id: str) -> RegistrationEntry:
        """The entry with this ID."""
        return self._entries[entry_id]

    def is_stale(self, entry: RegistrationEntry) -> bool:
        """Whether an entry needs an SVID."""
        return entry.id in self._stale

    @property
    def stale(self) -> list[RegistrationEntry]:
        """The entries that need an SVID, by entry ID."""
        return [self._entries[entry_id] for entry_id in sorted(self._stale)]

    def svid(self, entry: RegistrationEntry) -> IssuedSvid | None:
        """The SVID that is held for an entry, or None."""
        return self._svids.get(entry.id)

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

    def identities(self, entries: Iterable[RegistrationEntry]) -> list[Identity]:
        """Those of the entries for which there is an SVID, each with it."""
        held = self._svids
        return [Identity(entry, held[entry.id]) for entry in entries if entry.id in held]

    def nearest(self, selectors: Iterable[Selector]) -> RegistrationEntry | None:
        """The entry that lacks the fewest selectors of being matched; among such, the one that has most of them."""
        held = frozenset(selectors)
        served = (entry for entry in self._entries.values() if not entry.store_svid)
        return min(served, key=lambda entry: _distance(entry, held), default=None)


def _distance(entry: RegistrationEntry, held: frozenset[Selector]) -> tuple[int, int, str]:
    wanted = frozenset(entry.selectors)
    return len(wanted - held), -len(wanted & held), entry.id


def _entry_id(entry: RegistrationEntry) -> str:
    return entry.id
