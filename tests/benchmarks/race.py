"""A race: a raw primitive and what the library makes of it, timed in turn, many times over.

The figure is the ratio of the best rounds: whatever else runs on the machine only ever adds to a
round, and adds more to code that lives in caches than to code that computes. The ratio of the
medians stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from tests.benchmarks.table import Row, Table

_WARM_UP = 3


class Race:
    """Times raw and ours in turn, and enters the ratio in the table.

    Args:
        benchmark: The fixture of pytest-benchmark, which times ours.
        table: Where the row goes.
        group: Under which heading.
    """

    def __init__(self, benchmark: BenchmarkFixture, table: Table, group: str) -> None:
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
        rounds: int = 1000,
        raw_calls: int = 1,
        below: bool = False,
    ) -> Row:
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

        def setup() -> tuple[tuple[object, ...], dict[str, Any]]:
            arguments = () if prepare is None else (prepare(),)
            began = perf_counter()
            for _ in range(raw_calls):
                raw()
            raw_times.append((perf_counter() - began) / raw_calls)
            return arguments, {}

        for _ in range(_WARM_UP):
            ours(*setup()[0])
        raw_times.clear()
        self._benchmark.pedantic(ours, setup=setup, rounds=rounds)
        times = self._benchmark.stats.stats.data
        row = Row(
            group=self._group,
            what=what,
            against=against,
            figure=min(times) / min(raw_times),
            middle=median(times) / median(raw_times),
            bound=bound,
            raw=min(raw_times),
            ours=min(times),
            below=below,
        )
        self._benchmark.extra_info.update(ratio=row.figure, bound=bound)
        self._table.add(row)
        assert row.holds, f"{what}: {row.figure:.2f} times {against}, more than {bound}"
        return row
