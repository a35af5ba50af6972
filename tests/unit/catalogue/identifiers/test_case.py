"""SPIFFE IDs that are right, or wrong in exactly one way: what the validator answers, and what a pattern of our own does."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import catalogue
from spiffesim.catalogue import Defect
from spiffesim.errors import InvalidInput, InvalidSpiffeId
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.rules.identifier import SPIFFE_ID
from spiffesim.spiffe.verdict import PASSED

EVERYTHING = [*catalogue.defects("spiffe-id"), *catalogue.oddities("spiffe-id")]
NUMBERS = st.integers(0, 10**9)

# SPIFFE-ID 2.1 to 2.3, read anew; a segment of one or two dots is looked for apart.
AUTHORITY = r"spiffe://[-0-9_a-z.]{1,255}"
PATH = r"(/[-0-9A-Z_a-z.]+)*"


def is_right(text: str) -> bool:
    return (
        re.fullmatch(AUTHORITY + PATH, text) is not None
        and not {".", ".."} & set(text.split("/")[3:])
        and len(text.encode()) <= 2048
    )


def failures(case: catalogue.SpiffeIdCase) -> list[str]:
    return [answer.name for answer in case.examine().failures]


def check(found: Defect, number: int) -> None:
    case = catalogue.spiffe_id_case(found.name, number=number)
    assert failures(case) == ([found.rule] if found.answer == "refused" else [])
    assert case.should_pass == case.examine().ok == is_right(case.text)
    assert case.examine().ignored == ()
    assert failures(case.repaired) == []
    assert is_right(case.repaired.text)
    assert case.text != case.repaired.text


@pytest.mark.parametrize("found", EVERYTHING, ids=str)
def test_an_id_with_one_defect_breaks_exactly_its_rule(found: Defect) -> None:
    check(found, 0)


@given(st.sampled_from(EVERYTHING), NUMBERS)
def test_whatever_the_number_a_defect_breaks_exactly_its_rule(found: Defect, number: int) -> None:
    check(found, number)


@given(NUMBERS)
def test_a_case_without_a_defect_is_right(number: int) -> None:
    case = catalogue.spiffe_id_case(number=number)
    verdict = case.examine()
    assert {answer.answer for answer in verdict.rules} == {PASSED}
    assert verdict.spiffe_id == SpiffeId(case.text)
    assert case.repaired.text == case.text == f"spiffe://example.org/workload/{number}"


@pytest.mark.parametrize("found", catalogue.defects("spiffe-id"), ids=str)
def test_what_the_parser_raises_is_what_the_verdict_says(found: Defect) -> None:
    case = catalogue.spiffe_id_case(found.name)
    first = case.examine().first
    with pytest.raises(InvalidSpiffeId) as caught:
        SpiffeId(case.text)
    assert str(SpiffeId(case.repaired.text)) == case.repaired.text
    assert type(first) is type(caught.value)
    assert (first.code, first.clause, str(first)) == (found.rule, SPIFFE_ID[found.rule].clause, str(caught.value))
    assert (caught.value.code, caught.value.clause) == (first.code, first.clause)
    assert (first.reason, first.text) == (caught.value.reason, case.text)


def test_every_rule_has_a_defect_and_every_defect_a_sentence_of_its_own() -> None:
    assert {found.rule for found in catalogue.defects("spiffe-id")} == {rule.name for rule in SPIFFE_ID.rules}
    assert len(catalogue.defects("spiffe-id")) >= 30
    assert len({found.sentence for found in EVERYTHING}) == len({found.name for found in EVERYTHING}) == len(EVERYTHING)


def test_what_follows_the_first_wrong_part_is_not_reached() -> None:
    answers = {answer.name: answer.answer for answer in catalogue.spiffe_id_case("empty_query").examine().rules}
    assert answers["scheme"] == answers["trust_domain_missing"] == "passed"
    assert answers.pop("query") == "failed"
    assert {name for name, answer in answers.items() if answer == "passed"} == {
        "empty",
        "scheme",
        "trust_domain_missing",
    }


def test_lengths_are_those_of_the_standard() -> None:
    assert len(catalogue.spiffe_id_case("id_of_2048_bytes", number=10**8).text) == 2048
    assert len(catalogue.spiffe_id_case("id_of_2049_bytes", number=10**8).text) == 2049
    assert len(catalogue.spiffe_id_case("id_of_2049_bytes", number=10**8).repaired.text) == 2048


def test_a_case_shows_the_call_that_makes_it_and_travels() -> None:
    case = catalogue.spiffe_id_case("kelvin_sign", number=3)
    assert repr(case) == "spiffe_id_case('kelvin_sign', number=3)"
    assert repr(case.repaired) == "spiffe_id_case('kelvin_sign', number=3).repaired"
    assert repr(catalogue.spiffe_id_case()) == "spiffe_id_case()"
    copy = pickle.loads(pickle.dumps(case))
    assert (copy.text, copy.defect) == (case.text, case.defect)


def test_there_is_no_case_of_an_unknown_defect() -> None:
    assert catalogue.spiffe_id_case("no_path").text == "spiffe://example.org"
    with pytest.raises(InvalidInput, match="there is no defect 'leaf_is_ca' of 'spiffe-id'"):
        catalogue.spiffe_id_case("leaf_is_ca")
