"""Cases of the catalogue: what one takes to make and to judge, by itself and under Hypothesis."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from statistics import median
from time import perf_counter, process_time

import attrs
import pytest
from hypothesis import HealthCheck, given, settings

from spiffesim.catalogue import X509SvidCase, x509_svid_case
from spiffesim.catalogue.hierarchy import HIERARCHIES
from spiffesim.strategies import x509_svid_cases
from tests.benchmarks import primitives
from tests.benchmarks.race import ATTEMPTS, Race, Track
from tests.benchmarks.table import CASES, Row, Table, first_to_hold

GROUP = CASES
EXAMPLES = 2_000
A_SECOND = 900


@pytest.mark.parametrize("depth", [0, 1, 3, 8])
def test_a_right_x509_case(track: Track, depth: int) -> None:
    numbers = count()
    for number in range(HIERARCHIES):  # each hierarchy makes its keys and its root once
        assert x509_svid_case(depth=depth, number=number).examine().ok
    sign, verify = primitives.signature(bytes(400)), primitives.verification()

    def raw() -> None:
        for _ in range(depth + 1):
            sign()
            verify()

    track.run(
        f"a right X.509 case at d = {depth}, made and judged",
        Race(raw=raw, ours=lambda: x509_svid_case(depth=depth, number=next(numbers)).examine()),
        against="(d + 1) (signature + verification)",
        bound=1.8 if depth == 0 else 1.5,
    )


@attrs.frozen
class Drawn:
    """What the examples of a property took, in the terms of the table.

    Attributes:
        seconds: How long each took, by the clock on the wall.
        verifications: How long the processor worked on each, in raw P-256 verifications of the same run.
        verification: What one of those took, in seconds.
    """

    seconds: float
    verifications: float
    verification: float


def under_hypothesis() -> Drawn:
    """One example of a property over X.509 cases at depth 0."""
    seen: list[bool] = []

    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(x509_svid_cases(max_depth=0, defects=["leaf_is_ca", "two_spiffe_ids"]))
    def judged(case: X509SvidCase) -> None:
        seen.append(case.examine().ok)
        assert seen[-1] == case.should_pass

    verification = primitives.verification_time()
    wall, processor = perf_counter(), process_time()
    judged()
    wall, processor = perf_counter() - wall, process_time() - processor
    assert len(seen) >= EXAMPLES / 2
    return Drawn(wall / len(seen), processor / len(seen) / verification, verification)


def test_a_case_under_hypothesis(table: Table) -> None:
    rows = (
        Row.of_time(GROUP, f"an X.509 case at d = 0 under Hypothesis (bound: {A_SECOND} a second)", drawn, 1 / A_SECOND)
        for drawn in (under_hypothesis() for _ in range(ATTEMPTS))
    )
    table.enter(first_to_hold(rows))


def import_time(**environment: str) -> float:
    """How long a fresh interpreter takes to import Hypothesis, in seconds; the quickest of several."""
    times = []
    for _ in range(15):
        began = perf_counter()
        subprocess.run([sys.executable, "-c", "import hypothesis"], check=True, env={**os.environ, **environment})
        times.append(perf_counter() - began)
    return (min(times) + median(times)) / 2


def test_the_entry_point_of_hypothesis(table: Table) -> None:
    def rows() -> Row:
        verification = primitives.verification_time()
        added = import_time() - import_time(HYPOTHESIS_NO_PLUGINS="1")
        drawn = Drawn(added, added / verification, verification)
        return Row.of_time(GROUP, "what our entry point adds to `import hypothesis` (bound: 20 ms)", drawn, 0.02)

    table.enter(first_to_hold(rows() for _ in range(ATTEMPTS)))
