"""Loops: what a failed attempt waits for, and what starts a new grid."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from spiffesim.clock import Clock
from spiffesim.daemon import Daemon
from spiffesim.instants import SECOND
from spiffesim.loop import Loop, Waiting
from spiffesim.randomness import Randomness
from spiffesim.world import World

START = datetime(2030, 1, 1, tzinfo=UTC)


class Attempt(Loop):
    """Does what it is told, and says when."""

    name = "attempt"
    place = 10
    period = 5 * SECOND
    jittered = True
    backs_off = True

    def __init__(self, node: Daemon) -> None:
        super().__init__(node)
        self.failing = False
        self.wanted = True
        self.ran: list[float] = []
        self.began = node.world.now

    def due(self) -> int | None:
        return 0 if self.wanted else None

    def run(self) -> bool:
        self.ran.append((self.node.world.now - self.began) / SECOND)
        return not self.failing


class Stubborn(Attempt):
    """Never leaves its grid."""

    name = "stubborn"
    place = 20
    jittered = False
    backs_off = False


class Host(Daemon):
    depth = 0
    _LOOPS = (Attempt, Stubborn)


def host(seed: int = 1) -> tuple[Host, Attempt, Stubborn]:
    node = Host(World(Clock(START), Randomness(seed)), "host")
    node.start_loops()
    attempt, stubborn = node.loops
    assert isinstance(attempt, Attempt)
    assert isinstance(stubborn, Stubborn)
    stubborn.wanted = False
    node.wake()
    return node, attempt, stubborn


def pass_time(node: Daemon, seconds: float) -> None:
    node.world.timetable.run(node.world.now + int(seconds * SECOND))


def steps(loop: type[Attempt], seed: int, count: int) -> list[float]:
    """How long a loop waits after its first failure, its second, ..."""
    node = host(seed)[0]
    made = loop(node)
    waits = []
    made.failing = True
    for _ in range(count):
        made.tick()
        assert made.retry_at is not None
        waits.append((made.retry_at - node.world.now) / SECOND)
    return waits


def test_a_failed_attempt_is_made_again_after_one_and_a_half_times_as_long_each_time() -> None:
    for seed in range(30):
        for wait, expected in zip(steps(Attempt, seed, 4), (7.5, 11.25, 16.875, 25.3125), strict=True):
            assert 0.9 * expected <= wait <= 1.1 * expected


def test_waits_grow_to_24_periods_and_no_further() -> None:
    waits = steps(Attempt, 1, 12)
    assert 0.9 * 5 * 1.5**7 <= waits[6] <= 1.1 * 5 * 1.5**7  # 85 s: the last one below
    assert all(0.9 * 120 <= wait <= 1.1 * 120 for wait in waits[7:])


def test_a_loop_may_have_another_limit() -> None:
    class Longer(Attempt):
        longest = 48

    assert 0.9 * 240 <= steps(Longer, 1, 15)[-1] <= 1.1 * 240


def test_waits_grow_to_their_limit_however_many_failures_there_were() -> None:
    waits = steps(Attempt, 1, 3000)  # 1.5**3000 is beyond every float
    assert 0.9 * 120 <= waits[-1] <= 1.1 * 120


def test_waits_are_spread_by_ten_per_cent_on_either_side() -> None:
    first = [steps(Attempt, seed, 1)[0] / 7.5 for seed in range(400)]
    assert 0.9 <= min(first) < 0.91
    assert 1.09 < max(first) <= 1.1
    assert sum(first) / len(first) == pytest.approx(1, abs=0.01)


def test_each_wait_is_drawn_anew() -> None:
    assert len(set(steps(Attempt, 1, 40)[20:])) == 20


def test_a_failure_leaves_the_grid_and_the_first_success_starts_a_new_one() -> None:
    node, attempt, _ = host()
    before = attempt.grid
    pass_time(node, 16)
    assert pytest.approx(attempt.ran, abs=0.25) == [5, 10, 15]
    attempt.failing = True
    pass_time(node, 4.3)  # to about 20 s
    assert attempt.failures == 1
    assert attempt.grid is before
    pass_time(node, 12)  # to about 32 s: it failed at 20, 27.5, and will not at 38.75
    assert attempt.failures == 2
    attempt.failing = False
    pass_time(node, 10)
    assert attempt.failures == 0
    assert attempt.grid is not None
    assert attempt.grid is not before
    success = (attempt.grid.start - attempt.began) / SECOND
    assert success in attempt.ran
    pass_time(node, 60)
    later = [ran - success for ran in attempt.ran if ran > success]
    assert later == pytest.approx([5 * tick for tick in range(1, len(later) + 1)], abs=0.25)
    assert len(later) >= 12


def test_a_success_without_a_failure_stays_on_the_grid() -> None:
    node, attempt, _ = host()
    before = attempt.grid
    pass_time(node, 60)
    assert len(attempt.ran) in (11, 12)
    assert attempt.grid is before


def test_a_loop_that_does_not_back_off_is_tried_again_at_the_next_tick() -> None:
    node, _, stubborn = host()
    stubborn.failing = stubborn.wanted = True
    node.wake()
    pass_time(node, 20)
    assert stubborn.ran == [5, 10, 15, 20]
    assert stubborn.failures == 0
    assert stubborn.retry_at is None


def test_beginning_again_starts_a_new_grid_with_new_jitter_and_forgets_failures() -> None:
    node, attempt, _ = host()
    attempt.failing = True
    pass_time(node, 20)
    assert attempt.failures
    before = attempt.grid
    attempt.begin()
    assert (attempt.failures, attempt.retry_at) == (0, None)
    assert before is not None
    assert attempt.grid is not None
    assert attempt.grid.start == node.world.now
    offsets = [[grid.at(tick) - grid.start for tick in range(1, 9)] for grid in (before, attempt.grid)]
    assert offsets[0] != offsets[1]


def test_what_a_loop_still_had_to_wait_it_waits_after_standing_still() -> None:
    node, attempt, stubborn = host()
    attempt.failing = True
    pass_time(node, 6)
    retry, grid = attempt.retry_at, stubborn.grid
    assert retry is not None
    assert grid is not None
    for loop in (attempt, stubborn):
        loop.shift(1000)
    assert attempt.retry_at == retry + 1000
    assert stubborn.retry_at is None
    assert stubborn.grid is not None
    assert stubborn.grid.at(1) == grid.at(1) + 1000


def test_a_loop_without_a_grid_stands_still_too() -> None:
    _, attempt, _ = host()
    attempt.grid = None
    attempt.shift(1000)
    assert attempt.grid is attempt.retry_at is None


def test_what_a_loop_does_is_its_own_doing() -> None:
    node = host()[0]

    class Noting(Attempt):
        def run(self) -> bool:
            self.node.note("it ran")
            return super().run()

    Noting(node).tick()
    node.note("somebody called")
    assert [event.cause for event in node.world.journal] == ["attempt", "operator"]


def test_a_loop_says_what_it_is() -> None:
    assert repr(host()[1]) == "<Attempt of host>"


def test_what_a_loop_does_and_when_is_its_own_affair() -> None:
    bare = Loop.__new__(Loop)
    with pytest.raises(NotImplementedError):
        bare.due()
    with pytest.raises(NotImplementedError):
        bare.run()


# Without a grid


class Bell(Waiting):
    """Rings once, a while after it was told to."""

    name = "bell"
    place = 30
    period = 5 * SECOND

    def run(self) -> bool:
        self.retry_at = None
        self.node.note("rang")
        return True


class Tower(Daemon):
    depth = 0
    _LOOPS = (Bell, Attempt)


def tower() -> tuple[Tower, Bell]:
    node = Tower(World(Clock(START), Randomness(1)), "tower")
    node.start_loops()
    return node, node.loop(Bell)


def test_a_loop_that_waits_runs_once_when_its_time_has_come() -> None:
    node, bell = tower()
    pass_time(node, 60)
    assert list(node.world.journal) == []
    bell.wait()
    rings = retry_of(bell)
    assert 4.5 <= (rings - node.world.now) / SECOND <= 5.5
    pass_time(node, 60)
    assert [event.instant for event in node.world.journal] == [rings]
    assert bell.due() is None


def test_a_loop_that_waits_waits_longer_after_failures_until_it_begins_anew() -> None:
    node, bell = tower()
    bell.failures = 3
    bell.wait()
    assert (retry_of(bell) - node.world.now) / SECOND > 15
    bell.begin()
    assert bell.failures == 0
    bell.wait()
    assert (retry_of(bell) - node.world.now) / SECOND < 5.6


def retry_of(loop: Loop) -> int:
    assert loop.retry_at is not None
    return loop.retry_at


def test_a_loop_is_idle_while_it_has_no_grid_and_waits_for_nothing() -> None:
    node, bell = tower()
    assert node.world.timetable.next is not None
    found = [bell.idle, node.loop(Attempt).idle]
    bell.wait()
    found.append(bell.idle)
    assert node.world.timetable.next is not None
    bell.begin()
    found.append(bell.idle)  # the engine has still planned it
    node.wake()
    assert node.world.timetable.next is not None
    found.append(bell.idle)
    assert found == [True, False, False, False, True]
