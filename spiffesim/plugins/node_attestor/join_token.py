"""The ``join_token`` node attestor: a token that a server has given out, good for one agent, once.

SPIRE: pkg/agent/plugin/nodeattestor/jointoken, pkg/server/api/agent/v1/service.go
"""

from __future__ import annotations

from datetime import timedelta

from spiffesim.errors import AttestationFailed, InvalidSpiffeId, Refused
from spiffesim.instants import Microseconds, rfc3339, span, whole_second
from spiffesim.plugins.node_attestor import Attestation, AttestingServer
from spiffesim.spiffe.ids import SpiffeId, TrustDomain


class JoinTokenAttestor:
    """Shows a join token.

    Args:
        token: The token that ``Server.create_join_token`` returned.
    """

    name = "join_token"
    can_reattest = False

    def __init__(self, token: str) -> None:
        self.token = token

    def attest(self, server: AttestingServer, now: Microseconds) -> Attestation:
        """Redeem the token.

        Raises:
            AttestationFailed: INVALID_ARGUMENT, if it is unknown, used or expired; INTERNAL, if no ID can have it.
        """
        if not self.token:
            raise AttestationFailed(
                "nodeattestor(join_token): join token was not provided", status="INVALID_ARGUMENT", hint=server.name
            )
        server.join_tokens.redeem(self.token, now)
        try:
            agent_id = agent_id_of(self.token, server.trust_domain)
        except InvalidSpiffeId as error:
            raise AttestationFailed(
                f"failed to create join token ID: {error.reason}", status="INTERNAL", hint=str(error)
            ) from None
        return Attestation(agent_id.path.removeprefix("/spire/agent"))

    def __repr__(self) -> str:
        return "<JoinTokenAttestor>"


def agent_id_of(token: str, trust_domain: TrustDomain) -> SpiffeId:
    """The ID of the agent that attests with a token.

    Raises:
        InvalidSpiffeId: If the token cannot be the last segment of one.

    SPIRE: pkg/server/api/agent/v1/service.go (joinTokenID)
    """
    # A token is one segment, so that a slash is as foreign to it as any other such character.
    return trust_domain.id(f"/spire/agent/join_token/{token.replace('/', '%2F')}")


def check_ttl(ttl: timedelta) -> None:
    """Check that a token would live for a second.

    Raises:
        Refused: INVALID_ARGUMENT, with SPIRE's text.
    """
    if ttl < timedelta(seconds=1):
        raise Refused("ttl is required, you must provide one", status="INVALID_ARGUMENT", hint=f"{ttl}")


class JoinTokens:
    """The join tokens that a server has given out and that nobody has used."""

    def __init__(self) -> None:
        self._expiries: dict[str, Microseconds] = {}

    def create(self, token: str, ttl: timedelta, now: Microseconds) -> None:
        """Give a token out.

        Raises:
            Refused: INVALID_ARGUMENT if it would live less than a second, INTERNAL if it is given out already.
        """
        check_ttl(ttl)
        if token in self._expiries:
            raise Refused(
                "failed to create token: datastore-sql: UNIQUE constraint failed: join_tokens.token",
                status="INTERNAL",
                hint="the token is given out already",
            )
        self._expiries[token] = whole_second(now + span(ttl))

    def redeem(self, token: str, now: Microseconds) -> None:
        """Use a token up.

        Raises:
            AttestationFailed: INVALID_ARGUMENT, if it is unknown, used, or expired; an expired one is gone too.

        SPIRE: pkg/server/api/agent/v1/service.go deletes it before it looks at its expiry.
        """
        expiry = self._expiries.pop(token, None)
        if expiry is None:
            raise AttestationFailed(
                "failed to attest: join token does not exist or has already been used",
                status="INVALID_ARGUMENT",
                hint="a token is good for one attestation; create another one",
            )
        if expiry < now:
            raise AttestationFailed(
                "join token expired",
                status="INVALID_ARGUMENT",
                hint=f"at {rfc3339(expiry)}; now it is {rfc3339(now)}; create another one",
            )

    def __len__(self) -> int:
        return len(self._expiries)
