"""The two places in which authorities wait, work, and have worked."""

from __future__ import annotations

import pickle

import pytest

from spiffesim.authority import X509Authority
from spiffesim.keys import Draw
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.randomness import Randomness
from spiffesim.server.slots import ACTIVE, JWT, OLD, PREPARED, X509, Slot, Slots, authority_id, upstream_authority_id
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.unit.keyrings import DAY, HOUR, NOW, jwt_authority, nested, started


def test_a_slot_begins_empty_and_keeps_what_was_in_it() -> None:
    slot = Slot("A")
    assert slot.empty
    assert (slot.authority_id, slot.upstream_authority_id) == ("", "")
    authority = jwt_authority()
    slot.fill(authority, NOW)
    assert (slot.empty, slot.status, slot.authority) == (False, PREPARED, authority)
    assert (slot.issued_at, slot.not_after) == (NOW, NOW + DAY)
    slot.reset()
    assert (slot.empty, slot.status) == (True, OLD)
    assert (slot.authority_id, slot.not_after) == (authority.key_id, NOW + DAY)  # an old one can still be tainted


def test_authorities_go_by_their_key_identifiers_and_token_authorities_by_their_key_ids() -> None:
    root = started()
    ca, below = root.x509.current.authority, nested(root).x509.current
    assert isinstance(ca, X509Authority)
    key_id = ca.certificate.subject_key_id
    assert key_id is not None
    assert (authority_id(ca), upstream_authority_id(ca)) == (key_id.hex(), "")
    assert below.upstream_authority_id == key_id.hex() != below.authority_id
    token = jwt_authority()
    assert (authority_id(token), upstream_authority_id(token)) == (token.key_id, "")


def test_a_foreign_ca_goes_by_what_its_certificate_says() -> None:
    above, key = ExternalCa("above"), Draw(Randomness(1), "below", 0).key()
    certificate = read_certificate(above.certify("below", key.public_key))
    authority = X509Authority(key, certificate)
    assert authority_id(authority) == (certificate.subject_key_id or b"").hex() != ""
    assert upstream_authority_id(authority) == (read_certificate(above.certificate).subject_key_id or b"").hex()


def test_the_next_authority_is_due_strictly_after_half_and_five_sixths() -> None:
    slot = Slot("A")
    slot.fill(jwt_authority(), NOW)
    assert [slot.should_prepare_next(NOW + 12 * HOUR + later) for later in (-1, 0, 1)] == [False, False, True]
    assert [slot.should_activate_next(NOW + 20 * HOUR + later) for later in (-1, 0, 1)] == [False, False, True]


def test_slots_are_filled_in_turn() -> None:
    slots = Slots(JWT)
    assert (slots.current.id, slots.next.id) == ("A", "B")
    assert slots.to_prepare() is slots.current
    slots.current.fill(jwt_authority("first"), NOW)
    slots.activate()
    assert slots.current.status == ACTIVE
    assert slots.to_prepare() is slots.next
    slots.next.fill(jwt_authority("second"), NOW)
    slots.rotate()
    assert (slots.current.id, slots.current.status) == ("B", ACTIVE)
    assert (slots.next.id, slots.next.status, slots.next.empty) == ("A", OLD, True)
    assert slots.to_prepare() is slots.next
    slots.empty()
    assert (slots.current.id, slots.current.empty, slots.next.authority) == ("A", True, None)


def kept(name: str, slot: str, status: str) -> Slot:
    return Slot(slot, jwt_authority(name), NOW, NOW + DAY, status)


@pytest.mark.parametrize(
    ("usable", "current", "following"),
    [
        # newest first
        ([], ("A", ""), ("B", "")),
        ([("new", "B", ACTIVE)], ("B", ACTIVE), ("A", "")),
        ([("new", "B", PREPARED), ("old", "A", ACTIVE)], ("A", ACTIVE), ("B", PREPARED)),
        ([("new", "A", ACTIVE), ("old", "B", OLD), ("older", "A", OLD)], ("A", ACTIVE), ("B", OLD)),
        ([("new", "B", PREPARED)], ("B", PREPARED), ("A", "")),
        ([("new", "A", OLD), ("old", "B", OLD)], ("A", OLD), ("B", "")),
        ([("new", "A", PREPARED), ("old", "A", PREPARED), ("older", "B", ACTIVE)], ("B", ACTIVE), ("A", PREPARED)),
        # As in SPIRE's getX509CASlots: while nothing is there for the next slot, an older active one wins.
        ([("new", "A", ACTIVE), ("old", "B", ACTIVE)], ("B", ACTIVE), ("A", "")),
    ],
)
def test_what_can_be_used_again_finds_its_place(
    usable: list[tuple[str, str, str]], current: tuple[str, str], following: tuple[str, str]
) -> None:
    slots = Slots(X509)
    slots.recover(kept(*slot) for slot in usable)
    assert (slots.current.id, slots.current.status) == current
    assert (slots.next.id, slots.next.status) == following


def test_no_more_is_read_than_is_needed() -> None:
    slots = Slots(X509)
    usable = iter([kept("new", "B", PREPARED), kept("old", "A", ACTIVE), kept("older", "B", OLD)])
    slots.recover(usable)
    assert [slot.status for slot in usable] == [OLD]


def test_slots_pickle() -> None:
    slots = Slots(JWT)
    slots.current.fill(jwt_authority(), NOW)
    other = pickle.loads(pickle.dumps(slots))
    assert other.current.authority_id == jwt_authority().key_id
    assert (other.current.status, other.next.empty, other.kind) == (PREPARED, True, JWT)
