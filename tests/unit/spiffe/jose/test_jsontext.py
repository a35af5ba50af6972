"""Strict JSON: what Python's reader lets through, and a stranger must not."""

from __future__ import annotations

import json
import sys
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.spiffe.jose.jsontext import MAX_DEPTH, JsonError, kind_of, read_object, repeated, repeats, write_json

STRINGS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STRINGS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(STRINGS, children, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(STRINGS, VALUES, max_size=6)


@given(OBJECTS)
def test_every_object_that_pythons_writer_makes_is_read_as_pythons_reader_does(value: dict[str, Any]) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        assert read_object(text) == read_object(text.encode()) == json.loads(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not JSON: Expecting value at character 0"),
        ("{", "is not JSON"),
        ('{"a":1,}', "is not JSON"),
        ("{'a':1}", "is not JSON"),
        ('{"a":1}x', "is not JSON: Extra data at character 7"),
        ('{"a":1}{"a":1}', "is not JSON: Extra data"),
        ('{"a":"\n"}', "is not JSON: Invalid control character at"),
        ('{"a":01}', "is not JSON"),
        ("[]", "is not a JSON object but an array"),
        ('"a"', "is not a JSON object but a string"),
        ("7", "is not a JSON object but a number"),
        ("null", "is not a JSON object but null"),
        ("true", "is not a JSON object but true"),
        ('{"a":1,"b":2,"a":1}', "holds the member 'a' twice"),
        ('{"b":{"a":1,"\\u0061":2}}', "holds the member 'a' twice"),
        ('{"a":NaN}', "holds NaN, which is not JSON"),
        ('{"a":Infinity}', "holds Infinity, which is not JSON"),
        ('{"a":-Infinity}', "holds -Infinity, which is not JSON"),
        ('{"a":1e400}', "holds a number that is out of range"),
        ('{"a":-1e400}', "holds a number that is out of range"),
        ('{"a":' + "9" * 5000 + "}", "holds a number that is out of range"),
        ('{"a":"\\ud800"}', "holds half of a surrogate pair"),
        ('{"\\uDFFF":1}', "holds half of a surrogate pair"),
        ('{"a":"\ud800"}', "is not UTF-8: surrogates not allowed"),
        (b'{"a":"\xff"}', "is not UTF-8: invalid start byte"),
        (b'{"a":"\xed\xa0\x80"}', "is not UTF-8"),  # a surrogate
        (b'{"a":"\xc0\x80"}', "is not UTF-8"),  # an overlong NUL
        ("\ufeff{}", "begins with a byte order mark"),
        (b"\xef\xbb\xbf{}", "begins with a byte order mark"),
        ('{"a":1}'.encode("utf-16"), "is not UTF-8"),
    ],
)
def test_what_is_not_one_strict_object_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(JsonError, match=reason):
        read_object(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),  # a whole pair
        ('{"a":"\\\\ud800"}', {"a": "\\ud800"}),  # a backslash, not an escape
        ('{"a":1e308}', {"a": 1e308}),
        ('{"a":' + "9" * 4300 + "}", {"a": int("9" * 4300)}),
        ('{"a":{"a":1}}', {"a": {"a": 1}}),  # the same name on two levels
        (' \t\r\n{ "a" : "\u00e9" } ', {"a": "\u00e9"}),
    ],
)
def test_what_only_looks_odd_is_read(text: str, value: dict[str, Any]) -> None:
    assert read_object(text) == value


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    return '{"a":' + opening * levels + "1" + closing * levels + "}"


def test_nesting_is_bounded_before_anything_recurses() -> None:
    assert read_object(nested(MAX_DEPTH - 1))["a"]
    with pytest.raises(JsonError, match="is nested more than 32 levels deep"):
        read_object(nested(MAX_DEPTH))
    with pytest.raises(JsonError, match="is nested more than 32 levels deep"):
        read_object(nested(MAX_DEPTH, '{"b":', "}"))
    with pytest.raises(JsonError, match="nested"):
        read_object("[" * 10 * sys.getrecursionlimit())


@pytest.mark.parametrize("inside", ["[" * 100, '\\"[{' * 50, "\\\\", '\\\\\\"[' * 40, "]}" * 80])
def test_brackets_in_strings_are_not_nesting(inside: str) -> None:
    text = f'{{"a":"{inside}","b":[{",".join(["[]"] * 100)}]}}'
    assert read_object(text) == json.loads(text)


@pytest.mark.parametrize("text", ['"' * 100_001 + "[" * 40, '"\\' * 50_000 + "[" * 40, "{" * 20 + '"' + "[\\" * 50_000])
def test_hostile_quotes_cost_no_more_than_their_length(text: str) -> None:
    # A quadratic scan would take minutes.
    with pytest.raises(JsonError):
        read_object(text)


def test_a_long_string_costs_no_more_memory_than_its_length() -> None:
    tracemalloc.start()
    try:
        assert read_object('{"a":"' + "x" * 200_000 + '","b":[' + "[]," * 40 + "0]}")["a"] == "x" * 200_000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_hostile_number_of_members_costs_no_more_than_its_length() -> None:
    members = ",".join(f'"{number}":0' for number in range(100_000))
    with pytest.raises(JsonError, match="holds the member '99999' twice"):
        read_object(f'{{{members},"99999":0}}')


@given(
    st.one_of(st.binary(), st.text(), st.from_regex(r'\A\{("a":|[\[\]{},]|"\\u[dD][89abcdef]00"|1e9|NaN){0,12}\}\Z'))
)
def test_hostile_text_is_read_or_refused_by_our_own_error(text: str | bytes) -> None:
    try:
        value = read_object(text)
    except JsonError:
        return
    assert json.loads(text) == value


def test_of_names_the_first_that_is_repeated_is_found() -> None:
    assert repeated(["a", "b", "c", "c", "b"]) == "b"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        ("", "a string"),
        (0, "a number"),
        (0.5, "a number"),
        ([], "an array"),
        ({}, "an object"),
        ((), "a tuple"),
    ],
)
def test_a_value_is_named_as_a_person_would(value: object, kind: str) -> None:
    assert kind_of(value) == kind


# Writing: Go's encoding/json escapes <, >, &, U+2028 and U+2029, and nothing else beyond what JSON demands.


def test_json_is_written_as_go_writes_it() -> None:
    assert write_json({"b": 1, "a": ["\u00e9", "<&>"]}) == '{"b":1,"a":["\u00e9","\\u003c\\u0026\\u003e"]}'.encode()
    assert write_json({"a": "\u2028\u2029"}) == b'{"a":"\\u2028\\u2029"}'
    assert write_json({"a": {"b": []}}, indent=4) == b'{\n    "a": {\n        "b": []\n    }\n}'


@given(OBJECTS, st.sampled_from([None, 4]))
def test_everything_that_is_written_is_read_back(value: dict[str, Any], indent: int | None) -> None:
    assert json.loads(write_json(value, indent=indent)) == value
    assert list(json.loads(write_json(value, indent=indent))) == list(value)


def test_what_is_not_json_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"a": float("nan")})


@pytest.mark.parametrize(
    ("data", "requirement"),
    [
        (b"", "json"),
        (b"{} x", "json"),
        (b"\xff", "encoding"),
        ("\ud800", "encoding"),
        (b"\xef\xbb\xbf{}", "byte_order_mark"),
        ("[" * 33, "nesting"),
        ("[NaN]", "finite_numbers"),
        ("[1e400]", "number_range"),
        ("[" + "1" * 5000 + "]", "number_range"),
        ('{"a":1,"a":1}', "unique_members"),
        ("[]", "object"),
        ('{"a":"\\ud800"}', "surrogates"),
    ],
)
def test_an_error_says_which_requirement_is_broken(data: bytes | str, requirement: str) -> None:
    with pytest.raises(JsonError) as caught:
        read_object(data)
    assert caught.value.requirement == requirement


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ('{"a":{"b":1,"b":2}}', True),
        (b'{"a":{"b":1,"\\u0062":2}}', True),
        ('{"a":{},"a":{"b":1,"b":2}}', True),
        ('{"a":{"b":{"c":1,"c":2}}}', False),
        ('{"a":[["b",1],["b",2]],"c":{"d":1,"d":1}}', False),
        ('{"a":{"b":1},"a":{"b":1}}', False),
        ('[{"b":1,"b":2}]', False),
        ('{"a":{"b":1,"b":2}} x', False),
        (b"\xff", False),
    ],
)
def test_where_a_name_comes_twice_can_be_asked(data: bytes | str, answer: bool) -> None:
    assert repeats(data, "a") is answer
