"""Keyrings without servers around them: what the tests of the lower half of the line stand on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Unpack

import attrs

from spiffesim.authority import IssuedSvid, JwtAuthority
from spiffesim.authorization import Caller
from spiffesim.clock import Clock
from spiffesim.configuration import ServerConfig, Settings
from spiffesim.instants import span
from spiffesim.journal import Journal
from spiffesim.keys import Draw, Key
from spiffesim.ledger import Ledger
from spiffesim.plugins.key_manager import DrawnKeys
from spiffesim.plugins.key_manager.memory import MemoryKeyManager
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa, UpstreamAuthority
from spiffesim.plugins.upstream_authority.spire import SpireUpstreamAuthority
from spiffesim.profiles import WORKLOAD_SVID
from spiffesim.randomness import Randomness
from spiffesim.server.ca import ServerCa
from spiffesim.server.keyring import Keyring
from spiffesim.server.view import View
from spiffesim.spiffe.ids import TrustDomain
from tests.oracles.tokens import AT

NOW = 1_893_456_000_000_000  # AT, 2030-01-01T00:00:00Z
assert AT.timestamp() * 1_000_000 == NOW
HOUR = span(timedelta(hours=1))
MINUTE = HOUR // 60
SECOND = MINUTE // 60
DAY = 24 * HOUR
EXAMPLE_ORG = TrustDomain("example.org")


def make_keyring(
    name: str = "root",
    *,
    ledger: Ledger | None = None,
    upstream: UpstreamAuthority | None = None,
    randomness: Randomness | None = None,
    journal: Journal | None = None,
    keys: type[DrawnKeys] = MemoryKeyManager,
    **settings: Unpack[Settings],
) -> Keyring:
    """A keyring that has not started."""
    randomness = randomness or Randomness(1)
    return Keyring(
        name,
        View(ledger or Ledger(EXAMPLE_ORG)),
        ServerConfig(**settings),
        key_manager=keys(randomness, name),
        upstream=upstream,
        randomness=randomness,
        journal=journal or Journal(Clock(AT)),
    )


def started(name: str = "root", now: int = NOW, **options: Any) -> Keyring:
    """A keyring with its first authorities."""
    keyring = make_keyring(name, **options)
    keyring.start(now)
    return keyring


def rotate(keyring: Keyring, until: int, since: int = NOW) -> None:
    """Let the rotator check every ten seconds, but for the checks that would do nothing."""
    period = 10 * SECOND
    tick = since
    while (tick := max(tick, since - (since - keyring.due()) // period * period)) <= until:
        keyring.rotate(tick)
        tick += period


@attrs.define
class FakeClient:
    """A nested server as a workload."""

    default_svid: IssuedSvid


class FakeParent:
    """A server, as far as a nested one sees it."""

    def __init__(self, keyring: Keyring, now: int = NOW) -> None:
        self.keyring = keyring
        self.now = now
        self.called: list[str] = []

    def new_downstream_x509_ca(self, key: Key, *, preferred_ttl: timedelta, caller: Caller) -> MintedCa:
        self.authorize("new_downstream_x509_ca", caller)
        draw = Draw.next(self.keyring.randomness, f"{self.keyring.name} downstream")
        return ServerCa(self.keyring).sign_downstream_ca(draw, key, now=self.now, ttl=preferred_ttl)

    def authorize(self, method: str, caller: Caller) -> Caller:
        self.called.append(f"{method} {caller.spiffe_id}")
        return caller

    def changed(self) -> None:
        """Nobody fetches from it."""


def nested(parent: Keyring, name: str = "nested", now: int = NOW, **settings: Any) -> Keyring:
    """A keyring below another one, with its first authorities."""
    keyring = make_keyring(
        name,
        ledger=parent.view.ledger,
        randomness=parent.randomness,
        journal=parent.journal,
        upstream=spire_upstream(parent, name, now),
        **settings,
    )
    keyring.start(now)
    return keyring


def spire_upstream(parent: Keyring, name: str = "nested", now: int = NOW) -> SpireUpstreamAuthority:
    """The upstream authority of a server below a keyring."""
    draw = Draw.next(parent.randomness, f"svid {name}")
    svid = ServerCa(parent).sign_svid(WORKLOAD_SVID, draw, spiffe_id=f"spiffe://example.org/{name}", now=now, ttl=HOUR)
    return SpireUpstreamAuthority(FakeClient(svid), FakeParent(parent, now))


def ca_request(**changes: Any) -> CaRequest:
    """What a server of example.org asks for its first CA."""
    draw = Draw(changes.pop("randomness", None) or Randomness(5), "root x509 ca", 0)
    fields: dict[str, Any] = {
        "trust_domain": EXAMPLE_ORG,
        "key": draw.key(),
        "preferred_ttl": timedelta(hours=24),
        "now": NOW,
        "draw": draw,
        "subject": lambda: bytes.fromhex("300d310b3009060355040613025553"),  # C=US
    }
    return CaRequest(**{**fields, **changes})


def jwt_authority(name: str = "jwt", not_after: int = NOW + DAY) -> JwtAuthority:
    """A token authority that nobody has published."""
    draw = Draw(Randomness(6), name, 0)
    return JwtAuthority(draw, draw.key(), not_after)
