"""The loops of a server: what each does at a tick, and when that could make a difference.

SPIRE: pkg/server/server.go, pkg/server/ca/rotator/rotator.go, pkg/server/svid/rotator.go,
pkg/server/plugin/upstreamauthority/spire/spire.go, pkg/server/endpoints/endpoints.go, pkg/server/registration/manager.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spiffesim.grid import Grid
from spiffesim.instants import SECOND, Microseconds
from spiffesim.loop import Loop, Waiting
from spiffesim.server.taint import TaintWorker

if TYPE_CHECKING:
    from spiffesim.server.bundleclient import BundleClient
    from spiffesim.server.server import Server


class ServerLoop(Loop):
    """A loop of a server."""

    node: Server


class CaRotator(ServerLoop):
    """Prepares and activates CAs, JWT and WIT keys."""

    name = "ca rotator"
    place = 10
    period = 10 * SECOND

    def due(self) -> Microseconds | None:
        return None if self.node.waits else self.node.keyring.due() - self.node.skew

    def run(self) -> bool:
        self.node.rotate_authorities()
        return True


class UpstreamPoller(ServerLoop):
    """Fetches the bundle of the server above. Its first poll comes five seconds after the start, and so do all others."""

    name = "upstream poll"
    place = 30
    period = 5 * SECOND

    def due(self) -> Microseconds | None:
        return 0 if self.node.upstream_due else None

    def run(self) -> bool:
        self.node.tick_upstream()
        return True


class Retrying(Waiting):
    """Tries again what failed, until it begins anew because that has succeeded."""

    node: Server
    period = SECOND

    def wait(self) -> None:
        """Try again after a while, longer each time."""
        self.failures += 1
        super().wait()


class Redialer(Retrying):
    """Dials the server above again after the connection broke: 1 s, 1.6 s, 2.56 s, ... 120 s, 20 % more or less.

    SPIRE: google.golang.org/grpc/internal/backoff/backoff.go
    """

    name = "redial"
    place = 33

    def _back_off(self) -> Microseconds:
        randomness, stream = self.node.world.randomness, f"{self.node.name} {self.name} back-off"
        step = int(min(SECOND * 1.6 ** min(self.failures - 1, 11), 120 * SECOND))
        return step - step // 5 + randomness.number(stream, randomness.count(stream), step * 2 // 5 + 1)

    def run(self) -> bool:
        self.retry_at = None
        self.node.redial()
        return True


class Recycler(ServerLoop):
    """Makes the connection to the server above anew, which closes it after three minutes, 10 % more or less.

    SPIRE: pkg/server/endpoints/endpoints.go (MaxConnectionAge)
    """

    name = "connection age"
    place = 35
    period = 180 * SECOND
    jittered = True

    def due(self) -> Microseconds | None:
        return self.node.recycling_due

    def run(self) -> bool:
        self.node.recycle()
        return True


class WorkloadApiWatcher(Retrying):
    """Tries to open the source of the server's SVID again: after 1, 2, 3, ... 30 s. SPIRE: go-spiffe workloadapi."""

    name = "workload api"
    place = 37

    def _back_off(self) -> Microseconds:
        return min(self.failures, 30) * SECOND

    def run(self) -> bool:
        self.retry_at = None
        self.node.watch_workload_api()
        return True


class SvidRotator(ServerLoop):
    """Renews the server's own SVID."""

    name = "svid rotator"
    place = 40
    period = 5 * SECOND

    def due(self) -> Microseconds:
        return self.node.own_svid.due

    def run(self) -> bool:
        self.node.own_svid.check()
        return True


class EntryReloader(ServerLoop):
    """Shows agents the registration entries as they are now (``cache_reload_interval``)."""

    name = "entry cache"
    place = 50
    period = 5 * SECOND

    def due(self) -> Microseconds | None:
        if self.node.entries.version != self.node.cache.position:
            return 0
        due = self.node.nodes.refresh_due
        return None if due is None else due - self.node.skew

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


class BundlePruner(ServerLoop):
    """Removes authorities that ended a day ago from the bundle of the trust domain."""

    name = "bundle pruner"
    place = 20
    period = 6 * 3600 * SECOND

    def due(self) -> Microseconds | None:
        return self.node.prune_due

    def run(self) -> bool:
        self.node.prune_bundle()
        return True


class BundleUpdater(ServerLoop):
    """Polls the bundle endpoint of one other trust domain: at once, and then as often as its bundle asks for.

    SPIRE re-reads the relationships every 10 s as well, and at once when the API changes one: nothing else does here.
    SPIRE: pkg/server/bundle/client/manager.go

    Args:
        node: The server.
        client: What it polls with.
        number: How many relationships the server had before.
    """

    name = "bundle updater"
    place = 1000

    def __init__(self, node: Server, client: BundleClient, number: int) -> None:
        super().__init__(node)
        self.client = client
        self.key = (*self.key[:2], self.place + number)

    def begin(self) -> None:
        self.grid = None
        self.retry_at = self.node.world.now

    def due(self) -> Microseconds | None:
        return self.client.due

    def run(self) -> bool:
        interval = self.client.poll()
        self.retry_at = None
        if self.grid is None or self.grid.period != interval:
            self.grid = Grid(self.node.world.now, interval)
        return True


LOOPS: Final[tuple[type[Loop], ...]] = (
    CaRotator,
    BundlePruner,
    UpstreamPoller,
    SvidRotator,
    EntryReloader,
    EntryPruner,
)
"""The loops of every server, in the order in which SPIRE starts them."""

NESTED: Final[tuple[type[Loop], ...]] = (Redialer, Recycler, WorkloadApiWatcher, TaintWorker)
"""Those that a nested server has besides."""
