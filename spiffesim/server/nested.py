"""What a nested server does to stay in touch with the one above: it subscribes to its bundle, polls, and redials.

SPIRE: pkg/server/plugin/upstreamauthority/spire/spire.go, pkg/server/ca/manager/manager.go (SubscribeToLocalBundle)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spiffesim.errors import NoIdentityIssued, Refused, SpiffeSimError, Unavailable
from spiffesim.server.api import Service
from spiffesim.server.loops import Recycler, Redialer, UpstreamPoller, WorkloadApiWatcher
from spiffesim.server.taint import TaintWorker

if TYPE_CHECKING:
    from spiffesim.agent import Agent
    from spiffesim.channel import Channel
    from spiffesim.server.server import Server

_UPWARD = (UpstreamPoller, Recycler)

UNREACHED = (Unavailable, NoIdentityIssued)
"""What the source of a server's SVID waits out."""


class Nested(Service):
    """A server as seen from above."""

    parent: Server | None
    via: Agent | None
    channel: Channel | None
    upstream_seen: int

    def crash(self, error: SpiffeSimError) -> None:
        """End, because of an error."""
        raise NotImplementedError  # the server does it, which all services together make up

    def proceed(self) -> None:
        """Go on with the start that waited for the Workload API."""
        raise NotImplementedError  # the server does it, which all services together make up

    @property
    def waits(self) -> bool:
        """Whether all that would call the server above waits for the Workload API."""
        return self.channel is not None and self.channel.blocked

    # Polling

    @property
    def upstream_due(self) -> bool:
        """Whether a poll of the server above would do anything."""
        if self.channel is None or self.channel.blocked:
            return False
        return not self.channel.connected or self.upstream_news

    @property
    def upstream_news(self) -> bool:
        """Whether a poll of the server above would bring anything."""
        return self.parent is not None and self.parent.revision != self.upstream_seen

    def wake_upward(self) -> None:
        """Let those loops look again at when they have something to do that depend on the server above."""
        for loop in self.loops:
            if isinstance(loop, _UPWARD) and not loop.idle:
                self.world.timetable.wake(loop)

    def tick_upstream(self) -> None:
        """Subscribe to the bundle of the server above at the first tick, and poll it at all others."""
        channel = self.channel
        if channel is None or channel.blocked:
            return
        if not channel.open:
            self.subscribe()
        elif channel.failure is not None:
            self.note("Failed to fetch bundle while polling", error=polling_error(channel.failure[0]))
        elif self.upstream_news:
            self._poll()

    def poll_upstream(self) -> bool:
        """Learn what the bundle of the server above has that this one has not; True if there was anything."""
        if self.channel is None or not self.running or self.channel.failure is not None:
            return False
        if not self.channel.open and not self.world.reaches(self, self.channel.parent):
            return False
        return self._poll()

    def _poll(self) -> bool:
        assert self.parent is not None
        self.upstream_seen = self.parent.revision
        try:
            merged = self.view.catch_up(self.parent.view)
        except Refused as refusal:
            reason = "Failed to store X.509 CAs received by the upstream authority plugin."
            self.note(reason, error=refusal.message)
            return False
        self.keyring.merge(merged)
        if merged:
            self.changed()
        self.leave_tainted()
        return bool(merged)

    def leave_tainted(self) -> None:
        """Hand roots that the server above has tainted to the worker that leads away from them."""
        tainted = tuple(self.keyring.newly_tainted)
        if tainted:
            self.keyring.newly_tainted = []
            self.loop(TaintWorker).take(tainted)

    def subscribe(self) -> None:
        """Open source and connection for good. The first poll has to succeed, or the server ends.

        SPIRE: pkg/server/ca/rotator/rotator.go (any error of a task ends all of them)
        """
        channel = self.channel
        assert channel is not None
        if not self.fetch_source():
            return
        try:
            channel.connect()
        except Unavailable as failure:
            self.crash(
                Refused(
                    "upstreamauthority(spire): failed to fetch bundle from upstream server: "
                    + polling_error(failure.message),
                    status="INTERNAL",
                    hint=failure.hint,
                )
            )
            return
        channel.open = True
        self.loop(Recycler).begin()
        self._poll()
        self.wake()

    # The Workload API

    def fetch_source(self) -> bool:
        """Open the source of its SVID; False if that has to wait, and then it is tried again and again."""
        channel = self.channel
        assert channel is not None
        try:
            channel.fetch()
        except UNREACHED as error:
            channel.blocked = True
            self.note("Failed to watch the Workload API", error=str(error))
            self.loop(WorkloadApiWatcher).wait()
            self.wake()
            return False
        self.loop(WorkloadApiWatcher).begin()
        return True

    def watch_workload_api(self) -> None:
        """Try again to open the source, and go on with what waited for it."""
        if self.stopped:
            self.proceed()
        else:
            self.subscribe()

    # The connection

    def check_upstream(self) -> None:
        """Break the connection if the server above, or the link to it, is gone: it is dialled again after a while."""
        self.view.ledger.closures += 1  # the way up may have closed
        if self.running and self.channel is not None and self.channel.connected and not self.channel.reaches:
            self.redial()

    def reconnect(self) -> None:
        """Make a connection anew that the server above has closed meanwhile."""
        if self.channel is not None and self.channel.connected:
            self.redial()

    def redial(self) -> None:
        """Make the connection again; where that fails, wait."""
        assert self.channel is not None
        was_connected = self.channel.connected
        try:
            self.channel.connect()
        except Unavailable:
            self.loop(Redialer).wait()
        else:
            self.loop(Redialer).begin()
            self.loop(Recycler).begin()
        if self.channel.connected != was_connected:
            self.wake()

    @property
    def recycling_due(self) -> int | None:
        """From when on, by the world's clock, making the connection anew would make a difference; None if never."""
        return None if self.channel is None else self.channel.fails_from

    def recycle(self) -> None:
        """Make the connection anew: the server above closes it every three minutes."""
        due = self.recycling_due
        if due is not None and due <= self.world.now:
            self.redial()


def polling_error(failure: str) -> str:
    """A failed poll, in SPIRE's words."""
    return f"rpc error: code = Internal desc = failed to get bundle: rpc error: code = Unavailable desc = {failure}"
