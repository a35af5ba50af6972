"""The profile "spire": every expected text is what pkg/common/jwtsvid/validate.go of SPIRE 1.15.3 printed for that token."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import errors
from spiffesim.errors import ValidationError
from spiffesim.spiffe import JwtSvid, SpiffeBundle, SpiffeId, Verdict, examine_jwt_svid, validate_jwt_svid
from spiffesim.spiffe.rules.spire import SPIRE
from tests.oracles.tokens import (
    AT,
    CLAIMS,
    DROP,
    HEADER,
    NOW,
    WEB,
    PrivateKey,
    b64,
    bundle_of,
    compact,
    ec_key,
    jwk,
    jwt_svid,
    raw_signature,
    rsa_key,
    sealed,
    spki,
)

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
KEYS: dict[str, PrivateKey] = {
    "first": ec_key(),
    "p384": ec_key(1, "P-384"),
    "rsa": rsa_key(),
    "small": rsa_key(1024),
}
BUNDLE = SpiffeBundle("example.org", jwt_spki={kid: spki(key) for kid, key in KEYS.items()})

THREE_PARTS = "unable to parse JWT token: go-jose/go-jose: compact JWS format must have three parts"
CRYPTO = "go-jose/go-jose: error in cryptographic primitive"
CRITICAL = "go-jose/go-jose: unsupported critical header"
NO_DATE = "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate"
NO_AUDIENCE = "go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience"
IN_THE_FUTURE = "go-jose/go-jose/jwt: validation field, token issued in the future (iat)"


def algorithm(name: str) -> str:
    return (
        f'unable to parse JWT token: unexpected signature algorithm "{name}"; '
        'expected ["ES256" "ES384" "ES512" "RS256" "RS384" "RS512" "PS256" "PS384" "PS512"]'
    )


def examine(token: Any, **changes: Any) -> Verdict:
    asked: dict[str, Any] = {"bundles": BUNDLE, "audience": "reports", "at": AT, **changes}
    return examine_jwt_svid(token, asked.pop("bundles"), profile="spire", **asked)


def answer(token: Any, **changes: Any) -> tuple[str, str | None] | None:
    """The rule that failed, and SPIRE's text; None if the token is valid."""
    verdict = examine(token, **changes)
    if verdict.ok:
        assert {rule.answer for rule in verdict.rules} == {"passed"}
        return None
    (failure,) = verdict.failures
    return failure.name, failure.detail


def test_a_right_token_passes_every_rule() -> None:
    assert answer(jwt_svid()) is None
    assert examine(jwt_svid()).spiffe_id == SpiffeId(WEB)
    assert validate_jwt_svid(JwtSvid(jwt_svid()), BUNDLE, audience="reports", at=AT, profile="spire") == SpiffeId(WEB)


ONE_RULE_BROKEN: dict[str, tuple[str, str]] = {
    "compact": ("a.b", THREE_PARTS),
    "header": (
        jwt_svid(header={"kid": 7}),
        "unable to parse JWT token: failed to unmarshal key ID: "
        'json: cannot unmarshal number into Go value of type string: "7"',
    ),
    "algorithm": (jwt_svid(header={"alg": "HS256"}), algorithm("HS256")),
    "embedded_key": (
        jwt_svid(header={"jwk": {**jwk(ec_key()), "d": b64(b"\1" * 32)}}),
        "unable to parse JWT token: go-jose/go-jose: invalid embedded jwk, must be public key",
    ),
    "key_id": (jwt_svid(header={"kid": DROP}), "token header missing key id"),
    "payload": (jwt_svid({"exp": "soon"}), NO_DATE),
    "subject_claim": (jwt_svid({"sub": DROP}), "token missing subject claim"),
    "expiry": (jwt_svid({"exp": DROP}), "token missing exp claim"),
    "subject": (jwt_svid({"sub": "web"}), "token has in invalid subject claim: scheme is missing or invalid"),
    "trust_domain": (
        jwt_svid({"sub": "spiffe://example.com/web"}),
        'no keys found for trust domain "example.com"',
    ),
    "authority": (
        jwt_svid(header={"kid": "nope"}),
        'public key "nope" not found in trust domain "example.org"',
    ),
    "critical": (jwt_svid(header={"crit": ["exp"]}), CRITICAL),
    "signature": (jwt_svid(key=ec_key(2)), CRYPTO),
    "intended": (jwt_svid({"aud": ["a", "b"]}), 'expected audience in ["reports"] (audience=["a" "b"])'),
    "begun": (
        jwt_svid({"nbf": NOW + 61}),
        "go-jose/go-jose/jwt: validation failed, token not valid yet (nbf)",
    ),
    "unexpired": (jwt_svid({"exp": NOW - 61}), "token has expired"),
    "issued": (jwt_svid({"iat": NOW + 61}), IN_THE_FUTURE),
}


def test_there_is_a_broken_token_for_every_rule() -> None:
    assert list(ONE_RULE_BROKEN) == [rule.name for rule in SPIRE.rules]


@pytest.mark.parametrize("rule", ONE_RULE_BROKEN)
def test_a_token_is_refused_in_spires_words_at_its_first_failure(rule: str) -> None:
    token, text = ONE_RULE_BROKEN[rule]
    assert answer(token) == (rule, text)
    answers = [answer.answer for answer in examine(token).rules]
    place = list(ONE_RULE_BROKEN).index(rule)
    assert answers == ["passed"] * place + ["failed"] + ["not_reached"] * (len(answers) - place - 1)
    with pytest.raises(SPIRE[rule].error) as caught:
        validate_jwt_svid(token, BUNDLE, audience="reports", at=AT, profile="spire")
    assert str(caught.value) == text
    assert (caught.value.code, caught.value.clause) == (rule, SPIRE[rule].clause)


def test_it_stops_at_the_first_of_several_failures() -> None:
    wrong: dict[str, Any] = {
        "sub": "spiffe://example.com/x",
        "aud": ["a"],
        "exp": 0,
        "nbf": NOW + 100,
        "iat": NOW + 100,
    }
    token = jwt_svid(wrong, {"kid": "nope", "crit": ["x"]}, key=ec_key(2))
    steps: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("trust_domain", {}, {}),
        ("authority", {"sub": WEB}, {}),
        ("critical", {}, {"kid": "first"}),
        ("intended", {}, {"crit": DROP}),  # signed by the right key from here on
        ("begun", {"aud": ["reports"]}, {}),
        ("unexpired", {"nbf": NOW}, {}),
        ("issued", {"exp": NOW + 1}, {}),
    ]
    header: dict[str, Any] = {"kid": "nope", "crit": ["x"]}
    for rule, claims, members in steps:
        wrong, header = {**wrong, **claims}, {**header, **members}
        token = jwt_svid(wrong, header)
        assert [failure.name for failure in examine(token).failures] == [rule]
    assert answer(jwt_svid({**wrong, "iat": NOW}, header)) is None


def test_its_errors_carry_facts() -> None:
    with pytest.raises(errors.Expired) as late:
        validate_jwt_svid(jwt_svid({"exp": NOW - 61}), BUNDLE, audience="reports", at=AT, profile="spire")
    assert (late.value.not_after, late.value.at, late.value.spiffe_id) == (AT - 61 * SECOND, AT, SpiffeId(WEB))
    with pytest.raises(errors.WrongAudience) as other:
        validate_jwt_svid(jwt_svid({"aud": "a"}), BUNDLE, audience="reports", at=AT, profile="spire")
    assert (other.value.audience, other.value.expected) == (("a",), ("reports",))
    with pytest.raises(errors.UnknownAuthority) as unknown:
        validate_jwt_svid(jwt_svid(header={"kid": "x"}), BUNDLE, audience="reports", at=AT, profile="spire")
    assert unknown.value.key_id == "x"


# Where it is more lenient than the standard


@pytest.mark.parametrize("typ", [DROP, "x", 7, None, "wit+jwt"])
def test_the_type_is_not_checked(typ: object) -> None:
    assert answer(jwt_svid(header={"typ": typ})) is None


@pytest.mark.parametrize(
    "header", [{"jku": "x"}, {"cty": 7}, {"zip": "DEF"}, {"foo": {"a": 1}}, {"jwk": jwk(ec_key(9))}, {"jwk": None}]
)
def test_other_members_of_the_header_are_not_checked(header: dict[str, Any]) -> None:
    assert answer(jwt_svid(header=header)) is None


def with_spelling(change: str) -> str:
    header, payload, signature = jwt_svid().split(".")
    if change == "loose bits":
        text = json.dumps(CLAIMS)
        payload = b64((text + " " * (-len(text) % 3 + 1)).encode())  # two characters in the last group
        signed = f"{header}.{payload}"
        loose = payload[:-1] + chr(ord(payload[-1]) + 1)
        return f"{header}.{loose}.{b64(raw_signature('ES256', ec_key(), signed.encode()))}"
    return {
        "line end": f"{header}.{payload}.{signature}\n",
        "line ends": f"\r\n{header[:9]}\n{header[9:]}.\n{payload}.{signature}",
    }[change]


@pytest.mark.parametrize("change", ["loose bits", "line end", "line ends"])
def test_every_spelling_that_go_decodes_is_taken(change: str) -> None:
    token = with_spelling(change)
    assert answer(token) is None
    assert [failure.name for failure in examine_jwt_svid(token, BUNDLE, audience="reports", at=AT).failures] == [
        "compact"
    ]


@pytest.mark.parametrize(
    ("header", "signed_raw", "expected"),
    [
        ({"b64": True, "crit": ["b64"]}, False, None),
        ({"b64": False, "crit": ["b64"]}, True, None),  # RFC 7797
        ({"b64": False}, True, None),
        ({"b64": False}, False, ("signature", CRYPTO)),
        ({"b64": "x"}, False, None),
        ({"crit": []}, False, None),
        ({"crit": None}, False, None),
        ({"crit": [None]}, False, ("critical", CRITICAL)),
        ({"crit": ["b64", "exp"]}, False, ("critical", CRITICAL)),
        ({"crit": "b64"}, False, ("critical", "json: cannot unmarshal string into Go value of type []string")),
        ({"crit": {}}, False, ("critical", "json: cannot unmarshal object into Go value of type []string")),
        ({"crit": ["x", 7]}, False, ("critical", "json: cannot unmarshal number into Go value of type string")),
    ],
)
def test_critical_members_are_those_of_go_jose(
    header: dict[str, Any], signed_raw: bool, expected: tuple[str, str] | None
) -> None:
    text, payload = json.dumps({**HEADER, **header}).encode(), json.dumps(CLAIMS).encode()
    signed = b64(text).encode() + b"." + (payload if signed_raw else b64(payload).encode())
    token = f"{b64(text)}.{b64(payload)}.{b64(raw_signature('ES256', ec_key(), signed))}"
    assert answer(token) == expected


@pytest.mark.parametrize(
    ("alg", "kid", "expected"),
    [
        ("ES384", "p384", None),
        ("RS256", "rsa", None),
        ("PS512", "rsa", None),
        ("RS256", "small", None),  # Go takes 1024 bits
        ("ES384", "first", None),  # a P-256 key, its numbers padded to 48 bytes each
        ("ES512", "p384", None),
        ("RS256", "first", ("signature", CRYPTO)),
        ("ES256", "rsa", ("signature", CRYPTO)),
        ("ES256", "p384", ("signature", CRYPTO)),
    ],
)
def test_keys_are_taken_as_go_jose_takes_them(alg: str, kid: str, expected: tuple[str, str] | None) -> None:
    key = KEYS[kid]
    signer = rsa_key() if alg[0] in "RP" and kid == "first" else ec_key() if alg == "ES256" and kid == "rsa" else key
    assert answer(jwt_svid(header={"alg": alg, "kid": kid}, key=signer)) == expected


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\xff" * 64, b"\1" * 63])
def test_a_signature_of_another_form_is_refused(signature: bytes) -> None:
    assert answer(f"{jwt_svid().rpartition('.')[0]}.{b64(signature)}") == ("signature", CRYPTO)


# Times: a minute on both sides, ends included, fractions cut off


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW - 60}, None),
        ({"exp": NOW - 60.5}, ("unexpired", "token has expired")),  # read as NOW - 61
        ({"exp": NOW - 59.5}, None),
        ({"exp": 1e300}, ("unexpired", "token has expired")),
        ({"exp": -1e300}, ("unexpired", "token has expired")),
        ({"exp": 2**63 - 1}, ("unexpired", "token has expired")),
        ({"exp": 2**63 - 2**36}, None),
        ({"exp": 0}, ("unexpired", "token has expired")),
        ({"exp": 10**400}, ("payload", NO_DATE)),
        ({"nbf": NOW + 60}, None),
        ({"nbf": NOW + 60.9}, None),
        ({"nbf": None}, None),
        ({"nbf": 1e300}, None),  # int64 overflows, to long ago
        ({"iat": NOW + 60}, None),
        ({"iat": DROP}, None),
        ({"iat": None}, None),
        ({"iat": "x"}, ("payload", NO_DATE)),
        ({"iat": False}, ("payload", NO_DATE)),
    ],
)
def test_times_are_judged_as_in_go(claims: dict[str, Any], expected: tuple[str, str] | None) -> None:
    assert answer(jwt_svid(claims)) == expected


def test_a_token_is_valid_through_a_minute_after_its_expiry() -> None:
    token = jwt_svid({"exp": NOW})
    assert answer(token, at=AT + 60 * SECOND) is None
    assert answer(token, at=AT + 60 * SECOND + MICROSECOND) == ("unexpired", "token has expired")


def test_a_token_is_valid_from_a_minute_before_its_beginning_on() -> None:
    begins, made = jwt_svid({"nbf": NOW + 100}), jwt_svid({"iat": NOW + 100})
    for token, rule in ((begins, "begun"), (made, "issued")):
        assert answer(token, at=AT + 40 * SECOND) is None
        early = answer(token, at=AT + 40 * SECOND - MICROSECOND)
        assert early is not None
        assert early[0] == rule


def test_the_leeway_is_its_own() -> None:
    with pytest.raises(errors.InvalidInput, match='the profile "spire" has a leeway of its own'):
        examine(jwt_svid(), leeway=SECOND)


# Words


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("", ("compact", THREE_PARTS)),
        ("a", ("compact", THREE_PARTS)),
        ("a.b.c.d", ("compact", THREE_PARTS)),
        (json.dumps({"payload": "a", "protected": "b", "signature": "c"}), ("compact", THREE_PARTS)),
        ("a.b.c", ("compact", "unable to parse JWT token: illegal base64 data at input byte 0")),
        (jwt_svid() + "=", ("compact", "unable to parse JWT token: illegal base64 data at input byte 86")),
        ("!!.??.x", ("compact", "unable to parse JWT token: illegal base64 data at input byte 0")),
        ("e30.e30.AAAA", ("algorithm", algorithm(""))),
        (".e30.AAAA", ("algorithm", algorithm(""))),
        ("bnVsbA.e30.AAAA", ("algorithm", algorithm(""))),  # null
        (jwt_svid(header={"alg": None}), ("algorithm", algorithm(""))),
        (jwt_svid(header={"alg": DROP}), ("algorithm", algorithm(""))),
        (jwt_svid(header={"alg": "none"}), ("algorithm", algorithm("none"))),
        (jwt_svid(header={"alg": "es256"}), ("algorithm", algorithm("es256"))),
        (
            jwt_svid(header={"alg": []}),
            ("header", "unable to parse JWT token: failed to unmarshal algorithm: json: cannot unmarshal array into Go value of type string: \"[]\""),
        ),
        (
            jwt_svid(header={"kid": True}),
            ("header", "unable to parse JWT token: failed to unmarshal key ID: json: cannot unmarshal bool into Go value of type string: \"true\""),
        ),
        (jwt_svid(header={"kid": ""}), ("key_id", "token header missing key id")),
        (jwt_svid(header={"kid": None}), ("key_id", "token header missing key id")),
        (
            jwt_svid(header={"kid": 'k"\n\u00e9\U0001f600\u200b\x7f'}),
            ("authority", 'public key "k\\"\\n\u00e9\U0001f600\\u200b\\x7f" not found in trust domain "example.org"'),
        ),
        (
            jwt_svid(header={"jwk": {"kty": "oct", "k": "AAAA"}}),
            ("embedded_key", "unable to parse JWT token: go-jose/go-jose: invalid embedded jwk, must be public key"),
        ),
        (sealed(json.dumps(HEADER).encode(), b""), ("payload", "unexpected end of JSON input")),
        (sealed(json.dumps(HEADER).encode(), b" null"), ("subject_claim", "token missing subject claim")),
        (sealed(json.dumps(HEADER).encode(), b"{}"), ("subject_claim", "token missing subject claim")),
        (jwt_svid({"sub": ""}), ("subject_claim", "token missing subject claim")),
        (jwt_svid({"sub": None}), ("subject_claim", "token missing subject claim")),
        (jwt_svid({"sub": 7}), ("payload", "json: cannot unmarshal number into Go value of type string")),
        (jwt_svid({"iss": []}), ("payload", "json: cannot unmarshal array into Go value of type string")),
        (jwt_svid({"jti": {}}), ("payload", "json: cannot unmarshal object into Go value of type string")),
        # A wrong string is told last, unless it is a number.
        (compact(HEADER, {"iss": [], "exp": "x"}), ("payload", NO_DATE)),
        (compact(HEADER, {"iss": [], "jti": True}), ("payload", "json: cannot unmarshal array into Go value of type string")),
        (compact(HEADER, {"iss": [], "jti": 7}), ("payload", "json: cannot unmarshal number into Go value of type string")),
        (compact(HEADER, {"aud": 7, "exp": "x"}), ("payload", NO_AUDIENCE)),
        (jwt_svid({"exp": None}), ("expiry", "token missing exp claim")),
        (jwt_svid({"sub": f"{WEB}/"}), ("subject", "token has in invalid subject claim: path cannot have a trailing slash")),
        (
            jwt_svid({"sub": "spiffe://Example.org/a"}),
            (
                "subject",
                "token has in invalid subject claim: trust domain characters are limited to lowercase letters, "
                "numbers, dots, dashes, and underscores",
            ),
        ),
        (jwt_svid({"aud": None}), ("payload", NO_AUDIENCE)),
        (jwt_svid({"aud": [7]}), ("payload", NO_AUDIENCE)),
        (jwt_svid({"aud": {}}), ("payload", NO_AUDIENCE)),
        (jwt_svid({"aud": DROP}), ("intended", 'expected audience in ["reports"] (audience=[])')),
        (jwt_svid({"aud": []}), ("intended", 'expected audience in ["reports"] (audience=[])')),
        (jwt_svid({"aud": ""}), ("intended", 'expected audience in ["reports"] (audience=[""])')),
        (jwt_svid({"aud": ['re"p\n']}), ("intended", 'expected audience in ["reports"] (audience=["re\\"p\\n"])')),
    ],
)  # fmt: skip  # one row a line
def test_what_is_wrong_is_told_in_gos_words(token: str, expected: tuple[str, str]) -> None:
    assert answer(token) == expected


def test_several_expected_names_are_told_as_a_list() -> None:
    assert answer(jwt_svid({"aud": "c"}), audience=["a", "b"]) == (
        "intended",
        'expected audience in ["a" "b"] (audience=["c"])',
    )
    assert answer(jwt_svid({"aud": "b"}), audience=["a", "b"]) is None


def test_the_subject_need_not_have_a_path() -> None:
    assert answer(jwt_svid({"sub": "spiffe://example.org"})) is None


def test_the_keys_are_those_of_the_subjects_trust_domain_only() -> None:
    foreign = jwt_svid({"sub": "spiffe://example.com/web"})
    theirs = bundle_of(ec_key(2), trust_domain="example.com")
    assert answer(foreign, bundles=[BUNDLE, theirs]) == ("signature", CRYPTO)
    assert answer(jwt_svid({"sub": "spiffe://example.com/web"}, key=ec_key(2)), bundles=[BUNDLE, theirs]) is None
    empty = SpiffeBundle("example.com")
    assert answer(foreign, bundles=[BUNDLE, empty]) == (
        "authority",
        'public key "first" not found in trust domain "example.com"',
    )


# What differs from SPIRE, in the open


@pytest.mark.parametrize(
    ("token", "rule", "text"),
    [
        (None, "compact", "unable to parse JWT token: a token is a text, not a NoneType"),
        ("A" * 262_145, "compact", "unable to parse JWT token: the token has 262145 characters, more than 262144"),
        (
            sealed(b"[]", b"{}"),
            "header",
            "unable to parse JWT token: the token's header is not a JSON object but an array",
        ),
        (sealed(json.dumps(HEADER).encode(), b'{"sub":1,"sub":1}'), "payload", "the token's payload holds the member 'sub' twice"),
        (sealed(json.dumps(HEADER).encode(), b'{"a":"\xff"}'), "payload", "the token's payload is not UTF-8: invalid start byte"),
        (jwt_svid(header={"jwk": 7}), "embedded_key", "unable to parse JWT token: failed to unmarshal JWK: json: cannot unmarshal number into Go value of type jose.rawJSONWebKey"),
        (jwt_svid(header={"jwk": {"kty": "EC"}}), "embedded_key", "unable to parse JWT token: failed to unmarshal JWK: crv is None, not P-256, P-384 or P-521"),
        (
            jwt_svid({"sub": "spiffe://example.org/" + "a" * 2048}),
            "subject",
            "token has in invalid subject claim: the ID has 2069 bytes, more than 2048",
        ),
    ],
)  # fmt: skip  # one row a line
def test_what_is_not_spires_is_told_in_our_words(token: Any, rule: str, text: str) -> None:
    assert answer(token) == (rule, text)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.text(max_size=2), children, max_size=2),
    max_leaves=4,
)
TOKENS = st.one_of(
    st.text(),
    st.binary(),
    st.integers(),
    st.builds(
        compact,
        st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), ANYTHING),
        st.dictionaries(st.sampled_from(["sub", "aud", "exp", "nbf", "iss"]), ANYTHING),
    ),
    st.builds(
        lambda claims: jwt_svid({**claims, "aud": ["a"]}),
        st.dictionaries(st.sampled_from(["sub", "exp", "nbf", "iat"]), ANYTHING),
    ),
)


@given(TOKENS)
def test_hostile_tokens_are_refused_by_our_own_errors(token: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        validate_jwt_svid(token, BUNDLE, audience="reports", at=AT, profile="spire")
    assert caught.value.code in {rule.name for rule in SPIRE.rules}


@given(st.data())
def test_no_character_of_the_signed_content_can_be_changed(data: st.DataObject) -> None:
    token = jwt_svid()
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(
        st.sampled_from("ABCDwxyz0189-_.=!\u00e9").filter(lambda character: character != token[place])
    )
    changed = token[:place] + character + token[place + 1 :]
    # The bits that mean nothing are the one thing that may change.
    loose = place + 1 in (len(token), *(at for at, letter in enumerate(token) if letter == "."))
    assert loose or not examine(changed).ok


def test_the_profile_has_to_be_named() -> None:
    with pytest.raises(errors.InvalidInput, match="there is no profile 'go'"):
        examine_jwt_svid(jwt_svid(), BUNDLE, audience="reports", at=AT, profile="go")  # type: ignore[arg-type]  # the point
