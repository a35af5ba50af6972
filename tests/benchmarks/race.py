"""A race: a raw primitive and what the library makes of it, timed in turn, many times over.

Each is timed right after an untimed call of itself, so that both are as warm as in a loop. Whatever
else runs on the machine only ever adds to a round, and adds more to code that lives in caches than
to code that computes: so the rounds are cut into stretches, and the figure is the ratio of the
medians in the quietest one. That of the medians of all rounds stands beside it. A bound is missed
when it is missed in several races in a row.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from statistics import median
from time import perf_counter
from typing import Any, Final

import attrs

from tests.benchmarks.table import Row, Table, first_to_hold

ATTEMPTS: Final = 5
STRETCHES: Final = 10


@attrs.frozen(kw_only=True)
class Race:
    """What is timed.

    Attributes:
        raw: The raw primitive.
        ours: What is held against it; takes what ``prepare`` returns, if there is one.
        prepare: Makes what ours works on, in each round, before anything is timed.
        rounds: How often each is timed.
        raw_calls: How often raw is called in a round, where it is far shorter than ours.
    """

    raw: Callable[[], object]
    ours: Callable[..., object]
    prepare: Callable[[], object] | None = None
    rounds: int = 3000
    raw_calls: int = 1

    def run(self, benchmark: Any) -> tuple[list[float], list[float]]:
        """How long ours and raw took, round by round.

        Args:
            benchmark: An unused fixture of pytest-benchmark, which times ours.
        """
        raw_times: list[float] = []

        def setup() -> tuple[tuple[object, ...], dict[str, object]]:
            first, second = self._arguments(), self._arguments()
            self.raw()
            began = perf_counter()
            for _ in range(self.raw_calls):
                self.raw()
            raw_times.append((perf_counter() - began) / self.raw_calls)
            self.ours(*first)
            return second, {}

        benchmark.pedantic(self.ours, setup=setup, rounds=self.rounds)
        return benchmark.stats.stats.data, raw_times

    def _arguments(self) -> tuple[object, ...]:
        return () if self.prepare is None else (self.prepare(),)


class Track:
    """Where races are run, and their ratios entered in the table.

    Args:
        benchmark: The fixture of pytest-benchmark.
        table: The table.
        group: Under which heading.
    """

    def __init__(self, benchmark: Any, table: Table, group: str) -> None:
        self._benchmarks = [benchmark, *(copy(benchmark) for _ in range(ATTEMPTS - 1))]  # each is good for one race
        self._table = table
        self._group = group

    def run(self, what: str, race: Race, *, against: str, bound: float, below: bool = False) -> None:
        """Run a race until the bound holds; where it never does, the test fails.

        Args:
            what: What ours is.
            race: What is timed.
            against: What raw is.
            bound: How many times as long as raw ours may take.
            below: Whether ours has to be faster than the bound, not just as fast.
        """

        def once(benchmark: Any) -> Row:
            times, raw_times = race.run(benchmark)
            ours, raw = quietest(times, raw_times)
            benchmark.extra_info.update(ratio=ours / raw, bound=bound)
            return Row(
                group=self._group,
                what=what,
                against=against,
                figure=ours / raw,
                median=median(times) / median(raw_times),
                bound=bound,
                raw=raw,
                ours=ours,
                below=below,
            )

        self._table.enter(first_to_hold(map(once, self._benchmarks)))


def quietest(times: list[float], raw_times: list[float]) -> tuple[float, float]:
    """The medians of both in the stretch in which their ratio is least."""
    stretch = len(times) // STRETCHES
    parts = [slice(at, at + stretch) for at in range(0, stretch * STRETCHES, stretch)]
    medians = [(median(times[part]), median(raw_times[part])) for part in parts]
    return min(medians, key=lambda pair: pair[0] / pair[1])
