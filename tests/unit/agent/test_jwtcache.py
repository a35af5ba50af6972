"""The JWT cache: reuse until the half-life, and what happens when the server refuses."""

from __future__ import annotations

from typing import Any

import pytest

from spiffesim.agent.jwtcache import JwtCache
from spiffesim.entries import RegistrationEntry
from spiffesim.errors import NotFound, Refused, Unavailable
from spiffesim.randomness import Randomness
from spiffesim.spiffe.jwtsvid import JwtSvid
from tests.oracles import tokens

SECOND = 1_000_000
NOW = tokens.NOW * SECOND
WEB = "spiffe://example.org/web"


def entry(entry_id: str = "1", **fields: Any) -> RegistrationEntry:
    return RegistrationEntry(
        id=entry_id,
        spiffe_id=fields.pop("spiffe_id", WEB),
        parent_id="spiffe://example.org/node",
        selectors=["a:b"],
        **fields,
    )


def cache_of(size: int = 0) -> JwtCache:
    return JwtCache(size, Randomness(1), "agent")


class Server:
    """Mints tokens of five minutes, and counts them; or refuses."""

    def __init__(self) -> None:
        self.now = tokens.NOW
        self.minted = 0
        self.refusal: Refused | None = None
        self.warnings: list[str] = []

    def mint(self) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.minted += 1
        return tokens.jwt_svid({"iat": self.now, "exp": self.now + 300, "jti": str(self.minted)})

    def fetch(self, cache: JwtCache, *audience: str, at: RegistrationEntry | None = None, after: int = 0) -> str:
        """The number of the token that comes out, some seconds on."""
        self.now = tokens.NOW + after
        svid = cache.fetch(
            at or entry(), audience or ("db",), self.now * SECOND, mint=self.mint, warn=self.warnings.append
        )
        return str(svid.claims["jti"])


def test_a_token_is_reused_until_its_half_life() -> None:
    cache, server = cache_of(), Server()
    assert server.fetch(cache) == "1"
    assert server.fetch(cache, after=134) == "1"
    assert server.fetch(cache, after=166) == "2"
    assert server.fetch(cache, after=299) == "2"
    assert len(cache) == 1


def test_a_token_with_an_id_of_its_own_is_reused_like_any_other() -> None:
    cache, server = cache_of(), Server()
    singular = entry(jwt_svid_include_jti=True)
    assert server.fetch(cache, at=singular) == "1"
    assert server.fetch(cache, at=singular, after=134) == "1"  # SPIRE: its agent does not hear of the attribute
    assert server.fetch(cache, at=singular, after=166) == "2"


def test_an_audience_is_the_same_in_any_order_and_another_with_other_names() -> None:
    cache, server = cache_of(), Server()
    assert server.fetch(cache, "a", "b") == "1"
    assert server.fetch(cache, "b", "a") == "1"
    assert server.fetch(cache, "a") == "2"
    assert server.fetch(cache, "a", "b", "b") == "3"  # SPIRE: a name that comes twice counts twice


def test_entries_with_one_spiffe_id_share_tokens_and_keep_their_hints() -> None:
    cache, server = cache_of(), Server()
    svids = [
        cache.fetch(entry(entry_id, hint=hint), ("db",), NOW, mint=server.mint, warn=server.warnings.append)
        for entry_id, hint in (("1", "internal"), ("2", "external"), ("3", ""))
    ]
    assert [svid.hint for svid in svids] == ["internal", "external", ""]
    assert len({svid.token for svid in svids}) == 1
    assert server.fetch(cache, at=entry("4", spiffe_id="spiffe://example.org/db")) == "2"


def test_a_server_that_refuses_is_reported_in_spires_words() -> None:
    server = Server()
    server.refusal = NotFound("entry not found or not authorized", status="NOT_FOUND", hint="why")
    with pytest.raises(Unavailable) as refused:
        server.fetch(cache_of())
    assert refused.value.message == (
        "could not fetch JWT-SVID: failed to fetch JWT SVID: "
        "rpc error: code = NotFound desc = entry not found or not authorized"
    )
    assert (refused.value.status, refused.value.upstream, refused.value.hint) == ("UNAVAILABLE", "NOT_FOUND", "why")
    assert refused.value.__cause__ is server.refusal


def test_a_token_that_cannot_be_renewed_is_served_until_it_expires() -> None:
    cache, server = cache_of(), Server()
    assert server.fetch(cache) == "1"
    server.refusal = Refused("JWT functionality is disabled", status="UNIMPLEMENTED")
    assert server.fetch(cache, after=134) == "1"
    assert server.warnings == []
    assert server.fetch(cache, after=299) == "1"
    reason = "failed to fetch JWT SVID: rpc error: code = Unimplemented desc = JWT functionality is disabled"
    assert server.warnings == [reason]
    with pytest.raises(Unavailable) as refused:
        server.fetch(cache, after=300)
    assert refused.value.message == f'could not fetch JWT-SVID: unable to renew JWT for "{WEB}" (err={reason})'
    server.refusal = None
    assert server.fetch(cache, after=301) == "2"


# Its size


def test_a_full_cache_drops_what_was_used_longest_ago() -> None:
    cache, server = cache_of(2), Server()
    assert [server.fetch(cache, name) for name in ("a", "b", "a", "c")] == ["1", "2", "1", "3"]
    assert server.fetch(cache, "a") == "1"
    assert server.fetch(cache, "b") == "4"  # it was gone, and "c" goes for it
    assert len(cache) == 2


def test_a_full_cache_drops_one_for_a_renewed_token_too() -> None:
    cache, server = cache_of(2), Server()
    assert [server.fetch(cache, name) for name in ("a", "b")] == ["1", "2"]
    assert server.fetch(cache, "b", after=166) == "3"
    assert len(cache) == 1  # SPIRE: "a" was the oldest, and went although the size stays


# When it is renewed


def test_the_threshold_is_drawn_for_each_token_around_its_half_life() -> None:
    """Of 200 tokens, how many are renewed at nine, ten and eleven tenths of their half-life of 150 s."""
    renewed = []
    for after in (134, 150, 166):
        cache, server = cache_of(1000), Server()
        names = [str(number) for number in range(200)]
        for name in names:
            server.fetch(cache, name)
        renewed.append(sum(int(server.fetch(cache, name, after=after)) > 200 for name in names))
    assert (renewed[0], renewed[2]) == (0, 200)
    assert 60 < renewed[1] < 140


# Tainted keys


def test_tokens_of_a_tainted_key_are_dropped_and_counted() -> None:
    cache, server = cache_of(), Server()
    assert [server.fetch(cache, name) for name in ("a", "b")] == ["1", "2"]
    key_id = JwtSvid.parse(server.mint()).key_id
    assert key_id is not None
    assert cache.taint(["another"]) == {}
    assert len(cache) == 2
    assert cache.taint([key_id]) == {key_id: 2}
    assert len(cache) == 0
