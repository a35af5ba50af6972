"""A pool of RSA primes: finding one takes longer than a whole simulated day.

Anybody who has this package has the primes of every RSA key that it draws, and two keys may share one.

``1024.bin`` and ``2048.bin`` hold 256 primes each, ascending, as big-endian numbers of that many bits. The two
highest bits of each are set, so that every product of two has exactly twice the bits.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from math import isqrt
from typing import Final

POOL: Final = 256
"""How many primes there are of a size."""

PAIRS: Final = POOL * (POOL - 1) // 2
"""How many pairs of different primes that gives, and so RSA keys of a size."""


@cache
def _primes(bits: int) -> tuple[int, ...]:
    data = files(__name__).joinpath(f"{bits}.bin").read_bytes()
    size = bits // 8
    return tuple(int.from_bytes(data[at : at + size], "big") for at in range(0, len(data), size))


def pair(bits: int, index: int) -> tuple[int, int]:
    """The two primes of one RSA key, the larger first.

    Args:
        bits: The size of the key, 2048 or 4096.
        index: Which of the ``PAIRS``, from 0.
    """
    # The pairs in the order (1, 0), (2, 0), (2, 1), (3, 0), ...: the larger's place is a triangular root.
    larger = (isqrt(8 * index + 1) + 1) // 2
    smaller = index - larger * (larger - 1) // 2
    primes = _primes(bits // 2)
    return primes[larger], primes[smaller]
