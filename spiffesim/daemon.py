"""Daemon: a process of SPIRE's, a server or an agent, with a clock of its own and loops."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from spiffesim.errors import Unavailable
from spiffesim.instants import Microseconds
from spiffesim.loop import Loop
from spiffesim.world import Node, World

_Loop = TypeVar("_Loop", bound=Loop)


class Daemon(Node):
    """What servers and agents have in common: a name, a clock, loops, and that they may stop.

    Attributes:
        world: What all nodes of the simulation share.
        name: Its name in the simulation.
        skew: How far its clock is ahead of the world's.
        stopped: Why it does not answer: why its process has ended, or is still starting; empty while it runs.
        paused_at: Since when its machine is suspended, by the world's clock; None while it is not.
        caught_up: Up to when, by the world's clock, everything that was due has been done, whatever its clock says.
        loops: Its loops, in the order in which SPIRE starts them.
    """

    depth: int
    """How many servers stand above it."""
    _LOOPS: ClassVar[tuple[type[Loop], ...]]

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.skew: Microseconds = 0
        self.stopped = ""
        self.paused_at: Microseconds | None = None
        self.caught_up: Microseconds = -1
        self.loops: tuple[Loop, ...] = ()

    @property
    def now(self) -> Microseconds:
        """The present instant by its own clock."""
        return self.world.clock.instant + self.skew

    @property
    def paused(self) -> bool:
        """Whether its machine is suspended."""
        return self.paused_at is not None

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return not self.stopped and self.paused_at is None

    def check_running(self) -> None:
        """Refuse a call while nobody answers.

        Raises:
            Unavailable: UNAVAILABLE if its process has ended, DEADLINE_EXCEEDED if its machine is suspended.
        """
        if self.stopped:
            raise Unavailable(
                'connection error: desc = "transport: Error while dialing: dial unix: connect: connection refused"',
                status="UNAVAILABLE",
                hint=f"{self.name}: {self.stopped}; start it",
            )
        if self.paused:
            raise Unavailable(
                "context deadline exceeded", status="DEADLINE_EXCEEDED", hint=f"{self.name} is suspended; resume it"
            )

    def note(self, kind: str, **facts: Any) -> None:
        """Note in the journal that something happened here."""
        self.world.journal.record(self.name, kind, facts)

    def start_loops(self) -> None:
        """Let its loops begin now."""
        self.loops = tuple(loop(self) for loop in self._kinds())
        self.world.timetable.add(self.loops)

    def _kinds(self) -> tuple[type[Loop], ...]:
        return self._LOOPS

    def end_loops(self) -> None:
        """Let its loops end: its process has."""
        self.world.timetable.remove(self.loops)
        self.loops = ()

    def wake(self) -> None:
        """Let its loops look again at when they have something to do: something has changed here, or around it."""
        wake = self.world.timetable.wake
        for loop in self.loops:
            if not loop.idle:
                wake(loop)

    def find_loop(self, kind: type[_Loop]) -> _Loop | None:
        """The loop of a kind; None while there is none."""
        return next((loop for loop in self.loops if isinstance(loop, kind)), None)

    def loop(self, kind: type[_Loop]) -> _Loop:
        """The loop of a kind, which there has to be."""
        found = self.find_loop(kind)
        assert found is not None
        return found

    def pause(self) -> None:
        """Suspend its machine: nothing runs and nothing is answered, while the clock goes on."""
        self.paused_at = self.world.now
        self.wake()

    def resume(self) -> None:
        """Go on: each loop waits for what it still had to wait."""
        assert self.paused_at is not None
        duration = self.world.now - self.paused_at
        self.paused_at = None
        self.caught_up = self.world.now
        for loop in self.loops:
            loop.shift(duration)
        self.wake()

    def set_skew(self, skew: Microseconds) -> None:
        """Set its clock that far ahead of the world's."""
        self.skew = skew
        self.caught_up = self.world.now
        self.wake()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"
