"""Tokens that are right, or wrong in exactly one way: what the validator answers, and what PyJWT does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import catalogue
from spiffesim.catalogue import Defect, JwtSvidCase, Kind, WitSvidCase
from spiffesim.errors import InvalidInput, ValidationError
from spiffesim.spiffe import examine_jwt_svid, validate_jwt_svid, validate_wit_svid
from spiffesim.spiffe.verdict import FAILED, PASSED, rulebook
from tests.oracles.tokens import unb64

TokenCase: TypeAlias = JwtSvidCase | WitSvidCase
KINDS: tuple[Kind, ...] = ("jwt-svid", "wit-svid")
NUMBERS = st.integers(0, 10**6)


def everything(*kinds: Kind) -> list[Defect]:
    return [found for kind in kinds or KINDS for found in (*catalogue.defects(kind), *catalogue.oddities(kind))]


def make(kind: Kind, name: str | None = None, number: int = 0) -> TokenCase:
    if kind == "jwt-svid":
        return catalogue.jwt_svid_case(name, number=number)
    return catalogue.wit_svid_case(name, number=number)


def failures(case: TokenCase) -> list[str]:
    """The names of the rules that fail."""
    return [answer.name for answer in case.examine().failures]


def everything_of(case: TokenCase) -> dict[str, Any]:
    """All that a validator is given."""
    given = {"token": case.token, "now": case.now, "bundles": [bundle.document() for bundle in case.bundles]}
    return given | (
        {"proof": case.proof} if isinstance(case, WitSvidCase) else {"audience": case.audience, "proof": None}
    )


def ids_of(defects: list[Defect]) -> list[str]:
    return [f"{found.kind} {found.name}" for found in defects]


def check(found: Defect, number: int) -> None:
    """One defect breaks exactly its rule; its right twin breaks none, and is another document."""
    case = make(found.kind, found.name, number)
    assert failures(case) == ([found.rule] if found.answer == "refused" else [])
    assert case.should_pass == case.examine().ok
    assert case.repaired.should_pass
    assert failures(case.repaired) == []
    assert everything_of(case) != everything_of(case.repaired)


@pytest.mark.parametrize("found", everything(), ids=ids_of(everything()))
def test_a_token_with_one_defect_breaks_exactly_its_rule(found: Defect) -> None:
    check(found, 0)


@given(st.sampled_from(everything()), NUMBERS)
def test_whatever_the_number_a_defect_breaks_exactly_its_rule(found: Defect, number: int) -> None:
    check(found, number)


@given(st.sampled_from(KINDS), NUMBERS)
def test_a_case_without_a_defect_is_right(kind: Kind, number: int) -> None:
    case = make(kind, None, number)
    assert case.should_pass
    verdict = case.examine()
    assert {answer.answer for answer in verdict.rules} == {PASSED}
    assert str(verdict.spiffe_id) == case.spiffe_id
    assert everything_of(case.repaired) == everything_of(case)


@given(st.sampled_from(everything()), NUMBERS)
def test_a_case_is_the_same_whenever_it_is_made(found: Defect, number: int) -> None:
    case, again = (make(found.kind, found.name, number) for _ in range(2))
    assert everything_of(case) == everything_of(again)


@given(st.sampled_from(catalogue.oddities("jwt-svid") + catalogue.oddities("wit-svid")), NUMBERS)
def test_an_oddity_is_accepted_under_its_own_name(found: Defect, number: int) -> None:
    case = make(found.kind, found.name, number)
    assert str(case.examine().spiffe_id) == case.spiffe_id


@given(st.sampled_from(KINDS), NUMBERS, NUMBERS)
def test_cases_of_other_numbers_are_other_tokens(kind: Kind, first: int, second: int) -> None:
    assert (make(kind, None, first).token == make(kind, None, second).token) == (first == second)


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_is_broken_by_some_defect(kind: Kind) -> None:
    assert {found.rule for found in catalogue.defects(kind)} == {rule.name for rule in rulebook(kind).rules}


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_sentences_are_unique_and_whole(kind: Kind) -> None:
    found = everything(kind)
    assert len({one.name for one in found}) == len(found)
    assert len({one.sentence for one in found}) == len(found)
    assert all(one.sentence[0].isupper() and one.sentence.endswith(".") and "\n" not in one.sentence for one in found)


def test_there_are_hundreds() -> None:
    assert len(catalogue.defects("jwt-svid")) >= 190
    assert len(catalogue.defects("wit-svid")) >= 60
    assert len(catalogue.oddities("jwt-svid")) >= 30
    assert len(catalogue.oddities("wit-svid")) >= 15


def test_a_case_is_shown_as_the_call_that_makes_it() -> None:
    case = catalogue.jwt_svid_case("alg_none", number=3)
    assert repr(case) == "jwt_svid_case('alg_none', number=3)"
    assert repr(case.repaired) == "jwt_svid_case('alg_none', number=3).repaired"
    assert repr(catalogue.wit_svid_case()) == "wit_svid_case()"
    assert (case.kind, catalogue.wit_svid_case().kind) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_defect_of_another_kind_is_none_of_these(kind: Kind) -> None:
    with pytest.raises(InvalidInput, match="there is no defect 'leaf_is_ca' of"):
        make(kind, "leaf_is_ca")


# What others are told


def test_what_a_case_holds_is_what_a_validator_asks_for() -> None:
    right, wrong = catalogue.jwt_svid_case(), catalogue.jwt_svid_case("aud_other")
    assert str(validate_jwt_svid(right.token, right.bundles, audience=right.audience, at=right.now)) == right.spiffe_id
    with pytest.raises(ValidationError, match="is for 'payments', not for 'reports'"):
        validate_jwt_svid(wrong.token, wrong.bundles, audience=wrong.audience, at=wrong.now)
    held, lost = catalogue.wit_svid_case(), catalogue.wit_svid_case("proof_missing")
    assert str(validate_wit_svid(held.token, held.bundles, proof=held.proof, at=held.now)) == held.spiffe_id
    with pytest.raises(ValidationError, match="there is no proof of possession"):
        validate_wit_svid(lost.token, lost.bundles, proof=lost.proof, at=lost.now)


def test_the_shape_is_that_of_spires_tokens() -> None:
    case = catalogue.jwt_svid_case(number=5)
    header, claims = (json.loads(unb64(part)) for part in case.token.split(".")[:2])
    assert list(header) == ["alg", "kid", "typ"]
    assert (header["alg"], header["typ"]) == ("ES256", "JWT")
    assert list(claims) == ["aud", "exp", "iat", "sub"]
    assert claims["sub"] == "spiffe://example.org/workload/5"
    assert case.now == datetime.fromtimestamp(claims["iat"], UTC) + timedelta(minutes=1)


# PyJWT, which knows nothing of SPIFFE, and looks at no clock here


def as_pyjwt(case: JwtSvidCase) -> dict[str, Any]:
    """The claims of a token whose signature PyJWT has verified."""
    bundle = next(iter(case.bundles))
    kid = jwt.get_unverified_header(case.token).get("kid", next(iter(bundle.jwt_spki), ""))
    algorithms = ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_sub": False}
    return jwt.decode(
        case.token, bundle.jwt_authorities[kid], algorithms=algorithms, audience=case.audience, options=options
    )


@given(NUMBERS)
def test_pyjwt_verifies_a_right_case(number: int) -> None:
    case = catalogue.jwt_svid_case(number=number)
    assert as_pyjwt(case)["sub"] == case.spiffe_id


# It takes the first key where the token names none.
ODDITIES = [found.name for found in catalogue.oddities("jwt-svid") if found.name != "kid_missing_of_several"]


@pytest.mark.parametrize("name", ODDITIES)
def test_pyjwt_accepts_an_oddity(name: str) -> None:
    case = catalogue.jwt_svid_case(name)
    assert as_pyjwt(case)["sub"] == case.spiffe_id


# Of these, what is wrong is whose bundle answers, which PyJWT is not asked.
OTHERS = ("subject_of_another_trust_domain", "signed_by_another_trust_domain_with_same_kid")
REFUSED = [found.name for found in catalogue.defects("jwt-svid") if found.rule in ("signature", "algorithm")]


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in OTHERS])
def test_pyjwt_refuses_a_wrong_signature_and_verifies_its_right_twin(name: str) -> None:
    case = catalogue.jwt_svid_case(name)
    assert as_pyjwt(case.repaired)["sub"] == case.spiffe_id
    with pytest.raises((jwt.PyJWTError, TypeError)):  # TypeError: an algorithm that is no text
        as_pyjwt(case)


@pytest.mark.parametrize("name", ["proof_by_another_key", "proof_by_issuer", "proof_changed", "proof_signature_empty"])
def test_pyjwt_refuses_a_wrong_proof_and_verifies_its_right_twin(name: str) -> None:
    case = catalogue.wit_svid_case(name)
    assert proved(case.repaired) == "https://reports.example.org"
    with pytest.raises(jwt.InvalidSignatureError):
        proved(case)


def proved(case: WitSvidCase) -> str:
    """For whom the proof is, once PyJWT has verified it under the key in the token."""
    claims = json.loads(unb64(case.token.split(".")[1]))
    key = jwt.PyJWK(claims["cnf"]["jwk"])
    assert case.proof is not None
    token = case.proof.signed.decode() + "." + jwt.utils.base64url_encode(case.proof.signature).decode()
    options: Any = {"verify_exp": False, "verify_aud": False}
    audience: str = jwt.decode(token, key, algorithms=["ES256"], options=options)["aud"]
    return audience


# The judge is asked for the whole verdict


def test_the_rules_that_hang_on_a_broken_one_are_not_reached() -> None:
    case = catalogue.jwt_svid_case("payload_array")
    answers = {answer.name: answer.answer for answer in case.examine().rules}
    assert answers["payload"] == FAILED
    assert answers["signature"] == answers["subject"] == "not_reached"
    assert answers["header"] == PASSED


@given(st.sampled_from(everything("jwt-svid")), NUMBERS)
def test_the_profile_of_spire_answers_for_every_case(found: Defect, number: int) -> None:
    case = catalogue.jwt_svid_case(found.name, number=number)
    verdict = examine_jwt_svid(case.token, case.bundles, audience=case.audience, at=case.now, profile="spire")
    assert len(verdict.findings) <= 1  # it stops at the first
