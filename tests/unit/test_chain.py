"""Chains that share their tails."""

from __future__ import annotations

import pickle

import attrs

from spiffesim.chain import Chain, ders


@attrs.frozen
class Fake:
    """Enough of a certificate."""

    der: bytes
    subject: bytes = b""
    subject_key_id: bytes | None = None
    not_before: int = 0
    not_after: int = 0


A, B, C = (Fake(letter) for letter in (b"a", b"b", b"c"))


def test_a_chain_is_read_from_its_head() -> None:
    chain = Chain(A, Chain(B, Chain(C)))
    assert list(chain) == [A, B, C]
    assert (len(chain), chain.head) == (3, A)
    assert ders(chain) == (b"a", b"b", b"c")


def test_two_chains_share_the_tail_that_they_are_made_with() -> None:
    tail = Chain(C)
    first, second = Chain(A, tail), Chain(B, tail)
    assert first.tail is second.tail is tail
    assert (list(first), list(second)) == ([A, C], [B, C])


def test_a_chain_is_made_of_certificates_in_their_order() -> None:
    chain = Chain.of((A, B, C))
    assert chain is not None
    assert list(chain) == [A, B, C]
    assert Chain.of(()) is None


def test_a_chain_of_many_thousands_is_measured_read_and_pickled() -> None:
    chain = Chain.of([Fake(number.to_bytes(2, "big")) for number in range(20_000)])
    assert chain is not None
    other = pickle.loads(pickle.dumps(chain))
    assert len(chain) == len(other) == 20_000
    assert ders(other) == ders(chain)
