"""Signers: keys of every kind, and what they sign with."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from spiffesim.catalogue.certificates.signer import ecdsa, rsa, signer
from spiffesim.catalogue.hierarchy import Hierarchy, hierarchy
from spiffesim.spiffe.x509 import der
from tests.oracles import certificates as make

DATA = b"what is signed"
KINDS = ("p384", "p521", "k256", "ed25519", "rsa-1024", "rsa-2048", "rsa-4096")


def arguments(kind: str) -> tuple[Any, ...]:
    """What ``verify`` takes after the data."""
    if kind == "ed25519":
        return ()
    if kind.startswith("rsa"):
        return padding.PKCS1v15(), hashes.SHA256()
    return (ec.ECDSA({"p384": hashes.SHA384(), "p521": hashes.SHA512(), "k256": hashes.SHA256()}[kind]),)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_verifies_under_the_public_key(kind: str) -> None:
    key = signer(hierarchy(0), kind)
    public: Any = load_der_public_key(key.spki)
    public.verify(key.sign(DATA), DATA, *arguments(kind))
    assert key.sign(DATA) == key.sign(DATA)
    if kind.startswith("rsa"):
        assert public.key_size == int(kind[4:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_signer_is_a_function_of_its_hierarchy(kind: str) -> None:
    assert signer(Hierarchy(3), kind).spki == signer(Hierarchy(3), kind).spki
    if kind != "rsa-1024":  # there is one of those
        assert signer(Hierarchy(3), kind).spki != signer(Hierarchy(4), kind).spki


def test_the_identifier_of_a_key_is_that_of_others() -> None:
    key = signer(hierarchy(0), "p384")
    assert key.key_id == make.root(key=key.private_key).key_id


@pytest.mark.parametrize(
    ("digest", "oid"),
    [("SHA1", "1.2.840.10045.4.1"), ("SHA256", "1.2.840.10045.4.3.2"), ("SHA512", "1.2.840.10045.4.3.4")],
)
def test_a_key_on_a_curve_signs_with_any_hash(digest: str, oid: str) -> None:
    key = ecdsa(hierarchy(0).key("root"), digest)
    assert key.algorithm == der.sequence(der.oid(oid))
    key.private_key.public_key().verify(key.sign(DATA), DATA, ec.ECDSA(getattr(hashes, digest)()))


@pytest.mark.parametrize("digest", ["MD5", "SHA1", "SHA384"])
def test_an_rsa_key_signs_with_any_hash(digest: str) -> None:
    key = rsa(signer(hierarchy(0), "rsa-2048"), digest)
    key.private_key.public_key().verify(key.sign(DATA), DATA, padding.PKCS1v15(), getattr(hashes, digest)())
    assert key.spki == signer(hierarchy(0), "rsa-2048").spki
