"""Anything that accepts or refuses becomes a validator by one function."""

from __future__ import annotations

from typing import Any

import pytest

from spiffesim import catalogue, compare
from spiffesim.compare.outcome import ACCEPTED, Outcome, refused
from spiffesim.errors import InvalidInput

RIGHT = catalogue.x509_svid_case()


def judged_by(judge: Any, **options: Any) -> Outcome:
    return compare.validator("x509-svid", **options)(judge)(RIGHT)


def test_true_accepts_and_false_refuses() -> None:
    assert judged_by(lambda case: True) == ACCEPTED
    assert judged_by(lambda case: False) == Outcome("refused")


def test_an_outcome_is_passed_on_with_its_reason() -> None:
    assert judged_by(lambda case: refused("too old")) == Outcome("refused", "too old")


def test_an_exception_that_it_names_refuses_with_its_text() -> None:
    def judge(case: Any) -> bool:
        raise ValueError("no URI")

    assert judged_by(judge, refuses=(ValueError,)) == Outcome("refused", "no URI")
    assert judged_by(judge, refuses=(KeyError,)) == Outcome("broken", "ValueError: no URI")


class PanicException(BaseException):
    """As a library in Rust raises when it panics."""


def test_a_panic_is_a_broken_validator_but_an_interrupt_is_ours() -> None:
    def panic(case: Any) -> bool:
        raise PanicException("index out of bounds")

    def interrupt(case: Any) -> bool:
        raise KeyboardInterrupt

    assert judged_by(panic) == Outcome("broken", "PanicException: index out of bounds")
    with pytest.raises(KeyboardInterrupt):
        judged_by(interrupt)


@pytest.mark.parametrize("answer", [None, "yes", 1])
def test_what_is_neither_a_bool_nor_an_outcome_is_no_answer(answer: object) -> None:
    outcome = judged_by(lambda case: answer)
    assert outcome.answer == "broken"
    assert repr(answer) in outcome.reason


def test_it_skips_what_it_does_not_judge() -> None:
    tokens = compare.validator("jwt-svid", name="tokens")(lambda case: True)
    assert tokens(RIGHT) == Outcome("skipped")
    assert tokens(RIGHT).accepted is None
    assert tokens(catalogue.jwt_svid_case()).accepted is True


def test_it_is_called_as_its_function_is_or_as_one_likes() -> None:
    def mine(case: Any) -> bool:
        return True

    assert compare.validator("x509-svid")(mine).name == "mine"
    assert compare.validator("x509-svid", name="theirs")(mine).name == "theirs"
    assert "judge" not in repr(compare.validator("x509-svid")(mine))


@pytest.mark.parametrize("kinds", [("x509",), ()])
def test_it_judges_kinds_that_there_are(kinds: Any) -> None:
    with pytest.raises(InvalidInput, match="kinds are spiffe-id, x509-svid"):
        compare.validator(*kinds)(lambda case: True)


@pytest.mark.parametrize("make", [compare.ours, compare.cryptography_verifier])
def test_ours_and_the_verifier_of_cryptography_tell_right_from_wrong(make: Any) -> None:
    wrong = catalogue.x509_svid_case("leaf_is_ca")
    assert make()(wrong).answer == "refused"
    assert make()(wrong).reason
    assert make()(wrong.repaired) == ACCEPTED


def test_ours_says_which_rule_and_which_clause() -> None:
    reason = compare.ours()(catalogue.x509_svid_case("leaf_is_ca")).reason
    assert reason.startswith("leaf_not_ca (X509-SVID ")
