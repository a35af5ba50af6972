"""The table, and the fixtures that fill it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.benchmarks.race import Track
from tests.benchmarks.table import Table

_TABLE = pytest.StashKey[Table]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = Table()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    terminalreporter.section("how fast")
    for line in config.stash[_TABLE].lines():
        terminalreporter.write_line(line)


@pytest.fixture
def table(pytestconfig: pytest.Config) -> Table:
    return pytestconfig.stash[_TABLE]


@pytest.fixture
def track(benchmark: Any, table: Table, request: pytest.FixtureRequest) -> Iterator[Track]:
    """A track under the heading of the module, without the garbage collector, as :mod:`timeit` measures."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield Track(benchmark, table, request.module.GROUP)
    gc.enable()
    gc.unfreeze()
