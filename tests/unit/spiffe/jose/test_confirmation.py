"""The key that a WIT-SVID is bound to."""

from __future__ import annotations

from typing import Any

import pytest

from spiffesim.spiffe import jose
from spiffesim.spiffe.jose.confirmation import BrokenConfirmation, confirmation
from tests.oracles.tokens import PrivateKey, ec_key, jwk, key_for, rsa_key

EC: dict[str, Any] = {**jwk(ec_key()), "alg": "ES256"}


@pytest.mark.parametrize("algorithm", jose.ALGORITHMS)
def test_a_key_is_read_with_its_algorithm(algorithm: str) -> None:
    key: PrivateKey = key_for(algorithm)
    claims = {"cnf": {"jwk": {**jwk(key), "alg": algorithm, "kid": 7, "use": "?"}, "kid": "a"}}
    assert confirmation(claims) == (algorithm, key.public_key())


@pytest.mark.parametrize(
    ("claims", "rule", "reason"),
    [
        ({}, "confirmation", "cnf is missing, so nobody can prove to hold the key"),
        ({"cnf": None}, "confirmation", "cnf is null, not an object"),
        ({"cnf": [EC]}, "confirmation", "cnf is an array, not an object"),
        ({"cnf": {}}, "confirmation", "cnf.jwk is missing"),
        ({"cnf": {"jwk": "EC"}}, "confirmation", "cnf.jwk is a string, not an object"),
        ({"cnf": {"kid": "a"}}, "confirmation", "cnf.jwk is missing"),
        ({"cnf": {"jwk": EC, "jwe": "a.b.c.d.e"}}, "confirmation", "cnf.jwe is there beside cnf.jwk, so which key"),
        ({"cnf": {"jwk": EC, "jku": "https://keys"}}, "confirmation", "cnf.jku is there beside cnf.jwk, so which key"),
        ({"cnf": {"jwk": jwk(ec_key())}}, "confirmation_algorithm", "cnf.jwk.alg is missing; it must be one of RS256"),
        ({"cnf": {"jwk": {**EC, "alg": None}}}, "confirmation_algorithm", "cnf.jwk.alg is None; it must be"),
        ({"cnf": {"jwk": {**EC, "alg": "none"}}}, "confirmation_algorithm", "cnf.jwk.alg is 'none'; it must be"),
        ({"cnf": {"jwk": {**EC, "alg": ["ES256"]}}}, "confirmation_algorithm", "cnf.jwk.alg is ['ES256']; it must be"),
        ({"cnf": {"jwk": {**EC, "alg": "HS256"}}}, "confirmation_algorithm", "cnf.jwk.alg is 'HS256'; it must be"),
        ({"cnf": {"jwk": {**EC, "x": "AA"}}}, "confirmation_key", "cnf.jwk x has 1 bytes, not the 32 of P-256"),
        ({"cnf": {"jwk": {**EC, "d": "AA"}}}, "confirmation_key", "cnf.jwk has the private member 'd'"),
        ({"cnf": {"jwk": {**EC, "alg": "ES384"}}}, "confirmation_key", "cnf.jwk is a P-256 key, but its alg is ES384"),
        (
            {"cnf": {"jwk": {**jwk(rsa_key(1024)), "alg": "PS256"}}},
            "confirmation_key",
            "cnf.jwk is an RSA key of 1024 bits, less than 2048",
        ),
    ],
)
def test_a_broken_confirmation_names_the_rule_that_it_breaks(claims: dict[str, Any], rule: str, reason: str) -> None:
    with pytest.raises(BrokenConfirmation) as caught:
        confirmation(claims)
    assert caught.value.rule == rule
    assert str(caught.value).startswith(reason)
