"""The channel of a nested server to the one above: an X509-SVID from the Workload API, and a connection made with it.

SPIRE: pkg/server/plugin/upstreamauthority/spire/spire_server_client.go, go-spiffe workloadapi/x509source.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from spiffesim.authority import IssuedSvid
from spiffesim.errors import Unavailable
from spiffesim.handshake import Handshake, Listener, Party, problem_of
from spiffesim.instants import Microseconds

if TYPE_CHECKING:
    from spiffesim.server.view import View

UNREACHABLE: Final = "upstream_unreachable"
"""The code of the error when the server above cannot be called."""

AMPLE: Final = 20
"""An SVID that lives for more syncs than that is renewed in time."""

_NO_SOCKET: Final = 'connection error: desc = "transport: Error while dialing: dial unix: connect: connection refused"'


class Client(Protocol):
    """The nested server's own process, as the agent beside it sees it: a workload."""

    @property
    def default_svid(self) -> IssuedSvid:
        """Its first X509-SVID, minted now if need be."""
        ...

    @property
    def held_svid(self) -> IssuedSvid | None:
        """Its first X509-SVID, if the agent holds one."""
        ...


class Socket(Party, Protocol):
    """The agent whose Workload API gives a nested server its SVID."""

    view: View

    @property
    def sync_interval(self) -> Microseconds:
        """How often it looks whether SVIDs are to be renewed."""
        ...

    @property
    def renews_until(self) -> Microseconds | None:
        """Until when, by the world's clock, it is sure to renew SVIDs in time; None if it is not."""
        ...


class Channel:
    """What a nested server's ``spire`` upstream authority keeps open: the source of its SVID, and the connection.

    For its first five seconds a server opens both for each call alone; from its subscription to the bundle above on
    they stay open. Then a connection that breaks is dialled again with a back-off, and calls fail meanwhile.

    Args:
        client: The nested server's process.
        via: The agent that it attests through.
        parent: The server above.

    Attributes:
        server: The nested server, once it is made.
        source: The SVID that the Workload API gave last. It stays when the Workload API falls silent.
        shown: The SVID that the connection was made with.
        open: Whether source and connection stay open.
        blocked: Whether it waits for the Workload API, and with it all that would call the server above.
        failure: Why calls fail, in SPIRE's words and ours; None while connected.
        restless: Whether the Workload API may have had news since the connection was made.
    """

    server: Party

    def __init__(self, client: Client, via: Socket, parent: Listener) -> None:
        self.client = client
        self.via = via
        self.parent = parent
        self.close()

    def close(self) -> None:
        """Let go of everything, as the end of the process does."""
        self.source: IssuedSvid | None = None
        self.shown: IssuedSvid | None = None
        self.open = False
        self.blocked = False
        self.failure: tuple[str, str] | None = None
        self.restless = False
        self._vouched = False

    # The source

    def fetch(self) -> None:
        """Open the source.

        Raises:
            Unavailable: If the Workload API does not answer.
            NoIdentityIssued: If it gives this server no identity. SPIRE's server waits in both cases.
        """
        if not self._hears:
            raise Unavailable(
                _NO_SOCKET, status="UNAVAILABLE", hint=f"{self.server.name} cannot reach the agent {self.via.name}"
            )
        self.source = self.client.default_svid
        self.blocked = False

    def remember(self) -> None:
        """Keep the SVID that the Workload API has given last, before it falls silent."""
        held = self.client.held_svid if self._hears else None
        self.source = held or self.source
        self._vouched = held is not None

    @property
    def _hears(self) -> bool:
        return self.server.world.reaches(self.server, self.via)

    # The connection

    def _handshake(self, svid: IssuedSvid | None) -> Handshake:
        return Handshake(self.server, self.parent, svid, self.via.view)

    def connect(self) -> None:
        """Make the connection, with the newest SVID that there is.

        Raises:
            Unavailable: If that fails; then so does every call, until it is made again.
        """
        self.remember()
        self.failure = self._handshake(self.source).failure
        self._check()
        self.shown = self.source
        self.restless = False

    def _check(self) -> None:
        if self.failure is not None:
            text, hint = self.failure
            raise Unavailable(text, status="UNAVAILABLE", hint=hint, code=UNREACHABLE)

    @property
    def default_svid(self) -> IssuedSvid:
        """The SVID that the server above sees at a call.

        Raises:
            Unavailable: If there is no connection.
            NoIdentityIssued: If the source is still to be opened, and the Workload API gives no identity.
        """
        if not self.open:
            self.fetch()
            self.connect()
        self._check()
        assert self.shown is not None
        return self.shown

    @property
    def reaches(self) -> bool:
        """Whether the server above runs, and the link to it is whole."""
        return self.server.world.reaches(self.server, self.parent)

    @property
    def connected(self) -> bool:
        """Whether source and connection are open, and calls arrive."""
        return self.open and self.failure is None

    @property
    def fails_from(self) -> Microseconds | None:
        """From when on its making anew might go wrong, or might show something else; None without a connection."""
        if not self.connected:
            return None
        assert self.shown is not None
        if self.restless:
            return 0
        handshake = self._handshake(None)
        if handshake.failure is not None:
            return 0
        judged_at = min(self.parent.now, self.shown.not_after)  # there may be a newer one
        if problem_of(self.shown, self.parent.view, judged_at):
            return 0
        return min(handshake.server_fails_from, self._client_fails_from)

    @property
    def _client_fails_from(self) -> Microseconds:
        """From when on, by the world's clock, this server may have none but an expired SVID to show."""
        assert self.shown is not None
        end = self.shown.not_after + 1 - self.parent.skew
        renewed = self.via.renews_until
        ample = self.shown.not_after - self.shown.not_before > AMPLE * self.via.sync_interval
        if renewed is None or not self._vouched or not ample or self.parent.skew != self.via.skew:
            return end
        return max(end, renewed)
