"""What a fresh interpreter pays."""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from time import perf_counter

from tests.benchmarks.race import ATTEMPTS
from tests.benchmarks.table import IMPORTS, Row, Table, first_to_hold

GROUP = IMPORTS
ROUNDS = 15
LIBRARIES = "import cryptography.x509, attrs, networkx"
FIRST = "import spiffesim; spiffesim.Simulation('example.org', seed=1).workload('/web').fetch_x509_svid().chain"


def duration(program: str) -> float:
    """How long a fresh interpreter takes for a program."""
    began = perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return perf_counter() - began


def loaded(program: str) -> set[str]:
    """The third-party packages that a program loads."""
    listed = f"import sys; before = set(sys.modules); {program}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-I", "-c", listed], capture_output=True, text=True, check=True)
    ours = {*sys.stdlib_module_names, "spiffesim"}
    return {name.partition(".")[0] for name in done.stdout.split()} - ours


def first_svid() -> Row:
    """The first X.509-SVID of a fresh interpreter, against the imports that it takes, in turn."""
    libraries, first = [], []
    for _ in range(ROUNDS):
        libraries.append(duration(LIBRARIES))
        first.append(duration(FIRST))
    return Row(
        group=GROUP,
        what="the first X.509-SVID",
        against="importing x509, attrs, networkx",
        figure=min(first) / min(libraries),
        median=median(first) / median(libraries),
        bound=1.6,
        raw=min(libraries),
        ours=min(first),
    )


def test_the_first_x509_svid(table: Table) -> None:
    table.enter(first_to_hold(first_svid() for _ in range(ATTEMPTS)))


def test_what_an_import_loads(table: Table) -> None:
    every = loaded("import spiffesim")
    table.enter(
        Row(group=GROUP, what="import spiffesim", against="third-party modules", figure=len(every), bound=0, unit="")
    )
    alone = {"cryptography", "jwt", "networkx"} & loaded("from spiffesim import SpiffeId; SpiffeId('spiffe://a.b/c')")
    table.enter(
        Row(group=GROUP, what="SpiffeId alone", against="of the heavy libraries", figure=len(alone), bound=0, unit="")
    )
    assert "cryptography" in loaded("import spiffesim; spiffesim.SpiffeBundle")  # the control
