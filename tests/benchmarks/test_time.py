"""Virtual time: what a year and a week take, and that a world in which nothing happens takes nothing.

``python -m tests.benchmarks.test_time year`` is what the benchmarks run in a process of its own, for the peak of its
memory.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

import attrs
import pytest

from spiffesim.cli.tutorial import nested_tutorial
from spiffesim.simulation import Simulation
from tests.benchmarks import primitives
from tests.benchmarks.race import ATTEMPTS, Race, Track
from tests.benchmarks.table import TIME, Row, Table, first_to_hold
from tests.oracles.naive import naive

GROUP: Final = TIME
AGAINST: Final = "verifications"
GIGABYTE: Final = 1e9
YEAR: Final = timedelta(days=365)


@attrs.frozen
class Passed:
    """What it took to let time pass.

    Attributes:
        seconds: How long, by the clock on the wall.
        verifications: How long the processor worked, in raw P-256 verifications of the same run.
        verification: What one of those took, in seconds.
        peak: The most memory that the process has held, in bytes.
        events: How many events the journal has.
    """

    seconds: float
    verifications: float
    verification: float
    peak: int
    events: int


def tiers() -> Simulation:
    """13 servers in three tiers, 1,000 agents, and 10 workloads on each."""
    sim = Simulation("example.org", seed=1)
    second = [sim.root.nest(f"second{number}") for number in range(3)]
    third = [server.nest(f"third of {server.name} {number}") for server in second for number in range(3)]
    servers = [sim.root, *second, *third]
    for number in range(1000):
        agent = servers[number % len(servers)].agent(f"agent{number}")
        for place in range(10):
            agent.workload(f"/agent{number}/{place}")
    return sim


def quiet(hours: float) -> Simulation:
    """The tutorial's deployment, where nothing falls due for so long."""
    settings: Any = {"ca_ttl": timedelta(hours=2 * hours) + timedelta(days=60)}  # a CA is prepared 30 days before
    settings |= {"default_x509_svid_ttl": settings["ca_ttl"], "default_jwt_svid_ttl": settings["ca_ttl"]}
    sim = Simulation("example.org", seed=1, **settings)
    for name in ("nestedA", "nestedB"):
        sim.root.nest(name).workload(f"/{name}/workload")
    sim.settle()
    sim.advance(minutes=10)
    return sim


def passed(build: Callable[[], Simulation], duration: timedelta) -> tuple[Simulation, Passed]:
    """Build a world, let time pass, and look at the clock."""
    sim = build()
    gc.collect()
    before = primitives.verification_time()
    began, worked = perf_counter(), process_time()
    sim.advance(duration)
    worked, seconds = process_time() - worked, perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    verification = (before + primitives.verification_time()) / 2
    return sim, Passed(seconds, worked / verification, verification, peak, len(sim.journal))


def check(sim: Simulation) -> None:
    """What anybody fetches after all that time is good."""
    workloads = list(sim.workloads.values())
    for holder, validator in zip(workloads[:20], reversed(workloads), strict=False):
        assert validator.validate_x509_svid(holder.fetch_x509_svid()) == holder.spiffe_id


SPANS: Final[dict[str, tuple[Callable[[], Simulation], timedelta]]] = {
    "year": (partial(nested_tutorial, 7), YEAR),
    "week": (tiers, timedelta(days=7)),
}


def measured(name: str) -> Passed:
    """What a span of time took, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.test_time", name]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    return Passed(**json.loads(done.stdout))


def speed(what: str, taken: Passed, seconds: float) -> Row:
    """The row of a span that may take this long on the machine of reference."""
    return Row.of_time(GROUP, what, taken, seconds)


@pytest.mark.parametrize(
    ("what", "name", "seconds"),
    [
        ("a year of the tutorial's deployment", "year", 5),
        ("a week of 13 servers, 1,000 agents, 10,000 workloads", "week", 60),
    ],
)
def test_a_long_time(table: Table, what: str, name: str, seconds: float) -> None:
    table.enter(first_to_hold(speed(what, measured(name), seconds) for _ in range(ATTEMPTS)))


def test_the_memory_of_a_week(table: Table) -> None:
    peak = measured("week").peak
    what = "the same week: the most memory of its process"
    table.enter(Row(group=GROUP, what=what, against="10^9 bytes", figure=peak / GIGABYTE, bound=2, below=True))


def test_a_quiet_world_costs_nothing(track: Track) -> None:
    """Twice the time takes as long, that is none."""
    rounds, hours = 500, 100
    sim = quiet(6 * hours * rounds * ATTEMPTS)
    before = len(sim.journal)
    track.run(
        "200 hours of a quiet world",
        Race(
            raw=partial(sim.advance, hours=hours),
            ours=partial(sim.advance, hours=2 * hours),
            rounds=rounds,
        ),
        against="100 hours of it",
        bound=1.1,
    )
    assert len(sim.journal) == before


def test_against_an_engine_that_ticks(table: Table) -> None:
    """Both let a day pass in the tutorial's deployment; a hundredth is 1 %."""

    def once() -> Row:
        fast, slow = nested_tutorial(7), naive(nested_tutorial(7))
        began = process_time()
        fast.advance(days=1)
        between = process_time()
        slow.advance(days=1)
        ended = process_time()
        assert fast.journal.digest() == slow.journal.digest()
        return Row(
            group=GROUP,
            what="a day of the tutorial's deployment",
            against="an engine that ticks every loop",
            figure=100 * (between - began) / (ended - between),
            bound=1,
            raw=ended - between,
            ours=between - began,
            unit="%",
        )

    table.enter(first_to_hold(once() for _ in range(2)))


def test_a_fork_after_a_year(table: Table) -> None:
    """Each of a world that has gone on since the last, as whoever forks has it."""
    sim = nested_tutorial(7)
    sim.advance(YEAR)

    def once() -> Row:
        verification, times = primitives.verification_time(), []
        for _ in range(10):
            sim.advance(hours=1)
            began = perf_counter()
            sim.fork()
            times.append(perf_counter() - began)
        return Row(
            group=GROUP,
            what="a fork of the tutorial's deployment after a year",
            against=AGAINST,
            figure=median(times) / verification,
            bound=0.01 / primitives.REFERENCE,
            below=True,
            raw=verification,
            ours=median(times),
        )

    table.enter(first_to_hold(once() for _ in range(ATTEMPTS)))


if __name__ == "__main__":
    made, took = passed(*SPANS[sys.argv[1]])
    check(made)
    sys.stdout.write(json.dumps(attrs.asdict(took)))
