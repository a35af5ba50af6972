"""The JWT cache: the JWT-SVIDs that an agent has fetched, each until its half-life.

SPIRE: pkg/agent/manager/cache/jwt_cache.go, pkg/agent/manager/manager.go (FetchJWTSVID)
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from typing import TypeAlias

import attrs

from spiffesim.agentconfig import DEFAULT_CACHE_SIZE
from spiffesim.entries import RegistrationEntry
from spiffesim.errors import Refused, Unavailable
from spiffesim.instants import SECOND, Microseconds, microseconds, moment
from spiffesim.randomness import Randomness
from spiffesim.rpc import error_text
from spiffesim.spiffe.jwtsvid import JwtSvid

Audience: TypeAlias = tuple[str, ...]


class JwtCache:
    """Tokens by SPIFFE ID and audience, in whatever order its names come; entries with one SPIFFE ID share them.

    Args:
        size: How many it holds; 0 for 1000.
        randomness: The streams of the simulation.
        name: The name of the agent, under which its draws run.
    """

    def __init__(self, size: int, randomness: Randomness, name: str) -> None:
        self.size = size or DEFAULT_CACHE_SIZE
        self._randomness = randomness
        self._name = name
        self._tokens: OrderedDict[tuple[str, Audience], JwtSvid] = OrderedDict()  # the last used one last

    def __len__(self) -> int:
        return len(self._tokens)

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

        Not SPIRE: no time passes. SPIRE asks again, after 1, 1.5, ... s, for up to 30 s, whatever the server answers
        but that the request is wrong; here the first answer stands for all of them.

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
        if svid is not None:
            self._tokens.move_to_end(key)
        if svid is None or self._expires_soon(key, svid, now):
            try:
                # Our own server made it, so it need not be read before somebody looks: that takes half a signature.
                svid = self._store(key, JwtSvid(mint()))
            except Refused as refusal:
                svid = self._fall_back(entry, svid, refusal, now, warn)
        return svid if svid.hint == entry.hint else attrs.evolve(svid, hint=entry.hint)

    def _fall_back(
        self,
        entry: RegistrationEntry,
        svid: JwtSvid | None,
        refusal: Refused,
        now: Microseconds,
        warn: Callable[[str], None],
    ) -> JwtSvid:
        """The cached token, if it is still good. SPIRE: pkg/agent/client/client.go (NewJWTSVID)."""
        reason = f"failed to fetch JWT SVID: {error_text(refusal)}"
        if svid is None or moment(now) >= svid.expiry:
            raise _unavailable(entry, reason, refusal, renewing=svid is not None) from refusal
        warn(reason)
        return svid

    def _store(self, key: tuple[str, Audience], svid: JwtSvid) -> JwtSvid:
        # SPIRE: a full cache drops its oldest token even where the new one takes the place of another.
        if len(self._tokens) >= self.size:
            self._tokens.popitem(last=False)
        if key in self._tokens:
            self._tokens.move_to_end(key)
        self._tokens[key] = svid
        return svid

    def _expires_soon(self, key: tuple[str, Audience], svid: JwtSvid, now: Microseconds) -> bool:
        """Whether a token is past its half-life, or up to a tenth of that before or after.

        SPIRE draws the threshold anew at each fetch. Here each token has one, which is the law of a single fetch, and
        does not depend on how often somebody asked before.

        SPIRE: pkg/common/rotationutil/rotationutil.go (JWTSVIDExpiresSoon)
        """
        issued_at, end = svid.issued_at, microseconds(svid.expiry)
        assert issued_at is not None  # SPIRE's servers always set it
        began = microseconds(issued_at)
        half = (end - began) // 2
        left, spread = end - now, half // 10
        if left <= 0 or left > half + spread:
            return left <= 0
        drawn = self._randomness.chance(f"{self._name} jwt rotation {key[0]} {' '.join(key[1])}", began // SECOND)
        return left <= half - spread + int(drawn * (spread * 2))

    def taint(self, key_ids: Collection[str]) -> dict[str, int]:
        """Drop the tokens that were signed with any of these keys; how many with each.

        SPIRE: pkg/agent/manager/cache/jwt_cache.go (TaintJWTSVIDs)
        """
        removed: Counter[str] = Counter()
        for key, svid in list(self._tokens.items()):
            key_id = svid.key_id
            if key_id is not None and key_id in key_ids:
                removed[key_id] += 1
                del self._tokens[key]
        return dict(sorted(removed.items()))


def _unavailable(entry: RegistrationEntry, reason: str, refusal: Refused, *, renewing: bool) -> Unavailable:
    if renewing:
        reason = f'unable to renew JWT for "{entry.spiffe_id}" (err={reason})'
    return Unavailable(
        f"could not fetch JWT-SVID: {reason}", status="UNAVAILABLE", hint=refusal.hint, upstream=refusal.status
    )
