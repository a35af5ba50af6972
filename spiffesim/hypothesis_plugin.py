"""What Hypothesis runs when it is imported where spiffesim is installed: ``st.from_type`` knows our types.

It runs in every such process, so it imports nothing but SPIFFE IDs; strategies come when somebody asks for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def register() -> None:
    """Register strategies for ``SpiffeId`` and ``TrustDomain``."""
    from hypothesis.strategies import register_type_strategy

    from spiffesim.spiffe.ids import SpiffeId, TrustDomain

    register_type_strategy(SpiffeId, _spiffe_ids)
    register_type_strategy(TrustDomain, _trust_domains)


def _spiffe_ids(_: type) -> SearchStrategy[Any]:
    from spiffesim import strategies

    return strategies.spiffe_ids()


def _trust_domains(_: type) -> SearchStrategy[Any]:
    from spiffesim import strategies

    return strategies.trust_domains()
