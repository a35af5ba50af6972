"""When authorities are prepared and activated, and SVIDs renewed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import rotation
from spiffesim.instants import SECOND, span

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ISSUED = 1_893_456_000 * SECOND


@pytest.mark.parametrize(
    ("lifetime", "prepare", "activate"),
    [
        (24 * HOUR, 12 * HOUR, 20 * HOUR),
        (HOUR, 30 * MINUTE, 50 * MINUTE),
        (MINUTE, timedelta(seconds=30), timedelta(seconds=50)),
        (90 * DAY, 60 * DAY, 83 * DAY),  # 30 days and 7 days before the end
        (60 * DAY, 30 * DAY, 53 * DAY),
        (42 * DAY, 21 * DAY, 35 * DAY),  # a sixth is 7 days from here on down
        (41 * DAY, 20.5 * DAY, 41 * DAY - 41 * DAY / 6),
        (timedelta(0), timedelta(0), timedelta(0)),
    ],
)
def test_the_next_authority_is_prepared_at_half_and_activated_at_five_sixths(
    lifetime: timedelta, prepare: timedelta, activate: timedelta
) -> None:
    end = ISSUED + span(lifetime)
    assert rotation.prepare_after(ISSUED, end) == ISSUED + span(prepare)
    assert rotation.activate_after(ISSUED, end) == ISSUED + span(activate)


@given(st.integers(0, 10**18), st.integers(0, 10**17))
def test_the_next_authority_is_prepared_before_it_is_activated(issued: int, lifetime: int) -> None:
    prepared = rotation.prepare_after(issued, issued + lifetime)
    activated = rotation.activate_after(issued, issued + lifetime)
    assert issued <= prepared <= activated <= issued + lifetime


def test_an_svid_of_an_hour_is_renewed_after_29_minutes_and_55_seconds() -> None:
    # It begins 10 s before it is issued.
    assert span(timedelta(seconds=10)) == rotation.BACKDATE
    half = rotation.half_life(ISSUED - rotation.BACKDATE, ISSUED + span(HOUR))
    assert half == ISSUED + span(timedelta(minutes=29, seconds=55))


@pytest.mark.parametrize(
    ("ca_ttl", "longest"), [(24 * HOUR, 4 * HOUR), (42 * DAY, 7 * DAY), (365 * DAY, 7 * DAY), (MINUTE, MINUTE / 6)]
)
def test_a_ca_can_always_give_a_sixth_of_its_lifetime_up_to_a_week(ca_ttl: timedelta, longest: timedelta) -> None:
    assert rotation.max_svid_ttl(span(ca_ttl)) == span(longest)
