"""RSA by hand, as ``cryptography`` sees it."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from spiffesim.catalogue.certificates.rsa import HUGE, large_exponent, pss_sha1, pss_sha256
from spiffesim.catalogue.certificates.signer import Signer, signer
from spiffesim.catalogue.hierarchy import HIERARCHIES, hierarchy

DATA = [b"", b"what is signed", b"\xff" * 1000]


@pytest.mark.parametrize("data", DATA, ids=len)
@pytest.mark.parametrize(("kind", "digest", "size"), [("1", hashes.SHA1(), 20), ("256", hashes.SHA256(), 32)])
def test_a_pss_signature_verifies(kind: str, digest: hashes.HashAlgorithm, size: int, data: bytes) -> None:
    key = {"1": pss_sha1, "256": pss_sha256}[kind](signer(hierarchy(1), "rsa-2048"))
    signature = key.sign(data)
    assert signature == key.sign(data)
    public = key.private_key.public_key()
    public.verify(signature, data, padding.PSS(padding.MGF1(digest), size), digest)
    with pytest.raises(InvalidSignature):
        public.verify(signature, data + b"!", padding.PSS(padding.MGF1(digest), size), digest)


@pytest.mark.parametrize("data", DATA, ids=len)
@pytest.mark.parametrize("key", [HUGE, large_exponent(hierarchy(2))], ids=["modulus", "exponent"])
def test_a_key_that_is_too_large_signs_all_the_same(key: Signer, data: bytes) -> None:
    public: Any = load_der_public_key(key.spki)
    public.verify(key.sign(data), data, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(key.sign(data), data + b"!", padding.PKCS1v15(), hashes.SHA256())


def test_these_keys_are_as_large_as_they_are_said_to_be() -> None:
    huge: Any = load_der_public_key(HUGE.spki)
    assert 9000 < huge.key_size <= 9216
    for number in range(HIERARCHIES):
        wide: Any = load_der_public_key(large_exponent(hierarchy(number)).spki)
        assert (wide.public_numbers().e.bit_length(), wide.key_size) == (33, 2048)
