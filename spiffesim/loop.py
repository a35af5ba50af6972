"""Loop: one of the loops of a SPIRE process, as what it does and when that could make a difference.

A loop that runs idle is not run. Its handler does nothing where there is nothing to do, so which idle
ticks are left out cannot be told afterwards; the engine asks ``due`` when there will be something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from spiffesim.grid import Grid, Jitter
from spiffesim.instants import Microseconds
from spiffesim.journal import OPERATOR

if TYPE_CHECKING:
    from spiffesim.daemon import Daemon

Key: TypeAlias = tuple[int, str, int]
"""The place of a loop among those that tick at one instant: depth and name of its node, and its own place."""

_GROWTH: Final = 1.5
_GROWN: Final = 99  # failures, after which every back-off has long reached its limit


class Loop:
    """One loop of one node.

    Attributes:
        node: The server or agent whose loop it is.
        grid: When it ticks; None for one that waits for ``retry_at`` only.
        retry_at: When it runs next, grid or not: after a failure; None while all is well.
        failures: How often it failed in a row.
        planned: When the engine will run it; None if nothing is due.
        sought: The instant and the grid for which the engine last looked for a tick, and found ``planned``.
    """

    name: ClassVar[str]
    """What its streams are called."""
    place: ClassVar[int]
    """Its place in the order in which SPIRE starts the loops of a process."""
    period: ClassVar[Microseconds]
    jittered: ClassVar[bool] = False
    backs_off: ClassVar[bool] = False
    """Whether a failed attempt leaves the grid; one that does not is tried again at the next tick."""
    longest: ClassVar[int] = 24
    """How many periods its back-off grows to. SPIRE: pkg/common/backoff/backoff.go"""

    def __init__(self, node: Daemon) -> None:
        self.node = node
        self.grid: Grid | None = None
        self.retry_at: Microseconds | None = None
        self.failures = 0
        self.planned: Microseconds | None = None
        self.sought: tuple[Microseconds, Grid] | None = None
        self.key: Key = (node.depth, node.name, self.place)

    # What a loop is made of

    def due(self) -> Microseconds | None:
        """The earliest instant at which a tick would do something, as far as can be known; None if never.

        The past stands for the next tick. Too early an answer costs an idle tick, too late a one is wrong.
        """
        raise NotImplementedError  # what each loop is made of

    def run(self) -> bool:
        """Do what is to be done now; False if it failed."""
        raise NotImplementedError  # what each loop is made of

    # When

    def begin(self) -> None:
        """Start ticking now."""
        self.grid = self._grid(self.node.world.now)
        self.retry_at = None
        self.failures = 0

    def _grid(self, start: Microseconds) -> Grid:
        jitter = None
        if self.jittered:
            jitter = Jitter(self.node.world.randomness, f"{self.node.name} {self.name} since {start}")
        return Grid(start, self._period, jitter)

    @property
    def _period(self) -> Microseconds:
        return self.period

    @property
    def idle(self) -> bool:
        """Whether it has no grid and waits for nothing: then only it itself knows when it runs again."""
        return self.grid is None and self.retry_at is None and self.planned is None

    def tick(self) -> None:
        """Run once, as the cause of what happens thereby, and wait as SPIRE does when that fails."""
        journal = self.node.world.journal
        try:
            journal.cause = self.name
            done = self.run()
        finally:
            journal.cause = OPERATOR
        if not self.backs_off:
            return
        if not done:
            self.failures += 1
            self.retry_at = self.node.world.now + self._back_off()
        elif self.retry_at is not None:
            self.begin()

    def _back_off(self) -> Microseconds:
        """How long to wait after a failure. SPIRE: pkg/common/backoff/backoff.go, 10 % more or less."""
        randomness, stream = self.node.world.randomness, f"{self.node.name} {self.name} back-off"
        step = int(min(self._period * _GROWTH ** min(self.failures, _GROWN), self._period * self.longest))
        drawn = randomness.number(stream, randomness.count(stream), step // 5 + 1)
        return step - step // 10 + drawn

    def shift(self, duration: Microseconds) -> None:
        """Stand still for a while, as a suspended machine does: what is left to wait is waited afterwards."""
        if self.grid is not None:
            self.grid = self.grid.shift(duration)
        if self.retry_at is not None:
            self.retry_at += duration

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.node.name}>"


class Waiting(Loop):
    """A loop without a grid: it runs when a time that it was given has come, and is silent otherwise."""

    def begin(self) -> None:
        """Wait to be told to wait."""
        self.grid = self.retry_at = None
        self.failures = 0

    def due(self) -> Microseconds | None:
        """Never: it has no ticks."""
        return None

    def wait(self) -> None:
        """Run after a while, longer after failures."""
        self.retry_at = self.node.world.now + self._back_off()
        self.node.world.timetable.wake(self)
