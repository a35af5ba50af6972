"""The conformance suite for key managers."""

from __future__ import annotations

from abc import abstractmethod

from spiffesim.errors import InvalidInput
from spiffesim.keys import KEY_TYPES, Key
from spiffesim.plugins.key_manager import KeyManager
from spiffesim.plugins.testing.suite import Conformance, expect, require


class KeyManagerConformance(Conformance):
    """What a server demands of its key manager."""

    @abstractmethod
    def key_manager(self) -> KeyManager:
        """The key manager under test, made anew, without keys."""

    def plugin(self) -> KeyManager:
        """The key manager under test."""
        return self.key_manager()

    def test_keys_are_of_the_type_that_was_asked_for(self) -> None:
        """A key is a ``Key`` of the type that was asked for, in upper or lower case, and signs."""
        plugin = self.plugin()
        for key_type in KEY_TYPES:
            for spelled in (key_type, key_type.upper()):
                key = plugin.generate_key("x509-CA-A", spelled)
                require(isinstance(key, Key), f"{spelled} gave {type(key).__name__}, not a Key")
                require(key.type == key_type, f"{spelled} gave a key of type {key.type}")
                require(Key.foreign(key.private_key).type == key_type, f"{spelled} gave another kind of private key")
                require(key.spki == Key.foreign(key.private_key).spki, "its public key is not that of its private key")

    def test_an_unknown_type_is_refused(self) -> None:
        """A type that SPIRE does not have is refused with InvalidInput (``spiffesim.keys.check_key_type``)."""
        plugin = self.plugin()
        key = expect(InvalidInput, lambda: plugin.generate_key("x509-CA-A", "ed25519"))
        require(key is None, 'it made a key of type "ed25519"')
        require(plugin.get_key("x509-CA-A") is None, "it kept a key that it refused")

    def test_a_new_key_takes_the_place_of_the_old_one(self) -> None:
        """Under an ID that has a key there is a new one afterwards, and only that."""
        plugin = self.plugin()
        first = plugin.generate_key("x509-CA-A", "ec-p256")
        second = plugin.generate_key("x509-CA-A", "ec-p256")
        require(first.spki != second.spki, "the second key is the first one")
        held = plugin.get_key("x509-CA-A")
        require(held is not None and held.spki == second.spki, "get_key does not give the second key")

    def test_every_id_has_a_key_of_its_own(self) -> None:
        """Keys of different IDs are different, and listed in the order in which they were first made."""
        plugin = self.plugin()
        ids = ["x509-CA-A", "JWT-Signer-A", "x509-CA-B"]
        keys = [plugin.generate_key(key_id, "ec-p256").spki for key_id in ids]
        plugin.generate_key("x509-CA-A", "ec-p256")
        require(len(set(keys)) == len(ids), "two IDs share a key")
        require(list(plugin.key_ids()) == ids, f"key_ids gives {list(plugin.key_ids())}, not {ids}")
        require(plugin.get_key("JWT-Signer-B") is None, "there is a key under an ID that nobody has used")

    def test_the_same_calls_give_the_same_keys(self) -> None:
        """Same seed, same bytes: a key manager that is made anew makes the same keys."""
        first, second = (self.plugin().generate_key("x509-CA-A", "ec-p256").pkcs8 for _ in range(2))
        require(first == second, "made anew, it makes other keys; draw them from a Randomness that it is given")
