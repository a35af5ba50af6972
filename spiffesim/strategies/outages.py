"""Outages: what breaks in a deployment of a state machine, and how it is mended."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from spiffesim.agent import Agent
from spiffesim.instants import SECOND
from spiffesim.plugins.key_manager import ForgetfulKeyManager
from spiffesim.server import Server
from spiffesim.strategies.deployment import CALLERS, DAEMONS, MINUTE, RECOVERY, SERVERS, Deployment, knows

FAULTS: Final = ("cut", "stop", "pause", "skew", "slow", "fail", "lose_datastore")
"""What may break."""

_ATTEMPTS: Final = 10


def _may(fault: str) -> Callable[[Any], Any]:
    return precondition(lambda machine: fault in machine.faults and machine.broken < machine.most_broken)


class Outages(Deployment):
    """The rules for what breaks.

    Attributes:
        faults: What may break: verbs of the simulation.
        most_broken: How many times something may break before all is mended.
        clocks: How wrong clocks may be, in seconds.
        partners: Pairs of workloads of different trust domains whose root servers federate with each other.
        sequence_numbers: The sequence number of each server's bundle when it was looked at last.
    """

    faults: ClassVar[Collection[str]] = FAULTS
    most_broken: ClassVar[int] = 4
    clocks: ClassVar[tuple[float, ...]] = (2, -2, 0, 40, -300, 300)

    def __init__(self) -> None:
        super().__init__()
        self.sequence_numbers: dict[str, int] = {}
        self.partners: list[tuple[str, str]] = []

    # Links

    @precondition(lambda self: self.callers)
    @_may("cut")
    @rule(caller=CALLERS, workload_api=st.booleans())
    def cut(self, caller: str, workload_api: bool) -> None:
        """Cut an agent from its server, or a nested server from its parent or its Workload API."""
        self.breaks()
        self.sim.cut(caller, self._called(caller, workload_api))

    def _called(self, caller: str, workload_api: bool) -> Server | Agent:
        node = self.daemons[caller]
        if isinstance(node, Agent):
            return node.server
        called = node.via if workload_api else node.parent
        assert called is not None
        return called

    # Processes

    @_may("stop")
    @rule(node=DAEMONS)
    def stop(self, node: str) -> None:
        """End a process."""
        self.breaks()
        self.sim.stop(node)

    @_may("stop")
    @rule(server=SERVERS)
    def restart(self, server: str) -> None:
        """End the process of a server, and start it again at once."""
        self.stop(server)
        self._start(self.sim.servers[server])

    def _start(self, node: Server | Agent) -> None:
        """Start a process. A root server without its keys has another root then, which no agent has heard of."""
        self.sim.start(node)
        if not isinstance(node, Server) or not isinstance(node.keyring.key_manager, ForgetfulKeyManager):
            return
        if node.parent is None:
            self.partners = []
        issuer = None if node.shown is None else node.shown.certificate.issuer
        if issuer is not None:
            self.lose(*(agent for agent in node.agents if not knows(agent, issuer.top)))

    @_may("pause")
    @rule(node=DAEMONS)
    def pause(self, node: str) -> None:
        """Suspend a machine."""
        self.breaks()
        self.ask(self.sim.pause, node)

    @_may("skew")
    @rule(node=DAEMONS, data=st.data())
    def skew(self, node: str, data: st.DataObject) -> None:
        """Set a clock wrong, or right."""
        seconds = data.draw(st.sampled_from(self.clocks), label="seconds")
        self.breaks(round(seconds * SECOND))
        self.sim.skew(node, seconds)

    # Upstream authorities

    @_may("slow")
    @rule(server=SERVERS, seconds=st.integers(1, 9))
    def slow(self, server: str, seconds: int) -> None:
        """Let an upstream authority take its time."""
        self.breaks()
        self.ask(self.sim.slow, server, seconds)

    @_may("fail")
    @rule(server=SERVERS)
    def fail(self, server: str) -> None:
        """Let an upstream authority refuse everything."""
        self.breaks()
        self.ask(self.sim.fail, server)

    # What cannot be undone

    @_may("lose_datastore")
    @rule(server=SERVERS)
    def lose_datastore(self, server: str) -> None:
        """Lose the datastore of a server: what hangs on it is to be registered anew, and it counts its changes anew."""
        self.breaks()
        losing = self.sim.servers[server]
        self.lose(*(node for node in self.below(losing) if node is not losing))
        self.sequence_numbers.pop(server, None)
        self.partners = []
        self.sim.lose_datastore(losing)

    # Mending

    @precondition(lambda self: self.broken_since is not None)
    @rule(node=DAEMONS)
    def repair(self, node: str) -> None:
        """Put right what is broken at one node."""
        self.touch()
        self._repair(self.daemons[node])

    @rule()
    def calm_down(self) -> None:
        """Mend all that is broken, and wait until everything that was done has reached everybody."""
        self.rest(0)

    @rule(hours=st.sampled_from((0, 1, 6, 24)))
    def rest(self, hours: int) -> None:
        """Mend all that is broken, wait until everything that was done has reached everybody, and then some hours."""
        if self.broken_since is not None:
            self.mend()
        self.sim.advance(timedelta(hours=hours, microseconds=max(self.changed_at + self.patience - self.now, 0)))

    def mend(self) -> None:
        """Put everything right, start what has ended, and wait: after an outage short enough the world is whole again.

        How short depends: all agents' SVIDs and all CAs have to outlive the outage, and the time that it takes until
        everybody has tried again. Processes that SPIRE ends for an error are started again, as a supervisor does.
        """
        in_time = self.now + RECOVERY < self.deadline
        for node in self.daemons.values():
            self._repair(node)
        for _ in range(_ATTEMPTS):
            for node in self.daemons.values():
                self._start(node)
            self.sim.advance(timedelta(minutes=RECOVERY / MINUTE / _ATTEMPTS))
        if not in_time:
            self._give_up_what_is_lost()
        self.broken_since = None
        self.broken = 0
        self.changed_at = self.now - self.patience

    def _repair(self, node: Server | Agent) -> None:
        self.sim.resume(node)
        self.sim.skew(node, 0)
        if node.name in self.callers:
            for workload_api in (True, False):
                self.sim.heal(node, self._called(node.name, workload_api))
        if isinstance(node, Server):
            self.sim.recover(node)
        self._start(node)

    def _give_up_what_is_lost(self) -> None:
        """After too long an outage nothing is claimed any more of the world as it is; of what is added, it is."""
        self.lose(*self.daemons.values())
        self.partners = []
