"""The rules of a WIT-SVID and of its proof: each broken by exactly one case."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import errors
from spiffesim.spiffe import Proof, SpiffeBundle, SpiffeId, Verdict, WitSvid, examine_wit_svid, validate_wit_svid
from spiffesim.spiffe.rules.wit import WIT_SVID
from tests.oracles.tokens import (
    AT,
    DROP,
    HOLDER,
    KEY_ID,
    NOW,
    WEB,
    WIT_CLAIMS,
    WIT_HEADER,
    PrivateKey,
    b64,
    compact,
    ec_key,
    jwk,
    jwt_svid,
    key_for,
    proof_text,
    raw_signature,
    rsa_key,
    sealed,
    spki,
    wit_bundle,
    wit_svid,
)

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
BUNDLE = wit_bundle()


def proof_of(token: str, **options: Any) -> Proof:
    signed, signature = proof_text(token, **options)
    return Proof(signed, signature, AT + 10 * SECOND)


RIGHT = object()


def examine(
    token: Any, bundle: SpiffeBundle = BUNDLE, *, proof: Any = RIGHT, at: datetime = AT, **more: Any
) -> Verdict:
    return examine_wit_svid(token, bundle, proof=proof_of(token) if proof is RIGHT else proof, at=at, **more)


def failures(token: Any, bundle: SpiffeBundle = BUNDLE, **changes: Any) -> list[str]:
    return [answer.name for answer in examine(token, bundle, **changes).failures]


def test_a_right_token_with_its_proof_passes_every_rule() -> None:
    token = wit_svid()
    verdict = examine(token)
    assert verdict.ok
    assert verdict.spiffe_id == SpiffeId(WEB)
    assert {answer.answer for answer in verdict.rules} == {"passed"}
    assert validate_wit_svid(token, BUNDLE, proof=proof_of(token), at=AT) == SpiffeId(WEB)


def sealed_wit(header: str, payload: str) -> str:
    return sealed(header.encode(), payload.encode())


HEADER_TEXT, CLAIMS_TEXT = json.dumps(WIT_HEADER), json.dumps(WIT_CLAIMS)
TWICE = CLAIMS_TEXT.replace("{", '{"jti":"2",', 1)

# Each rule, broken alone: the token, and what the sentence says. The proof is right unless the rule is about it.

ONE_RULE_BROKEN: dict[str, tuple[str, SpiffeBundle, str]] = {
    "compact": (wit_svid() + ".", BUNDLE, "it has 4 parts between dots, not three"),
    "header": (sealed_wit(f"[{HEADER_TEXT}]", CLAIMS_TEXT), BUNDLE, "the token's header is not a JSON object but an array"),
    "algorithm": (wit_svid(header={"alg": "none"}), BUNDLE, "alg is 'none'; it must be one of RS256"),
    "critical": (wit_svid(header={"crit": ["exp"]}), BUNDLE, "crit is ['exp'], but no extension of JWS is understood here"),
    "key_id": (wit_svid(header={"kid": DROP}), BUNDLE, "kid is missing; a WIT-SVID names its key"),
    "type": (wit_svid(header={"typ": "JWT"}), BUNDLE, "typ is 'JWT'; a WIT-SVID's is 'wit+jwt'"),
    "payload": (sealed_wit(HEADER_TEXT, TWICE), BUNDLE, "the token's payload holds the member 'jti' twice"),
    "subject": (wit_svid({"sub": DROP}), BUNDLE, "the token has no sub claim"),
    "no_audience": (wit_svid({"aud": ["db"]}), BUNDLE, "aud is ['db'], but a WIT-SVID has none: the proof says"),
    "expiry": (wit_svid({"exp": DROP}), BUNDLE, "the token has no exp claim"),
    "beginning": (wit_svid({"nbf": "now"}), BUNDLE, "the nbf claim is a string, not a number of seconds"),
    "confirmation": (wit_svid({"cnf": DROP}), BUNDLE, "cnf is missing, so nobody can prove to hold the key"),
    "confirmation_algorithm": (wit_svid({"cnf": {"jwk": jwk(HOLDER)}}), BUNDLE, "cnf.jwk.alg is missing"),
    "confirmation_key": (
        wit_svid({"cnf": {"jwk": {**jwk(HOLDER), "alg": "RS256"}}}),
        BUNDLE,
        "cnf.jwk is a P-256 key, but its alg is RS256",
    ),
    "trust_domain": (wit_svid({"sub": "spiffe://example.com/web"}), BUNDLE, "no bundle is held for trust domain example.com"),
    "authority": (wit_svid(header={"kid": "x"}), BUNDLE, "has no key 'x' (it holds 1 wit-svid key)"),
    "key_type": (
        compact({**WIT_HEADER, "alg": "RS256"}, WIT_CLAIMS, key=rsa_key()),
        BUNDLE,
        "alg is RS256, but key 'first' is a P-256 key",
    ),
    "key_size": (
        wit_svid(header={"alg": "PS256"}, key=rsa_key(1024)),
        wit_bundle(rsa_key(1024)),
        "key 'first' is an RSA key of 1024 bits",
    ),
    "signature": (wit_svid(key=ec_key(2)), BUNDLE, "the signature on the token of spiffe://example.org/web does not verify"),
    "begun": (wit_svid({"nbf": NOW + 60}), BUNDLE, "begins in 0:01:00"),
    "unexpired": (wit_svid({"exp": NOW - 60}), BUNDLE, "expired 0:01:00 ago"),
}  # fmt: skip  # one row a rule

PROOF_BROKEN: dict[str, tuple[Proof | None, str]] = {
    "proof": (None, "there is no proof of possession, without which a WIT-SVID must not be accepted"),
    "proof_format": (proof_of(wit_svid()), "a token that proves nothing: its typ is 'JWT', not 'wpt+jwt'"),
    "proof_lifespan": (
        attrs.evolve(proof_of(wit_svid()), not_after=AT - SECOND),
        "the proof of possession expired 0:00:01 ago (valid until 2029-12-31T23:59:59Z, now 2030-01-01T00:00:00Z)",
    ),
    "proof_binding": (proof_of(wit_svid({"jti": "another"})), "the proof is not about this token"),
    "proof_signature": (proof_of(wit_svid(), key=ec_key(78)), "the proof of possession does not verify under cnf.jwk"),
}


def test_there_is_a_broken_case_for_every_rule() -> None:
    assert [*ONE_RULE_BROKEN, *PROOF_BROKEN] == [rule.name for rule in WIT_SVID.rules]


@pytest.mark.parametrize("rule", [*ONE_RULE_BROKEN, *PROOF_BROKEN])
def test_what_breaks_one_rule_fails_by_that_rule_alone(rule: str) -> None:
    if rule in PROOF_BROKEN:
        token, bundle = wit_svid(), BUNDLE
        # A token is signed anew each time, so the proof is about the one that it was made for.
        (proof, sentence) = PROOF_BROKEN[rule]
        if proof is not None and rule != "proof_binding":
            signed, signature = proof_text(token, key=ec_key(78) if rule == "proof_signature" else HOLDER)
            if rule == "proof_format":
                signed = b64(b'{"typ":"JWT"}').encode() + signed[signed.index(b".") :]
                signature = raw_signature("ES256", HOLDER, signed)
            proof = Proof(signed, signature, proof.not_after)
    else:
        token, bundle, sentence = ONE_RULE_BROKEN[rule]
        proof = proof_of(token)
    verdict = examine(token, bundle, proof=proof)
    (failure,) = verdict.failures
    assert failure.name == rule
    assert sentence in str(failure.detail)
    others = {answer.name: answer.answer for answer in verdict.rules if answer.name != rule}
    assert set(others.values()) <= {"passed", "not_reached"}
    assert {name for name, answer in others.items() if answer == "passed"}.isdisjoint(
        other.name for other in WIT_SVID.rules if rule in other.needs
    )
    with pytest.raises(WIT_SVID[rule].error) as caught:
        validate_wit_svid(token, bundle, proof=proof, at=AT)
    assert (caught.value.code, caught.value.clause) == (rule, WIT_SVID[rule].clause)
    assert str(caught.value) == failure.detail


# Header


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"])
def test_the_nine_algorithms_of_the_standard_are_taken(algorithm: str) -> None:
    key = key_for(algorithm)
    token = wit_svid({"cnf": {"jwk": {**jwk(key), "alg": algorithm}}}, {"alg": algorithm}, key=key)
    assert failures(token, wit_bundle(key), proof=proof_of(token, key=key, algorithm=algorithm)) == []


@pytest.mark.parametrize("typ", [DROP, "", "JWT", "WIT+JWT", "application/wit+jwt", None, ["wit+jwt"]])
def test_the_type_is_wit_jwt_exactly(typ: object) -> None:
    assert failures(wit_svid(header={"typ": typ})) == ["type"]


@pytest.mark.parametrize("kid", [DROP, None, 7, [KEY_ID]])
def test_the_key_id_must_be_there(kid: object) -> None:
    assert failures(wit_svid(header={"kid": kid})) == ["key_id"]


@pytest.mark.parametrize(
    "header", [{"crit": []}, {"crit": None}, {"b64": False}, {"b64": None}, {"crit": ["b64"], "b64": True}]
)
def test_what_must_be_understood_is_refused(header: dict[str, Any]) -> None:
    assert failures(wit_svid(header=header)) == ["critical"]


@pytest.mark.parametrize("name", ["cty", "jku", "jwk", "x5c", "zip", "nonce", "anything"])
def test_other_members_of_the_header_are_ignored(name: str) -> None:
    assert failures(wit_svid(header={name: "x"})) == []  # WIT-SVID 2.4, unlike JWT-SVID 2
    assert failures(wit_svid(header={"b64": True})) == []


# Claims


@pytest.mark.parametrize("aud", ["db", [], None, 7])
def test_there_must_be_no_audience_of_any_kind(aud: object) -> None:
    assert failures(wit_svid({"aud": aud})) == ["no_audience"]


def test_other_claims_are_ignored() -> None:
    assert failures(wit_svid({"iss": 7, "iat": NOW + 10**6, "jti": DROP, "more": {}})) == []


def test_a_jwt_svid_is_no_wit_svid_nor_the_other_way_round() -> None:
    keys = {KEY_ID: spki(ec_key())}
    both = [SpiffeBundle("example.org", jwt_spki=keys), SpiffeBundle("example.org", wit_spki=keys)]
    assert failures(jwt_svid(), both[1]) == ["type", "no_audience", "confirmation"]
    assert "authority" in failures(wit_svid(), both[0])
    assert failures(wit_svid(), both[1]) == []


def test_a_token_without_a_type_is_told_so() -> None:
    (failure,) = examine(wit_svid(header={"typ": DROP})).failures
    assert (failure.name, failure.detail) == ("type", "typ is missing; a WIT-SVID's is 'wit+jwt'")


def test_times_are_judged_as_for_a_jwt_svid() -> None:
    token = wit_svid({"nbf": NOW, "exp": NOW + 10})
    proof = attrs.evolve(proof_of(token), not_after=AT + 600 * SECOND)
    assert failures(token, proof=proof, at=AT - MICROSECOND) == ["begun"]
    assert failures(token, proof=proof, at=AT + 10 * SECOND) == ["unexpired"]
    assert failures(token, proof=proof, at=AT + 10 * SECOND - MICROSECOND) == []
    assert failures(token, proof=proof, at=AT + 14 * SECOND, leeway=5 * SECOND) == []


# Proofs


def test_a_proof_is_worth_nothing_from_its_end_on_whatever_the_leeway() -> None:
    token = wit_svid()
    proof = proof_of(token)
    assert failures(token, proof=proof, at=AT + 10 * SECOND - MICROSECOND) == []
    for leeway in (timedelta(0), timedelta(minutes=2)):
        assert failures(token, proof=proof, at=AT + 10 * SECOND, leeway=leeway) == ["proof_lifespan"]


def test_the_end_of_a_proof_is_among_the_facts() -> None:
    proof, reason = PROOF_BROKEN["proof_lifespan"]
    first = examine(wit_svid(), proof=proof).first
    assert first is not None
    assert str(first).endswith(reason)
    assert (first.not_after, first.at) == (AT - SECOND, AT)


def test_a_proof_without_a_time_zone_is_refused() -> None:
    token = wit_svid()
    with pytest.raises(errors.ClockError, match="has no time zone"):
        examine(token, proof=attrs.evolve(proof_of(token), not_after=datetime(2031, 1, 1)))


def test_what_is_no_proof_is_an_invalid_input() -> None:
    with pytest.raises(errors.InvalidInput, match="a proof is a Proof, not a str") as caught:
        examine(wit_svid(), proof="trust me")
    assert caught.value.code == "proof"


def test_a_proof_by_any_protocol_will_do_whose_bytes_hold_the_digest() -> None:
    token = wit_svid()
    signed = b"GET /\n" + hashlib.sha256(token.encode()).digest()
    assert failures(token, proof=Proof(signed, raw_signature("ES256", HOLDER, signed), AT + SECOND)) == []


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("ES384", HOLDER), ("ES256", ec_key(77, "P-384")), ("RS256", rsa_key()), ("PS256", rsa_key())],
)
def test_a_proof_is_made_with_the_algorithm_of_the_key(algorithm: str, key: PrivateKey) -> None:
    token = wit_svid()
    assert failures(token, proof=proof_of(token, key=key, algorithm=algorithm)) == ["proof_signature"]


def test_the_proof_of_a_broken_token_is_judged_as_far_as_it_can_be() -> None:
    assert failures("a.b", proof=None) == ["compact", "proof"]
    expired = Proof(b"", b"", AT)
    assert failures("a.b", proof=expired) == ["compact", "proof_lifespan"]
    assert failures(wit_svid({"cnf": 7}), proof=expired) == ["confirmation", "proof_lifespan", "proof_binding"]
    assert failures(wit_svid(), proof=Proof(b"", b"", AT + SECOND)) == ["proof_binding", "proof_signature"]


# Hostile cases


@given(st.data())
def test_no_character_of_a_token_can_be_changed(data: st.DataObject) -> None:
    token = wit_svid()
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters().filter(lambda character: character != token[place]))
    flipped = token[:place] + character + token[place + 1 :]
    assert not examine(flipped, proof=proof_of(token)).ok
    assert examine(token, proof=proof_of(token)).ok


@given(st.data())
def test_no_byte_of_a_proof_can_be_changed(data: st.DataObject) -> None:
    token = wit_svid()
    proof = proof_of(token)
    name = data.draw(st.sampled_from(["signed", "signature"]))
    content = bytearray(getattr(proof, name))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    changes: dict[str, Any] = {name: bytes(content)}
    assert not examine(token, proof=attrs.evolve(proof, **changes)).ok


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda children: (
        st.lists(children, max_size=2) | st.dictionaries(st.sampled_from(["jwk", "alg", "kty", "x"]), children)
    ),
    max_leaves=5,
)
TOKENS = st.one_of(
    st.text(),
    st.binary(),
    st.integers(),
    st.builds(
        compact,
        st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64"]), ANYTHING),
        st.dictionaries(st.sampled_from(["sub", "aud", "exp", "nbf", "cnf"]), ANYTHING),
    ),
)


@given(TOKENS, st.none() | st.builds(Proof, st.binary(), st.binary(), st.just(AT + SECOND)))
def test_hostile_tokens_and_proofs_are_refused_by_our_own_errors(token: Any, proof: Proof | None) -> None:
    with pytest.raises(errors.ValidationError) as caught:
        validate_wit_svid(token, BUNDLE, proof=proof, at=AT)
    assert caught.value.code in {rule.name for rule in WIT_SVID.rules}


def test_a_token_may_be_given_as_bytes_or_as_a_value() -> None:
    token = wit_svid()
    for given_as in (token, token.encode(), WitSvid(token)):
        assert failures(given_as, proof=proof_of(token)) == []
