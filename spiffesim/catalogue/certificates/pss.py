"""RSASSA-PSS whose salt is a function of what is signed, so that the same case is the same bytes each time.

Spec: RFC 8017 8.1.1 and 9.1.1
"""

from __future__ import annotations

import hashlib
from typing import Final

import attrs

from spiffesim.catalogue.certificates.signer import NULL, Signer
from spiffesim.spiffe.x509 import der

_PSS: Final = der.oid("1.2.840.113549.1.1.10")
_MASK: Final = der.oid("1.2.840.113549.1.1.8")
_SHA256: Final = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), NULL)

PSS_SHA1: Final = der.sequence(_PSS, der.sequence())
"""The AlgorithmIdentifier with parameters of which all have their defaults: SHA-1, and a salt of 20 bytes."""

PSS_SHA256: Final = der.sequence(
    _PSS,
    der.sequence(der.tlv(0xA0, _SHA256), der.tlv(0xA1, der.sequence(_MASK, _SHA256)), der.tlv(0xA2, der.integer(32))),
)
"""The AlgorithmIdentifier with SHA-256 throughout, and a salt of 32 bytes."""


@attrs.frozen(eq=False, slots=False)
class PssSigner(Signer):
    """An RSA key that signs with RSASSA-PSS; its arguments are the name of the hash, and the size of the salt."""

    def sign(self, data: bytes) -> bytes:
        """The signature over some bytes."""
        digest, size = self.arguments
        numbers = self.private_key.private_numbers()
        bits: int = self.private_key.key_size
        encoded = int.from_bytes(_encoded(data, digest, size, bits - 1), "big")
        # The remainders of the two primes, put together: four times as fast as the power itself.
        high = pow(encoded, numbers.dmp1, numbers.p)
        low = pow(encoded, numbers.dmq1, numbers.q)
        signature: int = low + (high - low) * numbers.iqmp % numbers.p * numbers.q
        return signature.to_bytes(bits // 8, "big")


def _encoded(data: bytes, digest: str, size: int, bits: int) -> bytes:
    """What is raised to the power of the private exponent: EMSA-PSS."""
    length = (bits + 7) // 8
    hashed = hashlib.new(digest, data).digest()
    salt = hashlib.shake_256(data).digest(size)
    tag = hashlib.new(digest, bytes(8) + hashed + salt).digest()
    block = (b"\1" + salt).rjust(length - len(tag) - 1, b"\0")
    mask = _mask(tag, len(block), digest)
    masked = bytearray(a ^ b for a, b in zip(block, mask, strict=True))
    masked[0] &= 0xFF >> (8 * length - bits)
    return bytes(masked) + tag + b"\xbc"


def _mask(seed: bytes, length: int, digest: str) -> bytes:
    """MGF1."""
    size = hashlib.new(digest).digest_size
    blocks = (hashlib.new(digest, seed + counter.to_bytes(4, "big")).digest() for counter in range(-(-length // size)))
    return b"".join(blocks)[:length]
