"""The loops of an agent: what each does at a tick, and when that could make a difference.

SPIRE: pkg/agent/manager/manager.go, pkg/agent/manager/sync.go, pkg/agent/svid/rotator.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spiffesim.grid import Grid
from spiffesim.instants import SECOND, Microseconds
from spiffesim.loop import Loop

if TYPE_CHECKING:
    from spiffesim.agent import Agent

_MOST_FIRST: Final = 5 * SECOND


class AgentLoop(Loop):
    """A loop of an agent."""

    node: Agent
    jittered = True
    backs_off = True


class Synchronizer(AgentLoop):
    """Fetches entries and bundles, and renews the X509-SVIDs of workloads (``sync_interval``)."""

    name = "sync"
    place = 10
    longest = 48

    @property
    def _period(self) -> Microseconds:
        return self.node.sync_interval

    def _grid(self, start: Microseconds) -> Grid:
        grid = super()._grid(start)
        grid.first = _MOST_FIRST  # SPIRE: the first sync comes after at most five seconds, whatever is configured
        return grid

    def due(self) -> Microseconds | None:
        return self.node.sync_due

    def run(self) -> bool:
        return self.node.sync(rotating=True)


class SvidMinter(AgentLoop):
    """Mints what a sync left stale."""

    name = "svid sync"
    place = 20
    period = SECOND // 2
    longest = 480

    def due(self) -> Microseconds | None:
        return 0 if self.node.has_stale else None

    def run(self) -> bool:
        return self.node.mint_stale()


class SvidRotator(AgentLoop):
    """Renews the agent's own SVID."""

    name = "svid rotator"
    place = 30
    period = 5 * SECOND

    def due(self) -> Microseconds | None:
        return self.node.svid_due

    def run(self) -> bool:
        return self.node.rotate_svid()


LOOPS: Final[tuple[type[Loop], ...]] = (Synchronizer, SvidMinter, SvidRotator)
"""The loops of every agent, in the order in which SPIRE starts them."""
