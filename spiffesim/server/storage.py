"""Storage: what an agent has on its disk, and in its key manager, and so after a restart.

SPIRE: pkg/agent/storage/storage.go, pkg/agent/plugin/keymanager
"""

from __future__ import annotations

from spiffesim.agentconfig import KeyManagerName
from spiffesim.authority import IssuedSvid
from spiffesim.instants import SECOND, Microseconds
from spiffesim.keys import Key

_SKEW = SECOND  # SPIRE: pkg/agent/attestor/node/node.go (IsSVIDExpired)


class Storage:
    """``agent-data.json`` and the keys of one agent.

    Args:
        key_manager: ``disk`` or ``memory``.

    Attributes:
        svid: Its X509-SVID; None if it has none.
        reattestable: Whether it can attest again, as its server said last.
        bundle: Whether it has the roots of its trust domain. Which ones is always what it knows of them.
        started_at: Since when its server shows an SVID of an authority that it does not know; None while all is well.
        keys: The keys in the two slots of its key manager, the last one first.
    """

    def __init__(self, key_manager: KeyManagerName = "disk") -> None:
        self.key_manager = key_manager
        self.svid: IssuedSvid | None = None
        self.reattestable = False
        self.bundle = False
        self.started_at: Microseconds | None = None
        self.keys: tuple[Key, ...] = ()

    def store(self, svid: IssuedSvid, *, reattestable: bool) -> None:
        """Keep a new SVID, whose key takes the place of the last but one."""
        self.svid = svid
        self.reattestable = reattestable
        self.keys = (svid.key, *self.keys[:1])

    def delete_svid(self) -> None:
        """Forget the SVID; its key stays."""
        self.svid = None

    def forget(self) -> None:
        """Forget the SVID and the bundle, to bootstrap again."""
        self.svid = None
        self.bundle = False
        self.started_at = None

    def end_process(self) -> None:
        """Lose what only the process had."""
        if self.key_manager == "memory":
            self.keys = ()

    def load_svid(self, now: Microseconds) -> tuple[IssuedSvid | None, str]:
        """The SVID that is still good, or None and what SPIRE says about that.

        SPIRE: pkg/agent/attestor/node/node.go (loadSVID)
        """
        svid = self.svid
        if svid is None:
            return None, "Keys recovered, but no SVID found. Generating new keypair" if self.keys else ""
        if not self.keys:
            return None, "SVID recovered, but no keys found. Generating new keypair"
        if not any(key is svid.key for key in self.keys):
            return None, "SVID recovered, but no SVID key found. Generating new keypair"
        if now + _SKEW >= svid.not_after:
            return None, "SVID key recovered, but SVID is expired. Generating new keypair"
        return svid, ""
