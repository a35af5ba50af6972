"""The loops of an agent: what each does at a tick, and when that could make a difference.

SPIRE: pkg/agent/manager/manager.go, pkg/agent/manager/sync.go, pkg/agent/svid/rotator.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from spiffesim.agent.credentials import CHECK
from spiffesim.grid import Grid
from spiffesim.instants import SECOND, Microseconds
from spiffesim.loop import Loop, Waiting

if TYPE_CHECKING:
    from spiffesim.agent.agent import Agent
    from spiffesim.chain import CertificateLike

_MOST_FIRST: Final = 5 * SECOND
_LONGEST_BACK_OFF: Final = 480 * SECOND
_BATCH: Final = 100
"""How many SVIDs are looked at for a taint at once. SPIRE: pkg/agent/manager/cache/x509_lru_cache.go"""


class AgentLoop(Loop):
    """A loop of an agent."""

    node: Agent
    jittered = True
    backs_off = True


class Synchronizer(AgentLoop):
    """Fetches entries and bundles, and renews the X509-SVIDs of workloads (``sync_interval``)."""

    name = "sync"
    place = 10

    @property
    def _period(self) -> Microseconds:
        return self.node.sync_interval

    def _grid(self, start: Microseconds) -> Grid:
        grid = super()._grid(start)
        grid.first = _MOST_FIRST  # SPIRE: the first sync comes after at most five seconds, whatever is configured
        return grid

    @property
    def longest(self) -> float:  # type: ignore[override]  # of one agent, not of all
        """SPIRE: 48 intervals, and no more than eight minutes."""
        return min(48, _LONGEST_BACK_OFF / self._period)

    def due(self) -> Microseconds | None:
        return self.node.synchronization.due

    def run(self) -> bool:
        return self.node.sync(rotating=True)


class SvidMinter(AgentLoop):
    """Mints what a sync left stale, and what was dropped since."""

    name = "svid sync"
    place = 20
    period = SECOND // 2
    longest = 480

    @property
    def idle(self) -> bool:
        return self.planned is None and self.retry_at is None and not self.node.cache.lacks_any

    def due(self) -> Microseconds | None:
        return 0 if self.node.minter.pending else None

    def run(self) -> bool:
        return self.node.minter.mint_stale()


class SvidRotator(AgentLoop):
    """Renews the agent's own SVID."""

    name = "svid rotator"
    place = 30
    period = CHECK

    def due(self) -> Microseconds | None:
        return self.node.credentials.due

    def run(self) -> bool:
        return self.node.credentials.rotate()


class TaintedBatch(NamedTuple):
    """SVIDs that are still to be looked at for a taint."""

    due: Microseconds
    entry_ids: tuple[str, ...]
    roots: tuple[CertificateLike, ...]


class TaintProcessor(Waiting):
    """Drops SVIDs of tainted authorities, a hundred every five seconds, beginning at once.

    SPIRE does so beside the sync that found the taint, and which comes first is chance. Here the sync does:
    so what it tells those who listen still has the old SVIDs, and no stream ends for want of any.
    """

    node: Agent
    name = "taint"
    place = 15
    period = 5 * SECOND

    def begin(self) -> None:
        super().begin()
        self.batches: list[TaintedBatch] = []

    def schedule(self, entry_ids: tuple[str, ...], roots: tuple[CertificateLike, ...]) -> None:
        """Look at these from now on."""
        self.batches.append(TaintedBatch(self.node.world.now, entry_ids, roots))
        self._plan()
        self.node.world.timetable.wake(self)

    def _plan(self) -> None:
        self.retry_at = min((batch.due for batch in self.batches), default=None)

    def run(self) -> bool:
        now = self.node.world.now
        batches, self.batches = self.batches, []
        for batch in batches:
            self.batches += [batch] if batch.due > now else self._process(batch)
        self._plan()
        return True

    def _process(self, batch: TaintedBatch) -> list[TaintedBatch]:
        self.node.synchronization.taint(batch.entry_ids[:_BATCH], batch.roots)
        left = batch.entry_ids[_BATCH:]
        if not left:
            self.node.note("Finished processing all tainted entries")
            return []
        self.node.note("There are tainted X.509 SVIDs left to be processed", count=len(left))
        return [TaintedBatch(batch.due + self.period, left, batch.roots)]

    def shift(self, duration: Microseconds) -> None:
        self.batches = [batch._replace(due=batch.due + duration) for batch in self.batches]
        self._plan()


class Subscriptions(Waiting):
    """Looks for streams that wait until all their SVIDs are there: after 0.5, 0.75, ... 12 s, 10 % more or less."""

    node: Agent
    name = "subscriptions"
    place = 40
    period = SECOND // 2

    def run(self) -> bool:
        self.retry_at = None
        if self.node.answer_streams():
            self.failures += 1
            self.wait()
        else:
            self.failures = 0
        return True


LOOPS: Final[tuple[type[Loop], ...]] = (Synchronizer, TaintProcessor, SvidMinter, SvidRotator, Subscriptions)
"""The loops of every agent, in the order in which SPIRE starts them."""
