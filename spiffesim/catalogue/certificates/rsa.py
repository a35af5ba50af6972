"""RSA by hand: what ``cryptography`` would do with a salt of its own choice, or not at all.

Spec: RFC 8017 8.1.1, 9.1.1 and 9.2
"""

from __future__ import annotations

import hashlib
from functools import cached_property, lru_cache
from math import gcd, prod
from typing import Any, Final

import attrs

from spiffesim.catalogue.certificates.signer import (
    EXPONENT,
    NULL,
    RSA_SHA256,
    SMALL_PRIMES,
    Signer,
    rsa,
    signer,
)
from spiffesim.catalogue.hierarchy import Hierarchy
from spiffesim.keys import rsa_key
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
        encoded = _pss_encoded(data, digest, size, self.private_key.key_size - 1)
        return _signature(encoded, ((numbers.p, 1), (numbers.q, 1)))


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
class HugeSigner(Signer):
    """An RSA key of more than 9,000 bits, whose arguments are the factors of its modulus, each a prime and its power.

    It signs with PKCS #1 v1.5 and SHA-256. A power of a small prime is as good as a large prime to whoever verifies, and
    a signature takes a hundredth of the time.
    """

    def sign(self, data: bytes) -> bytes:
        """The signature over some bytes."""
        tag = der.sequence(_SHA256, der.octet_string(hashlib.sha256(data).digest()))
        length = (self._modulus.bit_length() + 7) // 8
        return _signature(b"\0\1" + (b"\0" + tag).rjust(length - 2, b"\xff"), self.arguments)

    @cached_property
    def spki(self) -> bytes:
        """The public key as a DER SubjectPublicKeyInfo."""
        bits = der.sequence(der.integer(self._modulus), der.integer(EXPONENT))
        return der.sequence(der.sequence(der.oid("1.2.840.113549.1.1.1"), NULL), der.bit_string(bits))

    @property
    def _modulus(self) -> int:
        return prod(prime**power for prime, power in self.arguments)


HUGE: Final = HugeSigner(None, RSA_SHA256, tuple((prime, 9) for prime in SMALL_PRIMES))
"""The one that there is."""


@lru_cache(maxsize=16)
def large_exponent(hierarchy: Hierarchy) -> Signer:
    """The RSA key of a hierarchy whose exponent has 33 bits."""
    numbers = signer(hierarchy, "rsa-2048").private_key.private_numbers()
    order = (numbers.p - 1) * (numbers.q - 1)
    exponent = next(odd for odd in range((1 << 32) + 1, 1 << 33, 2) if gcd(odd, order) == 1)
    return rsa(Signer(rsa_key(numbers.p, numbers.q, exponent), b""), "SHA256")


@lru_cache(maxsize=64)  # a root that signs itself is the same in all cases of a hierarchy
def _signature(encoded: bytes, factors: tuple[tuple[Any, int], ...]) -> bytes:
    """The signature of an encoded message: a root for each factor, put together, which is faster than one of all."""
    message, signature, modulus = int.from_bytes(encoded, "big"), 0, 1
    for prime, power in factors:
        factor = prime**power
        signature += (_root(message, prime, power) - signature) * pow(modulus, -1, factor) % factor * modulus
        modulus *= factor
    return signature.to_bytes(len(encoded), "big")


def _root(message: int, prime: int, power: int) -> int:
    """The root of a message modulo a power of a prime: that modulo the prime, made more exact by Newton's method."""
    root, known = pow(message % prime, pow(EXPONENT, -1, prime - 1), prime), 1
    while known < power:
        known = min(2 * known, power)
        factor = prime**known
        slope = pow(root, EXPONENT - 1, factor)
        root = (root - (slope * root - message) * pow(EXPONENT * slope, -1, factor)) % factor
    return root
