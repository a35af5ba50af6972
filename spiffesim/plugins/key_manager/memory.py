"""The ``memory`` key manager: keys that are gone when the server ends.

SPIRE: pkg/server/plugin/keymanager/memory
"""

from __future__ import annotations

from collections.abc import Iterable

from spiffesim.keys import Draw, Key, check_key_type
from spiffesim.randomness import Randomness


class MemoryKeyManager:
    """Keys drawn from the streams of the simulation.

    Args:
        randomness: Where they are drawn from.
        server: The name of the server whose keys they are, so that servers do not share any.
    """

    name = "memory"

    def __init__(self, randomness: Randomness, server: str) -> None:
        self._randomness = randomness
        self._server = server
        self._keys: dict[str, Key] = {}

    def generate_key(self, key_id: str, key_type: str) -> Key:
        """A new key under an ID, in place of the one that was there.

        Raises:
            InvalidInput: If there is no such type, in SPIRE's words.
        """
        checked = check_key_type(key_type)
        draw = Draw.next(self._randomness, f"{self._server} {key_id}")
        key = self._keys[key_id] = draw.key(checked)
        return key

    def get_key(self, key_id: str) -> Key | None:
        """The key under an ID, or None."""
        return self._keys.get(key_id)

    def key_ids(self) -> Iterable[str]:
        """The IDs of all keys, in the order in which they were first made."""
        return tuple(self._keys)

    def __repr__(self) -> str:
        return f"<MemoryKeyManager of {self._server}: {len(self._keys)} keys>"
