"""The timetable: who comes first, what a change brings about, and what an interrupt breaks off."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from itertools import permutations

import pytest

from spiffesim.clock import Clock
from spiffesim.daemon import Daemon
from spiffesim.instants import SECOND
from spiffesim.loop import Loop
from spiffesim.randomness import Randomness
from spiffesim.world import World
from tests.oracles.naive import NaiveTimetable

START = datetime(2030, 1, 1, tzinfo=UTC)


class Host(Daemon):
    """A node whose loops take notes of when they run, and react to what is put before them."""

    def __init__(self, world: World, name: str = "host", depth: int = 0) -> None:
        super().__init__(world, name)
        self.depth = depth
        self.wanted: set[str] = set()
        self.reaction: Loop | None = None
        self.interrupts = 0


class Post(Loop):
    """Has something to do while its node wants it to."""

    node: Host
    period = 5 * SECOND

    def due(self) -> int | None:
        return 0 if self.name in self.node.wanted else None

    def run(self) -> bool:
        if self.name not in self.node.wanted:
            return True
        if self.node.interrupts:
            self.node.interrupts -= 1
            raise KeyboardInterrupt
        self.node.wanted.discard(self.name)
        self.node.note(self.name)
        self.react()
        return True

    def react(self) -> None:
        """Nothing."""


class First(Post):
    name = "first"
    place = 10


class Second(Post):
    """Makes the others want to run."""

    name = "second"
    place = 20

    def react(self) -> None:
        self.node.wanted = {"first", "third"}
        self.node.wake()


class Third(Post):
    name = "third"
    place = 30


class Timer(Post):
    """Has no grid: it runs once, when it is told to."""

    name = "timer"
    place = 40

    def begin(self) -> None:
        self.grid = self.retry_at = None

    def run(self) -> bool:
        if self.retry_at == self.node.world.now:
            self.retry_at = None
            self.node.note(self.name)
        return True


class Ending(Post):
    """Ends its node, as an agent does that has been banned."""

    name = "ending"
    place = 50

    def react(self) -> None:
        self.node.end_loops()


def world(*, naive: bool = False) -> World:
    made = World(Clock(START), Randomness(1))
    if naive:
        made.timetable = NaiveTimetable(made.clock)
    return made


def host(*loops: type[Loop], name: str = "host", depth: int = 0, among: World | None = None) -> Host:
    node = Host(among or world(), name, depth)
    begin(node, *loops)
    return node


def begin(node: Host, *loops: type[Loop]) -> None:
    node.loops = tuple(loop(node) for loop in loops)
    node.world.timetable.add(node.loops)


def want(node: Host, *names: str) -> None:
    node.wanted = set(names)
    node.wake()


def pass_time(node: Daemon, seconds: float) -> None:
    node.world.timetable.run(node.world.now + int(seconds * SECOND))


def told(node: Daemon) -> list[tuple[float, str]]:
    start = node.world.clock.start
    return [((event.instant - start) / SECOND, event.kind) for event in node.world.journal]


# Order


def test_at_one_instant_parents_come_first_then_names_then_places_whatever_was_made_first() -> None:
    orders = set()
    for made in permutations([("b", 0), ("a", 1), ("c", 1)]):
        shared = world()
        nodes = [host(Third, First, name=name, depth=depth, among=shared) for name, depth in made]
        for node in nodes:
            want(node, "first", "third")
        pass_time(nodes[0], 5)
        orders.add(tuple((event.node, event.kind) for event in shared.journal))
    assert orders == {tuple((name, kind) for name in "bac" for kind in ("first", "third"))}


def test_an_earlier_instant_comes_before_a_smaller_depth() -> None:
    shared = world()
    child = host(First, name="child", depth=7, among=shared)
    pass_time(child, 1)
    root = host(First, name="root", among=shared)
    for node in (root, child):
        want(node, "first")
    pass_time(root, 60)
    assert [(event.node, event.at.second) for event in shared.journal] == [("child", 5), ("root", 6)]


# What is to come


def test_nothing_is_next_where_nothing_is_due() -> None:
    node = host(First)
    assert node.world.timetable.next is None
    pass_time(node, 1e9)
    assert told(node) == []


def test_what_is_due_runs_at_the_next_tick_once() -> None:
    node = host(First)
    pass_time(node, 12)
    want(node, "first")
    assert node.world.timetable.next == node.world.clock.start + 15 * SECOND
    pass_time(node, 100)
    assert told(node) == [(15, "first")]


def test_what_comes_at_the_very_end_of_a_step_runs_in_it() -> None:
    node = host(First)
    want(node, "first")
    pass_time(node, 5)
    assert told(node) == [(5, "first")]


def test_a_tick_at_the_present_instant_has_been_for_who_calls_between_two_steps() -> None:
    node = host(First)
    pass_time(node, 5)
    want(node, "first")
    pass_time(node, 0)
    assert told(node) == []
    pass_time(node, 10)
    assert told(node) == [(10, "first")]


def test_what_becomes_due_during_a_tick_runs_at_once_where_its_turn_is_still_to_come_and_else_at_its_next() -> None:
    for naive in (False, True):
        node = host(First, Second, Third, among=world(naive=naive))
        want(node, "second")
        pass_time(node, 100)
        assert told(node) == [(5, "second"), (5, "third"), (10, "first")]


def test_which_ticks_of_the_present_instant_have_been_depends_on_whose_turn_it_is() -> None:
    asked: list[list[bool]] = []

    class Asking(Second):
        def react(self) -> None:
            now = self.node.world.now
            asked.append([self.node.world.timetable.passed(now, loop) for loop in self.node.loops])
            asked.append([self.node.world.timetable.passed(now + by, self) for by in (-1, 1)])

    node = host(First, Asking, Third)
    want(node, "second")
    pass_time(node, 5)
    assert asked == [[True, False, False], [True, False]]
    assert all(node.world.timetable.passed(node.world.now, loop) for loop in node.loops)


def test_what_is_no_longer_due_does_not_run() -> None:
    node = host(First)
    want(node, "first")
    want(node)
    assert node.world.timetable.next is None
    want(node, "first")
    pass_time(node, 20)
    assert told(node) == [(5, "first")]


def test_a_timer_without_a_grid_runs_when_it_is_set_and_once() -> None:
    for naive in (False, True):
        node = host(First, Timer, among=world(naive=naive))
        want(node, "timer")  # which is not enough
        pass_time(node, 20)
        assert told(node) == []
        node.loops[1].retry_at = node.world.now + 1234
        node.wake()
        pass_time(node, 20)
        assert told(node) == [(20.001234, "timer")]


def test_a_loop_that_is_gone_does_not_run() -> None:
    node = host(First, Ending, Timer)
    want(node, "first", "ending")
    node.loops[2].retry_at = node.world.now + 6 * SECOND
    node.wake()
    gone = node.loops
    pass_time(node, 20)
    assert told(node) == [(5, "first"), (5, "ending")]
    assert list(node.world.timetable.loops) == []
    for loop in gone:
        node.world.timetable.wake(loop)
    node.world.timetable.remove(gone)
    assert node.world.timetable.next is None


def test_loops_that_begin_again_tick_from_now_on() -> None:
    node = host(First)
    want(node, "first")
    pass_time(node, 2)
    node.end_loops()
    pass_time(node, 5)
    begin(node, First)
    pass_time(node, 5)
    assert told(node) == [(12, "first")]


@pytest.mark.parametrize("naive", [False, True])
def test_loops_that_begin_again_in_a_tick_of_one_of_them_are_not_forgotten(naive: bool) -> None:
    class Restarting(Second):
        def react(self) -> None:
            self.node.end_loops()
            self.node.wanted = {"first", "second"}
            begin(self.node, First, Second)

    node = host(First, Restarting, among=world(naive=naive))
    pass_time(node, 2)
    want(node, "second")
    pass_time(node, 4)
    assert told(node) == [(5, "second")]
    pass_time(node, 5)
    assert told(node)[1:] == [(10, "first"), (10, "second")]


# Suspended machines


@pytest.mark.parametrize("naive", [False, True])
def test_a_suspended_machine_goes_on_where_it_stood(naive: bool) -> None:
    node = host(First, Timer, among=world(naive=naive))
    want(node, "first")
    node.loops[1].retry_at = node.world.now + 3 * SECOND
    node.wake()
    pass_time(node, 1)
    node.pause()
    pass_time(node, 100)
    assert told(node) == []
    node.resume()
    pass_time(node, 100)
    assert told(node) == [(103, "timer"), (105, "first")]


@pytest.mark.parametrize("naive", [False, True])
def test_a_tick_that_had_been_when_the_machine_was_suspended_does_not_come_again(naive: bool) -> None:
    node = host(First, among=world(naive=naive))
    pass_time(node, 10)
    node.pause()
    pass_time(node, 100)
    node.resume()
    want(node, "first")
    pass_time(node, 100)
    assert told(node) == [(115, "first")]


# Interrupts


@pytest.mark.parametrize("times", [1, 3])
def test_an_interrupt_loses_nothing(times: int) -> None:
    expected = interrupted(times=0)
    assert expected == [(5, "first"), (5, "second"), (5, "third"), (10, "first")]
    assert interrupted(times=times) == expected


def interrupted(*, times: int) -> list[tuple[float, str]]:
    node = host(First, Second, Third)
    want(node, "first", "second")
    node.interrupts = times
    for _ in range(times):
        with pytest.raises(KeyboardInterrupt):
            pass_time(node, 60)
        assert node.world.now == node.world.clock.start + 5 * SECOND
    pass_time(node, 60)
    return told(node)


def test_what_is_done_after_an_interrupt_does_not_take_the_present_ticks_away() -> None:
    node = host(First, Second, Third)
    want(node, "second")
    node.interrupts = 1
    with pytest.raises(KeyboardInterrupt):
        pass_time(node, 60)
    now = node.world.now
    assert [node.world.timetable.passed(now, loop) for loop in node.loops] == [True, False, False]
    node.wanted |= {"first", "third"}
    node.wake()
    pass_time(node, 0)
    assert told(node) == [(5, "second"), (5, "third")]
    pass_time(node, 60)
    assert told(node)[2:] == [(10, "first")]


def test_an_interrupt_after_a_wake_loses_nothing_either() -> None:
    class Breaking(First):
        def run(self) -> bool:
            if self.name in self.node.wanted:
                self.node.wake()  # now it is due at the next tick,
            return super().run()  # and breaks off

    node = host(Breaking)
    want(node, "first")
    node.interrupts = 1
    with pytest.raises(KeyboardInterrupt):
        pass_time(node, 60)
    pass_time(node, 0)
    assert told(node) == [(5, "first")]


# As data


def test_a_timetable_is_data() -> None:
    node = host(First, Third)
    want(node, "first", "third")
    twin = pickle.loads(pickle.dumps(node))
    for each in (node, twin):
        pass_time(each, 60)
    assert told(twin) == told(node) == [(5, "first"), (5, "third")]


def test_a_heap_does_not_fill_up_with_what_is_out_of_date() -> None:
    node = host(First, Third)
    for _ in range(1000):
        want(node, "first")
        want(node, "first", "third")
        pass_time(node, 5)
    assert len(told(node)) == 2000
    assert len(node.world.timetable._heap) < 5
