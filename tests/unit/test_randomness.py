"""Named streams of random bytes: a draw is a function of seed, name and counter."""

from __future__ import annotations

import hashlib
import uuid

from hypothesis import given
from hypothesis import strategies as st

from spiffesim.randomness import Randomness, draw_seed


def stream(seed: int | str, name: str, counter: int, size: int) -> bytes:
    """A draw as the documentation of the streams has it, without the code under test."""
    text = name.encode()
    root = hashlib.sha256(repr(seed).encode()).digest()
    return hashlib.shake_256(root + len(text).to_bytes(4, "big") + text + counter.to_bytes(8, "big")).digest(size)


@given(st.integers() | st.text(), st.text(max_size=40), st.integers(0, 2**40), st.integers(0, 200))
def test_a_draw_is_a_function_of_seed_name_and_counter(seed: int | str, name: str, counter: int, size: int) -> None:
    assert Randomness(seed).bytes(name, counter, size) == stream(seed, name, counter, size)


def test_other_draws_before_it_change_nothing() -> None:
    alone, busy = Randomness(7), Randomness(7)
    for counter in range(50):
        busy.bytes("b", counter, 64)
        busy.serial("a", counter)
        busy.count("a")
    assert busy.bytes("a", 3, 32) == alone.bytes("a", 3, 32)


def test_seed_name_and_counter_each_make_another_stream() -> None:
    draws = [
        Randomness(seed).bytes(name, counter, 32)
        for seed in (1, "1", 2)
        for name in ("a", "b", "")
        for counter in (0, 1)
    ]
    assert len(set(draws)) == 18


def test_no_two_names_run_into_each_other() -> None:
    # Without the length of the name in front, "a" with one counter would be "a\0" with another.
    randomness = Randomness(1)
    assert randomness.bytes("a", 0, 8) != randomness.bytes("a\0", 0, 8)


def test_the_streams_are_those_of_every_earlier_release() -> None:
    # Written out: a change here breaks every world that anybody has kept a seed of.
    randomness = Randomness(1)
    assert randomness.bytes("x", 0, 8).hex() == "d283b3e081ac817c"
    assert randomness.text("x", 0) == "yh3MfWfa5EshDJxylWfC0ewLgnW1x0Uf"
    assert randomness.uuid("x", 0) == "d283b3e0-81ac-417c-b7d8-8e455b9f9356"
    assert randomness.serial("x", 0) == 159302553217111494567487522184012420514


@given(st.text(max_size=10), st.integers(0, 2**32), st.integers(1, 2**400))
def test_a_number_is_below_its_bound(name: str, counter: int, below: int) -> None:
    number = Randomness(3).number(name, counter, below)
    drawn = stream(3, name, counter, (below.bit_length() + 71) // 8)
    assert number == int.from_bytes(drawn, "big") % below
    assert len(drawn) * 8 >= below.bit_length() + 64


def test_every_number_comes_up_about_as_often_as_every_other() -> None:
    numbers = [Randomness(3).number("dice", counter, 6) for counter in range(6000)]
    assert all(900 < numbers.count(face) < 1100 for face in range(6))


def test_serial_numbers_fill_their_range_and_need_17_octets_as_often_as_not() -> None:
    serials = [Randomness(3).serial("s", counter) for counter in range(2000)]
    assert all(1 <= serial < 2**128 for serial in serials)
    assert 900 < sum(serial >= 2**127 for serial in serials) < 1100
    assert len(set(serials)) == 2000


class Extreme(Randomness):
    """Streams that only ever give zeros, or ones."""

    def __init__(self, octet: int) -> None:
        super().__init__(0)
        self.octet = octet

    def bytes(self, name: str, counter: int, size: int) -> bytes:
        return bytes([self.octet]) * size


def test_the_smallest_serial_number_is_one() -> None:
    assert Extreme(0).serial("s", 0) == 1
    assert 1 <= Extreme(0xFF).serial("s", 0) < 2**128


def test_a_text_maps_each_byte_modulo_62() -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    text = Randomness(9).text("kid", 4)
    assert text == "".join(letters[octet % 62] for octet in stream(9, "kid", 4, 32))
    assert Randomness(9).text("kid", 4, 5) == text[:5]


def test_a_uuid_is_a_random_one() -> None:
    for counter in range(50):
        drawn = uuid.UUID(Randomness(9).uuid("u", counter))
        assert drawn == uuid.UUID(bytes=stream(9, "u", counter, 16), version=4)
        assert (drawn.version, drawn.variant) == (4, uuid.RFC_4122)


def test_a_count_counts_the_occurrences_of_a_name() -> None:
    randomness = Randomness(1)
    assert [randomness.count(name) for name in "aabac"] == [0, 1, 0, 2, 0]


def test_a_drawn_seed_is_another_each_time() -> None:
    seeds = {draw_seed() for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed < 2**48 for seed in seeds)
