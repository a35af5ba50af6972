"""A server as far as a node attestor sees it."""

from __future__ import annotations

from typing import Any

import attrs

from spiffesim.keys import Randomness
from spiffesim.plugins.node_attestor.join_token import JoinTokens
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain


@attrs.define
class FakeServer:
    """An attesting server of example.org."""

    name: str = "root"
    trust_domain: TrustDomain = TrustDomain("example.org")
    bundle: SpiffeBundle = attrs.field(factory=lambda: SpiffeBundle("example.org"))
    randomness: Randomness = attrs.field(factory=lambda: Randomness(1))
    join_tokens: JoinTokens = attrs.field(factory=JoinTokens)
    node_attestors: dict[str, Any] = attrs.field(factory=dict)
