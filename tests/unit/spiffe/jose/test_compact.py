"""The JWS compact serialization, read strictly."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.jose.compact import MAX_TOKEN, b64url, b64url_bytes, read_jws, segments, unb64url
from tests.oracles.tokens import CLAIMS, HEADER, b64, jwt_svid, sealed, unb64


@given(st.binary(max_size=100))
def test_base64url_is_what_the_standard_library_makes_without_padding(data: bytes) -> None:
    text = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert b64url(data) == text == b64url_bytes(data).decode()
    assert unb64url(text) == unb64url(text.encode()) == data


# RFC 7515, appendix C
def test_the_vector_of_rfc_7515_is_reproduced() -> None:
    assert b64url(bytes([3, 236, 255, 224, 193])) == "A-z_4ME"
    assert unb64url("A-z_4ME") == bytes([3, 236, 255, 224, 193])


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AAAAA",
        "AA==",
        "AAA=",
        "AAAA=",
        "A+AA",
        "A/AA",
        "A AA",
        "AA\n",
        "\nAAAA",
        "AA.A",
        "AAA\u00e9",
        "\0AAA",
        "=",
    ],
)
def test_other_base64_is_refused(text: str) -> None:
    for spelled in (text, text.encode("utf-8")):
        with pytest.raises(ValueError, match="is not base64url without padding"):
            unb64url(spelled)


@pytest.mark.parametrize("text", ["AB", "A_", "AAB", "AAD", "AAAAAB"])
def test_another_spelling_of_the_same_bytes_is_refused(text: str) -> None:
    assert unb64(text) == unb64(b64(unb64(text)))  # to Python they are the same
    with pytest.raises(ValueError, match="ends in bits that mean nothing, so the same bytes have another spelling"):
        unb64url(text)


@given(st.text(st.sampled_from("AQgw-_"), max_size=12))
def test_each_byte_string_has_exactly_one_spelling(text: str) -> None:
    try:
        data = unb64url(text)
    except ValueError:
        return
    assert b64url(data) == text


# Tokens


def test_a_token_is_taken_apart() -> None:
    token = jwt_svid()
    jws = read_jws(token)
    assert (jws.header, jws.payload) == (HEADER, CLAIMS)
    assert jws.signed == token.rpartition(".")[0].encode()
    assert jws.signature == unb64(token.rpartition(".")[2])
    assert read_jws(token.encode()) == jws
    header, payload, signed, signature = segments(token)
    assert (json.loads(header), json.loads(payload), signed, signature) == (HEADER, CLAIMS, jws.signed, jws.signature)


GOOD = jwt_svid()
FIRST, SECOND, THIRD = GOOD.split(".")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "it has 1 part between dots, not three"),
        (FIRST, "it has 1 part between dots, not three"),
        (f"{FIRST}.{SECOND}", "it has 2 parts between dots, not three"),
        (f"{GOOD}.", "it has 4 parts between dots, not three"),
        (f"{GOOD}.e30.e30", "it has 5 parts"),  # a JWE
        (f"{FIRST}=.{SECOND}.{THIRD}", "its header is not base64url without padding"),
        (f"{FIRST}.{SECOND}=.{THIRD}", "its payload is not base64url without padding"),
        (f"{GOOD}==", "its signature is not base64url without padding"),
        (f"{GOOD}\n", "its signature is not base64url without padding"),
        (f" {GOOD}", "its header is not base64url without padding"),
        (GOOD[:-1] + chr(ord(GOOD[-1]) + 1), "its signature ends in bits that mean nothing"),
        (f"{FIRST}.{SECOND}.\u00e9", "character {} is not ASCII"),
        (json.dumps({"payload": SECOND, "protected": FIRST, "signature": THIRD}), "it is in JSON serialization"),
        (' {"payload":"a.b.c.d"}', "it is in JSON serialization"),
        ("A" * (MAX_TOKEN + 1), "it has 262145 characters, 1 more than 262144"),
        (None, "a token is a text, not a NoneType"),
        (7, "a token is a text, not a int"),
    ],
)
def test_what_is_no_compact_serialization_is_refused(token: object, reason: str) -> None:
    with pytest.raises(InvalidSvid) as caught:
        read_jws(token)
    assert (caught.value.code, caught.value.clause) == ("compact", "RFC 7515 3.1")
    assert reason.format(len(GOOD) - len(THIRD)) in str(caught.value)


def test_bytes_that_are_not_ascii_are_no_base64url() -> None:
    with pytest.raises(InvalidSvid, match="its signature is not base64url"):
        read_jws(f"{FIRST}.{SECOND}.".encode() + b"\xff")


def test_the_longest_token_is_still_read() -> None:
    payload = json.dumps({"a": "b" * 196_000}).encode()
    token = sealed(b'{"alg":"ES256"}', payload)
    padded = sealed(b'{"alg":"ES256"}', payload[:-2] + b"b" * ((MAX_TOKEN - len(token)) * 3 // 4) + b'"}')
    assert MAX_TOKEN - 4 < len(padded) <= MAX_TOKEN
    assert len(read_jws(padded).payload["a"]) > 196_000


@pytest.mark.parametrize(
    ("header", "payload", "code", "clause"),
    [
        (b"[]", b"{}", "header", "RFC 7515 4"),
        (b'{"alg":"ES256","alg":"none"}', b"{}", "header", "RFC 7515 4"),
        (b"", b"{}", "header", "RFC 7515 4"),
        (b"{}", b'{"sub":1,"sub":2}', "payload", "RFC 7519 7.2"),
        (b"{}", b"7", "payload", "RFC 7519 7.2"),
        (b"{}", b"\xef\xbb\xbf{}", "payload", "RFC 7519 7.2"),
        (b"{}", b'{"exp":NaN}', "payload", "RFC 7519 7.2"),
        (b"{}", b"[" * 100_000, "payload", "RFC 7519 7.2"),
    ],
)
def test_each_part_must_be_one_strict_json_object(header: bytes, payload: bytes, code: str, clause: str) -> None:
    with pytest.raises(InvalidSvid, match=f"the token's {code} ") as caught:
        read_jws(f"{b64(header)}.{b64(payload)}.")
    assert (caught.value.code, caught.value.clause) == (code, clause)


@given(
    st.one_of(st.text(), st.binary(), st.from_regex(r"\A[A-Za-z0-9_-]{0,8}\.[A-Za-z0-9_-]{0,8}\.[A-Za-z0-9_-]{0,8}\Z"))
)
def test_hostile_tokens_raise_only_our_error(token: str | bytes) -> None:
    with pytest.raises(InvalidSvid):
        read_jws(token)
