"""Hypothesis strategies: SPIFFE IDs, trust domains, topologies, and whole simulations.

All arguments are keyword-only; examples shrink towards one server, short names and shallow trees.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from spiffesim import topology
from spiffesim.keys import KEY_TYPES
from spiffesim.simulation import Simulation
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["simulations", "spiffe_ids", "topologies", "trust_domains"]

_NAME_CHARACTERS: Final = string.ascii_lowercase + string.digits + ".-_"
_PATH_CHARACTERS: Final = string.ascii_letters + string.digits + ".-_"
_CHEAP_KEY_TYPES: Final = ("ec-p256", "ec-p384", "rsa-2048")


def trust_domains(*, max_size: int = 40) -> st.SearchStrategy[TrustDomain]:
    """Names of trust domains.

    Args:
        max_size: The longest name, at most 255.
    """
    return st.text(_NAME_CHARACTERS, min_size=1, max_size=max_size).map(TrustDomain)


@st.composite
def spiffe_ids(
    draw: st.DrawFn,
    *,
    trust_domain: TrustDomain | str | None = None,
    min_segments: int = 1,
    max_segments: int = 4,
) -> SpiffeId:
    """SPIFFE IDs.

    Args:
        draw: Hypothesis'.
        trust_domain: Of which trust domain; by default of any.
        min_segments: How many path segments at least; 0 admits the ID of a trust domain.
        max_segments: How many at most.
    """
    domain = TrustDomain.parse(trust_domain) if trust_domain is not None else draw(trust_domains())
    segment = st.text(_PATH_CHARACTERS, min_size=1, max_size=16).filter(lambda text: text not in (".", ".."))
    segments = draw(st.lists(segment, min_size=min_segments, max_size=max_segments))
    return domain.id("".join(f"/{segment}" for segment in segments))


@st.composite
def topologies(
    draw: st.DrawFn,
    *,
    max_depth: int = 30,
    max_servers: int = 12,
    key_types: tuple[str, ...] = _CHEAP_KEY_TYPES,
    agents: bool = True,
) -> nx.DiGraph[str]:
    """Deployments as networkx graphs, for ``Simulation.from_graph``.

    A spine of servers of any depth up to ``max_depth``, and more servers anywhere on it; agents and
    workloads anywhere.

    Args:
        draw: Hypothesis'.
        max_depth: How many servers may stand above the deepest.
        max_servers: How many servers there may be beside the spine.
        key_types: From which each server's CA key type is drawn.
        agents: Whether agents and workloads are drawn too.
    """
    depth = draw(st.integers(0, max_depth), label="depth")
    parents = list(range(depth))
    for _ in range(draw(st.integers(0, max_servers - 1), label="branches")):
        parents.append(draw(st.integers(0, len(parents))))
    depths = [0]
    kept: list[int] = []
    for parent in parents:
        above = parent if depths[parent] < max_depth else 0
        kept.append(above)
        depths.append(depths[above] + 1)
    types = draw(st.lists(st.sampled_from(key_types), min_size=1, max_size=3, unique=True))
    placed = draw(st.lists(st.integers(0, len(kept)), max_size=4)) if agents else []
    return topology.tree(kept, key_types=types, workloads=placed)


@st.composite
def simulations(draw: st.DrawFn, *, trust_domain: str = "example.org", **options: Any) -> Simulation:
    """Running simulations of drawn topologies, with seeds of their own.

    Args:
        draw: Hypothesis'.
        trust_domain: The name of the trust domain.
        **options: As for ``topologies``.
    """
    graph = draw(topologies(**options))
    return Simulation.from_graph(graph, trust_domain, seed=draw(st.integers(0, 2**16), label="seed"))


st.register_type_strategy(SpiffeId, spiffe_ids())
st.register_type_strategy(TrustDomain, trust_domains())
