"""The JWT-SVID as a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jwtsvid import JwtSvid
from tests.oracles.tokens import AT, DROP, NOW, WEB, ec_key, jwt_svid


def test_a_jwt_svid_says_whose_it_is_for_whom_and_until_when() -> None:
    svid = JwtSvid.parse(jwt_svid({"aud": ["reports", "db"]}))
    assert svid.spiffe_id == SpiffeId(WEB)
    assert svid.audience == ("reports", "db")
    assert svid.expiry == AT + timedelta(minutes=5)


def test_a_token_of_pyjwt_is_read() -> None:
    claims = {"sub": WEB, "aud": "reports", "exp": NOW + 1.5}
    svid = JwtSvid.parse(jwt.encode(claims, ec_key(), "ES256", headers={"kid": "k"}))
    assert (svid.claims, svid.key_id) == (claims, "k")
    assert svid.audience == ("reports",)
    assert svid.expiry == AT + timedelta(seconds=1.5)


def test_its_text_is_short_and_does_not_give_the_token_away() -> None:
    svid = JwtSvid.parse(jwt_svid())
    assert repr(svid) == "<JwtSvid spiffe://example.org/web for reports, until 2030-01-01T00:05:00Z>"
    crowded = JwtSvid.parse(jwt_svid({"aud": ["a" * 30] * 100}))
    assert len(repr(crowded)) < 200


def test_reading_verifies_nothing() -> None:
    forged = jwt_svid({"exp": 0}, {"alg": "none", "kid": 7, "typ": "x"})
    assert JwtSvid.parse(forged).expiry == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"sub": DROP}, "the token has no sub claim"),
        ({"sub": "web"}, "the sub claim is not a SPIFFE ID"),
        ({"aud": DROP}, "the token has no aud claim"),
        ({"aud": []}, "the aud claim is an empty array"),
        ({"exp": DROP}, "the token has no exp claim"),
        ({"exp": "soon"}, "the exp claim is a string"),
    ],
)
def test_without_its_claims_it_is_none(claims: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidSvid, match=f"this is not a JWT-SVID: {reason}") as caught:
        JwtSvid.parse(jwt_svid(claims))
    assert (caught.value.code, caught.value.clause) == ("claims", "JWT-SVID 3")


def test_an_expiry_beyond_this_world_is_the_end_of_it() -> None:
    assert JwtSvid.parse(jwt_svid({"exp": 10**30})).expiry == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
