"""Startup: how the process of an agent comes up, and how long it tries.

SPIRE: pkg/agent/agent.go (Run)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spiffesim.agent.credentials import BANNED, is_unknown_authority
from spiffesim.agent.minter import SyncFailed
from spiffesim.agentconfig import ALWAYS, NEVER
from spiffesim.errors import AttestationFailed, NotAuthorized, Refused, SpiffeSimError
from spiffesim.instants import SECOND, Microseconds
from spiffesim.loop import Waiting
from spiffesim.rpc import error_text

if TYPE_CHECKING:
    from spiffesim.agent.agent import Agent

_BUDGET: Final = 60 * SECOND
_REBOOTSTRAP_BUDGET: Final = 24 * 3600 * SECOND

_NOT_REATTESTABLE: Final = (
    "you have requested rebootstrap support but the NodeAttestor plugin or the spire server configuration is not "
    "allowing it"
)


def check_rebootstrap(agent: Agent) -> None:
    """Rebootstrap no more where an agent cannot attest again.

    Raises:
        AttestationFailed: With SPIRE's text, if it is to do so always.
    """
    if agent.rebootstrap_mode == NEVER or agent.credentials.reattestable:
        return
    if agent.rebootstrap_mode == ALWAYS:
        raise AttestationFailed(_NOT_REATTESTABLE, status="PERMISSION_DENIED", hint=f"agent {agent.name}")
    agent.note(f"{_NOT_REATTESTABLE}. Disabling")
    agent.rebootstrap_mode = NEVER


class Starter(Waiting):
    """Attests, or takes the SVID from the disk; then syncs for the first time, and opens the Workload API.

    Each of the two is tried for a minute, or for a day where the agent rebootstraps: after 5, 7.5, ... 120 s, 10 %
    more or less. Meanwhile nothing is served.

    Attributes:
        attested: Whether it is at the second.
        since: When it began with it.
    """

    node: Agent
    name = "start"
    place = 5
    period = 5 * SECOND

    def begin(self) -> None:
        super().begin()
        self._begin_step(attested=False)

    def _begin_step(self, *, attested: bool) -> None:
        self.attested = attested
        self.failures = 0
        self.since: Microseconds = self.node.world.now

    def run(self) -> bool:
        self.retry_at = None
        agent = self.node
        try:
            if not self.attested:
                agent.credentials.load()
                check_rebootstrap(agent)
                self._begin_step(attested=True)
            agent.synchronization.synchronize(rotating=True)
        except SpiffeSimError as error:
            self._fail(error, error_text(error))
        except SyncFailed as failure:
            self._fail(failure.cause, str(failure))
        else:
            agent.open()
        return True

    def _fail(self, error: SpiffeSimError, text: str) -> None:
        """Give up where SPIRE does, or try again after a while."""
        agent = self.node
        if is_unknown_authority(error) and agent.rebootstrap_mode != NEVER and self._rebootstrap():
            return
        if self._is_final(error):
            agent.end(text, "Agent crashed", error=text)
            return
        wait = self._back_off()
        if agent.world.now - self.since + wait > self._budget:
            agent.end(text, "Agent crashed", error=text)
            return
        self.failures += 1
        self.retry_at = agent.world.now + wait
        kind = "Failed to initialize manager" if self.attested else "Failed to retrieve attestation result"
        agent.note(kind, error=text, retry_interval=f"{wait / SECOND:g}s")

    @property
    def _budget(self) -> Microseconds:
        return _BUDGET if self.node.rebootstrap_mode == NEVER else _REBOOTSTRAP_BUDGET

    def _rebootstrap(self) -> bool:
        """Take another bundle once the old server has been away for long; True if that ends the process."""
        agent = self.node
        if agent.credentials.waits_for_old_server():
            return False
        agent.note("Trust Bundle and Server don't agree, rebootstrapping")
        agent.credentials.storage.bundle = False
        if self.attested:
            agent.credentials.storage.forget()
            text = "Agent needs to rebootstrap. shutting down"
            agent.end(text, "Agent crashed", error=text)
        return self.attested

    def _is_final(self, error: SpiffeSimError) -> bool:
        """Whether no other attempt would end otherwise."""
        agent = self.node
        if not self.attested:
            return isinstance(error, Refused) and error.status == "PERMISSION_DENIED"
        if not isinstance(error, NotAuthorized) or error.detail is None:
            return False
        what = "Agent is banned" if error.detail == BANNED else "Agent needs to re-attest"
        agent.note(f"{what}: removing SVID and shutting down", error=error_text(error))
        agent.credentials.storage.delete_svid()
        return True
