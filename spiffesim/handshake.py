"""The TLS handshake between two nodes: each judges the other's X509-SVID by its own clock and its own bundle.

It looks at records, and draws no document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from spiffesim.authority import IssuedCertificate, IssuedSvid
from spiffesim.chain import CertificateLike
from spiffesim.errors import Unavailable
from spiffesim.instants import Microseconds, rfc3339
from spiffesim.spiffe.x509.certificate import read_certificate

if TYPE_CHECKING:
    from spiffesim.server.view import View
    from spiffesim.world import World

REFUSED: Final = 'connection error: desc = "transport: Error while dialing: dial tcp: connect: connection refused"'
_UNVERIFIED: Final = (
    'connection error: desc = "transport: authentication handshake failed: x509svid: could not verify leaf certificate: '
    '%s"'
)
_ALERT: Final = 'connection error: desc = "error reading server preface: remote error: tls: bad certificate"'


UNKNOWN_AUTHORITY: Final = "x509: certificate signed by unknown authority"
"""By this text an agent knows a server of another authority. SPIRE: pkg/common/x509util/cert.go"""


class Party(Protocol):
    """One end of a connection."""

    world: World
    name: str
    skew: Microseconds
    """How far its clock is ahead of the world's."""

    @property
    def depth(self) -> int:
        """How many servers stand above it."""
        ...

    @property
    def running(self) -> bool:
        """Whether it answers."""
        ...

    @property
    def now(self) -> Microseconds:
        """The present instant by its own clock."""
        ...

    def wake(self) -> None:
        """Let its loops look again at when they have something to do."""
        ...


class Listener(Party, Protocol):
    """The end that is called: a server."""

    view: View

    @property
    def shown(self) -> IssuedSvid | None:
        """The X509-SVID that it shows; None before it has any."""
        ...

    @property
    def steady_svid(self) -> IssuedSvid | None:
        """An SVID of its own as good as the one that it shows; None where one has to look at that."""
        ...

    @property
    def valid_until(self) -> Microseconds:
        """Until when, by its own clock, it is sure to have a valid SVID to show, as it renews it in time."""
        ...


class Handshake:
    """One attempt of a node to reach a server.

    Args:
        client: Who calls.
        server: Who is called.
        svid: What the client shows; None for nothing, as an agent that has not attested.
        trusts: The bundle that the client judges the server by; None where it takes anybody (``insecure_bootstrap``).
        connected: Whether there is a connection already: whom the server's SVID leads to was seen when it was made.

    SPIRE: pkg/agent/client/client.go, pkg/server/plugin/upstreamauthority/spire/spire_server_client.go,
    pkg/server/endpoints/auth.go
    """

    __slots__ = ("client", "connected", "server", "svid", "trusts")

    def __init__(
        self,
        client: Party,
        server: Listener,
        svid: IssuedSvid | None,
        trusts: View | None,
        *,
        connected: bool = False,
    ) -> None:
        self.client = client
        self.server = server
        self.svid = svid
        self.trusts = trusts
        self.connected = connected

    @property
    def failure(self) -> tuple[str, str] | None:
        """SPIRE's text and ours, if it fails at the present instant."""
        client, server = self.client, self.server
        if not client.world.reaches(client, server):
            return REFUSED, f"{client.name} cannot reach {server.name}"
        problem = self._problem_of_server()
        if problem:
            return _UNVERIFIED % problem, f"{client.name} judges the SVID of {server.name} by its own clock"
        if self.svid is not None:
            problem = problem_of(self.svid, server.view, server.now)
            if problem:
                return _ALERT, f"{server.name} refuses the SVID of {client.name}: {problem}"
        return None

    def _problem_of_server(self) -> str:
        """What the client finds wrong with the SVID of the server; empty if nothing."""
        if self.trusts is None:
            return ""
        client, server = self.client, self.server
        steady = server.steady_svid if client.skew == server.skew else None
        if steady is not None:
            return "" if self.connected or _leads_into(steady, self.trusts) else UNKNOWN_AUTHORITY
        shown = server.shown
        if shown is None:
            return ""
        now = client.now
        return _out_of_time(shown, now) if self.connected else problem_of(shown, self.trusts, now)

    def check(self) -> None:
        """Shake hands.

        Raises:
            Unavailable: UNAVAILABLE, with the text of Go's gRPC.
        """
        failure = self.failure
        if failure is not None:
            raise Unavailable(failure[0], status="UNAVAILABLE", hint=failure[1])

    @property
    def server_fails_from(self) -> Microseconds:
        """From when on, by the world's clock, the SVID of the server may be too old for the client."""
        client, server = self.client, self.server
        if client.skew == server.skew:
            return server.valid_until + 1 - client.skew
        shown = server.shown
        assert shown is not None
        return shown.not_after + 1 - client.skew


def problem_of(svid: IssuedSvid, view: View, now: Microseconds) -> str:
    """What Go finds wrong with an SVID, in its words; empty if nothing.

    Args:
        svid: The SVID.
        view: The bundle that it is judged by.
        now: The instant that it is judged at.
    """
    problem = _out_of_time(svid, now)
    if not problem and not _leads_into(svid, view):
        problem = UNKNOWN_AUTHORITY
    return problem


def _out_of_time(svid: IssuedSvid, now: Microseconds) -> str:
    issuer = svid.certificate.issuer
    assert issuer is not None  # an SVID is no root
    begin, end = max(svid.not_before, issuer.certificate.not_before), svid.not_after
    if now > end:
        return f"x509: certificate has expired or is not yet valid: current time {rfc3339(now)} is after {rfc3339(end)}"
    if now < begin:
        return (
            f"x509: certificate has expired or is not yet valid: current time {rfc3339(now)} is before {rfc3339(begin)}"
        )
    return ""


def _leads_into(svid: IssuedSvid, view: View) -> bool:
    """Whether an SVID leads to a root of a bundle."""
    issuer = svid.certificate.issuer
    assert issuer is not None  # an SVID is no root
    top: CertificateLike = issuer.top
    if isinstance(top, IssuedCertificate) and top.issuer is None:
        elements = view.x509_elements
        newest = elements[-1].certificate if elements else None  # most often that, and quicker than to go through all
        return newest is top or any(element.certificate is top for element in elements)
    # Signed outside of SPIRE: those certificates are drawn already.
    *_, last = svid.issuers or (top,)
    above = read_certificate(last.der).issuer
    return any(root.subject == above for root in view.roots)
