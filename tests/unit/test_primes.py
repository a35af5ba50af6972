"""The packaged primes, and the pairs made of them."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from spiffesim.primes import PAIRS, POOL, pair


def is_probably_prime(number: int, chance: random.Random, rounds: int = 3) -> bool:
    """Miller and Rabin's test; one round is wrong about a random number of this size with next to no chance."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(rounds):
        power = pow(chance.randrange(2, number - 1), odd, number)
        squares = [power]
        for _ in range(twos - 1):
            squares.append(squares[-1] ** 2 % number)
        if power != 1 and number - 1 not in squares:
            return False
    return True


def pool(bits: int) -> list[int]:
    """All primes of a size, through the pairs: the first pair, and then each larger one of a pair with the first."""
    first, second = pair(bits, 0)
    return [second, first, *(pair(bits, number * (number - 1) // 2)[0] for number in range(2, POOL))]


@pytest.mark.parametrize("bits", [2048, 4096])
def test_there_are_256_primes_of_a_size_ascending_and_with_their_two_highest_bits_set(bits: int) -> None:
    primes = pool(bits)
    assert len(primes) == 256
    assert primes == sorted(set(primes))
    assert {prime >> (bits // 2 - 2) for prime in primes} == {0b11}
    # RSA's public exponent has to be invertible: it is prime itself.
    assert all((prime - 1) % 65537 for prime in primes)
    # Whoever factors by Fermat's method needs primes that are close together.
    assert min(after - before for before, after in pairwise(primes)) > 2**900


@pytest.mark.parametrize(("bits", "sample"), [(2048, 12), (4096, 3)])
def test_a_sample_of_them_is_prime(bits: int, sample: int) -> None:
    chance = random.Random(bits)
    for prime in chance.sample(pool(bits), sample):
        assert is_probably_prime(prime, chance)
        assert not is_probably_prime(prime + 2 * 65537, chance)  # the check can say no


@pytest.mark.parametrize("bits", [2048, 4096])
def test_every_pair_is_another_product_of_exactly_that_many_bits(bits: int) -> None:
    products = set()
    for index in range(PAIRS):
        larger, smaller = pair(bits, index)
        assert larger > smaller
        products.add(larger * smaller)
    assert len(products) == PAIRS == 32_640
    assert {product.bit_length() for product in products} == {bits}
