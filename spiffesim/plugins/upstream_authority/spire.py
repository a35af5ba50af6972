"""The ``spire`` upstream authority: a nested server's parent.

SPIRE: pkg/server/plugin/upstreamauthority/spire
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from spiffesim.authority import IssuedSvid, JwtAuthority
from spiffesim.authorization import Caller
from spiffesim.channel import UNREACHABLE
from spiffesim.errors import Unavailable
from spiffesim.keys import Key
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa, Receiver


class Client(Protocol):
    """The nested server's own process, as the upstream agent sees it: a workload."""

    @property
    def default_svid(self) -> IssuedSvid:
        """Its first X509-SVID, which it shows the parent."""
        ...


class Parent(Receiver, Protocol):
    """The server above, which answers downstream callers."""

    def new_downstream_x509_ca(self, key: Key, *, preferred_ttl: timedelta, caller: Caller) -> MintedCa:
        """Sign a nested server's CA."""
        ...

    def authorize(self, method: str, caller: Caller) -> Caller:
        """The caller, if it may call this method."""
        ...


class SpireUpstreamAuthority:
    """Asks a SPIRE server for an intermediate CA, with the SVID that an agent of that server issues.

    Args:
        client: The nested server as a workload of an agent of the parent.
        parent: The parent.

    It never knows the parent by name: any server of the trust domain has the same SPIFFE ID, as in SPIRE.
    """

    name = "spire"

    def __init__(self, client: Client, parent: Parent) -> None:
        self.client = client
        self.parent = parent

    @property
    def _caller(self) -> Caller:
        return Caller.holding(self.client.default_svid)

    def mint_x509_ca(self, request: CaRequest) -> MintedCa:
        """Fetch an SVID over the Workload API, and with it an intermediate CA.

        Raises:
            NoIdentityIssued: If the agent gives this server no identity. SPIRE's server waits there forever.
            NotAuthorized: If no entry of the parent with that identity is downstream.
            Unavailable: If the agent, or the parent, cannot be reached.
        """
        try:
            caller = self._caller
        except Unavailable as failure:
            raise _failed("unable to request a new Downstream X509CA", failure) from failure
        return self.parent.new_downstream_x509_ca(request.key, preferred_ttl=request.preferred_ttl, caller=caller)

    def publish_jwt_key(self, authority: JwtAuthority) -> Receiver:  # noqa: ARG002 - the caller hands it on
        """Hand a JWT key to the parent, which hands it on.

        Raises:
            NoIdentityIssued: As for a CA.
            NotAuthorized: As for a CA.
            Unavailable: As for a CA.
        """
        try:
            caller = self._caller
        except Unavailable as failure:
            raise _failed("failed to push JWT authority", failure) from failure
        self.parent.authorize("publish_jwt_authority", caller)
        return self.parent

    def __repr__(self) -> str:
        return "<SpireUpstreamAuthority>"


def _failed(what: str, failure: Unavailable) -> Unavailable:
    """The failure of a call in SPIRE's words; what the Workload API says stays as it is."""
    if failure.code != UNREACHABLE:
        return failure
    return Unavailable(
        f"upstreamauthority(spire): {what}: rpc error: code = Unavailable desc = {failure.message}",
        status="INTERNAL",
        hint=failure.hint,
        code=UNREACHABLE,
    )
