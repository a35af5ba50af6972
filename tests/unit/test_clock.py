"""The virtual clock."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest

from spiffesim.clock import EPOCH, Clock, present
from spiffesim.errors import ClockError

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_a_simulation_with_a_seed_begins_in_2030() -> None:
    assert datetime(2030, 1, 1, tzinfo=UTC) == EPOCH


def test_the_real_present_is_in_whole_seconds() -> None:
    before = datetime.now(UTC)
    now = present()
    after = datetime.now(UTC)
    assert before - timedelta(seconds=1) < now <= after
    assert (now.microsecond, now.tzinfo) == (0, UTC)


def test_a_clock_begins_where_it_is_told_and_moves_when_it_is_told() -> None:
    clock = Clock(EPOCH)
    assert clock.now == EPOCH
    clock.advance(timedelta(hours=1, microseconds=5))
    clock.advance(timedelta(0))
    assert clock.now == datetime(2030, 1, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert clock.instant - clock.start == 3_600_000_005
    assert repr(clock) == "<Clock 2030-01-01T01:00:00.000005Z>"


def test_a_start_is_taken_down_to_the_whole_second_and_to_utc() -> None:
    clock = Clock(datetime(2030, 1, 1, 1, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now == EPOCH
    assert clock.now.tzinfo is UTC


def test_a_clock_lives_from_1970_to_9999() -> None:
    assert Clock(FIRST).instant == 0
    assert Clock(LAST.replace(microsecond=999_999)).now == LAST


@pytest.mark.parametrize("start", [FIRST - timedelta(microseconds=1), datetime(1, 1, 1, tzinfo=UTC)])
def test_a_clock_begins_no_earlier(start: datetime) -> None:
    with pytest.raises(ClockError, match=r"a clock cannot begin at .*; it lives from 1970 to 9999") as caught:
        Clock(start)
    assert caught.value.at == start


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ClockError, match="2030-01-01T00:00:00 has no time zone"):
        Clock(datetime(2030, 1, 1))


def test_time_does_not_go_backwards() -> None:
    clock = Clock(EPOCH)
    with pytest.raises(ClockError) as caught:
        clock.advance(timedelta(seconds=-1))
    assert str(caught.value) == "time does not go backwards: asked for -1 day, 23:59:59 from 2030-01-01T00:00:00Z"
    assert caught.value.duration == timedelta(seconds=-1)
    assert clock.now == EPOCH  # and it has not moved


@pytest.mark.parametrize("duration", [timedelta(seconds=1), timedelta(microseconds=1), timedelta.max])
def test_time_ends_with_the_year_9999(duration: timedelta) -> None:
    clock = Clock(LAST - timedelta(seconds=1))
    clock.advance(timedelta(seconds=1))
    with pytest.raises(ClockError, match=r"9999-12-31T23:59:59Z plus .* is past the end of time") as caught:
        clock.advance(duration)
    assert caught.value.duration == duration
    assert clock.now == LAST


def test_a_clock_pickles() -> None:
    clock = Clock(EPOCH)
    clock.advance(timedelta(minutes=1))
    other = pickle.loads(pickle.dumps(clock))
    assert (other.start, other.instant) == (clock.start, clock.instant)
