"""Key managers: where a server's keys come from, and where they stay.

SPIRE: pkg/server/plugin/keymanager
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from spiffesim.keys import Key


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
