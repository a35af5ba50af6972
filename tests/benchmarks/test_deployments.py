"""Whole deployments: how long they take, in raw P-256 verifications of the same run, and how much memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spiffesim.simulation import Simulation
from tests.benchmarks import primitives
from tests.benchmarks.construction import Taken, check
from tests.benchmarks.race import ATTEMPTS, Race, Track
from tests.benchmarks.table import DEPLOYMENTS, Row, Table, first_to_hold

GROUP = DEPLOYMENTS
AGAINST = "verifications"
GIGABYTE = 1e9


def constructed(*arguments: str) -> Taken:
    """What a construction took, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.construction", *arguments]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    return Taken(**json.loads(done.stdout))


def speed(what: str, taken: Taken, seconds: float) -> Row:
    """The row of a construction that may take this long on the machine of reference."""
    return Row.of_time(GROUP, what, taken, seconds)


def growth(what: str, small: Taken, large: Taken) -> Row:
    """How many times as much a server of a large deployment takes as one of a small one."""
    return Row(
        group=GROUP,
        what=f"{what}, one of {large.servers:,}",
        against=f"one of {small.servers:,}",
        figure=(large.verifications / large.servers) / (small.verifications / small.servers),
        bound=1.5,
        raw=small.seconds / small.servers,
        ours=large.seconds / large.servers,
    )


def tutorial() -> Simulation:
    """The deployment of the nested tutorial, built and cross-validated."""
    sim = Simulation("example.org", seed=7)
    first, second = (sim.root.nest(name).workload(f"/{name}/workload") for name in ("nestedA", "nestedB"))
    for holder, validator in ((first, second), (second, first)):
        validator.validate_jwt_svid(holder.fetch_jwt_svid(audience="nested-test"), audience="nested-test")
        validator.validate_x509_svid(holder.fetch_x509_svid())
    return sim


def test_the_tutorial(track: Track) -> None:
    track.run(
        "the tutorial, built and cross-validated",
        Race(raw=primitives.verification(), ours=tutorial, rounds=100, raw_calls=10),
        against=AGAINST,
        bound=242,
        below=True,
    )
    check(tutorial())


def test_a_tree_of_9841_servers(table: Table) -> None:
    what = "9,841 servers, an agent and a workload each"
    table.enter(first_to_hold(speed(what, constructed("tree", "8"), seconds=10) for _ in range(ATTEMPTS)))


def test_the_memory_of_9841_servers(table: Table) -> None:
    taken = constructed("tree", "8")
    assert taken.servers == 9841
    table.enter(
        Row(
            group=GROUP,
            what="the same: the most memory of its process",
            against="10^9 bytes",
            figure=taken.peak / GIGABYTE,
            bound=1,
            below=True,
        )
    )


def test_a_nest_of_1000_servers(table: Table) -> None:
    what = "1,000 deep, an X.509-SVID validated at the root"
    table.enter(first_to_hold(speed(what, constructed("nest", "1000"), seconds=1) for _ in range(ATTEMPTS)))


@pytest.mark.parametrize(
    ("what", "name", "few", "many"),
    [("a server more of them", "tree", "6", "8"), ("a server deeper down", "line", "100", "1000")],
)
def test_a_server_costs_the_same(table: Table, what: str, name: str, few: str, many: str) -> None:
    """However many there are, and however deep; without the collector, which looks at all that is there."""
    sizes = (few, many)
    table.enter(
        first_to_hold(
            growth(what, *(constructed(name, size, "no-collector") for size in sizes)) for _ in range(ATTEMPTS)
        )
    )
