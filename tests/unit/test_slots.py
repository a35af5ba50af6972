"""The two places in which authorities wait, work, and have worked."""

from __future__ import annotations

import pickle

from spiffesim.slots import ACTIVE, OLD, PREPARED, Slot, Slots
from tests.unit.keyrings import DAY, HOUR, NOW, jwt_authority


def test_a_slot_begins_empty_and_keeps_what_was_in_it() -> None:
    slot = Slot("A")
    assert slot.empty
    authority = jwt_authority()
    slot.fill(authority, NOW)
    assert (slot.empty, slot.status, slot.authority) == (False, PREPARED, authority)
    assert (slot.issued_at, slot.not_after) == (NOW, NOW + DAY)
    slot.status = OLD
    assert slot.empty
    assert slot.authority is authority  # an old one can still be asked for


def test_the_next_authority_is_due_strictly_after_half_and_five_sixths() -> None:
    slot = Slot("A")
    slot.fill(jwt_authority(), NOW)
    assert [slot.should_prepare_next(NOW + 12 * HOUR + later) for later in (-1, 0, 1)] == [False, False, True]
    assert [slot.should_activate_next(NOW + 20 * HOUR + later) for later in (-1, 0, 1)] == [False, False, True]


def test_slots_are_filled_in_turn() -> None:
    slots = Slots()
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


def test_slots_pickle() -> None:
    slots = Slots()
    slots.current.fill(jwt_authority(), NOW)
    other = pickle.loads(pickle.dumps(slots))
    assert other.current.authority.key_id == jwt_authority().key_id
    assert (other.current.status, other.next.empty) == (PREPARED, True)
