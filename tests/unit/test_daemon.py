"""Daemons: a process with a clock of its own, and loops that run while it does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from spiffesim.clock import Clock
from spiffesim.daemon import Daemon
from spiffesim.errors import Unavailable
from spiffesim.instants import SECOND
from spiffesim.loop import Loop
from spiffesim.randomness import Randomness
from spiffesim.world import World


class Counter(Loop):
    """Counts what it has been told to count."""

    name = "counter"
    place = 10
    period = 10 * SECOND
    node: Host

    def due(self) -> int | None:
        return self.node.due_at

    def run(self) -> bool:
        if self.node.due_at is not None and self.node.world.now >= self.node.due_at:
            self.node.due_at = None
            self.node.note("counted")
        return True


class Host(Daemon):
    depth = 0
    _LOOPS = (Counter,)
    due_at: int | None = None


def host() -> Host:
    return Host(World(Clock(datetime(2030, 1, 1, tzinfo=UTC)), Randomness(1)), "host")


def pass_time(node: Daemon, seconds: int) -> None:
    node.world.timetable.run(node.world.now + seconds * SECOND)


def counted(node: Daemon) -> list[int]:
    return [(event.instant - node.world.clock.start) // SECOND for event in node.world.journal]


def test_its_clock_is_the_worlds_and_what_it_is_ahead() -> None:
    node = host()
    assert node.now == node.world.now
    node.set_skew(-3 * SECOND)
    assert node.now == node.world.now - 3 * SECOND
    pass_time(node, 60)
    assert node.now == node.world.clock.start + 57 * SECOND


def test_it_runs_until_its_process_ends() -> None:
    node = host()
    node.check_running()
    running = [node.running]
    node.stopped = "killed"
    running.append(node.running)
    assert running == [True, False]
    with pytest.raises(Unavailable) as refused:
        node.check_running()
    assert refused.value.status == "UNAVAILABLE"
    assert "killed" in str(refused.value)


def test_it_does_not_answer_while_it_is_suspended() -> None:
    node = host()
    node.pause()
    assert (node.paused, node.running) == (True, False)
    with pytest.raises(Unavailable) as refused:
        node.check_running()
    assert refused.value.status == "DEADLINE_EXCEEDED"
    node.resume()
    assert (node.paused, node.running) == (False, True)
    node.check_running()


def test_its_loops_run_from_their_beginning_to_their_end() -> None:
    node = host()
    assert list(node.world.timetable.loops) == []
    pass_time(node, 3)
    node.due_at = node.world.now
    node.start_loops()
    assert list(node.world.timetable.loops) == list(node.loops)
    pass_time(node, 60)
    assert counted(node) == [13]
    node.due_at = node.world.now
    node.end_loops()
    assert node.loops == ()
    pass_time(node, 60)
    assert counted(node) == [13]


def test_what_changes_counts_once_it_is_woken() -> None:
    node = host()
    node.start_loops()
    pass_time(node, 60)
    node.due_at = node.world.now + 25 * SECOND
    node.wake()
    assert node.world.timetable.next == node.world.now + 30 * SECOND
    node.due_at = None
    node.wake()
    assert node.world.timetable.next is None


def test_a_suspended_machine_waits_afterwards_for_what_it_still_had_to_wait() -> None:
    node = host()
    node.start_loops()
    node.due_at = node.world.now
    node.wake()
    pass_time(node, 4)
    node.pause()
    pass_time(node, 60)
    assert counted(node) == []
    node.resume()
    pass_time(node, 60)
    assert counted(node) == [70]  # 10 s, of which it slept through none


def test_it_says_what_it_is() -> None:
    assert repr(host()) == "<Host host>"


def test_its_loops_are_found_by_their_kind_while_they_run() -> None:
    class Other(Counter):
        pass

    node = host()
    assert node.find_loop(Counter) is None
    node.start_loops()
    assert node.find_loop(Counter) is node.loop(Counter) is node.loops[0]
    assert node.find_loop(Other) is None
    node.end_loops()
    assert node.find_loop(Counter) is None
