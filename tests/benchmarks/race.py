"""A race: a raw primitive and what the library makes of it, timed in turn, many times over.

Each is timed right after an untimed call of itself, so that both are as warm as in a loop. Whatever else runs on the machine only ever adds to a round, and adds more to code that lives in
caches than to code that computes: so the rounds are cut into stretches, and the figure is the ratio
of the medians in the quietest one. That of the medians of all rounds stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, Final

from tests.benchmarks.table import Row, Table

STRETCHES: Final = 10


class Race:
    """Times raw and ours in turn, and enters the ratio in the table.

    Args:
        benchmark: The fixture of pytest-benchmark, which times ours.
        table: Where the row goes.
        group: Under which heading.
    """

    def __init__(self, benchmark: Any, table: Table, group: str) -> None:
        self._benchmark = benchmark
        self._table = table
        self._group = group

    def run(
        self,
        what: str,
        *,
        against: str,
        raw: Callable[[], object],
        ours: Callable[..., object],
        bound: float | None,
        prepare: Callable[[], object] | None = None,
        rounds: int = 3000,
        raw_calls: int = 1,
        below: bool = False,
    ) -> None:
        """Run the race; a bound that is missed fails the test.

        Args:
            what: What ours is.
            against: What raw is.
            raw: The raw primitive.
            ours: What is held against it; takes what ``prepare`` returns, if there is one.
            bound: How many times as long ours may take.
            prepare: Makes what ours works on, in each round, before anything is timed.
            rounds: How often each is timed.
            raw_calls: How often raw is called in a round, where it is far shorter than ours.
            below: Whether ours has to be faster than the bound, not just as fast.
        """
        raw_times: list[float] = []

        def arguments() -> tuple[object, ...]:
            return () if prepare is None else (prepare(),)

        def setup() -> tuple[tuple[object, ...], dict[str, object]]:
            first, second = arguments(), arguments()
            raw()
            began = perf_counter()
            for _ in range(raw_calls):
                raw()
            raw_times.append((perf_counter() - began) / raw_calls)
            ours(*first)
            return second, {}

        self._benchmark.pedantic(ours, setup=setup, rounds=rounds)
        times: list[float] = self._benchmark.stats.stats.data
        stretch = rounds // STRETCHES
        stretches = [slice(at, at + stretch) for at in range(0, stretch * STRETCHES, stretch)]
        medians = [(median(times[part]), median(raw_times[part])) for part in stretches]
        quiet, quiet_raw = min(medians, key=lambda pair: pair[0] / pair[1])
        row = Row(
            group=self._group,
            what=what,
            against=against,
            figure=quiet / quiet_raw,
            median=median(times) / median(raw_times),
            bound=bound,
            raw=quiet_raw,
            ours=quiet,
            below=below,
        )
        self._benchmark.extra_info.update(ratio=row.figure, bound=bound)
        self._table.enter(row)
