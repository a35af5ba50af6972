"""A naive engine: every loop really ticks, and each time really runs its handler.

It shares the handlers and the draws with the engine of the package, and none of the arithmetic of when: it goes from
tick to tick, and knows neither which one comes next after an instant nor when something is due. Nobody has to wake it.
"""

from __future__ import annotations

from collections.abc import Iterable

from spiffesim import Simulation
from spiffesim.clock import Clock
from spiffesim.grid import Grid
from spiffesim.instants import Microseconds
from spiffesim.loop import Key, Loop
from spiffesim.timetable import LAST, Timetable


class Ticking:
    """Where a loop is on its way."""

    __slots__ = ("at", "grid", "loop", "nominal", "tick")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.grid: Grid | None = None
        self.tick = 0
        self.nominal: Microseconds = 0
        self.at: Microseconds = 0

    def wait(self, now: Microseconds) -> Microseconds | None:
        """When the loop ticks next; None while it does not."""
        loop = self.loop
        if loop.grid is not None and loop.grid is not self.grid:
            self._follow(loop.grid, now)
        if loop.node.paused:
            return None
        if loop.retry_at is not None:
            return loop.retry_at
        if loop.grid is None:
            return None
        while self.at < now:  # while the loop waited for something else than its grid
            self._go()
        return self.at

    def _follow(self, grid: Grid, now: Microseconds) -> None:
        """Go along another grid: a new one from its first tick, one that stood still from where it was."""
        if self.grid is None or grid.start == now:
            self.tick, self.nominal = 0, grid.start
        else:
            self.tick, self.nominal = self.tick - 1, self.nominal + grid.start - self.grid.start - grid.period
        self.grid = grid
        self._go()

    def _go(self) -> None:
        """Go on by one tick."""
        assert self.grid is not None
        self.tick += 1
        self.nominal += self.grid.period
        self.at = self.nominal
        if self.grid.jitter is not None:
            self.at += self.grid.jitter.offset(self.tick, self.grid.period)
        if self.tick == 1 and self.grid.first is not None:
            self.at = min(self.at, self.grid.start + self.grid.first)

    def passed(self, now: Microseconds) -> None:
        """The present tick has been."""
        if self.grid is not None and self.loop.grid is self.grid and self.at <= now:
            self._go()


class NaiveTimetable(Timetable):
    """Ticks every loop."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._ticking: dict[Key, Ticking] = {}
        self.ticks = 0

    def add(self, loops: Iterable[Loop]) -> None:
        for loop in loops:
            loop.begin()
            self.take(loop)

    def take(self, loop: Loop) -> None:
        """Tick a loop that has begun."""
        self._loops[loop.key] = loop
        self._ticking[loop.key] = Ticking(loop)

    def remove(self, loops: Iterable[Loop]) -> None:
        for loop in loops:
            if self._loops.get(loop.key) is loop:
                del self._loops[loop.key], self._ticking[loop.key]

    def wake(self, loop: Loop) -> None:
        """Nothing: the loop ticks anyway."""

    def _soonest(self) -> tuple[Microseconds, Key] | None:
        soonest: tuple[Microseconds, Key] | None = None
        now = self.clock.instant
        for key, ticking in self._ticking.items():
            at = ticking.wait(now)
            if at is not None and (soonest is None or (at, key) < soonest):
                soonest = at, key
        return soonest

    @property
    def next(self) -> Microseconds | None:
        soonest = self._soonest()
        return None if soonest is None else soonest[0]

    def run(self, until: Microseconds) -> None:
        while (soonest := self._soonest()) is not None and soonest[0] <= until:
            self._tick(*soonest)
        self.clock.move(until)
        self._turn = LAST

    def step(self) -> None:
        soonest = self._soonest()
        assert soonest is not None
        self._tick(*soonest)

    def _tick(self, instant: Microseconds, key: Key) -> None:
        ticking = self._ticking[key]
        self.clock.move(instant)
        self._turn = key
        self.ticks += 1
        ticking.loop.tick()
        ticking.passed(instant)


def naive(sim: Simulation) -> Simulation:
    """The same simulation, just made, under the naive engine."""
    fast, slow = sim.world.timetable, NaiveTimetable(sim.world.clock)
    sim.world.timetable = slow
    for loop in fast.loops:
        slow.take(loop)
    return sim
