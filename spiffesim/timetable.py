"""The timetable: which loop runs next, so that time passes from event to event and idle ticks cost nothing."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

from spiffesim.clock import Clock
from spiffesim.instants import Microseconds
from spiffesim.loop import Key, Loop

LAST: Final[Key] = (1 << 62, "", 0)
"""Behind every loop: between two steps of the clock all ticks up to now have been."""


class Timetable:
    """A heap of the loops that have something to do, in a total order made of names, never of insertion.

    At one instant parents come before children, then names, then the order in which SPIRE starts loops.

    Args:
        clock: The clock that it moves.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[tuple[Microseconds, Key]] = []
        self._loops: dict[Key, Loop] = {}
        self._woken: dict[Key, Loop] = {}  # to be looked at before time goes on, however often they were woken
        self._turn: Key = LAST  # whose turn it is at the present instant

    @property
    def loops(self) -> Iterable[Loop]:
        """All loops that run."""
        return self._loops.values()

    def add(self, loops: Iterable[Loop]) -> None:
        """Let loops begin now."""
        for loop in loops:
            self._loops[loop.key] = loop
            loop.begin()
            self.wake(loop)

    def remove(self, loops: Iterable[Loop]) -> None:
        """Let loops end."""
        for loop in loops:
            if self._loops.get(loop.key) is loop:
                del self._loops[loop.key]
                self._woken.pop(loop.key, None)

    def wake(self, loop: Loop) -> None:
        """Look again at when a loop has something to do, unless it has ended: what it depends on has changed."""
        if self._loops.get(loop.key) is loop:
            self._woken[loop.key] = loop

    def _next(self, loop: Loop) -> Microseconds | None:
        """The first tick at which a loop has something to do, and which has not been; none while its machine sleeps."""
        sought, loop.sought = loop.sought, None
        if loop.node.paused_at is not None:
            return None
        if loop.retry_at is not None:
            return loop.retry_at
        if loop.grid is None or (due := loop.due()) is None:
            return None
        now, grid, planned = self.clock.instant, loop.grid, loop.planned
        loop.sought = (due, grid)
        if planned is not None and planned > now and loop.sought == sought:
            return planned  # found before, and still to come
        return grid.next(due) if due > now else grid.next(now, after=loop.key <= self._turn)

    def passed(self, instant: Microseconds, loop: Loop) -> bool:
        """Whether a tick of a loop has been."""
        now = self.clock.instant
        return instant < now or (instant == now and loop.key < self._turn)

    @property
    def next(self) -> Microseconds | None:
        """When something next happens; None if nothing ever does."""
        heap, loops = self._heap, self._loops
        if self._woken:
            for woken in self._woken.values():
                planned = self._next(woken)
                if planned != woken.planned:
                    woken.planned = planned
                    if planned is not None:
                        heappush(heap, (planned, woken.key))
            self._woken.clear()
        while heap:
            instant, key = heap[0]
            loop = loops.get(key)
            if loop is not None and loop.planned == instant:
                return instant
            heappop(heap)  # planned anew since, or gone
        return None

    def run(self, until: Microseconds) -> None:
        """Let time pass up to an instant, and everything happen that falls due by then.

        An interrupt loses nothing: what it broke off is run again, and what was to come at that instant still comes.
        """
        while (instant := self.next) is not None and instant <= until:
            self.step()
        self.clock.move(until)
        self._turn = LAST

    def step(self) -> None:
        """Let the next thing happen, which there has to be."""
        instant, key = self._heap[0]  # it leaves the heap when it is out of date
        loop = self._loops[key]
        self.clock.move(instant)
        self._turn = key
        try:
            loop.tick()
        except BaseException:
            self._woken.pop(key, None)
            self._turn = (*key[:2], key[2] - 1)  # its turn is still to come
            raise
        self.wake(loop)
