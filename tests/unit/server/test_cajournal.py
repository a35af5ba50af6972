"""What a server writes down of its authorities, and finds again."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest

from spiffesim.keys import Draw, Key
from spiffesim.randomness import Randomness
from spiffesim.server.cajournal import CAP, CaJournal, Entry
from spiffesim.server.keyring import Keyring
from spiffesim.server.slots import ACTIVE, JWT, OLD, PREPARED, X509, Slot
from tests.unit.keyrings import DAY, HOUR, NOW, SECOND, jwt_authority, started


def keys_of(keyring: Keyring) -> list[Key]:
    return [key for name in keyring.key_manager.key_ids() if (key := keyring.key_manager.get_key(name)) is not None]


def test_every_authority_is_written_down_with_its_slot_and_status() -> None:
    keyring = started(feature_flags="wit-svid")
    keyring.prepare_x509(NOW + HOUR + 1)
    record = keyring.ca_journal.record
    assert [(entry.slot, entry.status, entry.issued_at) for entry in record.x509] == [
        ("A", ACTIVE, NOW),
        ("B", PREPARED, NOW + HOUR),  # to the second
    ]
    assert [entry.authority for entry in record.x509] == [keyring.x509.current.authority, keyring.x509.next.authority]
    assert [(entry.slot, entry.status) for entry in (*record.jwt, *record.wit)] == [("A", ACTIVE), ("A", ACTIVE)]
    keyring.activate_next(keyring.x509, NOW + HOUR + 1)
    assert [entry.status for entry in keyring.ca_journal.record.x509] == [OLD, ACTIVE]
    assert record.active is keyring.x509.current.authority


def test_nothing_is_stored_before_an_x509_authority_is_active() -> None:
    journal = CaJournal()
    slot = Slot("A")
    slot.fill(jwt_authority(), NOW)
    journal.append(JWT, slot)
    slot.status = ACTIVE
    assert journal.update(JWT, slot)
    assert (journal.records, len(journal.record.jwt)) == ([], 1)
    ca = started().x509.current
    journal.append(X509, ca)
    assert journal.update(X509, ca)
    assert journal.records == [journal.record]
    assert len(journal.records[0].jwt) == 1


def test_ten_entries_of_a_kind_are_kept() -> None:
    keyring = started()
    for _ in range(CAP - 1):
        keyring.prepare_x509(NOW)
    record = keyring.ca_journal.record
    assert (len(record.x509), record.x509[0].status) == (10, ACTIVE)
    keyring.prepare_x509(NOW)
    assert (len(record.x509), record.x509[0].status, len(record.jwt)) == (10, PREPARED, 1)
    assert not keyring.ca_journal.update(X509, keyring.x509.current)  # it has made room
    assert keyring.ca_journal.update(X509, keyring.x509.next)


def test_a_record_is_found_by_the_key_of_its_active_authority() -> None:
    keyring = started()
    journal, record = keyring.ca_journal, keyring.ca_journal.record
    journal.forget()
    assert journal.record is not record
    assert journal.records == [record]
    keys = keys_of(keyring)
    assert not journal.find(keys[1:], NOW)  # the JWT key alone does not help
    assert journal.record is not record
    assert journal.find(keys, NOW)
    assert journal.record is record


def test_a_process_that_activates_nothing_loses_its_record() -> None:
    # As in SPIRE's saveInDatastore, which writes the ID of the active authority with everything else.
    keyring = started()
    journal, keys = keyring.ca_journal, keys_of(keyring)
    journal.forget()
    assert journal.find(keys, NOW)
    journal.append(JWT, keyring.jwt.current)
    journal.forget()
    assert not journal.find(keys, NOW)


@pytest.mark.parametrize(
    ("later", "left"), [(15 * DAY - SECOND, 2), (15 * DAY, 1)], ids=["14 days after its end, less a second", "14 days"]
)
def test_a_record_that_nobody_claims_goes_two_weeks_after_its_last_authority_has_ended(later: int, left: int) -> None:
    keyring = started()
    journal, keys = keyring.ca_journal, keys_of(started(randomness=Randomness(2)))
    journal.forget()
    ca = started(randomness=Randomness(2)).x509.current
    journal.append(X509, ca)
    assert journal.update(X509, ca)
    journal.forget()
    assert len(journal.records) == 2
    assert journal.find(keys, NOW + later)  # its own stays, however old
    assert len(journal.records) == left


def test_an_entry_says_why_it_cannot_be_used_again() -> None:
    keyring = started()
    (entry,) = keyring.ca_journal.record.x509
    key = keyring.key_manager.get_key("x509-CA-A")
    assert entry.problem(key, NOW + DAY) == ""
    assert entry.problem(key, NOW + DAY + SECOND - 1) == ""  # SPIRE counts whole seconds
    assert entry.problem(key, NOW + DAY + SECOND) == "slot expired"
    assert entry.problem(None, NOW) == "no key manager key"
    other = Draw(Randomness(9), "other", 0).key()
    assert entry.problem(other, NOW) == "public key does not match key manager key"
    slot = entry.load()
    assert (slot.id, slot.authority, slot.not_after, slot.status) == ("A", entry.authority, NOW + DAY, ACTIVE)


def test_instants_are_written_down_to_the_second() -> None:
    entry = Entry("A", jwt_authority(not_after=NOW + DAY + 7), NOW)
    assert entry.not_after == NOW + DAY


def test_a_journal_pickles() -> None:
    keyring = started(ca_ttl=timedelta(hours=1))
    other = pickle.loads(pickle.dumps(keyring)).ca_journal
    assert other.records == [other.record]
    assert other.record.x509[0].not_after == NOW + HOUR
    assert other.find(keys_of(keyring), NOW)
