"""The virtual clock."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from spiffesim import Simulation
from spiffesim.clock import EPOCH, Clock, present, step_of
from spiffesim.errors import ClockError

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.fixture
def sim() -> Simulation:
    return Simulation(seed=1)


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
    clock.move(clock.after(timedelta(hours=1, microseconds=5)))
    clock.move(clock.after(timedelta(0)))
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
        clock.after(timedelta(seconds=-1))
    assert str(caught.value) == "time does not go backwards: asked for -1 day, 23:59:59 from 2030-01-01T00:00:00Z"
    assert caught.value.duration == timedelta(seconds=-1)
    assert clock.now == EPOCH  # and it has not moved


@pytest.mark.parametrize("duration", [timedelta(seconds=1), timedelta(microseconds=1), timedelta.max])
def test_time_ends_with_the_year_9999(duration: timedelta) -> None:
    clock = Clock(LAST - timedelta(seconds=1))
    clock.move(clock.after(timedelta(seconds=1)))
    with pytest.raises(ClockError, match=r"9999-12-31T23:59:59Z plus .* is past the end of time") as caught:
        clock.after(duration)
    assert caught.value.duration == duration
    assert clock.now == LAST


def test_a_clock_pickles() -> None:
    clock = Clock(EPOCH)
    clock.move(clock.after(timedelta(minutes=1)))
    other = pickle.loads(pickle.dumps(clock))
    assert (other.start, other.instant) == (clock.start, clock.instant)


def test_a_limit_is_a_span_or_an_instant() -> None:
    clock = Clock(EPOCH)
    assert clock.limit(timedelta(seconds=5)) == clock.limit(EPOCH + timedelta(seconds=5)) == clock.instant + 5_000_000
    for limit in (7, "2030-01-02", None, date(2030, 1, 2)):
        with pytest.raises(ClockError, match="an instant is an aware datetime, not"):
            clock.limit(limit)  # type: ignore[arg-type]  # the point


def test_a_step_is_a_span_and_more_in_words() -> None:
    assert step_of(timedelta(hours=1), {"minutes": 2}) == timedelta(minutes=62)
    with pytest.raises(ClockError, match=r"^0:00:00 and {'days': inf} are no step of time"):
        step_of(timedelta(0), {"days": float("inf")})


# Running until something is the case


def test_time_passes_until_something_has_happened(sim: Simulation) -> None:
    found = sim.run_until(
        lambda sim: sim.journal.where(kind="X509 CA activated", since=EPOCH + timedelta(hours=1)),
        limit=timedelta(days=2),
    )
    (event,) = sim.journal.where(kind="X509 CA activated", since=EPOCH + timedelta(hours=1))
    assert found == sim.now == event.at


def test_time_passes_until_something_ends_without_an_event(sim: Simulation) -> None:
    end = EPOCH + timedelta(minutes=10)
    seen: list[datetime] = []

    def ended(sim: Simulation) -> bool:
        seen.append(sim.now)
        return sim.now > end

    assert sim.run_until(ended, limit=timedelta(hours=1)) == end + timedelta(seconds=1)
    assert seen[0] == EPOCH
    assert max(later - earlier for earlier, later in pairwise(seen)) == timedelta(seconds=1)
    seen.clear()
    end += timedelta(hours=13)
    assert sim.run_until(ended, limit=timedelta(days=1), step=timedelta(hours=24)) > end
    assert len(seen) > 2  # something happened on the way


def test_what_is_the_case_takes_no_time(sim: Simulation) -> None:
    assert sim.run_until(lambda sim: True, limit=timedelta(0)) == EPOCH


def test_a_limit_that_passes_is_an_error_and_the_world_is_there(sim: Simulation) -> None:
    for limit, at in ((timedelta(seconds=90), EPOCH + timedelta(seconds=90)), (EPOCH + timedelta(hours=1),) * 2):
        with pytest.raises(ClockError, match=r"^by 2030-01-01T0.:0.:.0Z it was not the case$") as caught:
            sim.run_until(lambda sim: False, limit=limit, step=timedelta(seconds=7))
        assert (caught.value.code, caught.value.at) == ("limit", at)
        assert sim.now == at
    assert sim.run_until(lambda sim: sim.now == at + timedelta(minutes=1), limit=timedelta(minutes=1)) == sim.now


@pytest.mark.parametrize("step", [timedelta(0), timedelta(seconds=-1), 5, timedelta.max])
def test_a_step_between_two_looks_takes_time(sim: Simulation, step: timedelta) -> None:
    if step == timedelta.max:  # the positive control: the limit is sooner
        with pytest.raises(ClockError, match="it was not the case"):
            sim.run_until(lambda sim: False, limit=timedelta(seconds=1), step=step)
        return
    with pytest.raises(ClockError, match=r"a step between two looks takes time|a step of time is a timedelta"):
        sim.run_until(lambda sim: True, limit=timedelta(seconds=1), step=step)


def test_an_interrupt_leaves_a_world_that_goes_on(sim: Simulation) -> None:
    def interrupted(sim: Simulation) -> bool:
        if sim.now > EPOCH + timedelta(hours=13):
            raise KeyboardInterrupt
        return False

    other = sim.fork()
    with pytest.raises(KeyboardInterrupt):
        sim.run_until(interrupted, limit=timedelta(days=2), step=timedelta(minutes=1))
    for one in (sim, other):
        one.travel_to(EPOCH + timedelta(days=2))
    assert sim.journal.digest() == other.journal.digest()
