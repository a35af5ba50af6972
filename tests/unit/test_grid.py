"""Grids: any tick without the others, and what that costs against a ticker that waits a random time after each run."""

from __future__ import annotations

import itertools
from random import Random
from statistics import mean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.grid import Grid, Jitter
from spiffesim.instants import SECOND
from spiffesim.randomness import Randomness

PERIOD = 5 * SECOND
START = 1_000_000_000


def jittered(seed: int = 1, period: int = PERIOD, first: int | None = None) -> Grid:
    return Grid(START, period, Jitter(Randomness(seed), "agent sync since 1000000000"), first)


grids = st.builds(
    Grid,
    start=st.integers(0, 10**15),
    period=st.sampled_from((SECOND // 2, PERIOD, 10 * SECOND, 300 * SECOND)),
    jitter=st.none() | st.integers(0, 99).map(lambda seed: Jitter(Randomness(seed), "loop")),
    first=st.none() | st.just(5 * SECOND),
)


def test_an_exact_ticker_first_ticks_one_period_after_its_start() -> None:
    grid = Grid(START, PERIOD)
    assert [grid.at(tick) for tick in (1, 2, 1000)] == [START + PERIOD, START + 2 * PERIOD, START + 1000 * PERIOD]


def test_any_tick_is_told_without_the_others() -> None:
    in_order, backwards = jittered(), jittered()
    forth = [in_order.at(tick) for tick in range(1, 1000)]
    assert [backwards.at(tick) for tick in range(999, 0, -1)] == forth[::-1]
    assert in_order.at(10**12) == jittered().at(10**12)


def test_two_grids_share_no_jitter() -> None:
    assert [jittered(1).at(tick) for tick in range(1, 9)] != [jittered(2).at(tick) for tick in range(1, 9)]
    other = Grid(START, PERIOD, Jitter(Randomness(1), "agent sync since 2000000000"))
    assert [jittered(1).at(tick) for tick in range(1, 9)] != [other.at(tick) for tick in range(1, 9)]


@pytest.mark.parametrize("period", [SECOND // 2, PERIOD, 5 * SECOND + 1, 3600 * SECOND])
def test_a_jitter_lies_within_a_twentieth_of_the_period(period: int) -> None:
    jitter = Jitter(Randomness(1), "loop")
    drawn = [jitter.offset(tick, period) for tick in range(1, 20_000)]
    limit = period // 20
    assert -limit <= min(drawn) < -0.99 * limit
    assert 0.99 * limit < max(drawn) <= period // 10 - limit
    assert abs(mean(drawn)) < 0.02 * limit  # uniform: on average none,
    assert pstdev(drawn) == pytest.approx(limit / 3**0.5, rel=0.02)  # with the spread of a uniform law


def test_every_gap_is_within_ten_per_cent_of_the_period() -> None:
    grid = jittered()
    ticks = [grid.at(tick) for tick in range(1, 20_000)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(ticks)]
    assert 0.9 * PERIOD <= min(gaps) < 0.905 * PERIOD
    assert 1.095 * PERIOD < max(gaps) <= 1.1 * PERIOD


@given(grid=grids, instant=st.integers(0, 10**15 + 10**12), after=st.booleans())
def test_the_next_tick_is_the_first_that_is_not_past(grid: Grid, instant: int, after: bool) -> None:
    at = grid.next(instant, after=after)
    assert at > instant if after else at >= instant
    tick = next(tick for tick in range(max((at - grid.start) // grid.period - 1, 1), 10**16) if grid.at(tick) == at)
    if tick > 1:  # and the one before is
        before = grid.at(tick - 1)
        assert before <= instant if after else before < instant


@given(grid=grids, tick=st.integers(1, 10**6))
def test_a_tick_at_the_instant_itself_counts_unless_it_has_been(grid: Grid, tick: int) -> None:
    at, following = grid.at(tick), grid.at(tick + 1)
    assert grid.next(at) == at
    assert grid.next(at, after=True) == following
    assert grid.next(at + 1) == following
    assert grid.next(at - 1, after=True) == at


def test_before_its_start_the_next_tick_is_the_first() -> None:
    for grid in (Grid(START, PERIOD), jittered()):
        assert grid.next(0) == grid.at(1)


def test_a_first_tick_that_would_be_late_is_brought_forward() -> None:
    grid = Grid(START, 60 * SECOND, first=5 * SECOND)
    assert [grid.at(tick) - START for tick in (1, 2)] == [5 * SECOND, 120 * SECOND]
    assert [grid.next(START + second * SECOND) - START for second in (0, 5, 6)] == [
        5 * SECOND,
        5 * SECOND,
        120 * SECOND,
    ]


def test_a_first_tick_that_is_early_stays() -> None:
    offsets = {seed: jittered(seed).at(1) - START - PERIOD for seed in range(20)}
    assert min(offsets.values()) < 0 < max(offsets.values())
    for seed, offset in offsets.items():
        assert jittered(seed, first=PERIOD).at(1) - START == PERIOD + min(offset, 0)
        assert jittered(seed, first=PERIOD).at(2) == jittered(seed).at(2)


@given(grid=grids, duration=st.integers(0, 10**12), tick=st.integers(1, 10**6))
def test_a_grid_that_stood_still_ticks_so_much_later(grid: Grid, duration: int, tick: int) -> None:
    assert grid.shift(duration).at(tick) == grid.at(tick) + duration


# SPIRE's ticker draws a new wait after each run, so it walks: that is what a grid gives up for telling any tick in
# constant time.


def walk(seed: int, ticks: int) -> list[int]:
    random, at, found = Random(seed), START, []
    for _ in range(ticks):
        at += PERIOD - PERIOD // 10 + random.randrange(PERIOD // 5 + 1)
        found.append(at)
    return found


def gaps(ticks: list[int]) -> list[float]:
    return [(later - earlier) / PERIOD - 1 for earlier, later in itertools.pairwise(ticks)]


def test_the_gaps_of_a_grid_have_the_mean_and_the_limits_of_a_walk_and_seven_tenths_of_its_spread() -> None:
    walked = gaps(walk(1, 50_000))
    on_grid = gaps([jittered().at(tick) for tick in range(1, 50_000)])
    for found in (walked, on_grid):
        assert mean(found) == pytest.approx(0, abs=1e-3)
        assert max(map(abs, found)) <= 0.1
    assert pstdev(walked) == pytest.approx(0.1 / 3**0.5, rel=0.02)  # uniform between -10 % and +10 %
    assert pstdev(on_grid) == pytest.approx(0.1 / 6**0.5, rel=0.02)  # a triangle: the difference of two jitters


def test_a_gap_of_a_grid_makes_up_for_the_one_before_and_that_of_a_walk_does_not() -> None:
    def correlation(found: list[float]) -> float:
        return mean(a * b for a, b in itertools.pairwise(found)) / pstdev(found) ** 2

    assert correlation(gaps(walk(1, 50_000))) == pytest.approx(0, abs=0.02)
    assert correlation(gaps([jittered().at(tick) for tick in range(1, 50_000)])) == pytest.approx(-0.5, abs=0.02)


def test_a_walk_drifts_with_the_square_root_of_its_ticks_and_a_grid_stays_within_a_twentieth() -> None:
    ticks = 1600
    walked = [(walk(seed, ticks)[-1] - START) / PERIOD - ticks for seed in range(300)]
    on_grid = [(jittered(seed).at(ticks) - START) / PERIOD - ticks for seed in range(300)]
    assert pstdev(walked) == pytest.approx(0.1 / 3**0.5 * ticks**0.5, rel=0.1)  # 2.3 periods after 1,600 ticks
    assert max(map(abs, on_grid)) <= 0.05


def test_how_long_one_waits_for_the_next_tick_is_nearly_the_same_on_both() -> None:
    """What a user sees of the two: someone looks at any time, and waits for the next tick."""

    def waits(ticks: list[int]) -> list[float]:
        random, found, at = Random(7), [], 0
        for looked in sorted(random.randrange(ticks[100], ticks[-1]) for _ in range(20_000)):
            while ticks[at] < looked:
                at += 1
            found.append((ticks[at] - looked) / PERIOD)
        return found

    walked, on_grid = waits(walk(1, 20_000)), waits([jittered().at(tick) for tick in range(1, 20_001)])
    assert mean(walked) == pytest.approx(0.5, abs=0.01)
    assert mean(on_grid) == pytest.approx(mean(walked), abs=0.01)
    assert pstdev(on_grid) == pytest.approx(pstdev(walked), abs=0.005)
