"""Tokens that have yet to be signed."""

from __future__ import annotations

import json

import pytest

from spiffesim.catalogue import jwt_svid_case
from spiffesim.catalogue.hierarchy import HIERARCHIES, hierarchy
from spiffesim.catalogue.tokens.draft import JwtDraft, WitDraft, key_id, right_bundles
from spiffesim.instants import moment
from spiffesim.spiffe import examine_jwt_svid, examine_wit_svid, jose
from spiffesim.spiffe.jose.compact import MAX_TOKEN
from spiffesim.spiffe.proof import Proof
from tests.oracles.tokens import unb64


def failures(draft: JwtDraft | WitDraft) -> list[str]:
    at = moment(draft.now)
    if isinstance(draft, JwtDraft):
        verdict = examine_jwt_svid(draft.token, draft.bundles, audience=draft.audience, at=at)
    else:
        verdict = examine_wit_svid(draft.token, draft.bundles, proof=draft.proof, at=at)
    return [answer.name for answer in verdict.failures]


@pytest.fixture(params=[JwtDraft, WitDraft])
def draft(request: pytest.FixtureRequest) -> JwtDraft | WitDraft:
    made: JwtDraft | WitDraft = request.param(hierarchy(3), 3)
    return made


def test_what_is_changed_before_it_is_signed_is_signed(draft: JwtDraft | WitDraft) -> None:
    draft.claims["note"] = "changed"
    assert failures(draft) == []
    assert json.loads(unb64(draft.token.split(".")[1]))["note"] == "changed"


def test_what_is_changed_after_it_was_signed_breaks_the_signature(draft: JwtDraft | WitDraft) -> None:
    draft.seal()
    del draft.claims_json, draft.claims_part
    draft.claims["note"] = "changed"
    assert failures(draft) == ["signature"]


def test_published_keys_take_the_place_of_the_right_one(draft: JwtDraft | WitDraft) -> None:
    other = draft.hierarchy.key("other", "ec-p384").private_key
    draft.publish(other, draft.private_key)
    bundle = next(iter(draft.bundles))
    keys = bundle.jwt_authorities if draft.use == "jwt" else bundle.wit_authorities
    assert dict(keys) == {draft.kid: other.public_key(), f"{draft.kid}-1": draft.private_key.public_key()}
    assert failures(draft) == ["key_type"]
    assert not (bundle.wit_spki if draft.use == "jwt" else bundle.jwt_spki)


def test_another_algorithm_is_said_and_used(draft: JwtDraft | WitDraft) -> None:
    draft.sign_with("ES384", draft.hierarchy.key("other", "ec-p384").private_key)
    assert failures(draft) == []
    assert json.loads(unb64(draft.token.split(".")[0]))["alg"] == "ES384"


def test_the_proof_is_under_the_key_in_the_token() -> None:
    draft = WitDraft(hierarchy(3), 3)
    draft.confirm("ES384", draft.hierarchy.key("other", "ec-p384").private_key)
    assert failures(draft) == []
    assert isinstance(draft.proof, Proof)
    assert json.loads(unb64(draft.proof.signed.decode().split(".")[0])) == {"typ": "wpt+jwt", "alg": "ES384"}


def test_an_edited_key_in_a_token_is_not_in_the_next_one() -> None:
    first, second = (WitDraft(hierarchy(3), 3) for _ in range(2))
    first.jwk["alg"] = "none"
    assert second.jwk["alg"] == "ES256"


def test_each_hierarchy_has_keys_of_its_own() -> None:
    ids = {key_id(hierarchy(number), use) for number in range(HIERARCHIES) for use in ("jwt", "wit")}
    assert len(ids) == 2 * HIERARCHIES
    bundle = next(iter(right_bundles(hierarchy(0))))
    assert jose.describe(bundle.jwt_authorities[key_id(hierarchy(0), "jwt")]) == "a P-256 key"
    assert bundle.jwt_spki.keys().isdisjoint(bundle.wit_spki)


def test_the_largest_token_is_as_large_as_may_be() -> None:
    case = jwt_svid_case("too_large")
    assert len(case.token) > MAX_TOKEN >= len(case.repaired.token) > MAX_TOKEN - 4
