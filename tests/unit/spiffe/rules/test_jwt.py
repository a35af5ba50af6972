"""The rules of a JWT-SVID: each broken by exactly one token, and held against PyJWT and the standard's own schema."""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from spiffesim import errors
from spiffesim.errors import ValidationError
from spiffesim.spiffe import SpiffeBundle, SpiffeId, Verdict, examine_jwt_svid, validate_jwt_svid
from spiffesim.spiffe.rules.jwt import JWT_SVID
from tests.oracles import rfc6979
from tests.oracles.tokens import (
    AT,
    CLAIMS,
    DROP,
    HEADER,
    KEY_ID,
    NOW,
    WEB,
    PrivateKey,
    b64,
    bundle_of,
    changed,
    compact,
    ec_key,
    jwt_svid,
    key_for,
    rsa_key,
    sealed,
    spki,
    unb64,
)

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
BUNDLE = bundle_of()


def examine(token: object, bundle: SpiffeBundle = BUNDLE, **changes: Any) -> Verdict:
    asked: dict[str, Any] = {"audience": "reports", "at": AT, **changes}
    return examine_jwt_svid(token, bundle, **asked)  # type: ignore[arg-type]  # hostile ones, too


def failures(token: object, bundle: SpiffeBundle = BUNDLE, **changes: Any) -> list[str]:
    """The names of the rules that fail."""
    return [answer.name for answer in examine(token, bundle, **changes).failures]


def test_a_right_token_passes_every_rule() -> None:
    verdict = examine(jwt_svid())
    assert verdict.ok
    assert verdict.spiffe_id == SpiffeId(WEB)
    assert {answer.answer for answer in verdict.rules} == {"passed"}
    assert [answer.name for answer in verdict.rules] == [rule.name for rule in JWT_SVID.rules]
    assert verdict.first is None
    assert validate_jwt_svid(jwt_svid(), BUNDLE, audience="reports", at=AT) == SpiffeId(WEB)


# Each rule, broken alone: the token, and what the sentence says.

ONE_RULE_BROKEN: dict[str, tuple[str, SpiffeBundle, str]] = {
    "compact": ("a.b", BUNDLE, "it has 2 parts between dots, not three"),
    "header": (sealed(b'{"alg":"ES256","kid":"first","kid":"first"}', json.dumps(CLAIMS).encode()), BUNDLE, "'kid' twice"),
    "algorithm": (jwt_svid(header={"alg": "HS256"}), BUNDLE, "alg is 'HS256'; it must be one of RS256, RS384"),
    "header_members": (jwt_svid(header={"jku": "https://x", "cty": "a"}), BUNDLE, "the header has 'jku', 'cty', but may"),
    "key_id": (jwt_svid(header={"kid": 7}), BUNDLE, "kid is 7, not a string"),
    "type": (jwt_svid(header={"typ": "at+jwt"}), BUNDLE, "typ is 'at+jwt', not JWT or JOSE"),
    "payload": (sealed(json.dumps(HEADER).encode(), b"[1]"), BUNDLE, "the token's payload is not a JSON object but an array"),
    "subject": (jwt_svid({"sub": "web"}), BUNDLE, "the sub claim is not a SPIFFE ID"),
    "audience": (jwt_svid({"aud": []}), BUNDLE, "the aud claim is an empty array"),
    "expiry": (jwt_svid({"exp": "soon"}), BUNDLE, "the exp claim is a string, not a number of seconds"),
    "beginning": (jwt_svid({"nbf": True}), BUNDLE, "the nbf claim is true, not a number of seconds"),
    "trust_domain": (
        jwt_svid({"sub": "spiffe://example.com/web"}),
        BUNDLE,
        "no bundle is held for trust domain example.com, to which spiffe://example.com/web belongs",
    ),
    "authority": (
        jwt_svid(header={"kid": "second"}),
        BUNDLE,
        "the bundle of example.org has no key 'second' (it holds 1 jwt-svid key)",
    ),
    "key_type": (
        compact({**HEADER, "alg": "ES384"}, CLAIMS, key=ec_key(1, "P-384")),
        BUNDLE,
        "alg is ES384, but key 'first' is a P-256 key",
    ),
    "key_size": (
        jwt_svid(header={"alg": "RS256"}, key=rsa_key(1024)),
        bundle_of(rsa_key(1024)),
        "key 'first' is an RSA key of 1024 bits, less than 2048",
    ),
    "signature": (jwt_svid(key=ec_key(2)), BUNDLE, "the signature on the token of spiffe://example.org/web does not verify"),
    "intended": (
        jwt_svid({"aud": ["a", "b", "c", "d", "e", "f"]}),
        BUNDLE,
        "the token of spiffe://example.org/web is for 'a', 'b', 'c', 'd' and 2 more, not for 'reports'",
    ),
    "begun": (
        jwt_svid({"nbf": NOW + 60}),
        BUNDLE,
        "the token of spiffe://example.org/web begins in 0:01:00 (not before 00:01:00Z, now 00:00:00Z)",
    ),
    "unexpired": (
        jwt_svid({"exp": NOW - 3600}),
        BUNDLE,
        "expired 1:00:00 ago (valid until 2029-12-31T23:00:00Z, now 2030-01-01T00:00:00Z)",
    ),
}  # fmt: skip  # one row a rule


def test_there_is_a_broken_token_for_every_rule() -> None:
    assert list(ONE_RULE_BROKEN) == [rule.name for rule in JWT_SVID.rules]


@pytest.mark.parametrize("rule", ONE_RULE_BROKEN)
def test_a_token_that_breaks_one_rule_fails_by_that_rule_alone(rule: str) -> None:
    token, bundle, sentence = ONE_RULE_BROKEN[rule]
    verdict = examine(token, bundle)
    (failure,) = verdict.failures
    assert failure.name == rule
    assert sentence in str(failure.detail)
    assert not verdict.ok
    # What hangs on it was not reached; everything else was, and passed.
    others = {answer.name: answer.answer for answer in verdict.rules if answer.name != rule}
    reached = {name for name, answer in others.items() if answer == "passed"}
    assert set(others.values()) <= {"passed", "not_reached"}
    assert reached.isdisjoint(other.name for other in JWT_SVID.rules if rule in other.needs)
    with pytest.raises(JWT_SVID[rule].error) as caught:
        validate_jwt_svid(token, bundle, audience="reports", at=AT)
    assert (caught.value.code, caught.value.clause) == (rule, JWT_SVID[rule].clause)
    assert (str(caught.value), caught.value.verdict) == (failure.detail, verdict)


@pytest.mark.parametrize(
    ("rule", "error", "facts"),
    [
        ("algorithm", errors.ConstraintViolation, {"algorithm": "HS256"}),
        ("header_members", errors.ConstraintViolation, {"members": ("jku", "cty")}),
        ("authority", errors.UnknownAuthority, {"key_id": "second"}),
        ("key_type", errors.ConstraintViolation, {"key_id": "first", "algorithm": "ES384"}),
        ("signature", errors.BadSignature, {"key_id": "first", "algorithm": "ES256", "spiffe_id": SpiffeId(WEB)}),
        ("intended", errors.WrongAudience, {"audience": tuple("abcdef"), "expected": ("reports",)}),
        ("begun", errors.NotYetValid, {"not_before": AT + 60 * SECOND, "at": AT}),
        ("unexpired", errors.Expired, {"not_after": AT - 3600 * SECOND, "at": AT}),
        ("compact", errors.Malformed, {"spiffe_id": None}),
        ("trust_domain", errors.UntrustedDomain, {"spiffe_id": SpiffeId("spiffe://example.com/web")}),
    ],
)
def test_an_error_carries_its_facts(rule: str, error: type[ValidationError], facts: dict[str, Any]) -> None:
    token, bundle, _ = ONE_RULE_BROKEN[rule]
    with pytest.raises(error) as caught:
        validate_jwt_svid(token, bundle, audience="reports", at=AT)
    assert {name: getattr(caught.value, name) for name in facts} == facts


def test_every_broken_rule_is_told_in_the_order_of_the_rules() -> None:
    token = jwt_svid({"aud": 7, "exp": 0, "nbf": NOW + 1}, {"alg": "none", "typ": "x", "kid": 7, "b64": False})
    assert failures(token) == ["algorithm", "header_members", "key_id", "type", "audience", "begun", "unexpired"]


# Header


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"])
def test_the_nine_algorithms_of_the_standard_are_taken(algorithm: str) -> None:
    key = key_for(algorithm)
    assert failures(jwt_svid(header={"alg": algorithm}, key=key), bundle_of(key)) == []


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "", "es256", "HS256", "EdDSA", "ES256K", 7, None, ["ES256"], {}, DROP]
)
def test_no_other_algorithm_is_taken(algorithm: object) -> None:
    assert failures(jwt_svid(header={"alg": algorithm})) == ["algorithm"]


def test_who_changes_the_facts_of_a_finding_changes_no_other_verdict() -> None:
    token = jwt_svid(header={"alg": ["ES256"]})
    for _ in range(2):
        (finding,) = examine(token).findings
        assert finding.facts == {"algorithm": None}
        finding.facts["algorithm"] = "ES256"  # type: ignore[index]  # whoever does this


@pytest.mark.parametrize("typ", ["JWT", "JOSE", DROP])
def test_a_type_is_jwt_or_jose_if_there(typ: object) -> None:
    assert failures(jwt_svid(header={"typ": typ})) == []


@pytest.mark.parametrize("typ", ["", "jwt", "wit+jwt", "application/jwt", None, 7, ["JWT"], {"JWT": 1}])
def test_no_other_type_is_taken(typ: object) -> None:
    assert failures(jwt_svid(header={"typ": typ})) == ["type"]


@pytest.mark.parametrize("name", ["crit", "b64", "cty", "jku", "jwk", "x5c", "x5u", "zip", "nonce", "ALG", ""])
def test_no_other_member_of_the_header_is_taken(name: str) -> None:
    assert failures(jwt_svid(header={name: None})) == ["header_members"]


@pytest.mark.parametrize("kid", [None, 7, True, ["first"], {}])
def test_a_key_id_is_a_string_if_there(kid: object) -> None:
    assert failures(jwt_svid(header={"kid": kid})) == ["key_id"]


# Keys


def test_a_key_id_is_compared_exactly() -> None:
    for kid in ("First", "first ", "", "f\u0131rst"):
        assert failures(jwt_svid(header={"kid": kid})) == ["authority"]


def test_without_a_key_id_every_key_is_tried() -> None:
    token = jwt_svid(header={"kid": DROP}, key=ec_key(3))
    keys: dict[str, PrivateKey] = {"rsa": rsa_key(), "a": ec_key(1), "p384": ec_key(3, "P-384"), "b": ec_key(3)}
    bundle = SpiffeBundle("example.org", jwt_spki={kid: spki(key) for kid, key in keys.items()})
    assert failures(token, bundle) == []
    with pytest.raises(
        errors.BadSignature,
        match="the token names no key, and its signature does not verify under any of the 2 keys for ES256",
    ):
        validate_jwt_svid(jwt_svid(header={"kid": DROP}, key=ec_key(4)), bundle, audience="reports", at=AT)
    with pytest.raises(errors.BadSignature, match=r"under the one key for ES256 of example.org"):
        validate_jwt_svid(token, BUNDLE, audience="reports", at=AT)


@pytest.mark.parametrize(("place", "expected"), [(0, []), (31, []), (32, ["signature"])])
def test_without_a_key_id_at_most_32_fitting_keys_are_tried(place: int, expected: list[str]) -> None:
    unfit = {f"unfit{number}": spki(ec_key(number + 1, "P-384")) for number in range(40)}
    fitting = {f"k{number}": spki(ec_key(number + 1)) for number in range(40)}
    bundle = SpiffeBundle("example.org", jwt_spki={**unfit, "weak": spki(rsa_key(1024)), **fitting})
    token = jwt_svid(header={"kid": DROP}, key=ec_key(place + 1))
    assert failures(token, bundle) == expected
    if expected:
        assert "any of the first 32 of the 40 keys (no more are tried; name the key in kid)" in str(
            examine(token, bundle).first
        )
    assert failures(jwt_svid(header={"kid": f"k{place}"}, key=ec_key(place + 1)), bundle) == []  # named, it is found


def test_without_a_key_id_a_key_that_is_too_small_is_not_tried() -> None:
    token = jwt_svid(header={"kid": DROP, "alg": "RS256"}, key=rsa_key(1024))
    assert failures(token, bundle_of(rsa_key(1024))) == ["authority"]
    assert "the bundle of example.org has no key for RS256 (it holds 1 jwt-svid key)" in str(
        examine(token, bundle_of(rsa_key(1024))).first
    )


def test_keys_for_other_documents_do_not_count() -> None:
    only_wit = SpiffeBundle("example.org", wit_spki={KEY_ID: spki(ec_key())})
    assert failures(jwt_svid(), only_wit) == ["authority"]
    assert "(it holds 0 jwt-svid keys)" in str(examine(jwt_svid(), only_wit).first)


def test_the_bundle_is_the_one_of_the_subject() -> None:
    foreign = jwt_svid({"sub": "spiffe://example.com/web"})
    theirs = bundle_of(ec_key(2), trust_domain="example.com")
    assert [
        answer.name for answer in examine_jwt_svid(foreign, [BUNDLE, theirs], audience="reports", at=AT).failures
    ] == ["signature"]
    honest = jwt_svid({"sub": "spiffe://example.com/web"}, key=ec_key(2))
    assert examine_jwt_svid(honest, [BUNDLE, theirs], audience="reports", at=AT).ok


@pytest.mark.parametrize(
    ("header", "key", "held"),
    [
        ("RS256", rsa_key(), ec_key()),  # an RSA header on an EC key
        ("PS256", rsa_key(), ec_key()),
        ("ES256", ec_key(), rsa_key()),
        ("ES384", ec_key(), ec_key()),  # signed by a P-256 key, as only a lax library would
        ("ES256", ec_key(1, "P-384"), ec_key(1, "P-384")),
        ("ES512", ec_key(), ec_key(1, "P-384")),
    ],
)
def test_an_algorithm_that_is_not_the_keys_is_refused(header: str, key: PrivateKey, held: PrivateKey) -> None:
    assert failures(jwt_svid(header={"alg": header}, key=key), bundle_of(held)) == ["key_type"]


def resigned(signature: bytes) -> str:
    return f"{jwt_svid().rpartition('.')[0]}.{b64(signature)}"


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\0" * 64,
        ec_key().sign(
            jwt_svid().rpartition(".")[0].encode(), ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        ),  # DER
        unb64(jwt_svid().rpartition(".")[2]) + b"\0",
        b"\xff" * 64,
    ],
)
def test_a_signature_of_another_form_is_refused(signature: bytes) -> None:
    assert failures(resigned(signature)) == ["signature"]


def test_a_public_key_is_no_shared_secret() -> None:
    signed = f"{b64(json.dumps({**HEADER, 'alg': 'HS256'}).encode())}.{b64(json.dumps(CLAIMS).encode())}"
    for form in (Encoding.PEM, Encoding.DER):
        secret = ec_key().public_key().public_bytes(form, PublicFormat.SubjectPublicKeyInfo)
        mac = hmac.digest(secret, signed.encode(), "sha256")
        assert failures(f"{signed}.{b64(mac)}") == ["algorithm"]


# Claims


@pytest.mark.parametrize("aud", ["reports", ["reports"], ["a", "reports", "b"], ["reports"] * 40])
def test_an_audience_that_holds_the_validators_name_is_taken(aud: object) -> None:
    assert failures(jwt_svid({"aud": aud})) == []


@pytest.mark.parametrize("aud", ["report", "Reports", "", ["reports "], ["a", "b"]])
def test_an_audience_of_others_is_refused(aud: object) -> None:
    assert failures(jwt_svid({"aud": aud})) == ["intended"]


@pytest.mark.parametrize("aud", [DROP, None, 7, {}, [], [""], ["reports", ""], ["reports", 7], [["reports"]]])
def test_a_broken_audience_is_refused(aud: object) -> None:
    assert failures(jwt_svid({"aud": aud})) == ["audience"]


def test_a_validator_may_go_by_several_names() -> None:
    assert failures(jwt_svid({"aud": ["b"]}), audience=["a", "b"]) == []
    assert failures(jwt_svid({"aud": ["c"]}), audience=("a", "b")) == ["intended"]


@pytest.mark.parametrize("audience", ["", [], ["a", ""], [7]])
def test_a_validator_without_a_name_is_refused(audience: Any) -> None:
    with pytest.raises(errors.InvalidInput, match="a validator goes by at least one name"):
        examine(jwt_svid(), audience=audience)


@pytest.mark.parametrize("exp", [DROP, None, True, "1893456300", [NOW + 300], {}])
def test_a_broken_expiry_is_refused(exp: object) -> None:
    assert failures(jwt_svid({"exp": exp})) == ["expiry"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400", "-Infinity", "9" * 5000])
def test_an_expiry_is_finite(text: str) -> None:
    payload = json.dumps(changed(CLAIMS, {"exp": DROP})).replace("{", f'{{"exp":{text},', 1)
    assert failures(sealed(json.dumps(HEADER).encode(), payload.encode())) == ["payload"]


@pytest.mark.parametrize("exp", [NOW + 1, NOW + 0.000001, 1e300, 2**63 - 1, 2**64, 10**40])
def test_an_expiry_may_be_any_number_after_the_instant(exp: float) -> None:
    assert failures(jwt_svid({"exp": exp})) == []


@pytest.mark.parametrize("exp", [NOW, NOW - 0.5, 0, -1, -1e300, -(10**40)])
def test_an_expiry_at_the_instant_or_before_is_past(exp: float) -> None:
    assert failures(jwt_svid({"exp": exp})) == ["unexpired"]


def test_distant_times_are_told_without_failing() -> None:
    assert "expired thousands of years ago (valid until before the year 1, now 2030-01-01T00:00:00Z)" in str(
        examine(jwt_svid({"exp": -(10**40)})).first
    )
    assert "begins in thousands of years (not before after the year 9999" in str(
        examine(jwt_svid({"nbf": 1e300})).first
    )


def test_a_token_is_valid_until_just_before_its_expiry() -> None:
    token = jwt_svid({"exp": NOW + 10})
    assert failures(token, at=AT + 10 * SECOND - MICROSECOND) == []
    assert failures(token, at=AT + 10 * SECOND) == ["unexpired"]


def test_a_token_is_valid_from_its_beginning_on() -> None:
    token = jwt_svid({"nbf": NOW + 10})
    assert failures(token, at=AT + 10 * SECOND - MICROSECOND) == ["begun"]
    assert failures(token, at=AT + 10 * SECOND) == []
    for nbf in (DROP, 0, -1e300, NOW - 0.5):
        assert failures(jwt_svid({"nbf": nbf})) == []
    for nbf in (None, "0", [], False):
        assert failures(jwt_svid({"nbf": nbf})) == ["beginning"]


@pytest.mark.parametrize("iat", [DROP, NOW + 10**6, -1, "yesterday", None, True, 1e300])
def test_when_it_was_issued_is_not_looked_at(iat: object) -> None:
    assert failures(jwt_svid({"iat": iat})) == []


def test_leeway_is_none_unless_given_and_widens_both_ends() -> None:
    token = jwt_svid({"nbf": NOW, "exp": NOW + 10})
    early, late = AT - 5 * SECOND, AT + 15 * SECOND
    assert failures(token, at=early) == ["begun"]
    assert failures(token, at=early, leeway=5 * SECOND) == []
    assert failures(token, at=early - MICROSECOND, leeway=5 * SECOND) == ["begun"]
    assert failures(token, at=late - MICROSECOND, leeway=5 * SECOND) == []
    assert failures(token, at=late, leeway=5 * SECOND) == ["unexpired"]
    assert "(valid until 00:00:10Z, now 00:00:15Z, with 0:00:05 of leeway)" in str(
        examine(token, at=late, leeway=5 * SECOND).first
    )


@pytest.mark.parametrize(
    "sub",
    [DROP, None, 7, "", "web", [WEB], f"{WEB}/", f"{WEB}\n", "SPIFFE://example.org/web", "spiffe://Example.org/web"],
)
def test_a_broken_subject_is_refused(sub: object) -> None:
    assert failures(jwt_svid({"sub": sub})) == ["subject"]


def test_the_subject_may_be_the_trust_domain_itself() -> None:
    assert failures(jwt_svid({"sub": "spiffe://example.org"})) == []  # JWT-SVID 3.1 does not ask for a path


def test_other_claims_are_for_others() -> None:
    assert failures(jwt_svid({"iss": 7, "jti": None, "admin": True, "": [{}]})) == []


def test_what_is_told_without_a_subject_does_not_name_one() -> None:
    verdict = examine(jwt_svid({"sub": 7, "exp": 0}))
    assert [answer.name for answer in verdict.failures] == ["subject", "unexpired"]
    assert str(verdict.failures[1].detail).startswith("the token expired ")
    assert verdict.spiffe_id is None


# Oracles

ANYTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["ES256", "ES256", "ES256", "ES384", "RS256", "none"]) | ANYTHING,
        "kid": st.sampled_from([KEY_ID, KEY_ID, "second"]) | ANYTHING,
        "typ": st.sampled_from(["JWT", "JOSE", "jwt"]) | ANYTHING,
    },
)
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "aud": st.sampled_from(["reports", ["reports"], ["a", "reports"], ["a"]]) | ANYTHING,
        "exp": st.sampled_from([NOW, NOW + 1, NOW + 0.5]) | ANYTHING,
        "nbf": st.sampled_from([NOW, NOW + 1]) | ANYTHING,
        "iat": ANYTHING,
    },
)


def number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def allowed_by_the_schema(header: dict[str, Any], claims: dict[str, Any]) -> bool:
    """JWT-SVID.schema (with aud as the prose of 3.2 has it), the registered claims of RFC 7519, and our bundle."""
    aud = claims.get("aud")
    audience = [aud] if isinstance(aud, str) else aud
    return (
        header.get("alg") == "ES256"
        and header.get("kid", KEY_ID) == KEY_ID
        and header.get("typ", "JWT") in ("JWT", "JOSE")
        and isinstance(audience, list)
        and all(isinstance(name, str) and name for name in audience)
        and "reports" in audience
        and number(claims.get("exp"))
        and claims["exp"] > NOW
        and number(claims.get("nbf", NOW))
        and claims.get("nbf", NOW) <= NOW
    )


@given(HEADERS, PAYLOADS)
def test_we_accept_exactly_what_the_schema_allows(header: dict[str, Any], claims: dict[str, Any]) -> None:
    token = compact(
        header, {"sub": WEB, **claims}, key=key_for(header["alg"]) if header.get("alg") in ("RS256", "ES384") else None
    )
    assert examine(token).ok == allowed_by_the_schema(header, {"sub": WEB, **claims})


@given(changes=HEADERS, claims=PAYLOADS)
@example(changes={}, claims={})
@example(changes={"typ": "JOSE"}, claims={"exp": 1e300, "aud": "reports"})
def test_whatever_we_accept_pyjwt_accepts(changes: dict[str, Any], claims: dict[str, Any]) -> None:
    token = compact({**HEADER, **changes}, {**CLAIMS, **claims})
    if not examine(token).ok:
        return
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp", "aud", "sub"]}
    assert jwt.decode(token, ec_key().public_key(), ["ES256"], audience="reports", options=options)["sub"] == WEB


@given(st.data())
def test_no_character_of_a_token_can_be_changed(data: st.DataObject) -> None:
    token = jwt_svid()
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters().filter(lambda character: character != token[place]))
    flipped = token[:place] + character + token[place + 1 :]
    with pytest.raises(ValidationError):
        validate_jwt_svid(flipped, BUNDLE, audience="reports", at=AT)


@given(st.data())
def test_no_character_can_be_taken_away_or_put_in(data: st.DataObject) -> None:
    token = jwt_svid()
    place = data.draw(st.integers(0, len(token)))
    assert not examine(token[:place] + data.draw(st.characters()) + token[place:]).ok
    assert not examine(token[:place] + token[place + 1 :]).ok or place == len(token)


TOKENS = st.one_of(
    st.text(),
    st.binary(),
    st.none() | st.integers(),
    st.builds(
        compact,
        st.dictionaries(st.sampled_from(["alg", "kid", "typ", "x"]), ANYTHING),
        st.dictionaries(st.text(max_size=3), ANYTHING),
    ),
)


@given(TOKENS)
def test_hostile_tokens_are_refused_by_our_own_errors(token: object) -> None:
    with pytest.raises(ValidationError) as caught:
        validate_jwt_svid(token, BUNDLE, audience="reports", at=AT)  # type: ignore[arg-type]  # the point
    assert caught.value.code in {rule.name for rule in JWT_SVID.rules}


# The strict reader, at the door


@pytest.mark.parametrize(
    ("token", "rule"),
    [
        (jwt_svid() + "=", "compact"),
        (jwt_svid() + "\n", "compact"),
        (jwt_svid().replace(".", "=.", 1), "compact"),
        (json.dumps(dict(zip(("protected", "payload", "signature"), jwt_svid().split("."), strict=True))), "compact"),
        ("A" * 300_000, "compact"),
        (jwt_svid() + "\u00e9", "compact"),
        (sealed(b"\xef\xbb\xbf" + json.dumps(HEADER).encode(), json.dumps(CLAIMS).encode()), "header"),
        (sealed(json.dumps(HEADER).encode(), b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode()), "payload"),
        (sealed(json.dumps(HEADER).encode(), json.dumps(CLAIMS).replace("{", '{"sub":"x",', 1).encode()), "payload"),
        (sealed(json.dumps(HEADER).encode(), json.dumps(CLAIMS).replace("{", '{"a":NaN,', 1).encode()), "payload"),
        (sealed(json.dumps(HEADER).encode(), json.dumps(CLAIMS).replace("{", '{"a":"\\ud800",', 1).encode()), "payload"),
        (sealed(json.dumps(HEADER).encode(), json.dumps({**CLAIMS, "a": json.loads("[" * 40 + "]" * 40)}).encode()), "payload"),
    ],
)  # fmt: skip  # one row a line
def test_a_token_that_two_readers_could_read_differently_is_refused(token: str, rule: str) -> None:
    assert failures(token) == [rule]


def test_the_twin_of_an_ecdsa_signature_verifies_as_it_does_everywhere() -> None:
    # Anybody can turn s into n - s: a token is no name for itself. PyJWT and Go take both.
    signed, _, text = jwt_svid().rpartition(".")
    signature = unb64(text)
    order = rfc6979.ORDERS["secp256r1"]
    twin = signature[:32] + (order - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert jwt.PyJWS().decode(f"{signed}.{b64(twin)}", ec_key().public_key(), ["ES256"])
    assert failures(f"{signed}.{b64(twin)}") == []


def test_the_instant_has_a_time_zone() -> None:
    with pytest.raises(errors.ClockError, match="has no time zone"):
        examine(jwt_svid(), at=datetime(2030, 1, 1))
