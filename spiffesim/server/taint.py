"""Taint: what a nested server does when the server above it has tainted a root.

SPIRE: pkg/server/ca/manager/manager.go (notifyTaintedAuthorities), pkg/common/backoff/backoff.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spiffesim.chain import CertificateLike
from spiffesim.errors import SpiffeSimError
from spiffesim.instants import SECOND, Microseconds
from spiffesim.loop import Waiting

if TYPE_CHECKING:
    from spiffesim.server.server import Server

Roots = tuple[CertificateLike, ...]

_GROWTH: Final = 1.5
_PATIENCE: Final = 60 * SECOND


class TaintWorker(Waiting):
    """Leads the server away from tainted roots; what fails is tried again after 5 s, 7.5 s, ..., for a minute in all.

    After that the worker has ended, for the life of the process.

    Attributes:
        roots: The roots that it is busy with.
        waiting: Those that come next: there is one place, and while that is taken others are dropped.
        ended: Whether it has given up.
    """

    name = "taint worker"
    place = 38
    period = 5 * SECOND

    node: Server

    def __init__(self, node: Server) -> None:
        super().__init__(node)
        self.roots: Roots = ()
        self.waiting: Roots = ()
        self.ended = False
        self._began: Microseconds = 0

    def shift(self, duration: Microseconds) -> None:
        """Stand still for a while, its patience included."""
        super().shift(duration)
        self._began += duration

    def take(self, roots: Roots) -> None:
        """Do what roots ask for that have just been tainted, now or after those before them."""
        if self.roots or self.ended:
            self.waiting = self.waiting or roots
        else:
            self._start(roots)
            self._process()

    def run(self) -> bool:
        """Try again."""
        self.retry_at = None
        self._process()
        return True

    def _start(self, roots: Roots) -> None:
        self.roots = roots
        self.failures = 0
        self._began = self.node.world.now

    def _process(self) -> None:
        server = self.node
        while self.roots and self.retry_at is None:
            try:
                server.keyring.replace_tainted(self.roots, server.now)
            except SpiffeSimError as error:
                self._fail(error)
                continue
            # The intermediate is safe: now the server's own SVID can follow.
            server.notify_tainted(self.roots)
            server.leave_tainted()
            self._start(self.waiting)
            self.waiting = ()
        server.changed()

    def _fail(self, error: SpiffeSimError) -> None:
        """Wait, longer each time, or end."""
        now = self.node.world.now
        again = now + self._back_off()
        if again - self._began > _PATIENCE:
            self.node.note("Failed to force intermediate bundle rotation", error=str(error))
            self.ended = True
            self.roots = ()
            return
        self.node.note("Failed to process tainted keys on upstream authority", error=str(error))
        self.failures += 1
        self.retry_at = again

    def _back_off(self) -> Microseconds:
        randomness, stream = self.node.world.randomness, f"{self.node.name} {self.name} back-off"
        step = int(self.period * _GROWTH**self.failures)
        return step - step // 10 + randomness.number(stream, randomness.count(stream), step // 5 + 1)
