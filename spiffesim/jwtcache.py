"""The JWT cache: the JWT-SVIDs that an agent has fetched, each until its half-life.

SPIRE: pkg/agent/manager/cache/jwt_cache.go, pkg/agent/manager/manager.go (FetchJWTSVID)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs

from spiffesim import rotation
from spiffesim.entries import RegistrationEntry
from spiffesim.errors import Refused, Unavailable
from spiffesim.instants import Microseconds, microseconds, moment
from spiffesim.spiffe.jwtsvid import JwtSvid

Audience: TypeAlias = tuple[str, ...]


class JwtCache:
    """Tokens by SPIFFE ID and audience, in whatever order its names come; entries with one SPIFFE ID share them."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, Audience], JwtSvid] = {}

    def __len__(self) -> int:
        return len(self._tokens)

    def clear(self) -> None:
        """Forget all tokens."""
        self._tokens.clear()

    def fetch(
        self,
        entry: RegistrationEntry,
        audience: Audience,
        now: Microseconds,
        *,
        mint: Callable[[], str],
        warn: Callable[[str], None],
    ) -> JwtSvid:
        """A token of an entry: the cached one until its half-life, then a new one.

        Args:
            entry: The entry.
            audience: Whom it is for.
            now: The present instant, in microseconds.
            mint: Asks the server for a new token.
            warn: Hears why, when the server refuses and the cached token is still good.

        Raises:
            Unavailable: With SPIRE's text, if the server refuses and no cached token is still good.
        """
        # SPIRE: jwt_svid_include_jti is to pass the cache by, but gets lost on the way to the agent, which copies the
        # other attribute only (pkg/agent/client/util.go): such tokens are cached like all others.
        key = (str(entry.spiffe_id), tuple(sorted(audience)))
        svid = self._tokens.get(key)
        if svid is None or _expires_soon(svid, now):
            try:
                # Our own server made it, so it need not be read before somebody looks: that takes half a signature.
                svid = self._tokens[key] = JwtSvid(mint())
            except Refused as refusal:
                reason = _reason(refusal)
                if svid is None or moment(now) >= svid.expiry:
                    raise _unavailable(entry, reason, refusal, renewing=svid is not None) from refusal
                warn(reason)
        return svid if svid.hint == entry.hint else attrs.evolve(svid, hint=entry.hint)


def _reason(refusal: Refused) -> str:
    """SPIRE: pkg/agent/client/client.go (NewJWTSVID)."""
    code = grpc_name(refusal.status)
    return f"failed to fetch JWT SVID: rpc error: code = {code} desc = {refusal.message}"


def _unavailable(entry: RegistrationEntry, reason: str, refusal: Refused, *, renewing: bool) -> Unavailable:
    if renewing:
        reason = f'unable to renew JWT for "{entry.spiffe_id}" (err={reason})'
    return Unavailable(
        f"could not fetch JWT-SVID: {reason}", status="UNAVAILABLE", hint=refusal.hint, upstream=refusal.status
    )


def _expires_soon(svid: JwtSvid, now: Microseconds) -> bool:
    """Whether a token is past its half-life. SPIRE: pkg/common/rotationutil/rotationutil.go."""
    issued_at, expiry = svid.issued_at, svid.expiry
    assert issued_at is not None  # SPIRE's servers always set it
    return now >= rotation.half_life(microseconds(issued_at), microseconds(expiry))


def grpc_name(status: str) -> str:
    """A gRPC status as Go prints it: ``PermissionDenied`` for ``PERMISSION_DENIED``."""
    return "".join(word.capitalize() for word in status.split("_"))
