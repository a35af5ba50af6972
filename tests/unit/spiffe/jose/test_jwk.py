"""JSON Web Keys: what is wrong with one is said by the name of the requirement."""

from __future__ import annotations

from typing import Any

import pytest

from spiffesim.spiffe import jose
from spiffesim.spiffe.jose import BrokenKey
from tests.oracles.tokens import ec_key, jwk, rsa_key, unb64

EC: dict[str, Any] = jwk(ec_key())
RSA: dict[str, Any] = jwk(rsa_key())
N = unb64(RSA["n"])


@pytest.mark.parametrize(
    ("entry", "requirement", "text"),
    [
        ({**EC, "d": "AA"}, "private_members", "has the private member 'd'"),
        ({**EC, "kty": "oct"}, "key_type", "kty is 'oct', not EC or RSA"),
        ({**EC, "crv": "P-192"}, "curve", "crv is 'P-192', not P-256, P-384 or P-521"),
        ({**EC, "x": None}, "key_members", "x is null, not a string"),
        ({name: value for name, value in EC.items() if name != "y"}, "key_members", "y is missing"),
        ({**EC, "x": "="}, "key_encoding", "x is not base64url"),
        ({**EC, "x": "AA"}, "coordinates", "x has 1 bytes, not the 32 of P-256"),
        ({**EC, "x": EC["y"]}, "point", "is not a valid EC key"),
        ({**RSA, "n": jose.b64url(b"\0" + N)}, "minimal_numbers", "n is not a number in as few bytes as possible"),
        ({**RSA, "e": ""}, "minimal_numbers", "e is not a number in as few bytes as possible"),
        ({**RSA, "n": jose.b64url(b"\1" * 2049)}, "rsa_size", "n has 16392 bits, more than 16384"),
        ({**RSA, "n": jose.b64url(N[:-1] + b"\2")}, "rsa_numbers", "n is even"),
        ({**RSA, "e": "AQAA"}, "rsa_numbers", "e is even"),
        ({**RSA, "e": "AQ"}, "rsa_numbers", "is not a valid RSA key"),
    ],
)
def test_a_broken_key_says_which_requirement_it_breaks(entry: dict[str, Any], requirement: str, text: str) -> None:
    with pytest.raises(BrokenKey, match=text) as caught:
        jose.key_of(entry)
    assert caught.value.requirement == requirement


def test_right_keys_are_read() -> None:
    assert jose.key_of(EC) == ec_key().public_key()
    assert jose.key_of(RSA) == rsa_key().public_key()
    assert (jose.jwk_of(ec_key().public_key()), jose.jwk_of(rsa_key().public_key())) == (EC, RSA)
