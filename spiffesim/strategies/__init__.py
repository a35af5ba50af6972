"""Hypothesis strategies: values, topologies, whole simulations, cases of the catalogue, and machines that do things to them.

All arguments are keyword-only; examples shrink towards one server, short names, shallow trees, and documents that are
right or have the one defect that is to blame. The machine for a validator or a system of yours has a module of its own,
:mod:`spiffesim.strategies.lifecycle`.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Final, TypedDict, Unpack

from hypothesis import strategies as st

from spiffesim import topology
from spiffesim.catalogue import BundleCase, BundleMapCase, JwtSvidCase, SpiffeIdCase, WitSvidCase, X509SvidCase
from spiffesim.keys import KEY_TYPES
from spiffesim.simulation import Simulation
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.strategies.actions import ACTIONS, OperatorAction, operator_actions
from spiffesim.strategies.cases import (
    CaseOptions,
    bundle_cases,
    bundle_map_cases,
    jwt_svid_cases,
    key_collision_cases,
    spiffe_id_cases,
    wit_svid_cases,
    x509_svid_cases,
)
from spiffesim.strategies.machine import TrustDomainMachine

__all__ = [
    "ACTIONS",
    "KEY_TYPES",
    "CaseOptions",
    "OperatorAction",
    "TopologyOptions",
    "TrustDomainMachine",
    "bundle_cases",
    "bundle_map_cases",
    "jwt_svid_cases",
    "key_collision_cases",
    "operator_actions",
    "simulations",
    "spiffe_id_cases",
    "spiffe_ids",
    "topologies",
    "trust_domains",
    "wit_svid_cases",
    "x509_svid_cases",
]

_NAME_CHARACTERS: Final = string.ascii_lowercase + string.digits + ".-_"
_PATH_CHARACTERS: Final = string.ascii_letters + string.digits + ".-_"
_CHEAP_KEY_TYPES: Final = ("ec-p256", "ec-p384", "rsa-2048")


class TopologyOptions(TypedDict, total=False):
    """The arguments of ``topologies``."""

    min_depth: int
    max_depth: int
    max_servers: int
    max_workloads: int
    key_types: Sequence[str]
    ca_hours: Sequence[int]


def trust_domains(*, max_size: int = 40) -> st.SearchStrategy[TrustDomain]:
    """Names of trust domains.

    Args:
        max_size: The longest name, at most 255.
    """
    return st.text(_NAME_CHARACTERS, min_size=1, max_size=max_size).map(TrustDomain)


@st.composite
def spiffe_ids(
    draw: st.DrawFn,
    /,
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
    /,
    *,
    min_depth: int = 0,
    max_depth: int = 30,
    max_servers: int = 12,
    max_workloads: int = 4,
    key_types: Sequence[str] = _CHEAP_KEY_TYPES,
    ca_hours: Sequence[int] = (24, 1, 240),
) -> topology.Tree:
    """Deployments as networkx graphs, for ``Simulation.from_graph``.

    A line of servers of any depth, and more servers anywhere below it; workloads anywhere, each with
    an agent of its own.

    Args:
        draw: Hypothesis'.
        min_depth: How many servers stand above the deepest at least.
        max_depth: How many at most.
        max_servers: How many servers there may be beside the line.
        max_workloads: How many workloads there may be.
        key_types: From which the types of the servers' CA keys and of the workloads' keys are drawn.
        ca_hours: From which it is drawn for how long the servers' CAs live.
    """
    parents = list(range(draw(st.integers(min_depth, max_depth), label="depth")))
    depths = list(range(len(parents) + 1))
    for _ in range(draw(st.integers(0, max_servers), label="branches")):
        above = draw(st.integers(0, len(parents)))
        above = above if depths[above] < max_depth else 0
        if max_depth:
            parents.append(above)
            depths.append(depths[above] + 1)
    types = st.lists(st.sampled_from(key_types), min_size=1, max_size=4)
    return topology.tree(
        parents,
        key_types=draw(types, label="CA key types"),
        workloads=draw(st.lists(st.integers(0, len(parents)), max_size=max_workloads), label="workloads"),
        workload_key_types=draw(types, label="workload key types"),
        ca_hours=draw(st.lists(st.sampled_from(ca_hours), min_size=1, max_size=3), label="hours of the CAs"),
    )


@st.composite
def simulations(
    draw: st.DrawFn, /, *, trust_domain: TrustDomain | str = "example.org", **options: Unpack[TopologyOptions]
) -> Simulation:
    """Running simulations of drawn topologies, with seeds of their own.

    Args:
        draw: Hypothesis'.
        trust_domain: The name of the trust domain.
        **options: As for ``topologies``.
    """
    graph = draw(topologies(**options))
    return Simulation.from_graph(graph, trust_domain, seed=draw(st.integers(0, 2**16), label="seed"))


# Each is a function of the type, so that the catalogue is read when somebody asks.
st.register_type_strategy(Simulation, lambda _: simulations())
st.register_type_strategy(X509SvidCase, lambda _: x509_svid_cases())
st.register_type_strategy(JwtSvidCase, lambda _: jwt_svid_cases())
st.register_type_strategy(WitSvidCase, lambda _: wit_svid_cases())
st.register_type_strategy(SpiffeIdCase, lambda _: spiffe_id_cases())
st.register_type_strategy(BundleCase, lambda _: bundle_cases())
st.register_type_strategy(BundleMapCase, lambda _: bundle_map_cases())
