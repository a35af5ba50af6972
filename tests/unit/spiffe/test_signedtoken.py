"""What both kinds of token are as values."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.signedtoken import SignedToken
from spiffesim.spiffe.witsvid import WitSvid
from tests.oracles.tokens import AT, CLAIMS, DROP, HEADER, jwt_svid, wit_svid

KINDS: list[tuple[type[JwtSvid] | type[WitSvid], Any]] = [(JwtSvid, jwt_svid), (WitSvid, wit_svid)]


@pytest.mark.parametrize(("kind", "made"), KINDS)
def test_a_token_is_a_value(kind: type[JwtSvid] | type[WitSvid], made: Any) -> None:
    token = made()
    svid = kind.parse(token)
    assert svid == kind.parse(token.encode()) == pickle.loads(pickle.dumps(svid))
    assert hash(svid) == hash(kind(token))
    assert svid != kind.parse(made({"jti": "other"}))
    assert (svid.token, str(svid)) == (token, token)
    assert svid.hint == ""
    assert kind.parse(token, hint="internal").hint == "internal"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        svid.token = ""  # type: ignore[misc]  # the point


def test_a_jwt_svid_is_never_a_wit_svid() -> None:
    token = wit_svid({"aud": ["a"]})
    assert JwtSvid(token) != WitSvid(token)  # type: ignore[comparison-overlap]  # the point


def test_claims_and_header_are_copies() -> None:
    svid = JwtSvid.parse(jwt_svid({"extra": {"a": [1]}}))
    svid.claims["extra"]["a"].append(2)
    svid.header["alg"] = "none"
    assert svid.claims == {**CLAIMS, "extra": {"a": [1]}}
    assert svid.header == HEADER


@pytest.mark.parametrize(("kid", "expected"), [("k", "k"), ("", ""), (DROP, None), (7, None), (None, None)])
def test_the_key_id_is_what_the_header_names(kid: object, expected: str | None) -> None:
    assert JwtSvid.parse(jwt_svid(header={"kid": kid})).key_id == expected


def test_when_it_was_made_may_be_unknown() -> None:
    assert JwtSvid.parse(jwt_svid()).issued_at == AT
    assert JwtSvid.parse(jwt_svid({"iat": AT.timestamp() + 0.5})).issued_at == AT + timedelta(milliseconds=500)
    for unknown in (DROP, "yesterday", None, True):
        assert JwtSvid.parse(jwt_svid({"iat": unknown})).issued_at is None


@pytest.mark.parametrize(("kind", "_made"), KINDS)
@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (None, "a token is a text, not a NoneType"),
        (7, "a token is a text, not a int"),
        (b"\xff", "a token is a text, not bytes that are not ASCII"),
    ],
)
def test_a_token_is_text(kind: type[SignedToken], _made: Any, token: str, reason: str) -> None:
    with pytest.raises(InvalidSvid, match=reason) as caught:
        kind(token)
    assert (caught.value.code, caught.value.clause) == ("compact", "RFC 7515 3.1")


@given(st.one_of(st.text(), st.binary(), st.from_regex(r"\Ae30\.[A-Za-z0-9_-]{0,16}\.\Z")))
def test_hostile_tokens_raise_only_our_error(token: str | bytes) -> None:
    for kind in (JwtSvid, WitSvid):
        with pytest.raises(InvalidSvid):
            kind.parse(token)


@pytest.mark.parametrize(("kind", "_made"), KINDS)
def test_a_token_that_cannot_be_read_is_found_out_by_whoever_looks(kind: type[JwtSvid], _made: Any) -> None:
    svid = kind("a.b.c")
    assert repr(svid) == f"<{kind.__name__} of 5 characters that cannot be read>"
    for name in ("spiffe_id", "expiry", "claims", "header", "key_id", "issued_at"):
        with pytest.raises(InvalidSvid):
            getattr(svid, name)
