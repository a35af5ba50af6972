"""The memory key manager."""

from __future__ import annotations

import pickle

import pytest

from spiffesim.errors import InvalidInput
from spiffesim.keys import KEY_TYPES, Draw
from spiffesim.plugins.key_manager import KeyManager
from spiffesim.plugins.key_manager.memory import MemoryKeyManager
from spiffesim.randomness import Randomness


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_key_is_drawn_from_the_stream_of_its_server_and_id(key_type: str) -> None:
    keys = MemoryKeyManager(Randomness(1), "root")
    key = keys.generate_key("x509-CA-A", key_type.upper())
    assert key.type == key_type
    assert key.pkcs8 == Draw(Randomness(1), "root x509-CA-A", 0).key(key_type).pkcs8
    assert keys.get_key("x509-CA-A") is key


def test_another_key_takes_the_place_of_the_first() -> None:
    keys = MemoryKeyManager(Randomness(1), "root")
    assert isinstance(keys, KeyManager)
    first = keys.generate_key("a", "ec-p256")
    other = keys.generate_key("b", "ec-p256")
    second = keys.generate_key("a", "ec-p256")
    assert len({first.pkcs8, second.pkcs8, other.pkcs8}) == 3
    assert keys.get_key("a") is second
    assert keys.get_key("c") is None
    assert list(keys.key_ids()) == ["a", "b"]
    assert (keys.name, repr(keys)) == ("memory", "<MemoryKeyManager of root: 2 keys>")


def test_servers_share_no_keys() -> None:
    randomness = Randomness(1)
    first, second = (MemoryKeyManager(randomness, name).generate_key("a", "ec-p256") for name in ("root", "nested"))
    assert first.pkcs8 != second.pkcs8


def test_an_unknown_type_is_refused_in_spires_words() -> None:
    keys = MemoryKeyManager(Randomness(1), "root")
    with pytest.raises(InvalidInput, match='key type "dsa" is unknown; must be one of'):
        keys.generate_key("a", "dsa")
    assert list(keys.key_ids()) == []


def test_keys_pickle() -> None:
    keys = MemoryKeyManager(Randomness(1), "root")
    key = keys.generate_key("a", "ec-p256")
    other = pickle.loads(pickle.dumps(keys))
    assert other.get_key("a").pkcs8 == key.pkcs8
    assert other.generate_key("a", "ec-p256").pkcs8 == keys.generate_key("a", "ec-p256").pkcs8
