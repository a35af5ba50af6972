"""The loops of a server: what each does at a tick, and when that could make a difference.

SPIRE: pkg/server/server.go, pkg/server/ca/rotator/rotator.go, pkg/server/svid/rotator.go,
pkg/server/plugin/upstreamauthority/spire/spire.go, pkg/server/endpoints/endpoints.go, pkg/server/registration/manager.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spiffesim.instants import SECOND, Microseconds
from spiffesim.loop import Loop

if TYPE_CHECKING:
    from spiffesim.server import Server


class ServerLoop(Loop):
    """A loop of a server."""

    node: Server


class CaRotator(ServerLoop):
    """Prepares and activates CAs, JWT and WIT keys."""

    name = "ca rotator"
    place = 10
    period = 10 * SECOND

    def due(self) -> Microseconds:
        return self.node.keyring.due() - self.node.skew

    def run(self) -> bool:
        self.node.rotate_authorities()
        return True


class UpstreamPoller(ServerLoop):
    """Fetches the bundle of the server above. Its first poll comes five seconds after the start, and so do all others."""

    name = "upstream poll"
    place = 30
    period = 5 * SECOND

    def due(self) -> Microseconds | None:
        return 0 if self.node.upstream_news else None

    def run(self) -> bool:
        self.node.poll_upstream()
        return True


class SvidRotator(ServerLoop):
    """Renews the server's own SVID."""

    name = "svid rotator"
    place = 40
    period = 5 * SECOND

    def due(self) -> Microseconds:
        return self.node.svid_due - self.node.skew

    def run(self) -> bool:
        self.node.rotate_svid()
        return True


class EntryReloader(ServerLoop):
    """Shows agents the registration entries as they are now (``cache_reload_interval``)."""

    name = "entry cache"
    place = 50
    period = 5 * SECOND

    def due(self) -> Microseconds | None:
        return 0 if self.node.entries.version != self.node.cache.position else None

    def run(self) -> bool:
        self.node.reload_entries()
        return True


class EntryPruner(ServerLoop):
    """Deletes registration entries that have expired."""

    name = "entry pruner"
    place = 70
    period = 300 * SECOND

    def due(self) -> Microseconds | None:
        expiry = self.node.entries.next_expiry
        return None if expiry is None else expiry + SECOND - self.node.skew

    def run(self) -> bool:
        self.node.prune_entries(self.node.now)
        return True


LOOPS: Final[tuple[type[Loop], ...]] = (CaRotator, UpstreamPoller, SvidRotator, EntryReloader, EntryPruner)
"""The loops of every server, in the order in which SPIRE starts them."""
