"""The tree of errors: what each carries, and that it travels between processes with all of it."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from spiffesim import errors
from spiffesim.spiffe import validate_jwt_svid
from spiffesim.spiffe.ids import SpiffeId
from tests.oracles import tokens

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__ == "spiffesim.errors"
]
ERRORS = [kind for kind in CLASSES if issubclass(kind, errors.SpiffeSimError)]
FACTS: dict[str, Any] = {
    "spiffe_id": SpiffeId("spiffe://example.org/web"),
    "at": datetime(2030, 1, 1, tzinfo=UTC),
    "index": 3,
}


def made(kind: type[errors.SpiffeSimError]) -> errors.SpiffeSimError:
    more: dict[str, Any] = {}
    if issubclass(kind, errors.Refused):
        more = {"status": "INVALID_ARGUMENT", "hint": "ask the operator", "detail": "AGENT_BANNED"}
    return kind("what happened", code="a_rule", clause="X509-SVID 5.2", **more, **FACTS)


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_pickles_with_all_its_facts(kind: type[errors.SpiffeSimError]) -> None:
    error = made(kind)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is kind
        assert (str(other), other.args, vars(other)) == (str(error), error.args, vars(error))
    assert {**FACTS, "code": "a_rule", "clause": "X509-SVID 5.2"}.items() <= vars(error).items()


def test_an_error_that_a_validation_raised_pickles_with_its_verdict() -> None:
    with pytest.raises(errors.Expired) as caught:
        validate_jwt_svid(tokens.jwt_svid({"exp": tokens.NOW}), tokens.bundle_of(), audience="reports", at=tokens.AT)
    other = pickle.loads(pickle.dumps(caught.value))
    assert vars(other) == vars(caught.value)
    assert other.verdict.failures == caught.value.verdict.failures != ()
    assert (other.not_after, other.at) == (tokens.AT, tokens.AT)


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_has_a_code_of_its_own_and_no_clause_unless_given(kind: type[errors.SpiffeSimError]) -> None:
    status: dict[str, Any] = {"status": "UNKNOWN"} if issubclass(kind, errors.Refused) else {}
    error = kind("what happened", **status)
    assert error.code == kind.default_code
    assert re.fullmatch("[a-z_]+", error.code)
    assert error.clause is None
    assert kind.__doc__
    assert not hasattr(error, "index")


def test_no_two_kinds_of_error_share_a_code() -> None:
    codes = [kind.default_code for kind in ERRORS]
    assert len(set(codes)) == len(codes)


def test_a_fact_that_an_error_does_not_carry_is_an_attribute_error() -> None:
    error = errors.InvalidBundle("broken", index=3)
    assert error.index == 3
    with pytest.raises(AttributeError, match="InvalidBundle carries no fact 'trust_domain'"):
        _ = error.trust_domain


def test_a_refusal_shows_spires_text_first_and_then_ours() -> None:
    refused = errors.NotAuthorized("no downstream", status="PERMISSION_DENIED", hint="server nestedA")
    assert str(refused) == "no downstream (server nestedA)"
    assert (refused.message, refused.status, refused.detail) == ("no downstream", "PERMISSION_DENIED", None)
    assert str(errors.Refused("alone", status="UNKNOWN")) == "alone"


def test_what_is_invalid_is_a_value_error_too() -> None:
    assert issubclass(errors.InvalidSpiffeId, ValueError)
    assert not issubclass(errors.ValidationError, ValueError)  # a judgement is no misuse


def drawn(kind: type[Exception], depth: int = 0) -> list[tuple[int, str]]:
    """A class and everything below it, as the docstring draws it."""
    below = [found for child in kind.__subclasses__() if child in CLASSES for found in drawn(child, depth + 1)]
    return [(depth, kind.__name__), *below]


def test_the_docstring_draws_the_whole_tree() -> None:
    assert errors.__doc__ is not None
    lines = re.findall(r"^    ([│├└─ ]*)(\w+)", errors.__doc__, re.MULTILINE)
    found = [(len(indent) // 4, name) for indent, name in lines]
    expected = drawn(errors.SpiffeSimError) + drawn(errors.SpiffeSimWarning)
    assert sorted(found) == sorted(expected)
    assert found[0] == (0, "SpiffeSimError")


def test_the_names_of_the_tree_are_all_there_is() -> None:
    assert {kind.__name__ for kind in CLASSES} == {
        name for _, name in drawn(errors.SpiffeSimError) + drawn(errors.SpiffeSimWarning)
    }
