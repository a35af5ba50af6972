"""Deterministic ECDSA by RFC 6979 3.2, step by step; only the multiplication of a point is left to `cryptography`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec

ORDERS = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": int("FF" * 24 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    "secp521r1": int("01" + "FF" * 32 + "FA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16),
}


def signature(key: ec.EllipticCurvePrivateKey, digest: str, data: bytes) -> tuple[int, int]:
    """The r and s of a signature with a hash, such as ``"sha256"``."""
    order = ORDERS[key.curve.name]
    size = (order.bit_length() + 7) // 8
    secret = key.private_numbers().private_value
    number = _bits(hashlib.new(digest, data).digest(), order) % order
    seed = secret.to_bytes(size, "big") + number.to_bytes(size, "big")
    for k in _candidates(digest, seed, order, size):
        r = ec.derive_private_key(k, key.curve).public_key().public_numbers().x % order
        s = pow(k, -1, order) * (number + r * secret) % order
        if r and s:
            return r, s
    raise AssertionError


def _candidates(digest: str, seed: bytes, order: int, size: int) -> Iterator[int]:
    length = hashlib.new(digest).digest_size
    value, key = b"\x01" * length, b"\x00" * length
    for mark in (b"\x00", b"\x01"):
        key = hmac.digest(key, value + mark + seed, digest)
        value = hmac.digest(key, value, digest)
    while True:
        stream = b""
        while len(stream) < size:
            value = hmac.digest(key, value, digest)
            stream += value
        k = _bits(stream[:size], order)
        if 1 <= k < order:
            yield k
        key = hmac.digest(key, value + b"\x00", digest)
        value = hmac.digest(key, value, digest)


def _bits(data: bytes, order: int) -> int:
    """The leftmost bits, as many as the order has (bits2int)."""
    return int.from_bytes(data, "big") >> max(0, len(data) * 8 - order.bit_length())
