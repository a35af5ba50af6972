"""Key managers: where a server's keys come from, and where they stay.

SPIRE: pkg/server/plugin/keymanager
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol, runtime_checkable

from spiffesim.keys import Draw, Key, check_key_type
from spiffesim.randomness import Randomness


@runtime_checkable
class KeyManager(Protocol):
    """What a server asks of its key manager."""

    @property
    def name(self) -> str:
        """The name of the plugin, such as ``memory``."""
        ...

    def generate_key(self, key_id: str, key_type: str) -> Key:
        """A new key under an ID, in place of the one that was there.

        Args:
            key_id: What the server calls it: ``x509-CA-A``, ``JWT-Signer-B``.
            key_type: One of ``spiffesim.keys.KEY_TYPES``.

        Raises:
            InvalidInput: If there is no such type.
        """
        ...

    def get_key(self, key_id: str) -> Key | None:
        """The key under an ID, or None."""
        ...

    def key_ids(self) -> Iterable[str]:
        """The IDs of all keys, in the order in which they were first made."""
        ...


@runtime_checkable
class ForgetfulKeyManager(Protocol):
    """A key manager whose keys end with the server's process."""

    def forget(self) -> None:
        """Lose all keys."""
        ...


class DrawnKeys:
    """Keys drawn from the streams of the simulation: what SPIRE's own key managers have in common here.

    Args:
        randomness: Where they are drawn from.
        server: The name of the server whose keys they are, so that servers do not share any.
    """

    name: ClassVar[str]

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
        return f"<{type(self).__name__} of {self._server}: {len(self._keys)} keys>"
