"""Claims, read strictly."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose import claims as read

SECOND = 1_000_000
LAST = 253_402_300_799 * SECOND


def test_the_subject_is_a_spiffe_id() -> None:
    assert read.subject({"sub": "spiffe://example.org/web"}) == SpiffeId("spiffe://example.org/web")
    assert read.subject({"sub": "spiffe://example.org"}).path == ""  # JWT-SVID 3.1 does not ask for a path


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, "the token has no sub claim, so it is nobody's"),
        ({"sub": None}, "the sub claim is null, not a SPIFFE ID"),
        ({"sub": ["spiffe://example.org/web"]}, "the sub claim is an array, not a SPIFFE ID"),
        ({"sub": "web"}, "the sub claim is not a SPIFFE ID: scheme is missing or invalid: 'web'"),
    ],
)
def test_a_broken_subject_is_told(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(read.Broken) as caught:
        read.subject(claims)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("value", "audience"),
    [("a", ("a",)), ("", ("",)), (["a"], ("a",)), (["a", "b", "a"], ("a", "b", "a")), (["a"] * 50, ("a",) * 50)],
)
def test_the_audience_is_a_string_or_an_array(value: object, audience: tuple[str, ...]) -> None:
    assert read.audience({"aud": value}) == audience


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, "the token has no aud claim, so it is for nobody"),
        ({"aud": None}, "the aud claim is null, not a string or an array"),
        ({"aud": {"a": 1}}, "the aud claim is an object, not a string or an array"),
        ({"aud": []}, "the aud claim is an empty array"),
        ({"aud": ["a", ""]}, "value 1 of the aud claim is empty, not a name"),
        ({"aud": ["a", 7]}, "value 1 of the aud claim is a number, not a name"),
        ({"aud": [["a"]]}, "value 0 of the aud claim is an array, not a name"),
    ],
)
def test_a_broken_audience_is_told(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(read.Broken) as caught:
        read.audience(claims)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [
        (0, 0),
        (1_893_456_000, 1_893_456_000 * SECOND),
        (1.5, 1_500_000),
        (1893456000.25, 1_893_456_000_250_000),
        (-1, -SECOND),
        (-0.0, 0),
        (1e-7, 1),  # a part of a microsecond counts as a whole one: the token ends no sooner than it says
        (1e300, int(1e300) * SECOND),
        (2**64, 2**64 * SECOND),
        (10**400, 10**400 * SECOND),
    ],
)
def test_a_numeric_date_is_read_exactly(value: float, microseconds: int) -> None:
    assert read.instant({"exp": value}, "exp") == microseconds


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_numeric_date_with_a_fraction_is_rounded_up(value: float) -> None:
    found = read.instant({"exp": value}, "exp")
    assert found - 1 < Fraction(value) * SECOND <= found


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, "the token has no exp claim"),
        ({"exp": True}, "the exp claim is true, not a number of seconds"),
        ({"exp": "1893456000"}, "the exp claim is a string, not a number of seconds"),
        ({"exp": None}, "the exp claim is null, not a number of seconds"),
    ],
)
def test_a_broken_numeric_date_is_told(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(read.Broken) as caught:
        read.instant(claims, "exp")
    assert str(caught.value) == reason


def test_an_instant_that_no_datetime_can_hold_becomes_the_nearest() -> None:
    assert read.as_datetime(10**400) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert read.as_datetime(-(10**400)) == datetime(1, 1, 1, tzinfo=UTC)
    assert read.as_datetime(1_500_000) == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


def test_distances_are_told_as_a_person_would() -> None:
    assert read.apart(0, 3600 * SECOND) == read.apart(3600 * SECOND, 0) == "1:00:00"
    assert read.apart(0, 86_400 * SECOND) == "1 day, 0:00:00"
    assert read.apart(0, LAST + 1) == "thousands of years"


def test_two_instants_are_told_even_when_one_is_out_of_this_world() -> None:
    assert read.both(0, 3600 * SECOND) == ("00:00:00Z", "01:00:00Z")
    assert read.both(10**400, 0) == ("after the year 9999", "1970-01-01T00:00:00Z")
    assert read.both(0, -(10**400)) == ("1970-01-01T00:00:00Z", "before the year 1")
    assert read.both(0, LAST + 1) == ("1970-01-01T00:00:00Z", "after the year 9999")
    assert read.both(read.EARLIEST - 1, 0) == ("before the year 1", "1970-01-01T00:00:00Z")


def test_the_first_and_the_last_instant_are_of_this_world() -> None:
    assert read.both(read.EARLIEST, read.EARLIEST + 3600 * SECOND) == ("00:00:00Z", "01:00:00Z")
    assert read.both(LAST - 3600 * SECOND, LAST) == ("22:59:59Z", "23:59:59Z")
    assert (read.written(read.EARLIEST), read.written(LAST)) == ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
    assert read.apart(0, LAST) != "thousands of years"
