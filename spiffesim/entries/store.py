"""The registration entries of one server: create, get, list, count, update, delete, prune.

Every refusal carries SPIRE's status and words. Entries of a nested server are invisible to its
parent: each server has a store of its own, and the same SPIFFE ID may be registered in several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, Unpack

from spiffesim.entries.admission import (
    EVERYTHING,
    FIELDS,
    EntryFields,
    NewEntry,
    check_known,
    convert,
    read_mask,
)
from spiffesim.entries.cache import EntryCache, unfile
from spiffesim.entries.datastore import already_there, check_new, check_one_type, check_ttls, check_unique
from spiffesim.entries.filters import EntryFilters, entry_filter
from spiffesim.entries.registration import RegistrationEntry, made_of, revised
from spiffesim.entries.rejection import Rejected, refused
from spiffesim.entries.selectors import Selector
from spiffesim.entries.values import read_text
from spiffesim.errors import AlreadyExists, NotFound, Refused
from spiffesim.instants import SECOND, Microseconds, microseconds, whole_second
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

_CREATE: Final = "failed to create entry"
_UPDATE: Final = "failed to update entry"
_CONVERT: Final = "failed to convert entry"

_NEW_FIELDS: Final = ("id", *FIELDS)
_NO_FIELD: Final = "registration entry has no field"

_Likeness: TypeAlias = tuple[SpiffeId, SpiffeId, frozenset[Selector]]


class Entries:
    """The store of one server's registration entries, in the order of their creation.

    Args:
        trust_domain: The trust domain of the server.
        draw_id: Draws the ID of a new entry that was given none.
        has_bundle: Whether the server holds the bundle of a trust domain.
        now: The present instant in microseconds since 1970.

    SPIRE: pkg/server/api/entry/v1/service.go, pkg/server/datastore/sqlstore/sqlstore.go
    """

    __slots__ = (
        "_by_spiffe_id",
        "_changed",
        "_draw_id",
        "_entries",
        "_expiring",
        "_has_bundle",
        "_now",
        "_rows",
        "_similar",
        "trust_domain",
        "version",
    )

    def __init__(
        self,
        trust_domain: TrustDomain,
        *,
        draw_id: Callable[[], str],
        has_bundle: Callable[[TrustDomain], bool],
        now: Callable[[], Microseconds],
    ) -> None:
        self.trust_domain = trust_domain
        self.version = 0
        self._draw_id = draw_id
        self._has_bundle = has_bundle
        self._now = now
        self._entries: dict[str, RegistrationEntry] = {}
        self._rows: dict[str, int] = {}
        self._by_spiffe_id: dict[SpiffeId, dict[str, None]] = {}
        self._similar: dict[_Likeness, dict[str, None]] = {}
        self._expiring: dict[str, Microseconds] = {}
        self._changed: dict[str, int] = {}  # the version of each entry's last change, oldest first

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[RegistrationEntry]:
        return iter(self._entries.values())

    def __contains__(self, entry_id: object) -> bool:
        return entry_id in self._entries

    def __repr__(self) -> str:
        return f"<Entries of {self.trust_domain}: {len(self)}>"

    def create(self, **fields: Unpack[NewEntry]) -> RegistrationEntry:
        """Store a new entry.

        Args:
            **fields: What the entry says; see `RegistrationEntry`. The ID is drawn when it is empty.

        Raises:
            AlreadyExists: If there is an entry with the same parent, SPIFFE ID and selectors, whatever
                else differs (``existing`` is that entry); if the ID is taken; if a selector or DNS
                name is there twice.
            Refused: INVALID_ARGUMENT for a value that SPIRE does not accept, INTERNAL if the bundle of
                a trust domain to federate with is missing.
            InvalidEntry: If a value has the wrong type.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (createOrReturnRegistrationEntry)
        """
        check_known(fields, _NEW_FIELDS, _NO_FIELD)
        entry_id = read_text(fields.get("id", ""), "id")
        try:
            said = convert(self.trust_domain, fields, EVERYTHING)
        except Rejected as reason:
            raise refused(_CONVERT, reason) from None
        return self._insert(entry_id, said)

    def add(self, entry: RegistrationEntry) -> RegistrationEntry:
        """Store a new entry that says what this one says, as `create` does.

        SPIRE: the revision number and the time of creation in the message are ignored.
        """
        said: Any = {name: getattr(entry, name) for name in ("id", *FIELDS)}
        return self.create(**said)

    def _insert(self, entry_id: str, said: dict[str, Any]) -> RegistrationEntry:
        try:
            check_new(entry_id, said)
        except Rejected as reason:
            raise refused(_CREATE, reason) from None
        self._check_similar((said["parent_id"], said["spiffe_id"], frozenset(said["selectors"])))
        if entry_id in self._entries:
            already_there(_CREATE, "registered_entries.entry_id", f"the ID {entry_id} is taken")
        said["federates_with"] = self._federated(_CREATE, said["federates_with"])
        check_unique(_CREATE, said)
        said["id"] = entry_id or self._unused_id()
        # SPIRE: created_at is rounded to the nearest second (roundedInSecondsUnix).
        said["created_at"] = whole_second(self._now() + SECOND // 2)
        said["revision_number"] = 0
        new = made_of(said)
        self._rows[new.id] = self.version
        self._put(new)
        return new

    def _check_similar(self, likeness: _Likeness) -> None:
        """SPIRE: sqlstore.go (lookupSimilarEntry): asked on create only, so an update can make twins."""
        similar = self._similar.get(likeness)
        if similar:
            existing = self._entries[min(similar, key=self._rows.__getitem__)]
            raise AlreadyExists(
                "similar entry already exists",
                status="ALREADY_EXISTS",
                hint=f"entry {existing.id} has this parent, SPIFFE ID and selectors, and stays as it was",
                existing=existing,
            )

    def _unused_id(self) -> str:
        drawn = self._draw_id()
        while drawn in self._entries:  # an operator may have registered what another run drew
            drawn = self._draw_id()
        return drawn

    def _federated(self, call: str, names: tuple[TrustDomain, ...]) -> tuple[TrustDomain, ...]:
        """The trust domains once each, if the server has all their bundles.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (makeFederatesWith); its own is no exception.
        """
        for name in names:
            if not self._has_bundle(name):
                raise Refused(
                    f'{call}: unable to find federated bundle "{name.spiffe_id}"',
                    status="INTERNAL",
                    hint=f"store the bundle of {name} first",
                    trust_domain=name,
                )
        return tuple(sorted(frozenset(names))) if len(names) > 1 else names

    def get(self, entry_id: str) -> RegistrationEntry:
        """The entry with this ID.

        Raises:
            Refused: ``missing ID``.
            NotFound: ``entry not found``.
        """
        if not read_text(entry_id, "an entry ID"):
            raise Refused("missing ID", status="INVALID_ARGUMENT")
        entry = self._entries.get(entry_id)
        if entry is None:
            raise NotFound("entry not found", status="NOT_FOUND", hint=entry_id)
        return entry

    def of_spiffe_id(self, spiffe_id: SpiffeId) -> tuple[RegistrationEntry, ...]:
        """The entries that give this SPIFFE ID, oldest first: what a caller is authorized by."""
        ids = self._by_spiffe_id.get(spiffe_id, ())
        return tuple(self._entries[entry_id] for entry_id in sorted(ids, key=self._rows.__getitem__))

    def list(self, **filters: Unpack[EntryFilters]) -> tuple[RegistrationEntry, ...]:
        """The entries that pass every filter given, oldest first.

        Args:
            **filters: ``by_parent_id``, ``by_spiffe_id``, ``by_hint``; ``by_selectors``, compared as
                ``match`` says: ``"superset"`` (the default: the entry has all of these and maybe more),
                ``"subset"`` (it has some and no others), ``"exact"`` or ``"any"``; ``by_federates_with``,
                compared likewise as ``match_federates_with`` says; ``downstream``, of which, as in
                SPIRE, only True filters.

        Raises:
            Refused: INVALID_ARGUMENT for a malformed filter.
            InvalidEntry: For an unknown filter or kind of match.
        """
        passes = entry_filter(self.trust_domain, filters)
        identity = filters.get("by_spiffe_id")
        candidates = self if identity is None else self.of_spiffe_id(SpiffeId.parse(identity))
        return tuple(entry for entry in candidates if passes(entry))

    def count(self, **filters: Unpack[EntryFilters]) -> int:
        """How many entries `list` returns with the same filters."""
        return len(self.list(**filters)) if filters else len(self)

    def update(
        self, entry_id: str, mask: Iterable[str] | None = None, **fields: Unpack[EntryFields]
    ) -> RegistrationEntry:
        """Replace fields of an entry; its revision number goes up by one, even if nothing changed.

        Args:
            entry_id: The entry.
            mask: The names of the fields to replace, ``"additional_attributes"`` for the last two
                together. Without a mask every field is replaced, and what is not given is emptied.
            **fields: Their new values; what the mask does not name is ignored.

        Raises:
            NotFound: ``failed to update entry``.
            AlreadyExists: If a selector or DNS name is there twice.
            Refused: As for `create`, but another entry of the same likeness is no obstacle.
            InvalidEntry: If a value has the wrong type, or the mask names no field.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (updateRegistrationEntry)
        """
        check_known(fields, FIELDS, _NO_FIELD)
        replaced = read_mask(mask)
        try:
            said = convert(self.trust_domain, fields, replaced)
        except Rejected as reason:
            raise refused(_CONVERT, reason) from None
        old = self._entries.get(read_text(entry_id, "an entry ID"))
        try:
            check_ttls(said)
            if old is None:
                raise NotFound(_UPDATE, status="NOT_FOUND", hint=f"no entry {entry_id!r}")
            if said.get("store_svid", old.store_svid):
                # SPIRE: the stored selectors are not loaded for this, so only new ones are looked at.
                check_one_type(said.get("selectors", ()))
        except Rejected as reason:
            raise refused(_UPDATE, reason) from None
        check_unique(_UPDATE, said)
        if "federates_with" in said:
            said["federates_with"] = self._federated(_UPDATE, said["federates_with"])
        new = revised(old, said | {"revision_number": old.revision_number + 1})
        self._unindex(old)
        self._put(new)
        return new

    def delete(self, entry_id: str) -> RegistrationEntry:
        """Remove an entry, and return it.

        Raises:
            Refused: ``missing entry ID``.
            NotFound: ``entry not found``.
        """
        if not read_text(entry_id, "an entry ID"):
            raise Refused("missing entry ID", status="INVALID_ARGUMENT")
        entry = self.get(entry_id)
        self._remove(entry)
        return entry

    def dissociate(self, entry_id: str, trust_domain: TrustDomain) -> None:
        """Take a trust domain out of those that an entry federates with; its revision stays as it was.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (deleteBundle)
        """
        old = self.get(entry_id)
        self._unindex(old)
        self._put(revised(old, {"federates_with": tuple(n for n in old.federates_with if n != trust_domain)}))

    def prune(self, before: Microseconds) -> tuple[RegistrationEntry, ...]:
        """Remove the entries that expired before an instant (in whole seconds), and return them.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (pruneRegistrationEntries). Until it is pruned
        an expired entry is as good as any.
        """
        end = whole_second(before)
        expired = tuple(self._entries[entry_id] for entry_id, expiry in self._expiring.items() if expiry < end)
        for entry in expired:
            self._remove(entry)
        return expired

    @property
    def next_expiry(self) -> Microseconds | None:
        """The earliest instant at which an entry expires, or None."""
        return min(self._expiring.values(), default=None)

    def refresh(self, cache: EntryCache) -> bool:
        """Bring a cache up to date, at the cost of what changed since its last look; True if anything did.

        Not SPIRE: there each look rebuilds the whole; what the cache then holds is the same.
        """
        changed = tuple(self._changed_since(cache.position))
        for entry_id in changed:
            entry = self._entries.get(entry_id)
            if entry is None:
                cache.forget(entry_id)
            else:
                cache.admit(entry)
        cache.position = self.version
        return bool(changed)

    def _changed_since(self, position: int) -> Iterator[str]:
        for entry_id in reversed(self._changed):
            if self._changed[entry_id] <= position:
                return
            yield entry_id

    def _put(self, entry: RegistrationEntry) -> None:
        self._entries[entry.id] = entry
        self._by_spiffe_id.setdefault(entry.spiffe_id, {})[entry.id] = None
        self._similar.setdefault(_likeness(entry), {})[entry.id] = None
        if entry.expires_at is not None:
            self._expiring[entry.id] = microseconds(entry.expires_at)
        self._mark(entry.id)

    def _remove(self, entry: RegistrationEntry) -> None:
        self._unindex(entry)
        del self._entries[entry.id], self._rows[entry.id]
        self._mark(entry.id)

    def _unindex(self, entry: RegistrationEntry) -> None:
        unfile(self._by_spiffe_id, entry.spiffe_id, entry.id)
        unfile(self._similar, _likeness(entry), entry.id)
        self._expiring.pop(entry.id, None)

    def _mark(self, entry_id: str) -> None:
        self.version += 1
        self._changed.pop(entry_id, None)
        self._changed[entry_id] = self.version


def _likeness(entry: RegistrationEntry) -> _Likeness:
    return entry.parent_id, entry.spiffe_id, frozenset(entry.selectors)
