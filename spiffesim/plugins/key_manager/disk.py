"""The ``disk`` key manager: keys that are still there when the server starts again.

SPIRE: pkg/server/plugin/keymanager/disk
"""

from __future__ import annotations

from spiffesim.plugins.key_manager import DrawnKeys


class DiskKeyManager(DrawnKeys):
    """Keys drawn from the streams of the simulation, which outlive the server's process.

    There is no file: the keys are a value of the world, and pickle with it.
    """

    name = "disk"
