"""The disk key manager: as the memory one, but that its keys stay."""

from __future__ import annotations

import pickle

from spiffesim.plugins.key_manager import ForgetfulKeyManager, KeyManager
from spiffesim.plugins.key_manager.disk import DiskKeyManager
from spiffesim.plugins.key_manager.memory import MemoryKeyManager
from spiffesim.randomness import Randomness


def test_it_draws_the_same_keys_as_the_memory_key_manager() -> None:
    disk, memory = DiskKeyManager(Randomness(1), "root"), MemoryKeyManager(Randomness(1), "root")
    assert isinstance(disk, KeyManager)
    for key_id in ("a", "b", "a"):
        assert disk.generate_key(key_id, "ec-p256").pkcs8 == memory.generate_key(key_id, "ec-p256").pkcs8
    assert (disk.name, repr(disk)) == ("disk", "<DiskKeyManager of root: 2 keys>")


def test_its_keys_outlive_the_process_and_those_in_memory_do_not() -> None:
    randomness = Randomness(1)
    disk, memory = DiskKeyManager(randomness, "root"), MemoryKeyManager(randomness, "nested")
    assert not isinstance(disk, ForgetfulKeyManager)
    assert isinstance(memory, ForgetfulKeyManager)
    first = memory.generate_key("a", "ec-p256")
    memory.forget()
    assert (memory.get_key("a"), memory.key_ids()) == (None, ())
    assert memory.generate_key("a", "ec-p256").pkcs8 != first.pkcs8
    key = disk.generate_key("a", "ec-p256")
    assert pickle.loads(pickle.dumps(disk)).get_key("a").pkcs8 == key.pkcs8
