"""CA journal: what a server writes down of its authorities, so that after a restart it finds them again.

A record belongs to the server whose key manager still has the key of its active X.509 authority.

SPIRE: pkg/server/ca/manager/journal.go, pkg/server/ca/manager/slot.go
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, TypeAlias

import attrs

from spiffesim.authority import JwtAuthority, X509Authority
from spiffesim.instants import SECOND, Microseconds, span, whole_second
from spiffesim.keys import Key
from spiffesim.server.slots import ACTIVE, PREPARED, Authority, Kind, Slot

CAP: Final = 10
"""How many entries of one kind a record holds; the oldest make room."""

_SAFETY: Final = span(timedelta(days=14))


@attrs.frozen
class Entry:
    """What was written down of one authority.

    Attributes:
        slot: The ID of its slot.
        authority: The authority.
        issued_at: When it was prepared, to the second.
        status: What its slot's status was.
    """

    slot: str
    authority: Authority
    issued_at: Microseconds
    status: str = PREPARED

    @property
    def not_after(self) -> Microseconds:
        """When it ends, to the second."""
        return whole_second(self.authority.not_after)

    def load(self) -> Slot:
        """The slot that was written down."""
        return Slot(self.slot, self.authority, self.issued_at, self.not_after, self.status)

    def problem(self, key: Key | None, now: Microseconds) -> str:
        """Why its slot cannot be used again, in SPIRE's words; empty if it can.

        Args:
            key: What the key manager has for the slot.
            now: The present instant.
        """
        if self.not_after // SECOND < now // SECOND:
            return "slot expired"
        if key is None:
            return "no key manager key"
        authority = self.authority
        spki = authority.spki if isinstance(authority, JwtAuthority) else authority.key.spki
        return "" if key.spki == spki else "public key does not match key manager key"


Entries: TypeAlias = tuple[Entry, ...]


@attrs.define(eq=False)
class Record:
    """One record of a datastore.

    Attributes:
        active: The X.509 authority by which its server finds it.
        x509: What is written of the X.509 authorities, oldest first.
        jwt: What is written of the JWT authorities.
        wit: What is written of the WIT authorities.
    """

    active: X509Authority | None = None
    x509: Entries = ()
    jwt: Entries = ()
    wit: Entries = ()


class CaJournal:
    """The journal of one process, and the records that its datastore holds of this and of earlier ones.

    Attributes:
        record: What this process has written, stored or not.
        records: What the datastore holds.
    """

    def __init__(self) -> None:
        self.record = Record()
        self.records: list[Record] = []
        self._active: X509Authority | None = None

    def forget(self) -> None:
        """The process ends; what is stored stays."""
        self.record, self._active = Record(), None

    def find(self, keys: Iterable[Key], now: Microseconds) -> bool:
        """Read the record of the server that has one of these keys; False if there is none.

        Other records are deleted once everything in them ended two weeks ago.
        """
        key_ids = {key.key_id for key in keys}
        found = next((record for record in self.records if _active_id(record) in key_ids), None)
        self.records = [record for record in self.records if record is found or not _stale(record, now)]
        if found is not None:
            self.record = found
        return found is not None

    def append(self, kind: Kind, slot: Slot) -> None:
        """Write down an authority that has just been prepared.

        Args:
            kind: Which kind of authority it is.
            slot: Its slot.
        """
        assert slot.authority is not None
        written: Entries = getattr(self.record, kind.field)
        self._write(kind, (*written, Entry(slot.id, slot.authority, whole_second(slot.issued_at)))[-CAP:])

    def update(self, kind: Kind, slot: Slot) -> bool:
        """Write down the new status of an authority; False if it has made room for others meanwhile."""
        written: Entries = getattr(self.record, kind.field)
        place = next((at for at, entry in enumerate(written) if entry.authority is slot.authority), None)
        if place is None:
            return False
        if slot.status == ACTIVE and isinstance(slot.authority, X509Authority):
            self._active = slot.authority
        self._write(kind, (*written[:place], attrs.evolve(written[place], status=slot.status), *written[place + 1 :]))
        return True

    def _write(self, kind: Kind, entries: Entries) -> None:
        setattr(self.record, kind.field, entries)
        # SPIRE: a process that has activated no X.509 authority yet wipes this out, and stores no new record.
        self.record.active = self._active
        if self._active is not None and self.record not in self.records:
            self.records.append(self.record)


def _active_id(record: Record) -> bytes | None:
    return record.active.certificate.subject_key_id if record.active is not None else None


def _stale(record: Record, now: Microseconds) -> bool:
    # SPIRE: WIT keys do not count.
    return all(entry.not_after <= now - _SAFETY for entry in (*record.x509, *record.jwt))
