"""Texts, bytes and numbers as Go has them; the expected values are those of Go's documentation and source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.golang import quoted, quoted_list, raw_url_decoded, unix_time, valid_string
from tests.oracles.tokens import b64, unb64

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", '""'),
        ("example.org", '"example.org"'),
        ('say "no" \\', '"say \\"no\\" \\\\"'),
        ("\a\b\f\n\r\t\v", '"\\a\\b\\f\\n\\r\\t\\v"'),
        ("\0\x1b\x7f", '"\\x00\\x1b\\x7f"'),
        ("\u00e9\u4e16\U0001f600", '"\u00e9\u4e16\U0001f600"'),  # printable
        ("'", '"\'"'),
        ("\u00a0\u200b\ufeff", '"\\u00a0\\u200b\\ufeff"'),  # no space but the ASCII one is printable
        ("\U000e0001", '"\\U000e0001"'),
    ],
)
def test_a_text_is_quoted_as_go_quotes_it(text: str, shown: str) -> None:
    assert quoted(text) == shown


def test_a_list_of_texts_is_quoted_with_spaces_between() -> None:
    assert quoted_list(["a", 'b"']) == '["a" "b\\""]'
    assert quoted_list([]) == "[]"


@pytest.mark.parametrize("text", ["", "a\0", "\u00e9\ud7ff\ue000\U0001f600\U0010ffff"])
def test_a_valid_string_is_one_that_utf_8_can_write(text: str) -> None:
    assert valid_string(text)
    for half in ("\ud800", "\udbff", "\udc00", "\udfff"):
        assert not valid_string(text + half)
        assert not valid_string(half + text)


@pytest.mark.parametrize("value", [None, 5, b"a"])
def test_what_is_no_text_is_no_valid_string(value: object) -> None:
    assert not valid_string(value)


@given(st.binary(max_size=40))
def test_base64url_is_decoded(data: bytes) -> None:
    assert raw_url_decoded(b64(data).encode()) == data


@given(st.text(st.sampled_from("AQgwBCDZ_-"), max_size=12).filter(lambda text: len(text) % 4 != 1))
def test_every_spelling_is_taken_that_gos_decoder_takes(text: str) -> None:
    # Python's decoder, too, skips the bits that mean nothing.
    assert raw_url_decoded(text.encode()) == unb64(text)
    assert raw_url_decoded("\r\n".join(text).encode()) == unb64(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"A", 0),
        (b"AAAAA", 4),
        (b"AAAA\nA\n", 6),
        (b"AA==", 2),
        (b"=", 0),
        (b"A+AA", 1),
        (b"AAA/", 3),
        (b"A\n B", 2),
        (b"AA\xff!", 2),
        (b"\0", 0),
    ],
)
def test_what_is_no_base64url_is_refused_with_gos_text(text: bytes, place: int) -> None:
    with pytest.raises(ValueError, match=f"^illegal base64 data at input byte {place}$"):
        raw_url_decoded(text)


@pytest.mark.parametrize(
    ("seconds", "whole"),
    [
        (0.0, 0),
        (1893456000.0, 1_893_456_000),
        (1893456000.99, 1_893_456_000),
        (-0.5, 0),
        (-1.5, -1),
        (253402300800.0, 253_402_300_800),
        (-(2.0**63), -(2**63)),
        # int64 overflows to its smallest value on amd64 ...
        (2.0**63, -(2**63)),
        (1e300, -(2**63)),
        (-1e300, -(2**63)),
        # ... and so does the count from the year 1: 2**63 - 1024 is the float below 2**63.
        (2.0**63 - 1024, -(2**63)),
        (2.0**63 - 2**36, 2**63 - 2**36),
    ],
)
def test_a_number_of_seconds_overflows_as_in_go(seconds: float, whole: int) -> None:
    assert unix_time(seconds) == whole * SECOND
