"""The example that reads as a notebook runs, cell by cell, and shows what it says."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "nested_trust_domain.py"
_CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)


@attrs.frozen
class Shown:
    """What a cell of code showed.

    Attributes:
        source: The cell.
        printed: What it printed.
        value: The value of its last expression, or None.
    """

    source: str
    printed: str
    value: Any


def cells() -> list[tuple[bool, str]]:
    """The cells of the script: whether each is prose, and its source."""
    _, *parts = _CELL.split(SCRIPT.read_text(encoding="utf-8"))
    return [(title.strip() == "[markdown]", body.strip()) for title, body in zip(parts[::2], parts[1::2], strict=True)]


def run(source: str, names: dict[str, Any]) -> Shown:
    """Run a cell as a notebook does."""
    *body, last = ast.parse(source).body
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), str(SCRIPT), "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), str(SCRIPT), "eval"), names)
        else:
            exec(compile(ast.Module([last], []), str(SCRIPT), "exec"), names)
    return Shown(source, printed.getvalue(), value)


@pytest.fixture(scope="module")
def notebook() -> list[Shown]:
    names: dict[str, Any] = {}
    return [run(source, names) for prose, source in cells() if not prose]


def test_it_reads_as_a_notebook() -> None:
    prose = [source for is_prose, source in cells() if is_prose]
    assert prose[0].startswith("# # A nested trust domain")
    assert [line for source in prose for line in source.splitlines() if line.startswith("# ## ")] == [
        "# ## Build",
        "# ## Look",
        "# ## Fetch",
        "# ## Validate",
        "# ## Advance",
        "# ## Why not?",
        "# ## Any depth",
    ]
    assert all(line.startswith("#") for source in prose for line in source.splitlines())


def test_every_cell_runs_and_its_claims_hold(notebook: list[Shown]) -> None:
    assert len(notebook) == sum(not prose for prose, _ in cells())
    assert "spiffe://example.org/nestedA/workload expired 1:00:00 ago (not after 01:00:00Z, now 02:00:00Z)\n" in [
        shown.printed for shown in notebook
    ]


def test_the_simulation_the_chain_the_bundle_and_the_verdicts_draw_themselves(notebook: list[Shown]) -> None:
    drawn = [type(shown.value).__name__ for shown in notebook if hasattr(shown.value, "_repr_html_")]
    assert drawn == ["X509Svid", "SpiffeBundle", "JwtSvid", "Verdict", "Verdict"]
    assert [shown.source for shown in notebook if hasattr(shown.value, "_repr_svg_")] == ["sim", "sim"]
    for shown in notebook:
        for face in ("_repr_html_", "_repr_svg_"):
            if hasattr(shown.value, face):
                assert getattr(shown.value, face)().startswith("<")


def test_the_tree_is_printed(notebook: list[Shown]) -> None:
    (tree,) = [shown.printed for shown in notebook if shown.source == "print(sim.tree())"]
    assert tree.splitlines()[0] == "example.org at 2030-01-01T00:00:00Z: 3 servers, 3 agents, 2 workloads"


def test_a_forged_certificate_is_refused_for_its_signature(notebook: list[Shown]) -> None:
    (reason,) = [shown.printed for shown in notebook if shown.source.endswith("print(verdict.failures[0].detail)")]
    assert "spiffe://example.org/nestedB/workload does not verify" in reason


def test_it_runs_as_a_script() -> None:
    done = subprocess.run([sys.executable, "-W", "error", str(SCRIPT)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("example.org at 2030-01-01T00:00:00Z")
    assert done.stderr == ""
