"""The table of surprising behaviours: every row has a name, and a test that is there or a reason why there is none."""

from __future__ import annotations

import ast
import re

import attrs
import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "surprising-behaviours.md"
OUT_OF_SCOPE = "out of scope: "

_CODE = re.compile(r"`([^`]*)`")
_DERIVED = re.compile(r" \*Derived(\.\*| as to [\w ]+\.|\* as to [\w ]+\.)$")


@attrs.frozen
class Row:
    """One row of a table, its heading left out."""

    name: str
    what: str
    spire: str
    here: str

    @property
    def reproduced(self) -> bool:
        return not self.here.startswith(OUT_OF_SCOPE)

    @property
    def tests(self) -> list[str]:
        return _CODE.findall(self.here) if self.reproduced else []


def rows(heading: str) -> list[Row]:
    """The rows of the table under a heading."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines[2:]]


SERVERS, AGENTS = rows("Servers"), rows("Agents")
DEFAULT_FILES = re.findall(r"^- `(.*)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def names_of_tests(file: str) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_there_are_43_of_servers_and_19_of_agents() -> None:
    assert (len(SERVERS), len(AGENTS)) == (43, 19)


def test_each_has_a_name_of_its_own() -> None:
    names = [row.name for row in (*SERVERS, *AGENTS)]
    assert len(set(names)) == len(names)


def test_at_least_34_of_servers_are_reproduced() -> None:
    assert sum(row.reproduced for row in SERVERS) >= 34


@pytest.mark.parametrize("row", [*SERVERS, *AGENTS], ids=lambda row: row.name)
def test_a_row_names_its_tests_or_says_why_there_are_none(row: Row) -> None:
    assert row.what
    assert _CODE.search(row.spire)
    assert bool(row.tests) is row.reproduced
    assert row.here.removeprefix(OUT_OF_SCOPE)
    if "Derived" in row.what:
        assert _DERIVED.search(row.what)
    for test in row.tests:
        file, _, name = test.rpartition("::")
        candidates = [file] if file else DEFAULT_FILES
        assert sum(name in names_of_tests(candidate) for candidate in candidates) == 1


def test_every_test_in_the_files_of_the_table_is_in_the_table() -> None:
    named = {test for row in (*SERVERS, *AGENTS) for test in row.tests}
    assert len(DEFAULT_FILES) == 3
    for file in DEFAULT_FILES:
        assert names_of_tests(file) <= named
