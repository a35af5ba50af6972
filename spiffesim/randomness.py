"""Seeded randomness in named streams.

A draw is a function of (seed, name, counter), never of what was drawn before it: adding one draw in
one place moves no other.
"""

from __future__ import annotations

import hashlib
import os
from typing import Final

from spiffesim.errors import InvalidInput

# SPIRE: pkg/server/ca/manager/manager.go (newKeyID) maps each random byte onto these, modulo 62.
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_MAX_SERIAL: Final = (1 << 128) - 1


def draw_seed() -> int:
    """A seed from the system's entropy, for a simulation that was given none."""
    return int.from_bytes(os.urandom(6), "big")  # noqa: TID251 - the one place where chance enters; repr shows it


class Randomness:
    """Counter-based streams of random bytes, each with a name made of content.

    Args:
        seed: Any value with a stable repr; an int by custom.
    """

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self._root = hashlib.sha256(repr(seed).encode()).digest()
        self._occurrences: dict[str, int] = {}
        self._rsa_pairs: dict[int, set[int]] = {}

    def bytes(self, name: str, counter: int, size: int) -> bytes:
        """The ``size`` bytes of draw ``counter`` of the stream ``name``."""
        label = name.encode()
        drawn_from = self._root + len(label).to_bytes(4, "big") + label + counter.to_bytes(8, "big")
        return hashlib.shake_256(drawn_from).digest(size)

    def number(self, name: str, counter: int, below: int) -> int:
        """A number in [0, below), with 64 bits more drawn than it needs, so that the bias is negligible."""
        return int.from_bytes(self.bytes(name, counter, (below.bit_length() + 71) // 8), "big") % below

    def chance(self, name: str, counter: int) -> float:
        """A number in [0, 1): one of the floats that are a multiple of 2**-53."""
        return (int.from_bytes(self.bytes(name, counter, 7), "big") >> 3) * 2.0**-53

    def serial(self, name: str, counter: int) -> int:
        """A certificate serial number in [1, 2**128 - 1].

        SPIRE: pkg/common/x509util/serialnumber.go
        """
        return self.number(name, counter, _MAX_SERIAL) + 1

    def text(self, name: str, counter: int, length: int = 32) -> str:
        """Letters and digits, as SPIRE draws key IDs."""
        return "".join(_ALPHABET[byte % 62] for byte in self.bytes(name, counter, length))

    def uuid(self, name: str, counter: int) -> str:
        """A random (version 4) UUID."""
        drawn = bytearray(self.bytes(name, counter, 16))
        drawn[6] = drawn[6] & 0x0F | 0x40
        drawn[8] = drawn[8] & 0x3F | 0x80
        text = drawn.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def count(self, name: str) -> int:
        """The number of this occurrence of a name: 0, then 1, ..."""
        counter = self._occurrences.get(name, 0)
        self._occurrences[name] = counter + 1
        return counter

    def rsa_pair(self, name: str, counter: int, bits: int) -> int:
        """The index of a pair of primes that no other key of this world uses.

        The drawn pair, or the next free one: the only draw that depends on what came before.
        """
        from spiffesim.primes import PAIRS

        used = self._rsa_pairs.setdefault(bits, set())
        if len(used) >= PAIRS:
            raise InvalidInput(
                f"this world already holds {PAIRS} keys of type rsa-{bits}, all that the packaged primes give; "
                "use ec-p256 for the rest",
                code="rsa_pool_exhausted",
                bits=bits,
            )
        index = self.number(name, counter, PAIRS)
        while index in used:
            index = (index + 1) % PAIRS
        used.add(index)
        return index
