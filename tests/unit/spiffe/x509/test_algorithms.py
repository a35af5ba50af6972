"""Signatures made by ``cryptography``, and keys of all kinds."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from spiffesim.spiffe.x509.algorithms import is_supported, key_problem, name_of, verifies
from spiffesim.spiffe.x509.certificate import Certificate, read_certificate
from tests.oracles import asn1
from tests.oracles import certificates as make

DIGESTS = {"SHA-256": hashes.SHA256(), "SHA-384": hashes.SHA384(), "SHA-512": hashes.SHA512()}
KINDS = ["p256", "p384", "p521", "rsa-2048", "ed25519"]
LEAF = make.leaf(make.root())


def spki_of(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def with_key(spki: bytes) -> Certificate:
    """A certificate with another public key."""
    return read_certificate(attrs.evolve(asn1.Parts.of(make.root().der), spki=spki).der)


def signed_by(kind: str, digest: hashes.HashAlgorithm) -> tuple[Certificate, Certificate]:
    """A leaf and the root that signed it with a key of a kind."""
    root = make.root(key=make.key("root", kind))
    return read_certificate(make.leaf(root, digest=digest).der), read_certificate(root.der)


def pss(size: int, digest: Any) -> tuple[Certificate, Certificate]:
    """A certificate that an RSA key has signed with PSS and a salt of some octets, and the key's certificate."""
    root = make.root(key=make.key("root", "rsa-2048"))
    builder = x509.CertificateBuilder(make.named("a"), make.named("a"), LEAF.key.public_key(), 1, make.AT, make.AT)
    made = builder.sign(root.key, digest, rsa_padding=padding.PSS(padding.MGF1(digest), size))
    return read_certificate(made.public_bytes(Encoding.DER)), read_certificate(root.der)


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_verifies_under_the_key_that_made_it_and_no_other(kind: str, digest: str) -> None:
    child, issuer = signed_by(kind, DIGESTS[digest])
    assert is_supported(child.signature_algorithm)
    assert verifies(child, issuer)
    assert verifies(child, issuer)  # by what has been worked out
    other = read_certificate(make.root(key=make.key("another", kind)).der)
    assert not verifies(child, other)
    forged = attrs.evolve(asn1.Parts.of(child.der), signature=asn1.tlv(3, b"\0" + child.signature[:-1] + b"\0"))
    assert not verifies(read_certificate(forged.der), issuer)


@pytest.mark.parametrize("key", [ed448.Ed448PrivateKey.from_private_bytes(bytes(57)), make.key("root")])
def test_a_signature_of_an_algorithm_that_we_do_not_take_verifies_under_no_key(key: Any) -> None:
    builder = x509.CertificateBuilder(make.named("a"), make.named("a"), key.public_key(), 1, make.AT, make.AT)
    digest = None if isinstance(key, ed448.Ed448PrivateKey) else hashes.SHA3_256()
    made = read_certificate(builder.sign(key, digest).public_bytes(Encoding.DER))
    assert not is_supported(made.signature_algorithm)
    assert not verifies(made, made)
    again = builder.sign(make.key("root"), hashes.SHA256()).public_bytes(Encoding.DER)
    assert verifies(read_certificate(again), with_key(spki_of(make.key("root").public_key())))  # the control


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_does_not_verify_under_a_key_of_another_kind(kind: str) -> None:
    child, issuer = signed_by(kind, hashes.SHA256())
    for other in KINDS:
        unlike = read_certificate(make.root(key=make.key("root", other)).der)
        assert verifies(child, unlike) == (unlike.spki == issuer.spki)


@pytest.mark.parametrize("digest", DIGESTS)
def test_pss_is_taken_with_a_salt_as_long_as_the_hash(digest: str) -> None:
    algorithm = DIGESTS[digest]
    child, issuer = pss(algorithm.digest_size, algorithm)
    assert is_supported(child.signature_algorithm)
    assert verifies(child, issuer)
    assert not verifies(child, read_certificate(make.root(key=make.key("another", "rsa-2048")).der))


def test_pss_is_not_taken_with_another_salt() -> None:
    child, issuer = pss(20, hashes.SHA256())
    assert not is_supported(child.signature_algorithm)
    assert not verifies(child, issuer)
    assert name_of(child.signature_algorithm) == "algorithm 1.2.840.113549.1.1.10"


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [
        (asn1.ECDSA_SHA1, "ECDSA with SHA-1 (1.2.840.10045.4.1)"),
        (bytes.fromhex("300d06092a864886f70d0101050500"), "RSA with SHA-1 (1.2.840.113549.1.1.5)"),
        (bytes.fromhex("300d06092a864886f70d0101040500"), "RSA with MD5 (1.2.840.113549.1.1.4)"),
        (bytes.fromhex("300a06082a8648ce3d040301"), "algorithm 1.2.840.10045.4.3.1"),
        # ECDSA has no parameters, RSA has NULL or none
        (bytes.fromhex("300c06082a8648ce3d0403020500"), "algorithm 1.2.840.10045.4.3.2"),
        (bytes.fromhex("300d06092a864886f70d01010b0400"), "algorithm 1.2.840.113549.1.1.11"),
    ],
)
def test_other_algorithms_are_not_taken_and_have_a_name(algorithm: bytes, name: str) -> None:
    assert not is_supported(algorithm)
    assert name_of(algorithm) == name
    assert is_supported(bytes.fromhex("300b06092a864886f70d01010b"))


@pytest.mark.parametrize("kind", KINDS)
def test_keys_that_may_sign(kind: str) -> None:
    certificate = read_certificate(make.root(key=make.key("root", kind)).der)
    assert key_problem(certificate) is None


def ec_point(kind: str, spoilt: bool = True) -> bytes:
    spki = spki_of(make.key("root", kind).public_key())
    return spki[:-1] + bytes([spki[-1] ^ spoilt])


P, Q = 2**255 - 19, 2**256 - 2**32 - 977
TINY = spki_of(rsa.RSAPublicNumbers(65_537, P * Q).public_key())
OTHER = "has a key that is not one of P-256, P-384, P-521, RSA and Ed25519"
UNUSABLE = "has a public key that cannot be used"


@pytest.mark.parametrize(
    ("spki", "problem"),
    [
        (ec_point("k256", spoilt=False), OTHER),
        (asn1.sequence(asn1.sequence(asn1.tlv(6, b"\x2b\x65\x71")), asn1.tlv(3, bytes(58))), OTHER),  # Ed448
        (asn1.sequence(asn1.sequence(asn1.tlv(6, b"\x2a\x03")), asn1.tlv(3, b"\0")), OTHER),
        (ec_point("p256"), UNUSABLE),
        (ec_point("p384"), UNUSABLE),
        (asn1.sequence(asn1.sequence(asn1.tlv(6, b"\x2b\x65\x70")), asn1.tlv(3, bytes(9))), UNUSABLE),
        (TINY, "has an RSA key of 511 bits, 1537 fewer than 2048"),
    ],
)
def test_keys_that_may_not_sign(spki: bytes, problem: str) -> None:
    certificate = with_key(spki)
    assert key_problem(certificate) == problem
    for kind in KINDS:
        child, issuer = signed_by(kind, hashes.SHA256())
        assert not verifies(child, certificate)
        assert verifies(child, issuer)


def test_a_key_that_is_too_large_is_never_loaded() -> None:
    child, issuer = signed_by("rsa-2048", hashes.SHA256())
    assert verifies(child, issuer)
    numbers = rsa.RSAPublicNumbers(65_537, 1 << 16_383 | 1)
    large = with_key(spki_of(numbers.public_key()))
    assert key_problem(large) == "has an RSA key of 16384 bits, 8192 more than 8192"
    assert not verifies(child, large)
    assert large._public_key is None


def test_a_hash_that_is_longer_than_the_key_is_no_error() -> None:
    child, issuer = pss(64, hashes.SHA512())
    assert verifies(child, issuer)
    assert not verifies(child, with_key(TINY))
