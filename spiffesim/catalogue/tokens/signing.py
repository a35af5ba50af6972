"""Signatures by any algorithm and any key, whether or not the two belong together; none of them is random."""

from __future__ import annotations

import hashlib
import hmac
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from spiffesim.catalogue.hierarchy import Hierarchy
from spiffesim.keys import rsa_key
from spiffesim.spiffe.jose import PrivateKey

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points the curve P-256 has; r and s of its signatures are below."""

_DIGESTS: Final = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def sign(algorithm: str, private_key: PrivateKey, data: bytes) -> bytes:
    """The raw signature of a JWS.

    Args:
        algorithm: ``ES``, ``RS`` or ``PS``, and the bits of the digest.
        private_key: A key of that type; of ECDSA on any curve, whose r and s then are as long as the curve wants.
        data: The bytes to sign.

    Spec: RFC 7518 3.3, 3.4 and 3.5
    """
    digest = _DIGESTS[algorithm[2:]]
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private_key.sign(data, _ecdsa(algorithm)))
        size = (private_key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if algorithm.startswith("PS"):
        return _sign_pss(private_key, data, digest.name)
    return private_key.sign(data, padding.PKCS1v15(), digest)


@cache
def _ecdsa(algorithm: str) -> ec.ECDSA:
    return ec.ECDSA(_DIGESTS[algorithm[2:]], deterministic_signing=True)


def _sign_pss(private_key: rsa.RSAPrivateKey, data: bytes, digest: str) -> bytes:
    """RSASSA-PSS with a salt that is made of the data (``cryptography`` draws one).

    Spec: RFC 8017 9.1.1
    """
    numbers = private_key.private_numbers()
    modulus = numbers.public_numbers.n
    size = (private_key.key_size + 7) // 8
    hashed = hashlib.new(digest, data).digest()
    salt = hashlib.new(digest, b"salt" + hashed).digest()
    seal = hashlib.new(digest, bytes(8) + hashed + salt).digest()
    block = b"\1".rjust(size - 2 * len(seal) - 1, b"\0") + salt
    masked = bytes(a ^ b for a, b in zip(block, _mask(seal, len(block), digest), strict=True))
    encoded = int.from_bytes(masked + seal + b"\xbc", "big") % (1 << (private_key.key_size - 1))
    return pow(encoded, numbers.d, modulus).to_bytes(size, "big")


def _mask(seed: bytes, size: int, digest: str) -> bytes:
    """MGF1 (RFC 8017 B.2.1)."""
    found = b""
    while len(found) < size:
        counter = len(found) // len(seed)
        found += hashlib.new(digest, seed + counter.to_bytes(4, "big")).digest()
    return found[:size]


def sign_without_salt(private_key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    """RSASSA-PSS with SHA-256 and an empty salt."""
    digest = hashes.SHA256()
    return private_key.sign(data, padding.PSS(padding.MGF1(digest), 0), digest)


def authenticate(secret: bytes, data: bytes) -> bytes:
    """HMAC with SHA-256, as HS256 has it."""
    return hmac.digest(secret, data, "sha256")


def split(signature: bytes) -> tuple[int, int]:
    """R and s of a raw ECDSA signature."""
    half = len(signature) // 2
    return int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")


def joined(r: int, s: int, size: int = 32) -> bytes:
    """A raw ECDSA signature of r and s, each in so many bytes."""
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


# Keys that no server of SPIRE has


def p521_key(hierarchy: Hierarchy, name: str) -> ec.EllipticCurvePrivateKey:
    """A key on the curve P-521."""
    return ec.derive_private_key(hierarchy.draw(name).serial, ec.SECP521R1())


def secp256k1_key(hierarchy: Hierarchy, name: str) -> ec.EllipticCurvePrivateKey:
    """A key on the curve secp256k1, which no SVID may be signed with."""
    return ec.derive_private_key(hierarchy.draw(name).serial, ec.SECP256K1())


def ed25519_key(hierarchy: Hierarchy, name: str) -> ed25519.Ed25519PrivateKey:
    """A key for EdDSA."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(hierarchy.draw(name).serial.to_bytes(32, "big"))


@cache
def small_rsa_key() -> Any:
    """An RSA key of 2047 bits, one fewer than must be; everybody's, since primes are expensive."""
    return rsa_key(2**1279 - 1, 2**768 - 825)
