"""What is wrong with a table of requirements: a row without a defect or a test, or with one that is not what it says."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from spiffesim import catalogue
from spiffesim.errors import InvalidInput
from spiffesim.spiffe.verdict import rulebook
from tests.docs.pages import ROOT
from tests.docs.requirements.row import ISSUER, VALIDATOR, Row, Standard, full_name


def problems(standards: Sequence[Standard]) -> list[str]:
    """What is wrong with the tables, a sentence each."""
    rows = [row for standard in standards for row in standard.rows]
    found = [f"{name}: there are several" for name, count in Counter(row.name for row in rows).items() if count > 1]
    found += [f"{row.name}: {problem}" for row in rows for problem in problems_of(row)]
    for standard in standards:
        for departure in standard.departures:
            found += [f"{standard.title} {departure.section}: {problem}" for problem in _missing([departure.test])]
    return found


def problems_of(row: Row) -> Iterator[str]:
    """What is wrong with one row."""
    if not row.breaks and (row.who != ISSUER or not row.planted):
        yield "no rule holds documents to it, and no broken history shows what would break it"
    for (kind, rule), names in zip(row.rules, row.breaks.values(), strict=True):
        yield from _problems_of_rule(kind, rule, names.split())
    if row.who != VALIDATOR and not row.issued:
        yield "no test shows that what our servers issue obeys it"
    if not row.tests:
        yield "there is no test"
    yield from _missing(row.tests)


def _problems_of_rule(kind: str, rule: str, names: Sequence[str]) -> Iterator[str]:
    if not names:
        yield f"no defect breaks {kind}: {rule}"
    try:
        known = {each.name for each in rulebook(kind).rules}
    except InvalidInput as error:
        yield str(error)
        return
    if rule not in known:
        yield f"{kind} has no rule {rule}"
    for name in names:
        failed = _defects(kind).get(name)
        if failed is None:
            yield f"{kind} has no defect {name}"
        elif failed != rule:
            yield f"{name} fails {failed}, and not {rule}"


@cache
def _defects(kind: str) -> dict[str, str]:
    """The rule of each defect and oddity of a kind of document."""
    return {one.name: one.rule for one in (*catalogue.defects(), *catalogue.oddities()) if one.kind == kind}


def _missing(tests: Sequence[str]) -> Iterator[str]:
    for test in map(full_name, tests):
        file, _, name = test.partition("::")
        if name not in names_of_tests(file):
            yield f"there is no test {test}"


@cache
def names_of_tests(file: str) -> frozenset[str]:
    """The names of the tests in a file of the project; none, if there is no such file."""
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )
