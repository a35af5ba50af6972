"""Public keys as certificates say them: who may sign, at what cost, and what a leaf may have."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ed448, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from spiffesim.spiffe.x509.publickey import MAX_EXPONENT, MAX_RSA_BITS, MIN_RSA_BITS, leaf_key_problem, signer_of
from tests.oracles import asn1
from tests.oracles import certificates as make

NULL = bytes.fromhex("0500")
RSA = asn1.tlv(6, bytes.fromhex("2a864886f70d010101"))
EC = asn1.tlv(6, bytes.fromhex("2a8648ce3d0201"))
P256 = asn1.tlv(6, bytes.fromhex("2a8648ce3d030107"))
P521 = asn1.tlv(6, bytes.fromhex("2b81040023"))
BRAINPOOL = asn1.tlv(6, bytes.fromhex("2b2403030208010107"))
ED25519 = asn1.tlv(6, bytes.fromhex("2b6570"))
ED448 = asn1.tlv(6, bytes.fromhex("2b6571"))


def spki_of(private_key: Any) -> bytes:
    return bytes(private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def spki(*algorithm: bytes, bits: bytes) -> bytes:
    return asn1.sequence(asn1.sequence(*algorithm), asn1.tlv(3, b"\0", bits))


def integer(number: int) -> bytes:
    return asn1.tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def rsa_key(modulus: int, exponent: int = 65_537, *, after: bytes = b"", parameters: bytes = NULL) -> bytes:
    numbers = asn1.sequence(integer(modulus), integer(exponent), after)
    return spki(RSA, parameters, bits=numbers)


def of_bits(bits: int) -> int:
    """An odd modulus of this size; nobody asks whether it is a product of primes."""
    return 1 << bits - 1 | 1


UNUSABLE = "has a public key that cannot be used"


@pytest.mark.parametrize(
    ("key", "family", "cost"),
    [
        (spki_of(make.key("a")), "ec", 1),
        (spki_of(make.key("a", "p384")), "ec", 8),
        (spki_of(make.key("a", "p521")), "ec", 10),
        (spki_of(make.key("a", "ed25519")), "ed25519", 2),
        (rsa_key(of_bits(MIN_RSA_BITS)), "rsa", 1),
        (rsa_key(of_bits(4_096)), "rsa", 3),
        (rsa_key(of_bits(MAX_RSA_BITS), MAX_EXPONENT), "rsa", 9),
        (rsa_key(of_bits(MAX_RSA_BITS), 3), "rsa", 9),
    ],
)
def test_keys_that_may_sign_and_what_it_costs_to_check_them(key: bytes, family: str, cost: int) -> None:
    assert signer_of(key) == (family, cost, None)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (rsa_key(of_bits(MAX_RSA_BITS + 1)), "has an RSA key of 8193 bits, 1 more than 8192"),
        (rsa_key(of_bits(1_000_000)), "has an RSA key of 1000000 bits, 991808 more than 8192"),
        (rsa_key(of_bits(2_048), MAX_EXPONENT + 2), "has an RSA key whose exponent has 32 bits, more than 31"),
        (
            rsa_key(of_bits(2_048), of_bits(400_000)),
            "has an RSA key whose exponent has 400000 bits, more than 31",
        ),
        (rsa_key(of_bits(2_048), 1), UNUSABLE),
        (rsa_key(of_bits(2_048), 65_536), UNUSABLE),
        (rsa_key(of_bits(2_048), -3), UNUSABLE),
        (rsa_key(1 << 2_048), UNUSABLE),
        (rsa_key(-of_bits(2_048)), UNUSABLE),
        (rsa_key(of_bits(2_048), after=NULL), UNUSABLE),
        (spki(RSA, NULL, bits=b"\x02\x01\x03"), UNUSABLE),
        (spki(RSA, NULL, bits=b""), UNUSABLE),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys_whose_signatures_are_not_checked(key: bytes, problem: str) -> None:
    assert signer_of(key) == ("", 1, problem)


def test_a_small_key_is_refused_though_its_signatures_are_checked() -> None:
    assert signer_of(rsa_key(of_bits(2_047))) == ("rsa", 1, "has an RSA key of 2047 bits, 1 fewer than 2048")


@pytest.mark.parametrize(
    "key",
    [
        spki_of(make.key("a", "k256")),
        rsa_key(of_bits(2_048), parameters=b""),
        spki_of(ed448.Ed448PrivateKey.from_private_bytes(bytes(57))),
    ],
)
def test_other_keys_may_not_sign(key: bytes) -> None:
    assert signer_of(key) == ("", 1, "has a key that is not one of P-256, P-384, P-521, RSA and Ed25519")


@pytest.mark.parametrize(
    "key",
    [
        *(spki_of(make.key("a", kind)) for kind in ("p256", "p384", "p521", "k256", "ed25519", "rsa-1024", "rsa-2048")),
        spki_of(ed448.Ed448PrivateKey.from_private_bytes(bytes(57))),
        spki_of(dsa.generate_private_key(1024)),
        spki(EC, P256, bits=b"\x02" + bytes(32)),
        spki(EC, P256, bits=b"\x03" + bytes(32)),
        spki(EC, P521, bits=b"\x04" + bytes(132)),
        spki(EC, BRAINPOOL, bits=b"\x04" + bytes(7)),  # we do not know how long its points are
        rsa_key(of_bits(512), 3),
        rsa_key(of_bits(16_384), of_bits(100)),  # nothing of it is ever computed
        spki(asn1.tlv(6, b"\x2a\x03"), bits=b""),  # perhaps of tomorrow
    ],
)
def test_keys_that_a_leaf_may_have(key: bytes) -> None:
    assert leaf_key_problem(key) is None


def of_kind(name: str) -> bytes:
    return spki(asn1.tlv(6, bytes.fromhex(name)), bits=bytes(32))


WRONG_FORM = "has an elliptic-curve key whose point is neither uncompressed nor compressed"
NO_CURVE = "has an elliptic-curve key that does not name its curve"
NOT_RSA = "has an RSA key that is not an odd modulus and an odd exponent"


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (
            spki_of(x25519.X25519PrivateKey.from_private_bytes(bytes(32))),
            "has a key for X25519, which makes no signatures",
        ),
        (spki_of(x448.X448PrivateKey.from_private_bytes(bytes(56))), "has a key for X448, which makes no signatures"),
        (of_kind("2a8648ce3e0201"), "has a key for Diffie-Hellman, which makes no signatures"),
        (of_kind("2a864886f70d010301"), "has a key for Diffie-Hellman, which makes no signatures"),
        (of_kind("2b8104010c"), "has a key for ECDH, which makes no signatures"),
        (of_kind("2b8104010d"), "has a key for ECMQV, which makes no signatures"),
        (of_kind("2a864886f70d010107"), "has a key for RSAES-OAEP, which makes no signatures"),
        (spki(EC, bits=b"\x04" + bytes(64)), NO_CURVE),
        (spki(EC, NULL, bits=b"\x04" + bytes(64)), NO_CURVE),
        (spki(EC, asn1.sequence(b"\x02\x01\x01"), bits=b"\x04" + bytes(64)), NO_CURVE),
        (spki(EC, P256, bits=b"\x06" + bytes(64)), WRONG_FORM),
        (spki(EC, P256, bits=b"\x00"), WRONG_FORM),
        (spki(EC, P256, bits=b""), WRONG_FORM),
        (spki(EC, BRAINPOOL, bits=b"\x07" + bytes(64)), WRONG_FORM),
        (
            spki(EC, P256, bits=b"\x04" + bytes(63)),
            "has an elliptic-curve key whose point has 64 octets, which is not that of its curve",
        ),
        (
            spki(EC, P256, bits=b"\x02" + bytes(64)),
            "has an elliptic-curve key whose point has 65 octets, which is not that of its curve",
        ),
        (spki(ED25519, NULL, bits=bytes(32)), "has an Edwards-curve key with parameters, which must be absent"),
        (spki(ED25519, bits=bytes(31)), "has an Edwards-curve key of 31 octets, not 32"),
        (spki(ED448, bits=bytes(32)), "has an Edwards-curve key of 32 octets, not 57"),
        (rsa_key(of_bits(2_048), parameters=b""), "has an RSA key whose parameters are not NULL"),
        (rsa_key(1 << 2_047), NOT_RSA),
        (rsa_key(of_bits(2_048), 2), NOT_RSA),
        (spki(RSA, NULL, bits=bytes(256)), NOT_RSA),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys_that_a_leaf_may_not_have(key: bytes, problem: str) -> None:
    assert leaf_key_problem(key) == problem
