"""RSA by hand: what ``cryptography`` would do with a salt of its own choice, or not at all.

Spec: RFC 8017 8.1.1, 9.1.1 and 9.2
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from math import gcd, prod
from typing import Any, Final

import attrs

from spiffesim.catalogue.certificates.signer import EXPONENT, NULL, RSA_SHA256, Signer, rsa, rsa_key
from spiffesim.catalogue.hierarchy import Hierarchy
from spiffesim.primes import POOL, pair
from spiffesim.spiffe.x509 import der

_PSS: Final = der.oid("1.2.840.113549.1.1.10")
_MASK: Final = der.oid("1.2.840.113549.1.1.8")
_SHA256: Final = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), NULL)
_PSS_PARAMETERS: Final = (
    der.tlv(0xA0, _SHA256),
    der.tlv(0xA1, der.sequence(_MASK, _SHA256)),
    der.tlv(0xA2, der.integer(32)),
)


@attrs.frozen(eq=False, slots=False)
class PssSigner(Signer):
    """An RSA key that signs with RSASSA-PSS.

    Its arguments are the name of the hash, and the size of the salt, which is a function of what is signed: the same
    case is the same bytes each time.
    """

    def sign(self, data: bytes) -> bytes:
        """The signature over some bytes."""
        digest, size = self.arguments
        numbers = self.private_key.private_numbers()
        return _power(_pss_encoded(data, digest, size, self.private_key.key_size - 1), (numbers.p, numbers.q))


def pss_sha256(key: Signer) -> PssSigner:
    """An RSA key that signs with RSASSA-PSS, SHA-256 throughout, and a salt of 32 bytes."""
    return PssSigner(key.private_key, der.sequence(_PSS, der.sequence(*_PSS_PARAMETERS)), ("sha256", 32))


def pss_sha1(key: Signer) -> PssSigner:
    """An RSA key that signs with RSASSA-PSS whose parameters have their defaults: SHA-1, and a salt of 20 bytes."""
    return PssSigner(key.private_key, der.sequence(_PSS, der.sequence()), ("sha1", 20))


def _pss_encoded(data: bytes, digest: str, size: int, bits: int) -> bytes:
    length = (bits + 7) // 8
    salt = hashlib.shake_256(data).digest(size)
    tag = hashlib.new(digest, bytes(8) + hashlib.new(digest, data).digest() + salt).digest()
    block = (b"\1" + salt).rjust(length - len(tag) - 1, b"\0")
    masked = bytearray(a ^ b for a, b in zip(block, _mask(tag, len(block), digest), strict=True))
    masked[0] &= 0xFF >> (8 * length - bits)
    return bytes(masked) + tag + b"\xbc"


def _mask(seed: bytes, length: int, digest: str) -> bytes:
    """What is laid over a block: MGF1."""
    counters = range(-(-length // hashlib.new(digest).digest_size))
    return b"".join(hashlib.new(digest, seed + counter.to_bytes(4, "big")).digest() for counter in counters)[:length]


@attrs.frozen(eq=False, slots=False)
class MultiPrimeSigner(Signer):
    """An RSA key of many primes, its arguments: a key of any size, without a search for primes of half of it."""

    def sign(self, data: bytes) -> bytes:
        """The signature over some bytes: PKCS #1 v1.5, and SHA-256."""
        tag = der.sequence(_SHA256, der.octet_string(hashlib.sha256(data).digest()))
        length = (prod(self.arguments).bit_length() + 7) // 8
        return _power(b"\0\1" + (b"\0" + tag).rjust(length - 2, b"\xff"), self.arguments)

    @cached_property
    def spki(self) -> bytes:
        """The public key as a DER SubjectPublicKeyInfo."""
        bits = der.sequence(der.integer(prod(self.arguments)), der.integer(EXPONENT))
        return der.sequence(der.sequence(der.oid("1.2.840.113549.1.1.1"), NULL), der.bit_string(bits))


@lru_cache(maxsize=16)
def of_nine_primes(hierarchy: Hierarchy) -> Signer:
    """The RSA key of a hierarchy that is the product of nine primes of 1024 bits, and so has more than 9,000."""
    first = _drawn(hierarchy, "nine primes", POOL - 9) + 1
    return MultiPrimeSigner(None, RSA_SHA256, tuple(_prime(place) for place in range(first, first + 9)))


@lru_cache(maxsize=16)
def large_exponent(hierarchy: Hierarchy) -> Signer:
    """The RSA key of a hierarchy whose exponent has 33 bits."""
    p, q = (_prime(_drawn(hierarchy, "large exponent", POOL - 2) + place) for place in (1, 2))
    exponent = next(odd for odd in range((1 << 32) + 1, 1 << 33, 2) if gcd(odd, (p - 1) * (q - 1)) == 1)
    return rsa(Signer(rsa_key(p, q, exponent), b""), "SHA256")


def _drawn(hierarchy: Hierarchy, name: str, below: int) -> int:
    return hierarchy.draw(name).randomness.number(f"key {name}", 0, below)


def _prime(place: int) -> int:
    """The prime of 1024 bits at a place from 1 on."""
    return pair(2048, place * (place - 1) // 2)[0]


def _power(encoded: bytes, primes: Sequence[Any]) -> bytes:
    """The signature of an encoded message: a power for each prime, put together, which is faster than one of all."""
    message, signature, modulus = int.from_bytes(encoded, "big"), 0, 1
    for prime in primes:
        root = pow(message % prime, pow(EXPONENT, -1, prime - 1), prime)
        signature += (root - signature) * pow(modulus, -1, prime) % prime * modulus
        modulus *= prime
    return signature.to_bytes(len(encoded), "big")
