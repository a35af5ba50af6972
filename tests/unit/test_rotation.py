"""When authorities are prepared and activated, and SVIDs renewed."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from statistics import mean, quantiles

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


# When agents renew

CHECK = 5 * SECOND


def coded(lifetime: int, random: Random, target: int = 0) -> int:
    """When SPIRE renews an SVID that begins at 0: a new threshold at every check, at whatever phase checks come.

    SPIRE: pkg/common/rotationutil/rotationutil.go
    """
    half = lifetime // 2
    delta = half // 10
    # No check that finds more left than the highest threshold could renew, so those are left out.
    hopeless = lifetime - max(half + delta, target + 600 * SECOND if target else 0)
    at = hopeless - hopeless % CHECK + random.randrange(CHECK)
    while True:
        left = lifetime - at
        if left <= 0:
            return at
        wanted = target + random.randrange(600 * SECOND)
        if target and lifetime - target > 12 * 3600 * SECOND and left <= wanted:
            return at
        if left <= half - delta + random.randrange(2 * delta):
            return at
        at += CHECK


def drawn_once(lifetime: int, random: Random, target: int = 0) -> int:
    """When an SVID that begins at 0 is renewed here: at the first check from that instant on."""
    return rotation.renew_after(0, lifetime, random.random(), check=CHECK, target=target) + random.randrange(CHECK)


@pytest.mark.parametrize(
    ("lifetime", "target"),
    [
        (300 * SECOND, 0),
        (610 * SECOND, 0),
        (3610 * SECOND, 0),
        (4 * 3600 * SECOND + 10 * SECOND, 0),
        (50 * 3600 * SECOND, 30 * 3600 * SECOND),  # 20 hours after it began, the target wants it
    ],
)
def test_one_draw_has_the_law_of_a_threshold_that_is_drawn_at_every_check(lifetime: int, target: int) -> None:
    """Means within half a check; each twentieth within half a check and a fiftieth of the whole window."""
    random = Random(1)
    twin = [coded(lifetime, random, target) for _ in range(10_000)]
    ours = [drawn_once(lifetime, random, target) for _ in range(10_000)]
    assert mean(ours) == pytest.approx(mean(twin), abs=CHECK / 2)
    window = 600 * SECOND if target else lifetime // 10
    assert quantiles(ours, n=20) == pytest.approx(quantiles(twin, n=20), abs=CHECK / 2 + window / 50)


def test_an_svid_of_an_hour_is_nearly_always_renewed_before_its_half_life() -> None:
    random = Random(1)
    seconds = [drawn_once(3610 * SECOND, random) / SECOND for _ in range(20_000)]
    twentieths = quantiles(seconds, n=20)
    assert mean(seconds) == pytest.approx(1676, abs=1)
    assert twentieths[0] == pytest.approx(1638, abs=2)
    assert twentieths[-1] == pytest.approx(1722, abs=2)
    assert sum(second > 1805 for second in seconds) < len(seconds) / 10_000


draws = st.floats(0, 1, exclude_max=True)
lifetimes = st.integers(30, 30 * 24 * 3600).map(lambda seconds: seconds * SECOND)


@given(lifetimes, draws, draws)
def test_a_higher_draw_is_never_earlier(lifetime: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    first = rotation.renew_after(ISSUED, ISSUED + lifetime, low, check=CHECK)
    assert first <= rotation.renew_after(ISSUED, ISSUED + lifetime, high, check=CHECK)


@given(lifetimes, draws)
def test_nothing_is_renewed_before_nine_twentieths_nor_after_the_end(lifetime: int, drawn: float) -> None:
    instant = rotation.renew_after(ISSUED, ISSUED + lifetime, drawn, check=CHECK)
    assert ISSUED + lifetime * 9 // 20 <= instant <= ISSUED + lifetime
    assert rotation.renew_after(ISSUED, ISSUED + lifetime, 0.0, check=CHECK) <= instant


@given(st.integers(300, 30 * 24 * 3600).map(lambda seconds: seconds * SECOND), draws)
def test_a_check_past_eleven_twentieths_always_renews(lifetime: int, drawn: float) -> None:
    instant = rotation.renew_after(0, lifetime, drawn, check=CHECK)
    assert instant <= lifetime * 11 // 20 + CHECK


@pytest.mark.parametrize("drawn", [0.0, 0.5, 0.999])
def test_what_is_too_short_for_any_check_is_renewed_at_its_end(drawn: float) -> None:
    for lifetime in (0, 1, 19):
        assert rotation.renew_after(0, lifetime, drawn, check=CHECK) <= lifetime
    assert rotation.renew_after(0, 0, drawn, check=CHECK) == 0


def test_an_availability_target_only_brings_a_renewal_forward() -> None:
    lifetime = span(4 * DAY)

    def renewed(drawn: float, target: timedelta) -> int:
        return rotation.renew_after(0, lifetime, drawn, check=CHECK, target=span(target))

    for drawn in (0.01, 0.5, 0.99):
        plain = renewed(drawn, timedelta(0))
        assert renewed(drawn, DAY) == plain  # half of the lifetime comes long before
        early = renewed(drawn, 3 * DAY)
        assert span(DAY) - 600 * SECOND <= early <= span(DAY) < plain


@pytest.mark.parametrize(("grace", "counts"), [(timedelta(0), False), (timedelta(microseconds=1), True)])
def test_an_availability_target_needs_more_than_twelve_hours_beside_it(grace: timedelta, counts: bool) -> None:
    lifetime = span(2 * DAY + 12 * HOUR + grace)
    plain = rotation.renew_after(0, lifetime, 0.5, check=CHECK)
    targeted = rotation.renew_after(0, lifetime, 0.5, check=CHECK, target=span(2 * DAY))
    assert (targeted < plain) is counts
    assert (targeted == plain) is not counts
    assert not counts or span(12 * HOUR) - 600 * SECOND <= targeted <= span(12 * HOUR + grace)


@pytest.mark.parametrize(
    ("ca_ttl", "longest"), [(24 * HOUR, 4 * HOUR), (42 * DAY, 7 * DAY), (365 * DAY, 7 * DAY), (MINUTE, MINUTE / 6)]
)
def test_a_ca_can_always_give_a_sixth_of_its_lifetime_up_to_a_week(ca_ttl: timedelta, longest: timedelta) -> None:
    assert rotation.max_svid_ttl(span(ca_ttl)) == span(longest)
