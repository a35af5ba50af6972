"""The same cases through several validators, and a row for each that somebody gets wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from spiffesim import catalogue, compare
from spiffesim.catalogue import Case
from spiffesim.errors import InvalidInput

CASES = [
    catalogue.x509_svid_case("leaf_is_ca", depth=depth, number=number) for depth, number in ((2, 0), (1, 7), (3, 2))
]


def validator(name: str, judge: Any) -> compare.Validator:
    return compare.validator("x509-svid", name=name)(judge)


CREDULOUS = validator("credulous", lambda case: True)


def test_who_is_right_is_in_no_row() -> None:
    cases = [case for wrong in CASES for case in (wrong, wrong.repaired)]
    found = compare.disagreements([compare.ours(), compare.cryptography_verifier()], cases)
    assert found.ok
    assert found.cases == 6
    assert [(tally.accepted, tally.refused, tally.wrong) for tally in found.tallies] == [(3, 3, 0), (3, 3, 0)]
    assert "no disagreement" in str(found)


def test_a_row_has_the_defect_its_clause_and_every_answer() -> None:
    (row,) = compare.disagreements([compare.ours(), CREDULOUS], CASES).rows
    assert (row.name, row.clause, row.sentence) == ("leaf_is_ca", "X509-SVID 4.1", "The leaf is a CA certificate.")
    assert (row.right, row.wrong, row.count) == ("refused", ("credulous",), 3)
    assert {name: outcome.answer for name, outcome in row.outcomes.items()} == {
        "spiffesim": "refused",
        "credulous": "accepted",
    }


def test_the_case_of_a_row_is_the_smallest_that_shows_it_even_if_it_was_not_among_the_cases() -> None:
    (row,) = compare.disagreements([CREDULOUS], CASES).rows
    assert repr(row.case) == "x509_svid_case('leaf_is_ca')"


def test_what_shows_only_in_longer_chains_stays_as_long_as_it_must_be() -> None:
    deep = validator("deep", lambda case: case.depth >= 2)
    (row,) = compare.disagreements([deep], CASES).rows
    assert repr(row.case) == "x509_svid_case('leaf_is_ca', depth=2)"


def test_what_shows_only_with_one_number_keeps_that_number() -> None:
    picky = validator("picky", lambda case: case.number == 2)
    (row,) = compare.disagreements([picky], CASES).rows
    assert repr(row.case) == "x509_svid_case('leaf_is_ca', number=2)"


def test_a_smaller_case_among_the_cases_is_taken_whatever_comes_first() -> None:
    odd = validator("odd", lambda case: case.number in (3, 5))
    for numbers in ((3, 5), (5, 3)):
        (row,) = compare.disagreements([odd], [catalogue.x509_svid_case("leaf_is_ca", number=n) for n in numbers]).rows
        assert row.case.number == 3


def test_two_who_are_wrong_in_the_same_case_share_its_row() -> None:
    deep = validator("deep", lambda case: case.depth >= 2)
    also_deep = validator("also deep", lambda case: case.depth >= 2)
    first, second = compare.disagreements([CREDULOUS, deep, also_deep], CASES).rows
    assert (first.case.depth, first.wrong) == (0, ("credulous",))  # type: ignore[attr-defined]
    assert (second.case.depth, second.wrong) == (2, ("credulous", "deep", "also deep"))  # type: ignore[attr-defined]


def test_a_right_document_and_a_repaired_one_have_rows_of_their_own() -> None:
    wrong = catalogue.x509_svid_case("leaf_is_ca", number=1)
    cases: Iterable[Case] = [catalogue.x509_svid_case(number=1), wrong, wrong.repaired]
    found = compare.disagreements([validator("strict", lambda case: False)], cases)
    assert [(row.name, row.right, row.case.number) for row in found.rows] == [
        ("(right)", "accepted", 0),
        ("leaf_is_ca (repaired)", "accepted", 0),
    ]
    assert [(row.clause, row.sentence) for row in found.rows] == [
        ("", "Nothing is wrong."),
        ("X509-SVID 4.1", "Nothing is wrong; it lacks this: The leaf is a CA certificate."),
    ]


def test_no_answer_is_wrong_whatever_is_right_and_a_skipped_case_never_is() -> None:
    def judge(case: Any) -> bool:
        raise KeyError("exp")

    tokens = compare.validator("jwt-svid", name="tokens")(judge)
    found = compare.disagreements([validator("breaks", judge), tokens], [CASES[0], CASES[0].repaired])
    assert [row.wrong for row in found.rows] == [("breaks",), ("breaks",)]
    breaks, skips = found.tallies
    assert (breaks.broken, breaks.wrong, skips.skipped, skips.wrong) == (2, 2, 2, 0)
    assert str(breaks) == "breaks is wrong in 2 of 2"


def test_it_prints_as_a_table_and_shows_as_one_in_a_notebook() -> None:
    found = compare.disagreements([compare.ours(), CREDULOUS], CASES)
    title, facts, _, head, row = str(found).splitlines()
    assert title == "3 cases through 2 validators: 1 disagreement"
    assert facts == "  spiffesim is wrong in 0 of 3, credulous is wrong in 3 of 3"
    assert head.split()[:4] == ["document", "right", "spiffesim", "credulous"]
    assert row.split()[:5] == ["leaf_is_ca", "refused", "refused", "accepted", "!"]
    assert "x509_svid_case(&#x27;leaf_is_ca&#x27;)" in found._repr_html_()


def test_it_can_be_read_by_a_program() -> None:
    right = compare.disagreements([validator("strict", lambda case: False)], [catalogue.x509_svid_case()])
    found = json.loads(compare.disagreements([compare.ours(), CREDULOUS], CASES).to_json())
    (row,) = found["disagreements"]
    assert (found["cases"], found["validators"][1]["wrong"], row["count"]) == (3, 3, 3)
    assert (row["defect"], row["clause"], row["case"]) == (
        "leaf_is_ca",
        "X509-SVID 4.1",
        "x509_svid_case('leaf_is_ca')",
    )
    assert row["answers"]["credulous"] == {"answer": "accepted", "reason": "", "wrong": True}
    assert json.loads(right.to_json())["disagreements"][0]["defect"] is None


def test_two_validators_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidInput, match="name of its own, not credulous, credulous"):
        compare.disagreements([CREDULOUS, CREDULOUS], CASES)
