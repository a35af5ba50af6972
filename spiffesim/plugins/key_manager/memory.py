"""The ``memory`` key manager: keys that are gone when the server ends.

SPIRE: pkg/server/plugin/keymanager/memory
"""

from __future__ import annotations

from spiffesim.plugins.key_manager import DrawnKeys


class MemoryKeyManager(DrawnKeys):
    """Keys drawn from the streams of the simulation, which end with the server's process."""

    name = "memory"

    def forget(self) -> None:
        """Lose all keys, as the end of the process does."""
        self._keys.clear()
