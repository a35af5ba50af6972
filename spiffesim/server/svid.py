"""The X509-SVID of a server, which it shows to agents and nested servers, and renews at half of its life.

SPIRE: pkg/server/svid/rotator.go
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from spiffesim import rotation
from spiffesim.authority import IssuedSvid
from spiffesim.chain import CertificateLike
from spiffesim.errors import SpiffeSimError
from spiffesim.instants import SECOND, Microseconds, span
from spiffesim.keys import Draw
from spiffesim.profiles import SERVER_SVID
from spiffesim.server.lineage import leads_to
from spiffesim.server.loops import SvidRotator

if TYPE_CHECKING:
    from spiffesim.server.server import Server

_AMPLE: Final = 100 * SECOND
"""A life that is long enough to be renewed in time by checks that come every five seconds."""


class ServerSvid:
    """The X509-SVID of a server.

    A renewal is an event only when its CA ends or another one signs, and for those who look: what nobody looks at is
    renewed when somebody does, as its checks would have renewed it.

    Args:
        server: The server.

    Attributes:
        tainted: Whether it comes from a tainted authority, so that it is to be renewed at the next check.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.tainted = False
        self._ttl = span(server.config.default_x509_svid_ttl)
        self._short = self._ttl < _AMPLE
        self._counts_draws = server.config.ca_key_type.startswith("rsa")  # RSA keys depend on the order of the draws
        self._record: IssuedSvid | None = None
        self._checked: Microseconds = -1  # the last check, by the world's clock, that renewed it or was an event
        self._next: Microseconds = 0  # no check renews it before, by the world's clock

    @property
    def held(self) -> bool:
        """Whether there is one: while the process runs."""
        return self._record is not None

    @property
    def record(self) -> IssuedSvid:
        """The SVID as a record.

        Raises:
            Refused: If there is none yet, and the CA cannot sign.
        """
        if self._record is None:
            self.renew()
        self.catch_up()
        assert self._record is not None
        return self._record

    @property
    def steady(self) -> IssuedSvid | None:
        """One that leads where that leads which is shown now, and as surely valid as that is; None if in doubt.

        It spares those who connect, which is nearly all that happens in a quiet world, to have it renewed for them.
        """
        record, server = self._record, self.server
        current = server.keyring.x509.current
        if record is None or record.certificate.issuer is not current.authority or self._short or not self._quiet:
            return None
        return record if server.now <= current.not_after - _AMPLE else None

    @property
    def valid_until(self) -> Microseconds:
        """Until when, by the server's clock, there is sure to be a valid one, as it is renewed in time."""
        steady = self.steady
        if steady is not None:
            return self.server.keyring.x509.current.not_after - _AMPLE
        record = self.record
        if record.not_after - record.not_before < _AMPLE or self._counts_draws:
            return record.not_after
        return max(record.not_after, self.server.keyring.x509.current.not_after - _AMPLE)

    # When

    @property
    def _due(self) -> Microseconds:
        """From when on it is to be renewed, by the server's clock."""
        return 0 if self._record is None or self.tainted else _due(self._record.not_before, self._record.not_after)

    @property
    def due(self) -> Microseconds:
        """From when on a renewal is an event, by the world's clock."""
        due, current = self._due, self.server.keyring.x509.current
        if self._record is not None and self._quiet and self._record.certificate.issuer is current.authority:
            due = max(due, current.not_after + 1)
        return due - self.server.skew

    @property
    def _quiet(self) -> bool:
        """Whether a renewal is nobody's business."""
        server = self.server
        return not (self.tainted or server.pollers or server.world.journal.debug or self._counts_draws)

    # Renewal

    def renew(self) -> None:
        """Sign a new one, over a new key.

        Raises:
            Refused: If the CA cannot sign.
        """
        self._next = 0
        before, self._record = self._record, self._sign(self._draw(), self.server.now)
        self.tainted = False
        if before is None or before.certificate.issuer is not self._record.certificate.issuer:
            self.server.wake_callers()  # who may not know where it leads
        else:
            self.server.wake_those_who_mind()

    def _draw(self) -> Draw:
        return Draw.next(self.server.world.randomness, f"{self.server.name} server")

    def _sign(self, draw: Draw, now: Microseconds) -> IssuedSvid:
        server = self.server
        return server.ca.sign_svid(
            SERVER_SVID,
            draw,
            spiffe_id=str(server.spiffe_id),
            now=now,
            ttl=self._ttl,
            key_type=server.config.ca_key_type,
        )

    def check(self) -> None:
        """Renew it past half of its life, or when it is tainted."""
        self.catch_up()
        server = self.server
        self._checked = server.world.now
        if server.now < self._due:
            return
        try:
            self.renew()
        except SpiffeSimError as error:  # the CA has ended, or the packaged RSA primes are used up
            server.note("Could not rotate server SVID", error=str(error))

    def catch_up(self) -> None:
        """Renew it as the checks up to now would have, had anybody looked."""
        server = self.server
        if server.world.now < self._next:
            return  # nearly always: whatever is done asks for it
        loop = server.find_loop(SvidRotator)
        if loop is None or loop.grid is None or self._record is None or not server.running or not self._quiet:
            return
        due, signed = self._due, None
        while True:
            # One of a CA that is about to end is due again at once, but not at the same check.
            instant = self._next = loop.grid.next(max(due - server.skew, server.caught_up + 1, self._checked + 1))
            now = instant + server.skew
            authority = server.keyring.x509_authority_at(now)
            if authority is None or authority.not_after < now or not server.world.timetable.passed(instant, loop):
                break
            self._checked, signed = instant, (self._draw(), now)
            due = _due(*authority.validity(now, self._ttl))
        if signed is not None:
            self._record = self._sign(*signed)  # the last: those before it have been replaced, and nobody saw them

    def forget_next(self) -> None:
        """Look for the next check anew: the clock of the server is set, or its loops begin at another instant."""
        self._next = 0

    def notify_tainted(self, roots: Sequence[CertificateLike]) -> None:
        """Renew it at the next check, if it leads to one of these tainted roots.

        SPIRE's rotator hears of one set of roots at a time; here it hears at once.
        """
        if leads_to(self.record, roots, self.server.now):
            self.server.note("Server SVID signed using a tainted authority, forcing rotation of the Server SVID")
            self.tainted = True
            self._next = 0
            self.server.wake()

    def end(self) -> None:
        """Lose it: the process has ended."""
        self._record = None
        self._next = 0
        self.tainted = False


def _due(not_before: Microseconds, not_after: Microseconds) -> Microseconds:
    """From when on an SVID is to be renewed, by the server's clock."""
    return rotation.half_life(not_before, not_after) + 1
