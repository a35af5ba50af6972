"""Credentials: an agent's own identity, and how it gets, shows, renews and loses it.

SPIRE: pkg/agent/attestor/node/node.go, pkg/agent/svid/rotator.go, pkg/common/nodeutil/node.go
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from spiffesim.authority import IssuedSvid
from spiffesim.authorization import ANONYMOUS, Caller
from spiffesim.errors import AttestationFailed, NotAuthorized, Refused, SpiffeSimError
from spiffesim.handshake import UNKNOWN_AUTHORITY, Handshake, problem_of
from spiffesim.instants import LAST, SECOND, Microseconds, span
from spiffesim.rpc import error_text
from spiffesim.server.lineage import leads_to
from spiffesim.server.storage import Storage
from spiffesim.spiffe.ids import SpiffeId

if TYPE_CHECKING:
    from spiffesim.agent.agent import Agent
    from spiffesim.chain import CertificateLike

CHECK: Final = 5 * SECOND
"""How often it looks at its own SVID. SPIRE: pkg/agent/svid/rotator_config.go"""

BANNED: Final = "AGENT_BANNED"
_LOST_AT_RESTART: Final = (
    "Node attestation is not reattestable and the 'memory' key manager is in use; if the agent process is restarted, "
    "it will be unable to obtain a new SVID and will need to be manually evicted to be able to re-attest."
)


def is_unknown_authority(error: SpiffeSimError) -> bool:
    """Whether a call failed because the server's SVID leads to no root that the agent has."""
    return isinstance(error, Refused) and UNKNOWN_AUTHORITY in error.message


class Credentials:
    """The X509-SVID of an agent, on its disk and at work.

    Args:
        agent: The agent.

    Attributes:
        storage: What is there after a restart.
        reattestable: Whether it attests again, or else renews; the server says so with each attestation.
        tainted: Whether its SVID comes from a tainted authority, so that it is to be renewed whatever its age.
        fresh: Whether the server has not seen the SVID in use yet.
        connected: Whether there is a connection that was made with this SVID. SPIRE's server ends each after
            three minutes; here one lasts until a call fails, either process ends, or there is a new SVID.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.storage = Storage(agent.config.key_manager)
        self.reattestable = False
        self.tainted = False
        self.fresh = False
        self.connected = False
        self._svid: IssuedSvid | None = None
        self._renew_after: Microseconds = 0
        self._spiffe_id: SpiffeId | None = None
        self._caller = ANONYMOUS  # its own once it has attested

    # Who it is

    @property
    def svid(self) -> IssuedSvid:
        """Its SVID; of an agent that has ended, its last.

        Raises:
            AttestationFailed: If it never had one.
        """
        if self._svid is None:
            raise AttestationFailed(
                f"agent {self.agent.name} has not attested", status="FAILED_PRECONDITION", hint="call attest()"
            )
        return self._svid

    @property
    def spiffe_id(self) -> SpiffeId:
        """Its SPIFFE ID.

        Raises:
            AttestationFailed: If it never had one.
        """
        text = self.svid.spiffe_id
        if self._spiffe_id is None or str(self._spiffe_id) != text:
            self._spiffe_id = SpiffeId(text)  # kept: it is the same after each renewal
        return self._spiffe_id

    @property
    def caller(self) -> Caller:
        """The agent as its server sees it."""
        svid = self._svid
        if svid is None or self._caller.svid is not svid:
            svid = self.svid
            self._caller = Caller(self.spiffe_id, not_after=svid.not_after, svid=svid)
        return self._caller

    # Calling the server

    def handshake(self, *, anonymous: bool = False) -> Handshake:
        """How it would reach its server now; anonymously, as it does to attest."""
        agent = self.agent
        connected = self.connected and not anonymous
        shown = None if anonymous or connected else self.svid
        trusts = agent.view if self.storage.bundle else None
        return Handshake(agent, agent.server, shown, trusts, connected=connected)

    @property
    def server_fails_from(self) -> Microseconds:
        """From when on, by the world's clock, the server cannot be reached, or its SVID may not be taken; 0 for now."""
        agent, server = self.agent, self.agent.server
        if self.connected and agent.skew == server.skew:  # nearly always, and quicker than to shake hands
            reached = agent.world.reaches(agent, server)
            return server.valid_until + 1 - server.skew if reached else 0
        handshake = self.handshake()
        if handshake.failure is not None:
            return 0
        return handshake.server_fails_from if server.shown is not None else LAST

    def connect(self) -> None:
        """Reach the server.

        Raises:
            Unavailable: With the text of Go's gRPC, if that fails.
        """
        agent, server = self.agent, self.agent.server
        if self.connected and agent.skew == server.skew and server.steady_svid is not None:
            self.connected = agent.world.reaches(
                agent, server
            )  # a handshake would find the same, in four times as long
            if self.connected:
                return
        try:
            self.handshake().check()
        except Refused:
            self.connected = False
            raise
        self.connected = True

    # Attestation

    def load(self) -> None:
        """Take over the SVID from the disk, or else attest.

        Raises:
            Refused: If the server cannot be reached, or refuses.

        SPIRE: pkg/agent/attestor/node/node.go (Attest)
        """
        agent = self.agent
        svid, warning = self.storage.load_svid(agent.now)
        if svid is not None:
            self._take(svid, reattestable=self.storage.reattestable)
            agent.note("SVID loaded", spiffe_id=svid.spiffe_id)
            return
        if warning:
            agent.note(warning)
        agent.note("SVID is not found. Starting node attestation")
        self.attest()
        agent.note("Node attestation was successful", spiffe_id=self.svid.spiffe_id, reattestable=self.reattestable)

    def attest(self) -> None:
        """Prove to the server what this node is, and take the SVID and the bundle that it gives.

        Raises:
            Refused: If the server cannot be reached, or refuses.
        """
        self._attest()
        view = self.agent.view
        view.copy(self.agent.server.view)
        view.end_process()  # what is tainted in it is news to the first sync
        self.storage.bundle = True
        if not self.reattestable and self.storage.key_manager == "memory":
            self.agent.note(_LOST_AT_RESTART)

    def _attest(self) -> None:
        agent, server = self.agent, self.agent.server
        self.handshake(anonymous=True).check()
        attestation = agent.attestor.attest(server, server.now)
        svid = server.admit_agent(agent.attestor.name, attestation)
        self._take(svid, reattestable=attestation.can_reattest)
        # Not SPIRE: there the next sync connects, some seconds later. It would bring nothing else, as this SVID counts
        # from now on and the server has just been judged; without it a year of such renewals takes 13 % less.
        self.connected = self.storage.bundle and not problem_of(svid, server.view, server.now)
        self.fresh = not self.connected

    def _take(self, svid: IssuedSvid, *, reattestable: bool) -> None:
        """Go on with another SVID."""
        self._svid = svid
        if svid is not self.storage.svid:
            self.storage.store(svid, reattestable=reattestable)
        self.reattestable = reattestable
        self._renew_after = svid.renew_after(CHECK, self.agent.config.target)
        self.tainted = self.connected = False
        self.fresh = True
        agent, bearers = self.agent, self.agent.server.bearers
        twin = bearers.get(svid.spiffe_id)
        if twin is not agent:
            bearers[svid.spiffe_id] = agent
            if twin is not None:
                twin.wake()  # its SVID counts no more
        agent.wake()

    # Renewal

    @property
    def due(self) -> Microseconds:
        """From when on, by the world's clock, it is to be renewed."""
        return 0 if self.tainted else self._renew_after - self.agent.skew

    def rotate(self) -> bool:
        """Renew it if it is time: attest again where the server allows, or else ask for a new one; False if that failed."""
        if self.agent.now < self._renew_after and not self.tainted:
            return True
        try:
            self._renew()
        except SpiffeSimError as error:
            return self._fail(error)
        return True

    def _renew(self) -> None:
        agent = self.agent
        if self.reattestable:
            self._attest()
            done = "Successfully reattested node"
        else:
            self.connect()
            self._take(agent.server.renew_agent(self.caller), reattestable=False)
            done = "Successfully rotated agent SVID"
        agent.note(done, spiffe_id=self.svid.spiffe_id)

    def _fail(self, error: SpiffeSimError) -> bool:
        """React to a renewal that failed: True if that was the end."""
        agent = self.agent
        what = "reattest agent" if self.reattestable else "rotate agent SVID"
        text = error_text(error) if self.reattestable else f"failed to renew agent: {error_text(error)}"
        agent.note(f"Could not {what}", error=text)
        if isinstance(error, NotAuthorized) and error.detail is not None:
            self.recover(error)  # which ends the agent: only one that cannot attest again shows itself here
            return True
        if agent.now > self.svid.not_after:
            agent.crash(f"current SVID has already expired and {what} failed: {text}")
            return True
        return False

    # Turned away, tainted

    def recover(self, refusal: NotAuthorized) -> bool:
        """React to a server that turns the agent away: attest again and say True, or else end it.

        SPIRE: pkg/agent/manager/manager.go (Run)
        """
        agent = self.agent
        if refusal.detail == BANNED:
            self._lose("Agent is banned: removing SVID and shutting down", refusal)
            return False
        agent.note("Agent needs to re-attest; will attempt to re-attest", reason=refusal.detail)
        try:
            if not self.reattestable:
                raise AttestationFailed("attestation method is not re-attestable", status="FAILED_PRECONDITION")
            self._attest()
        except SpiffeSimError as failure:
            self._lose("Agent failed re-attestation; removing SVID and shutting down", failure)
            return False
        return True

    def _lose(self, reason: str, error: SpiffeSimError) -> None:
        self.storage.delete_svid()
        self.agent.end(reason, error=str(error))

    def waits_for_old_server(self) -> bool:
        """Whether it still hopes that its server shows an SVID of an authority that it knows again.

        SPIRE: pkg/agent/trustbundlesources/bundle.go
        """
        now = self.agent.world.now
        if self.storage.started_at is None:
            self.storage.started_at = now
        left = span(self.agent.config.rebootstrap_delay) - (now - self.storage.started_at)
        if left > 0:
            self.agent.note("Trust Bundle and Server don't agree, ignoring for now", time_left=f"{left / SECOND:g}s")
        return left > 0

    def end_process(self) -> None:
        """Lose what only the process had."""
        self.storage.end_process()
        self.agent.view.end_process()
        self.connected = self.tainted = False

    def judge(self, roots: Iterable[CertificateLike]) -> None:
        """Find out whether its SVID leads to one of these roots, which are tainted."""
        if not self.tainted and leads_to(self.svid, roots, self.agent.now):
            self.agent.note("Agent SVID is tainted by a root authority, forcing rotation")
            self.tainted = True
            self.agent.wake()
