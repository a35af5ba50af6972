"""The functions that validate and examine: what they take, what they return, what they raise.

The rules themselves are in rules/: test_x509, test_jwt, test_wit and test_spire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from spiffesim import errors, spiffe
from spiffesim.spiffe import JwtSvid, Proof, SpiffeId, WitSvid
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from tests.oracles import certificates as make
from tests.oracles import tokens
from tests.oracles.tokens import AT, MINUTE, WEB

BUNDLE = tokens.bundle_of()
TOKEN = tokens.jwt_svid()
END = AT + 5 * MINUTE


def validate(token: Any = TOKEN, bundles: Any = BUNDLE, *, audience: Any = "reports", **options: Any) -> SpiffeId:
    return spiffe.validate_jwt_svid(token, bundles, audience=audience, **{"at": AT, **options})


# X.509


def test_an_x509_svid_is_validated_and_examined_alike() -> None:
    root = make.root()
    chain, bundle = make.ders(make.leaf(root)), SpiffeBundle("example.org", [root.der])
    assert spiffe.validate_x509_svid(chain, bundle, at=make.AT) == SpiffeId(WEB)
    assert spiffe.examine_x509_svid(chain, bundle, at=make.AT).spiffe_id == SpiffeId(WEB)
    memo = spiffe.EdgeMemo()
    assert spiffe.validate_x509_svid(chain, bundle, at=make.AT, memo=memo) == SpiffeId(WEB)
    assert spiffe.examine_x509_svid(chain, bundle, at=make.AT, memo=memo).ok
    assert len(memo) == 1
    verdict = spiffe.examine_x509_svid(chain, bundle, at=make.AT + 2 * make.DAY)
    with pytest.raises(errors.Expired) as caught:
        spiffe.validate_x509_svid(chain, bundle, at=make.AT + 2 * make.DAY)
    assert caught.value.verdict == verdict


# JWT


@pytest.mark.parametrize("token", [TOKEN, TOKEN.encode(), JwtSvid(TOKEN), JwtSvid.parse(TOKEN)])
def test_a_token_is_a_text_or_a_value(token: Any) -> None:
    assert validate(token) == SpiffeId(WEB)
    verdict = spiffe.examine_jwt_svid(token, BUNDLE, audience="reports", at=AT)
    assert (verdict.ok, verdict.kind, verdict.spiffe_id, verdict.at) == (True, "jwt-svid", SpiffeId(WEB), AT)


@pytest.mark.parametrize("token", [None, 7, [], object()])
def test_what_is_no_token_is_malformed(token: Any) -> None:
    with pytest.raises(errors.Malformed, match="a token is a text") as caught:
        validate(token)
    assert caught.value.code == "compact"


@pytest.mark.parametrize("audience", ["reports", ["reports"], ("other", "reports"), {"reports"}, iter(["reports"])])
def test_one_of_the_expected_names_has_to_be_in_the_token(audience: Any) -> None:
    assert validate(audience=audience) == SpiffeId(WEB)
    with pytest.raises(errors.WrongAudience):
        validate(audience=["other"])


@pytest.mark.parametrize("audience", ["", [], [""], ["reports", ""], [7], iter(()), 7, None])
def test_a_validator_goes_by_a_name(audience: Any) -> None:
    with pytest.raises(errors.InvalidInput, match="goes by at least one name") as caught:
        validate(audience=audience)
    assert (caught.value.code, caught.value.clause) == ("audience", "JWT-SVID 3.2")


def test_a_leeway_is_for_clocks_that_are_wrong() -> None:
    for options, ok in (
        ({"at": END - timedelta(microseconds=1)}, True),
        ({"at": END}, False),
        ({"at": END + MINUTE / 2, "leeway": MINUTE}, True),
        ({"at": END + MINUTE, "leeway": MINUTE}, False),
    ):
        assert spiffe.examine_jwt_svid(TOKEN, BUNDLE, audience="reports", **options).ok == ok


@pytest.mark.parametrize("leeway", [-timedelta(seconds=1), 60, None, "a minute"])
def test_a_leeway_is_a_span(leeway: Any) -> None:
    with pytest.raises(errors.InvalidInput, match="a leeway is a timedelta of 0 or more") as caught:
        validate(leeway=leeway)
    assert caught.value.code == "leeway"


def test_the_profile_of_spire_has_its_own_leeway() -> None:
    late = {"at": END + MINUTE, "audience": "reports"}
    verdict = spiffe.examine_jwt_svid(TOKEN, BUNDLE, profile="spire", **late)  # type: ignore[arg-type]  # they are right
    assert (verdict.ok, verdict.kind, verdict.spiffe_id) == (True, "jwt-svid/spire", SpiffeId(WEB))
    assert validate(profile="spire", **late) == SpiffeId(WEB)
    with pytest.raises(errors.Expired):
        validate(**late)
    with pytest.raises(errors.ValidationError):
        validate(profile="spire", at=END + MINUTE + timedelta(seconds=1))
    with pytest.raises(errors.InvalidInput, match="has a leeway of its own") as caught:
        validate(profile="spire", leeway=MINUTE)
    assert (caught.value.code, caught.value.leeway) == ("leeway", MINUTE)


def test_there_is_no_other_profile() -> None:
    with pytest.raises(
        errors.InvalidInput, match='no profile \'go\' of jwt-svids, only "spiffe", "spire", "go-spiffe"'
    ) as caught:
        validate(profile="go")
    assert caught.value.code == "profile"


@pytest.mark.parametrize("bundles", [[BUNDLE], BundleMap([BUNDLE]), (tokens.bundle_of(trust_domain="a.org"), BUNDLE)])
def test_the_bundle_of_the_subject_is_found(bundles: Any) -> None:
    assert validate(bundles=bundles) == SpiffeId(WEB)
    with pytest.raises(errors.UntrustedDomain):
        validate(bundles=[tokens.bundle_of(trust_domain="a.org")])


# WIT


def wit() -> tuple[str, Proof, SpiffeBundle]:
    """A WIT-SVID, a proof for it, and the bundle with the key that signed it."""
    token = tokens.wit_svid({"exp": tokens.NOW + 300})
    return token, Proof(*tokens.proof_text(token), END), tokens.wit_bundle()


@pytest.mark.parametrize("form", [str, str.encode, WitSvid, WitSvid.parse])
def test_a_wit_svid_is_validated_with_its_proof(form: Callable[[str], Any]) -> None:
    token, proof, bundle = wit()
    assert spiffe.validate_wit_svid(form(token), bundle, proof=proof, at=AT) == SpiffeId(WEB)
    verdict = spiffe.examine_wit_svid(form(token), bundle, proof=proof, at=AT)
    assert (verdict.ok, verdict.kind, verdict.spiffe_id) == (True, "wit-svid", SpiffeId(WEB))
    with pytest.raises(errors.ConstraintViolation, match="there is no proof of possession"):
        spiffe.validate_wit_svid(form(token), bundle, proof=None, at=AT)


def test_the_leeway_is_not_for_the_proof() -> None:
    token, proof, bundle = wit()
    late = Proof(proof.signed, proof.signature, END + MINUTE)
    at = END + MINUTE / 2
    assert spiffe.examine_wit_svid(token, bundle, proof=late, at=at, leeway=MINUTE).ok
    assert [each.name for each in spiffe.examine_wit_svid(token, bundle, proof=late, at=at).failures] == ["unexpired"]
    verdict = spiffe.examine_wit_svid(token, bundle, proof=proof, at=at, leeway=MINUTE)
    assert [each.name for each in verdict.failures] == ["proof_lifespan"]


# Instants


def test_every_function_takes_an_instant_with_a_time_zone() -> None:
    token, proof, bundle = wit()
    for at, error in ((datetime(2030, 1, 1), errors.ClockError), (0, errors.InvalidInput)):
        with pytest.raises(error):
            validate(at=at)
        with pytest.raises(error):
            spiffe.examine_wit_svid(token, bundle, proof=proof, at=at)  # type: ignore[arg-type]  # the point
        with pytest.raises(error):
            spiffe.examine_x509_svid([], BUNDLE, at=at)  # type: ignore[arg-type]  # the point
