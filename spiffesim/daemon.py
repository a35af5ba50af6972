"""Daemon: a process of SPIRE's, a server or an agent, with a clock of its own and loops."""

from __future__ import annotations

from typing import Any, ClassVar

from spiffesim.instants import Microseconds
from spiffesim.loop import Loop
from spiffesim.world import World


class Daemon:
    """What servers and agents have in common: a name, a clock, loops, and that they may stop.

    Attributes:
        world: What all nodes of the simulation share.
        name: Its name in the simulation.
        skew: How far its clock is ahead of the world's.
        stopped: Why its process has ended; empty while it runs.
        paused: Whether its machine is suspended.
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
        self.paused = False
        self.loops: tuple[Loop, ...] = ()

    @property
    def now(self) -> Microseconds:
        """The present instant by its own clock."""
        return self.world.now + self.skew

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return not self.stopped and not self.paused

    def note(self, kind: str, **facts: Any) -> None:
        """Note in the journal that something happened here."""
        self.world.note(self.name, kind, **facts)

    def start_loops(self) -> None:
        """Let its loops begin now."""
        self.loops = tuple(loop(self) for loop in self._LOOPS)
        self.world.timetable.add(self.loops)

    def end_loops(self) -> None:
        """Let its loops end: its process has."""
        self.world.timetable.remove(self.loops)
        self.loops = ()

    def wake(self) -> None:
        """Let its loops look again at when they have something to do: something has changed here, or around it."""
        for loop in self.loops:
            self.world.timetable.wake(loop)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"
