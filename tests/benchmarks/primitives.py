"""The raw primitives: what ``cryptography`` does, with nothing around it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import count
from statistics import median
from time import process_time
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

P256: Final = ec.SECP256R1()
ES256: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
VERIFY: Final = ec.ECDSA(hashes.SHA256())

REFERENCE: Final = 62e-6
"""What one raw P-256 verification takes on the machine for which absolute times are given, in seconds."""


def scalars() -> Iterator[int]:
    """Private keys on P-256."""
    for number in count():
        yield 1 + int.from_bytes(hashlib.sha256(b"scalar %d" % number).digest(), "big") % (1 << 255)


KEY: Final = ec.derive_private_key(next(scalars()), P256)


def derivation_and_signature(data: bytes) -> Callable[[], object]:
    """Derive a new key, and sign data with another one."""
    numbers = scalars()

    def run() -> None:
        ec.derive_private_key(next(numbers), P256)
        KEY.sign(data, ES256)

    return run


def signature(data: bytes) -> Callable[[], object]:
    """Sign data, deterministically."""
    return lambda: KEY.sign(data, ES256)


def verification(data: bytes = bytes(400)) -> Callable[[], object]:
    """Verify one signature over data."""
    public_key, signed = KEY.public_key(), KEY.sign(data, ES256)
    return lambda: public_key.verify(signed, data, VERIFY)


def verification_time(rounds: int = 2000) -> float:
    """What one verification takes now, in seconds of the processor; the median over the rounds."""
    verify, times = verification(), []
    for _ in range(rounds):
        began = process_time()
        verify()
        times.append(process_time() - began)
    return median(times)
