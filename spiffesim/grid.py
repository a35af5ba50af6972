"""Grid: the instants at which a loop ticks, any of them computed without the others.

An exact ticker ticks at ``start + k * period``. Where SPIRE waits a random time after each run, tick k
lies at ``start + k * period`` and a draw within a twentieth of the period beside it, so that every gap
stays within SPIRE's ten per cent.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from spiffesim.instants import Microseconds
from spiffesim.randomness import Randomness

_BLOCK: Final = 16
"""How many jitters one hash gives: as many as it has for the price of one."""
_NUMBERS: Final = Struct(f">{_BLOCK}Q").unpack


class Jitter:
    """How much early or late each tick of a grid is.

    Args:
        randomness: The streams of the simulation.
        name: The name of the stream.
    """

    __slots__ = ("_block", "_drawn", "name", "randomness")

    def __init__(self, randomness: Randomness, name: str) -> None:
        self.randomness = randomness
        self.name = name
        self._block = -1
        self._drawn: tuple[int, ...] = ()

    def offset(self, tick: int, period: Microseconds) -> Microseconds:
        """The draw of a tick, uniform within a twentieth of the period on either side."""
        block = tick // _BLOCK
        if block != self._block:
            self._drawn = _NUMBERS(self.randomness.bytes(self.name, block, 8 * _BLOCK))
            self._block = block
        return self._drawn[tick - block * _BLOCK] % (period // 10 + 1) - period // 20


class Grid:
    """The ticks 1, 2, ... of a loop.

    Args:
        start: When the loop began; it first ticks one period later.
        period: The time between two ticks.
        jitter: Where its ticks are not exact.
        first: The latest that tick 1 may come after the start; None for no limit.
    """

    __slots__ = ("_latest", "first", "jitter", "period", "start")

    def __init__(
        self, start: Microseconds, period: Microseconds, jitter: Jitter | None = None, first: Microseconds | None = None
    ) -> None:
        self.start = start
        self.period = period
        self.jitter = jitter
        self.first = first
        self._latest = 0 if jitter is None else period // 10 - period // 20  # how late a tick may be

    def at(self, tick: int) -> Microseconds:
        """When a tick comes."""
        instant, jitter = self.start + tick * self.period, self.jitter
        if jitter is not None:
            instant += jitter.offset(tick, self.period)
        if tick == 1 and self.first is not None:
            instant = min(instant, self.start + self.first)
        return instant

    def next(self, instant: Microseconds, *, after: bool = False) -> Microseconds:
        """When the first tick comes at an instant or later.

        Args:
            instant: The instant.
            after: Whether a tick at the instant itself is too early.
        """
        tick = -((self.start + self._latest - instant) // self.period)  # all before are past, jitter or not
        tick = max(tick, 1)
        if after:
            instant += 1
        while (at := self.at(tick)) < instant:
            tick += 1
        return at

    def shift(self, duration: Microseconds) -> Grid:
        """The grid of a loop that stood still for a while."""
        return Grid(self.start + duration, self.period, self.jitter, self.first)
