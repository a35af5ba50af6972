"""Whose signature a token carries: what JWT-SVIDs and WIT-SVIDs have in common."""

from __future__ import annotations

import pytest

from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.rules import signatures
from tests.oracles.tokens import ec_key, raw_signature, spki

WEB = SpiffeId("spiffe://example.org/web")
CONTENT = b"header.payload", raw_signature("ES256", ec_key(), b"header.payload")
BUNDLE = SpiffeBundle("example.org", jwt_spki={"j": spki(ec_key())}, wit_spki={"w": spki(ec_key())})


@pytest.mark.parametrize(("kind", "kid"), [("jwt-svid", "j"), ("wit-svid", "w")])
def test_each_kind_of_token_has_keys_of_its_own(kind: str, kid: str) -> None:
    assert signatures.judge(kind, WEB, {"alg": "ES256", "kid": kid}, CONTENT, BUNDLE) is None
    other = "w" if kid == "j" else "j"
    finding = signatures.judge(kind, WEB, {"alg": "ES256", "kid": other}, CONTENT, BUNDLE)
    assert finding is not None
    assert finding.rule == "authority"
    assert finding.detail == f"the bundle of example.org has no key {other!r} (it holds 1 {kind} key)"
    assert finding.facts == {"trust_domain": WEB.trust_domain, "key_id": other}


def test_without_a_readable_header_only_the_trust_domain_is_judged() -> None:
    assert signatures.judge("jwt-svid", WEB, None, CONTENT, BUNDLE) is None
    stranger = SpiffeId("spiffe://example.com/web")
    finding = signatures.judge("jwt-svid", stranger, None, CONTENT, BUNDLE)
    assert finding is not None
    assert (finding.rule, finding.facts) == ("trust_domain", {"trust_domain": stranger.trust_domain})


@pytest.mark.parametrize("standard", ["JWT-SVID", "WIT-SVID"])
def test_the_rules_have_the_clauses_of_their_standard(standard: str) -> None:
    clauses = {rule.name: rule.clause for rule in signatures.rules(standard)}
    assert clauses == {
        "trust_domain": "SPIFFE Trust Domain and Bundle 3",
        "authority": f"{standard} 6.2",
        "key_type": "RFC 7518 3.1",
        "key_size": "RFC 7518 3.3",
        "signature": f"{standard} 4",
    }


def test_a_long_key_id_is_told_in_part() -> None:
    finding = signatures.judge("jwt-svid", WEB, {"alg": "ES256", "kid": "k" * 10_000}, CONTENT, BUNDLE)
    assert finding is not None
    assert len(finding.detail) < 300


@pytest.mark.parametrize("standard", ["JWT-SVID", "WIT-SVID"])
def test_each_rule_about_a_signature_hangs_on_the_one_before(standard: str) -> None:
    rules = signatures.rules(standard)
    assert [(rule.name, rule.needs) for rule in rules] == [
        ("trust_domain", ("subject",)),
        ("authority", ("trust_domain", "key_id", "algorithm")),
        ("key_type", ("authority",)),
        ("key_size", ("key_type",)),
        ("signature", ("key_size",)),
    ]
    assert all(rule.sentence.endswith(".") for rule in rules)
