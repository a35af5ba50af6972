"""Signatures by any algorithm and any key, held against `cryptography`."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.catalogue.hierarchy import hierarchy
from spiffesim.catalogue.tokens.signing import (
    P256_ORDER,
    ed25519_key,
    joined,
    p521_key,
    secp256k1_key,
    sign,
    sign_without_salt,
    small_rsa_key,
    split,
)
from spiffesim.spiffe import jose
from tests.oracles.tokens import HASHES

KEYS = {
    "ES256": hierarchy(0).key("a").private_key,
    "ES384": hierarchy(0).key("a", "ec-p384").private_key,
    "ES512": p521_key(hierarchy(0), "a"),
    "RSA": hierarchy(0).key("a", "rsa-2048").private_key,
}


@pytest.mark.parametrize("algorithm", jose.ALGORITHMS)
def test_a_signature_verifies_under_its_algorithm_and_no_other(algorithm: str) -> None:
    key = KEYS.get(algorithm, KEYS["RSA"])
    signature = sign(algorithm, key, b"data")
    assert signature == sign(algorithm, key, b"data")
    accepted = [one for one in jose.ALGORITHMS if jose.check_signature(one, key.public_key(), b"data", signature)]
    assert accepted == [algorithm]


@given(st.binary(max_size=200), st.sampled_from(["256", "384", "512"]))
def test_pss_has_a_salt_as_long_as_its_digest(data: bytes, bits: str) -> None:
    key = KEYS["RSA"]
    assert isinstance(key, rsa.RSAPrivateKey)
    digest = HASHES[bits]
    scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
    key.public_key().verify(sign(f"PS{bits}", key, data), data, scheme, digest)


def test_pss_without_salt_verifies_only_without_salt() -> None:
    key, digest = KEYS["RSA"], HASHES["256"]
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = sign_without_salt(key, b"data")
    key.public_key().verify(signature, b"data", padding.PSS(padding.MGF1(digest), 0), digest)
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"data", padding.PSS(padding.MGF1(digest), 32), digest)


@given(st.integers(1, P256_ORDER - 1), st.integers(1, P256_ORDER - 1), st.integers(32, 66))
def test_r_and_s_are_what_they_were(r: int, s: int, size: int) -> None:
    assert split(joined(r, s, size)) == (r, s)


def test_the_small_rsa_key_is_one_bit_too_small_and_works() -> None:
    key = small_rsa_key()
    assert key.key_size == jose.MIN_RSA_BITS - 1
    for algorithm in ("RS256", "PS256"):
        signature = sign(algorithm, key, b"data")
        assert jose.check_signature(algorithm, key.public_key(), b"data", signature, smallest=2047)
        assert not jose.check_signature(algorithm, key.public_key(), b"data", signature)


@pytest.mark.parametrize("draw", [p521_key, secp256k1_key, ed25519_key])
def test_keys_of_other_names_and_hierarchies_are_other_keys(draw: object) -> None:
    assert callable(draw)
    keys = [draw(hierarchy(number), name).public_key() for number in (0, 1) for name in ("a", "b")]
    assert draw(hierarchy(0), "a").public_key() == keys[0]
    assert all(one != other for place, one in enumerate(keys) for other in keys[:place])
