"""A naive engine: every loop really ticks, and each time really runs its handler.

It shares the handlers and the draws with the engine of the package, and none of the arithmetic of when: it knows
neither which tick comes next after an instant nor when something is due.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from spiffesim import Simulation
from spiffesim.clock import Clock
from spiffesim.grid import Grid
from spiffesim.instants import Microseconds
from spiffesim.loop import Key, Loop
from spiffesim.timetable import LAST, Timetable


@attrs.define
class Ticking:
    """Where a loop is on its way."""

    loop: Loop
    grid: Grid | None = None
    tick: int = 0
    nominal: Microseconds = 0

    def wait(self) -> Microseconds | None:
        """When the loop ticks next."""
        loop = self.loop
        if loop.retry_at is not None:
            return loop.retry_at
        if loop.grid is None:
            return None
        if loop.grid is not self.grid:
            self.grid, self.tick, self.nominal = loop.grid, 1, loop.grid.start + loop.grid.period
        offset = 0 if loop.grid.jitter is None else loop.grid.jitter.offset(self.tick, loop.grid.period)
        at = self.nominal + offset
        if self.tick == 1 and loop.grid.first is not None:
            at = min(at, loop.grid.start + loop.grid.first)
        return at

    def passed(self) -> None:
        """The tick has been."""
        if self.loop.retry_at is None and self.loop.grid is self.grid and self.grid is not None:
            self.tick += 1
            self.nominal += self.grid.period


class NaiveTimetable(Timetable):
    """Ticks every loop."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._ticking: dict[Key, Ticking] = {}

    def add(self, loops: Iterable[Loop]) -> None:
        for loop in loops:
            self._loops[loop.key] = loop
            self._ticking[loop.key] = Ticking(loop)
            loop.begin()

    def remove(self, loops: Iterable[Loop]) -> None:
        for loop in loops:
            self._loops.pop(loop.key, None)
            self._ticking.pop(loop.key, None)

    def wake(self, loop: Loop) -> None:
        """Nothing: the loop ticks anyway."""

    def _soonest(self) -> tuple[Microseconds, Key] | None:
        waiting = ((ticking.wait(), key) for key, ticking in self._ticking.items() if not ticking.loop.node.paused)
        return min(((at, key) for at, key in waiting if at is not None), default=None)

    @property
    def next(self) -> Microseconds | None:
        soonest = self._soonest()
        return None if soonest is None else soonest[0]

    def step(self) -> None:
        soonest = self._soonest()
        assert soonest is not None
        instant, key = soonest
        ticking = self._ticking[key]
        retrying = ticking.loop.retry_at is not None
        self.clock.move(instant)
        self._turn = key
        ticking.loop.tick()
        self._turn = LAST
        if not retrying:
            ticking.passed()


def naive(sim: Simulation) -> Simulation:
    """The same simulation, just made, under the naive engine."""
    fast, slow = sim.world.timetable, NaiveTimetable(sim.world.clock)
    sim.world.timetable = slow
    for loop in fast.loops:
        slow._loops[loop.key] = loop
        slow._ticking[loop.key] = Ticking(loop)
    return sim
