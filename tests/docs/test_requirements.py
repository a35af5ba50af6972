"""The page of rules: it is what the code says, nothing is missing, and every row has a rule, a defect and a test."""

from __future__ import annotations

import re
from typing import Any

import attrs
import pytest

from spiffesim import catalogue
from spiffesim.spiffe.verdict import rulebook
from tests.docs.requirements.check import names_of_tests, problems, problems_of
from tests.docs.requirements.page import PAGE, SOURCES, STANDARDS, WITHOUT_DEFECT, page, profiles
from tests.docs.requirements.row import BOTH, CATALOGUE, ISSUED, ISSUER, MUST, VALIDATOR, Row, full_name

ROWS = [row for standard in STANDARDS for row in standard.rows]
TEXT = PAGE.read_text(encoding="utf-8")


def section(kind: str) -> str:
    """What the page says of the rules of a kind of document."""
    return TEXT.partition(f"### Every rule of `{kind}`\n")[2].partition("\n#")[0]


# The page


def test_the_page_is_what_the_code_says() -> None:
    assert page() == TEXT, "run `make docs`"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_requirement_is_on_the_page_with_its_rules_defects_and_tests(row: Row) -> None:
    (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{row.name}` |")]
    assert all(f"`{rule}`" in line for rule in row.breaks)
    assert all(f"`{defect.name}`" in line for defects in row.defects for defect in defects)
    assert all(f"`{test}`" in line for test in (*row.issued.split(), *row.planted.split()))


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_every_rule_of_every_rulebook_is_on_the_page_with_as_many_defects_as_break_it(kind: catalogue.Kind) -> None:
    told = section(kind)
    for rule in rulebook(kind).rules:
        count = sum(defect.rule == rule.name for defect in catalogue.defects(kind))
        row = rf"^\| `{rule.name}` \| {re.escape(rule.clause)} \| .* \| {count} \| "
        shared = rf"`{rule.name}` \({count}\)[,.]"
        assert re.search(row, told, re.MULTILINE) or re.search(shared, told), rule.name


def test_rules_that_no_case_breaks_are_broken_by_a_test() -> None:
    for (kind, rule), test in WITHOUT_DEFECT.items():
        assert rule in {each.name for each in rulebook(kind).rules}
        assert rule not in {defect.rule for defect in catalogue.defects() if defect.kind == kind}
        file, _, name = test.partition("::")
        assert name in names_of_tests(file)


def test_every_profile_is_on_the_page_with_its_source() -> None:
    known = [f"{kind}/{profile}" for kind, profile in profiles()]
    assert {"jwt-svid/spire", "jwt-svid/go-spiffe", "wit-svid/go-spiffe"} <= set(known)
    for kind, profile in profiles():
        _, url, files = SOURCES[profile]
        assert f"| `{kind}/{profile}` | " in TEXT
        assert f"]({url}{files[kind]})" in TEXT


# The rows


def test_nothing_is_wrong_with_any_row() -> None:
    assert problems(STANDARDS) == []


def test_no_must_of_the_standards_has_got_lost() -> None:
    counts = {standard.title: sum("MUST" in row.level for row in standard.rows) for standard in STANDARDS}
    assert counts == {
        "SPIFFE-ID": 21,
        "X509-SVID": 28,
        "JWT-SVID": 18,
        "WIT-SVID": 33,
        "SPIFFE Trust Domain and Bundle": 15,
    }


def test_names_are_in_one_style_and_sentences_end() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", row.name) for row in ROWS)
    assert all(row.sentence.endswith(".") for row in ROWS)
    assert all(re.fullmatch(r"\d(\.\d)*|Appendix [A-Z]", row.section) for row in ROWS)


def test_rules_that_come_from_the_five_standards_are_those_of_some_row() -> None:
    held = {place for row in ROWS for place in row.breaks}
    titles = tuple(f"{standard.title} " for standard in STANDARDS)
    ours = {
        f"{kind}: {rule.name}"
        for kind in catalogue.KINDS
        for rule in rulebook(kind).rules
        if rule.clause.startswith(titles)
    }
    of_maps = {place for place in ours if place.startswith("bundle-map: ") and place.replace("-map", "") in ours}
    assert ours - held - of_maps == set()
    assert len(held & ours) > 80


def test_every_test_of_what_is_issued_is_that_of_some_row() -> None:
    about_the_tests = {
        "test_there_is_something_of_everything",
        "test_each_reader_notices_what_is_wrong",
        "test_each_reader_is_shown_something_that_is_wrong",
    }
    departures = [full_name(departure.test) for standard in STANDARDS for departure in standard.departures]
    tests = [*departures, *(test for row in ROWS for test in row.tests)]
    named = {name for file, _, name in (test.partition("::") for test in tests) if file == ISSUED}
    assert named == names_of_tests(ISSUED) - about_the_tests


# The check


GOOD = Row(
    "good",
    "1",
    MUST,
    BOTH,
    "It is good.",
    {"x509-svid: one_uri": "two_spiffe_ids"},
    "test_every_certificate_has_exactly_one_uri",
)
HISTORY = attrs.evolve(GOOD, who=ISSUER, breaks={}, planted="test_a_key_id_that_stands_for_two_keys_is_noticed")


@pytest.mark.parametrize(
    "row", [GOOD, attrs.evolve(GOOD, who=VALIDATOR, issued=""), HISTORY], ids=["both", "validator", "history"]
)
def test_a_right_row_is_right(row: Row) -> None:
    assert list(problems_of(row)) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"breaks": {"x509-svid: one_uri": ""}}, "no defect breaks x509-svid: one_uri"),
        ({"breaks": {"x509-svid: one_uri": "three_ids"}}, "x509-svid has no defect three_ids"),
        ({"breaks": {"x509-svid: one_uri": "leaf_is_ca"}}, "leaf_is_ca fails leaf_not_ca, and not one_uri"),
        ({"breaks": {"bundle: keys": "two_spiffe_ids"}}, "bundle has no defect two_spiffe_ids"),
        ({"issued": ""}, "no test shows that what our servers issue obeys it"),
        ({"issued": "test_nothing"}, f"there is no test {ISSUED}::test_nothing"),
        ({"issued": "tests/nowhere.py::test_nothing"}, "there is no test tests/nowhere.py::test_nothing"),
        ({"planted": "test_nothing"}, f"there is no test {ISSUED}::test_nothing"),
    ],
)
def test_a_row_without_defect_or_test_is_noticed(changes: dict[str, Any], problem: str) -> None:
    assert list(problems_of(attrs.evolve(GOOD, **changes))) == [problem]


def test_a_row_of_no_rule_is_noticed() -> None:
    without = "no rule holds documents to it, and no broken history shows what would break it"
    assert list(problems_of(attrs.evolve(GOOD, breaks={}))) == [without]
    assert list(problems_of(attrs.evolve(HISTORY, who=BOTH))) == [without]
    assert list(problems_of(attrs.evolve(HISTORY, planted=""))) == [without]
    unknown = list(problems_of(attrs.evolve(GOOD, breaks={"x509-svid: three_uris": "two_spiffe_ids"})))
    assert unknown == ["x509-svid has no rule three_uris", "two_spiffe_ids fails one_uri, and not three_uris"]
    (kind, *_) = problems_of(attrs.evolve(GOOD, breaks={"x500-svid: one_uri": "two_spiffe_ids"}))
    assert kind == "there is no kind of document 'x500-svid'"
    nothing = attrs.evolve(GOOD, who=VALIDATOR, breaks={}, issued="")
    assert list(problems_of(nothing)) == [without, "there is no test"]


def test_two_rows_of_one_name_and_a_departure_without_test_are_noticed() -> None:
    (standard, *_) = [standard for standard in STANDARDS if standard.departures]
    (departure, *_) = standard.departures
    twice = attrs.evolve(standard, rows=(GOOD, GOOD), departures=(attrs.evolve(departure, test="test_nothing"),))
    assert problems([twice]) == [
        "good: there are several",
        f"{standard.title} {departure.section}: there is no test {ISSUED}::test_nothing",
    ]


def test_the_tests_of_the_catalogue_are_there() -> None:
    assert set(CATALOGUE) == set(catalogue.KINDS)
    for test in CATALOGUE.values():
        file, _, name = test.partition("::")
        assert name in names_of_tests(file)
