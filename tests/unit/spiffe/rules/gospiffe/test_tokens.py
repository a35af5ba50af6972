"""The profile "go-spiffe" of tokens: every expected text is what go-spiffe 2.8.1 said of that token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidInput, UnknownAuthority
from spiffesim.spiffe import SpiffeId, Verdict, examine_jwt_svid, examine_wit_svid, validate_jwt_svid, validate_wit_svid
from spiffesim.spiffe.rules.gospiffe.tokens import JWT_SVID, WIT_SVID
from tests.oracles.tokens import (
    AT,
    DROP,
    HOLDER,
    NOW,
    WEB,
    b64,
    bundle_of,
    ec_key,
    jwk,
    jwt_svid,
    wit_bundle,
    wit_svid,
)

SECOND = timedelta(seconds=1)
PRIVATE = {**jwk(ec_key()), "d": b64(b"\1" * 32)}
CRYPTO = "go-jose/go-jose: error in cryptographic primitive"
CRITICAL = "go-jose/go-jose: unsupported critical header"
NO_DATE = "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate"
NOT_YET = "go-jose/go-jose/jwt: validation failed, token not valid yet (nbf)"
IN_THE_FUTURE = "go-jose/go-jose/jwt: validation field, token issued in the future (iat)"
UNREADABLE_JWT = "jwtsvid: unable to parse JWT token"
UNREADABLE_WIT = "witsvid: unable to parse WIT-SVID token"
WRONG_TYPE = "jwtsvid: token header type not equal to either JWT or JOSE"


def cnf(**members: Any) -> dict[str, Any]:
    return {"cnf": {"jwk": {**jwk(HOLDER), **members}}}


# The rule that fails, the token, and what go-spiffe said.
JWT: list[tuple[str, str, str]] = [
    ("compact", "a.b", UNREADABLE_JWT),
    ("header", jwt_svid(header={"kid": 7}), UNREADABLE_JWT),
    ("algorithm", jwt_svid(header={"alg": "HS256"}), UNREADABLE_JWT),
    ("embedded_key", jwt_svid(header={"jwk": PRIVATE}), UNREADABLE_JWT),
    ("type", jwt_svid(header={"typ": "wit+jwt"}), WRONG_TYPE),
    ("type", jwt_svid(header={"typ": ""}), WRONG_TYPE),
    ("type", jwt_svid(header={"typ": ["JWT"]}), WRONG_TYPE),
    ("payload", jwt_svid({"exp": "soon"}), f"jwtsvid: unable to get claims from token: {NO_DATE}"),
    ("subject_claim", jwt_svid({"sub": DROP}), "jwtsvid: token missing subject claim"),
    ("expiry", jwt_svid({"exp": DROP}), "jwtsvid: token missing exp claim"),
    (
        "subject",
        jwt_svid({"sub": "web"}),
        "jwtsvid: token has an invalid subject claim: scheme is missing or invalid",
    ),
    ("key_id", jwt_svid(header={"kid": DROP}), "jwtsvid: token header missing key id"),
    (
        "trust_domain",
        jwt_svid({"sub": "spiffe://example.com/web"}),
        'jwtsvid: no bundle found for trust domain "example.com"',
    ),
    (
        "authority",
        jwt_svid(header={"kid": "nope"}),
        'jwtsvid: no JWT authority "nope" found for trust domain "example.org"',
    ),
    ("critical", jwt_svid(header={"crit": ["exp"]}), f"jwtsvid: unable to get claims from token: {CRITICAL}"),
    ("signature", jwt_svid(key=ec_key(2)), f"jwtsvid: unable to get claims from token: {CRYPTO}"),
    ("intended", jwt_svid({"aud": ["a", "b"]}), 'jwtsvid: expected audience in ["reports"] (audience=["a" "b"])'),
    ("intended", jwt_svid({"aud": DROP}), 'jwtsvid: expected audience in ["reports"] (audience=[])'),
    ("begun", jwt_svid({"nbf": NOW + 61}), NOT_YET),
    ("unexpired", jwt_svid({"exp": NOW - 61}), "jwtsvid: token has expired"),
    ("issued", jwt_svid({"iat": NOW + 61}), IN_THE_FUTURE),
]
WIT: list[tuple[str, str, str]] = [
    ("compact", "a.b", UNREADABLE_WIT),
    ("header", wit_svid(header={"kid": 7}), UNREADABLE_WIT),
    ("algorithm", wit_svid(header={"alg": "none"}), UNREADABLE_WIT),
    ("embedded_key", wit_svid(header={"jwk": PRIVATE}), UNREADABLE_WIT),
    ("type", wit_svid(header={"typ": "JWT"}), 'witsvid: token header type must be "wit+jwt", got "JWT"'),
    ("type", wit_svid(header={"typ": DROP}), 'witsvid: token header type must be "wit+jwt", got ""'),
    ("type", wit_svid(header={"typ": 7}), 'witsvid: token header type must be "wit+jwt", got ""'),
    ("key_id", wit_svid(header={"kid": ""}), "witsvid: token header missing key id"),
    ("payload", wit_svid({"iat": "soon"}), f"witsvid: unable to parse standard claims: {NO_DATE}"),
    ("subject_claim", wit_svid({"sub": ""}), "witsvid: token missing subject claim"),
    ("expiry", wit_svid({"exp": DROP}), "witsvid: token missing exp claim"),
    ("no_audience", wit_svid({"aud": "db"}), "witsvid: WIT-SVID must not contain aud claim"),
    ("no_audience", wit_svid({"aud": ""}), "witsvid: WIT-SVID must not contain aud claim"),
    (
        "subject",
        wit_svid({"sub": "spiffe://example.org/"}),
        "witsvid: token has an invalid subject claim: path cannot have a trailing slash",
    ),
    ("confirmation", wit_svid({"cnf": DROP}), "witsvid: token missing cnf claim"),
    ("confirmation", wit_svid({"cnf": []}), "witsvid: cnf claim is not an object"),
    ("confirmation", wit_svid({"cnf": {}}), "witsvid: cnf claim missing jwk field"),
    ("confirmation", wit_svid({"cnf": {"jwk": "x"}}), "witsvid: cnf.jwk is not an object"),
    ("confirmation_algorithm", wit_svid(cnf()), "witsvid: cnf.jwk missing alg field"),
    ("confirmation_algorithm", wit_svid(cnf(alg=7)), "witsvid: cnf.jwk alg field is not a string"),
    ("confirmation_algorithm", wit_svid(cnf(alg="HS256")), 'witsvid: cnf.jwk alg "HS256" is not supported'),
    ("confirmation_key", wit_svid(cnf(alg="ES256", d=b64(b"\1" * 32))), "witsvid: cnf.jwk must be a public key"),
    ("begun", wit_svid({"nbf": NOW + 61}), "witsvid: token is not yet valid"),
    ("unexpired", wit_svid({"exp": NOW - 61}), "witsvid: token has expired"),
    ("issued", wit_svid({"iat": NOW + 61}), f"witsvid: {IN_THE_FUTURE}"),
    (
        "trust_domain",
        wit_svid({"sub": "spiffe://example.com/web"}),
        'witsvid: no WIT bundle found for trust domain "example.com"',
    ),
    (
        "authority",
        wit_svid(header={"kid": "nope"}),
        'witsvid: no WIT authority "nope" found for trust domain "example.org"',
    ),
    ("critical", wit_svid(header={"crit": ["exp"]}), f"witsvid: signature verification failed: {CRITICAL}"),
    ("signature", wit_svid(key=ec_key(2)), f"witsvid: signature verification failed: {CRYPTO}"),
]
# Accepted by go-spiffe; of each it is told whether the letter of the standard accepts it, too.
JWT_ACCEPTED: list[tuple[str, bool]] = [
    (jwt_svid(), True),
    (jwt_svid(header={"typ": "JOSE"}), True),
    (jwt_svid(header={"typ": DROP}), True),
    (jwt_svid(header={"typ": None}), False),
    (jwt_svid(header={"crit": []}), False),
    (jwt_svid(header={"jku": "https://example.org"}), False),
    (jwt_svid({"nbf": NOW + 60}), False),
    (jwt_svid({"exp": NOW - 60}), False),
    (jwt_svid({"iat": NOW + 60}), True),
]
WIT_ACCEPTED = [
    wit_svid(),
    wit_svid({"aud": []}),
    wit_svid(cnf(alg="RS256")),
    wit_svid({"exp": NOW - 60}),
    wit_svid({"iat": NOW + 60}),
]


def examine_jwt(token: Any, **changes: Any) -> Verdict:
    asked: dict[str, Any] = {"audience": "reports", "at": AT, "profile": "go-spiffe", **changes}
    return examine_jwt_svid(token, bundle_of(), **asked)


def examine_wit(token: Any, **changes: Any) -> Verdict:
    return examine_wit_svid(token, wit_bundle(), proof=None, at=AT, profile="go-spiffe", **changes)


@pytest.mark.parametrize(("rule", "token", "text"), JWT)
def test_a_jwt_svid_is_refused_in_the_words_of_go_spiffe(rule: str, token: str, text: str) -> None:
    (failure,) = examine_jwt(token).failures
    assert (failure.name, failure.detail) == (rule, text)


@pytest.mark.parametrize(("rule", "token", "text"), WIT)
def test_a_wit_svid_is_refused_in_the_words_of_go_spiffe(rule: str, token: str, text: str) -> None:
    (failure,) = examine_wit(token).failures
    assert (failure.name, failure.detail) == (rule, text)


@pytest.mark.parametrize(("token", "by_the_letter"), JWT_ACCEPTED)
def test_a_jwt_svid_is_accepted_where_go_spiffe_accepts_it(token: str, by_the_letter: bool) -> None:
    assert examine_jwt(token).ok
    assert examine_jwt(token, profile="spiffe").ok == by_the_letter


@pytest.mark.parametrize("token", WIT_ACCEPTED)
def test_a_wit_svid_is_accepted_without_its_proof(token: str) -> None:
    verdict = examine_wit(token)
    assert verdict.ok
    assert {rule.answer for rule in verdict.rules} == {"passed"}
    assert "proof" in [failure.name for failure in examine_wit_svid(token, wit_bundle(), proof=None, at=AT).failures]


def test_every_rule_is_broken_by_a_token_above() -> None:
    assert [rule.name for rule in JWT_SVID.rules] == list(dict.fromkeys(rule for rule, _, _ in JWT))
    assert {rule.name for rule in WIT_SVID.rules} == {rule for rule, _, _ in WIT}


def test_the_key_that_a_confirmation_holds_has_to_be_a_key() -> None:
    (failure,) = examine_wit(wit_svid(cnf(alg="ES256", x="AA"))).failures
    assert failure.name == "confirmation_key"
    assert str(failure.detail).startswith("witsvid: unable to parse cnf.jwk: ")
    assert examine_wit(wit_svid(cnf(alg="ES256"))).ok


def test_what_is_validated_is_the_subject_or_raises() -> None:
    asked: dict[str, Any] = {"at": AT, "profile": "go-spiffe"}
    assert validate_jwt_svid(jwt_svid(), bundle_of(), audience="reports", **asked) == SpiffeId(WEB)
    assert validate_wit_svid(wit_svid(), wit_bundle(), proof=None, **asked) == SpiffeId(WEB)
    with pytest.raises(UnknownAuthority, match="no WIT authority"):
        validate_wit_svid(wit_svid(header={"kid": "nope"}), wit_bundle(), proof=None, **asked)


def test_the_leeway_is_its_own() -> None:
    with pytest.raises(InvalidInput, match="leeway of its own"):
        examine_wit(wit_svid(), leeway=SECOND)
    with pytest.raises(InvalidInput, match="leeway of its own"):
        examine_jwt(jwt_svid(), leeway=SECOND)


def test_a_wit_svid_has_no_profile_of_spires() -> None:
    with pytest.raises(InvalidInput, match='no profile \'spire\' of wit-svids, only "spiffe", "go-spiffe"'):
        examine_wit_svid(wit_svid(), wit_bundle(), proof=None, at=AT, profile="spire")


@given(st.text() | st.binary() | st.integers())
def test_anything_else_is_refused(token: Any) -> None:
    assert not examine_jwt(token).ok
    assert not examine_wit(token).ok
