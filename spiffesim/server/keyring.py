"""Keyring: the authorities of one server, what fills their slots, and when.

SPIRE: pkg/server/ca/manager/manager.go, pkg/server/ca/rotator/rotator.go
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Final

from spiffesim.authority import JwtAuthority, X509Authority
from spiffesim.chain import CertificateLike, ders
from spiffesim.errors import Refused, SpiffeSimError
from spiffesim.instants import Microseconds, rfc3339
from spiffesim.ledger import X509Element
from spiffesim.plugins.key_manager import ForgetfulKeyManager
from spiffesim.server.cajournal import CaJournal, Entries, Entry
from spiffesim.server.lineage import leads_to
from spiffesim.server.mint import Mint, ids_of
from spiffesim.server.slots import Slot, Slots, authority_id

_ALWAYS: Final = -(1 << 62)

MOST_FAILURES: Final = 10
"""How often rotations may fail before the server is unhealthy. SPIRE: pkg/server/ca/rotator/rotator_health.go"""


class Keyring(Mint):
    """The authorities of one server: what fills their slots, and when; made as a ``Mint`` is.

    Attributes:
        failures: How many rotations have failed since the process started; no success takes any away.
    """

    failures: int = 0
    _x509_history: tuple[tuple[Microseconds, X509Authority], ...] = ()

    # Rotation

    def start(self, now: Microseconds, *, everywhere: bool = False) -> None:
        """The first check of the rotator, which has to succeed: prepare and activate what is due.

        Args:
            now: The present instant.
            everywhere: Whether the JWT authority becomes known in the whole trust domain at once.

        Raises:
            Refused: If the upstream authority refuses; SPIRE's server ends then.
        """
        failures = self._rotate(now, everywhere)
        if failures:
            raise failures[0]

    def rotate(self, now: Microseconds) -> None:
        """One check of the rotator: prepare and activate what is due; what fails is noted, and tried again at the next.

        SPIRE: pkg/server/ca/rotator/rotator.go
        """
        self._rotate(now, everywhere=False)

    def _rotate(self, now: Microseconds, everywhere: bool) -> list[SpiffeSimError]:
        failures: list[SpiffeSimError] = []
        for slots in self._rotating():
            try:
                self._check(slots, now, everywhere)
            except SpiffeSimError as error:
                failures.append(error)
                self.journal.note(self.name, f"Unable to rotate {slots.kind.name}", error=str(error))
                if slots is self.x509 and slots.current.empty:
                    break  # SPIRE: without a CA no token key can be stored
        self.failures += len(failures)
        return failures

    def due(self) -> Microseconds:
        """The earliest instant at which a check of the rotator would do something; the past stands for now."""
        return min(slots.due() for slots in self._rotating())

    def _rotating(self) -> Iterator[Slots]:
        """What the rotator looks after, in its order."""
        yield self.x509
        if not self.config.disable_jwt_svids:
            yield self.jwt
        if self.config.wit_svids:
            yield self.wit

    def _check(self, slots: Slots, now: Microseconds, everywhere: bool) -> None:
        """Prepare and activate what is due of one kind."""
        if slots.current.empty:
            self.prepare(slots, now, everywhere)
            self._activate(slots, now)
        if slots.next.empty and slots.current.should_prepare_next(now):
            self.prepare(slots, now, everywhere)
        if slots.current.should_activate_next(now):
            self.activate_next(slots, now)

    def prepare(self, slots: Slots, now: Microseconds, everywhere: bool = False) -> None:
        """Prepare the next authority of one kind."""
        if slots is self.x509:
            self.prepare_x509(now)
        elif slots is self.jwt:
            self.prepare_jwt(now, everywhere)
        else:
            self.prepare_wit(now)

    def activate_next(self, slots: Slots, now: Microseconds) -> None:
        """Let the prepared authority of one kind take over at once."""
        slots.rotate()
        self._write_status(slots, slots.next, "Failed to update status")
        self._activate(slots, now)

    def _activate(self, slots: Slots, now: Microseconds) -> None:
        slots.activate()
        current = slots.current
        if isinstance(current.authority, X509Authority):
            self._x509_history = (*self._x509_history, (now, current.authority))
        self._note(f"{slots.kind.name} activated", current)
        self._write_status(slots, current, "Failed to update to activated status")

    def _write_status(self, slots: Slots, slot: Slot, failure: str) -> None:
        if not self.ca_journal.update(slots.kind, slot):
            error = f'no journal entry found with authority ID "{slot.authority_id}"'
            self.journal.note(self.name, f"{failure} on {slots.kind.entry} journal entry", error=error)

    def x509_authority_at(self, now: Microseconds) -> X509Authority | None:
        """The X.509 authority that signed at an instant; None before the first."""
        history = self._x509_history
        if history and now >= history[-1][0]:
            return history[-1][1]  # nearly always
        place = bisect_right(history, now, key=itemgetter(0))
        return history[place - 1][1] if place else None

    # Taint

    def replace_tainted(self, tainted: Sequence[CertificateLike], now: Microseconds) -> None:
        """Leave roots that the server above has tainted: rotate the CA if it leads to one, and only then taint them here.

        Args:
            tainted: The roots.
            now: The present instant.

        Raises:
            SpiffeSimError: If no CA can be had, or a root is tainted here already. SPIRE tries again then.

        SPIRE: pkg/server/ca/manager/manager.go (processTaintedUpstreamAuthorities)
        """
        if self._leads_to(self.x509.current, tainted, now):
            self.journal.note(
                self.name, "Current root CA is signed by a tainted upstream authority, preparing rotation"
            )
            if self._should_replace_next(tainted, now):
                try:
                    self.prepare_x509(now)
                except SpiffeSimError as error:
                    raise SpiffeSimError(f"failed to prepare x509 authority: {error}") from error
            self.activate_next(self.x509, now)
        for root in tainted:
            try:
                self.view.taint_x509(X509Element(root).subject_key_id)
            except Refused as refusal:
                raise SpiffeSimError(
                    f"could not taint X509 CA in datastore: rpc error: code = InvalidArgument desc = {refusal.message}"
                ) from refusal

    def _should_replace_next(self, tainted: Sequence[CertificateLike], now: Microseconds) -> bool:
        """Whether what is prepared cannot take over."""
        if self.x509.next.empty:
            return True
        # SPIRE: it says so whether or not it is.
        self.journal.note(self.name, "Next authority is tainted, prepare new X.509 authority")
        return self._leads_to(self.x509.next, tainted, now)

    def _leads_to(self, slot: Slot, roots: Sequence[CertificateLike], now: Microseconds) -> bool:
        assert isinstance(slot.authority, X509Authority)
        return leads_to(slot.authority, roots, now)

    # The end of the process, and the next one

    def shut_down(self) -> None:
        """Lose what ends with the process: the slots, and the keys of a key manager that keeps none."""
        for slots in (self.x509, self.jwt, self.wit):
            slots.empty()
        self.ca_journal.forget()
        self.view.end_process()
        self.newly_tainted = []
        self.failures = 0
        self._warned = False
        if isinstance(self.key_manager, ForgetfulKeyManager):
            self.key_manager.forget()

    def forget(self) -> None:
        """Lose what is written down, with the datastore."""
        self.ca_journal = CaJournal()

    def forget_history(self) -> None:
        """Forget what signed when: the clock by which that was is about to be set."""
        current = self.x509.current.authority
        self._x509_history = ((_ALWAYS, current),) if isinstance(current, X509Authority) else ()

    def load(self, now: Microseconds) -> None:
        """Take up the authorities of the process before, as far as they are written down and their keys still there.

        What is still missing after it, ``start`` makes.

        SPIRE: pkg/server/ca/manager/slot.go, pkg/server/ca/manager/manager.go (NewManager)
        """
        keys = (self.key_manager.get_key(key_id) for key_id in self.key_manager.key_ids())
        if not self.ca_journal.find([key for key in keys if key is not None], now):
            self.journal.note(
                self.name, "There is not a CA journal record that matches any of the local X509 authority IDs"
            )
        record = self.ca_journal.record
        counts = {"x509_cas": len(record.x509), "jwt_keys": len(record.jwt), "wit_keys": len(record.wit)}
        self.journal.note(self.name, "Journal loaded", **counts)
        for slots, entries in (
            (self.x509, self._known_cas(record.x509)),
            (self.jwt, _known_keys(record.jwt, self.view.jwt_authorities)),
            (self.wit, _known_keys(record.wit, self.view.wit_authorities)),
        ):
            slots.recover(entry.load() for entry in reversed(entries) if self._usable(slots, entry, now))
        for slots in (self.x509, self.jwt, self.wit):
            if not slots.current.empty and not slots.current.should_activate_next(now):
                self._activate(slots, now)

    def _known_cas(self, entries: Entries) -> Entries:
        """Those that are in the bundle, as a root's CA has to be."""
        if self.upstream is not None:
            return entries
        roots = set(ders(self.view.roots))
        return tuple(entry for entry in entries if _certificate(entry).der in roots)

    def _usable(self, slots: Slots, entry: Entry, now: Microseconds) -> bool:
        problem = entry.problem(self.key_manager.get_key(f"{slots.kind.key_id}-{entry.slot}"), now)
        if problem:
            self.journal.note(
                self.name,
                f"{slots.kind.slot} unusable",
                error=problem,
                slot=entry.slot,
                issued_at=rfc3339(entry.issued_at),
                status=entry.status,
                **ids_of(entry.authority),
            )
        return not problem


def _certificate(entry: Entry) -> CertificateLike:
    assert isinstance(entry.authority, X509Authority)
    return entry.authority.certificate


def _known_keys(entries: Entries, known: Sequence[JwtAuthority]) -> Entries:
    """Those whose key IDs are in the bundle."""
    key_ids = {authority.key_id for authority in known}
    return tuple(entry for entry in entries if authority_id(entry.authority) in key_ids)
