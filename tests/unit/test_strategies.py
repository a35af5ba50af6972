"""Strategies: what they draw, what they shrink to, and that their examples can be read."""

from __future__ import annotations

import inspect
from datetime import timedelta
from functools import partial
from typing import Any

import networkx as nx
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from spiffesim import Simulation, SpiffeId, TrustDomain, strategies
from spiffesim.keys import KEY_TYPES
from spiffesim.strategies import simulations, spiffe_ids, topologies, trust_domains

QUICK = settings(max_examples=200, database=None, derandomize=True)


@pytest.mark.parametrize("name", ["simulations", "spiffe_ids", "topologies", "trust_domains"])
def test_arguments_are_given_by_name(name: str) -> None:
    assert name in strategies.__all__
    parameters = inspect.signature(getattr(strategies, name)).parameters.values()
    assert {parameter.kind for parameter in parameters} <= {
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,
    }


def servers(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    return graph.subgraph([node for node in graph if graph.nodes[node]["kind"] == "server"])


def depth(graph: nx.DiGraph[str]) -> int:
    return int(nx.dag_longest_path_length(servers(graph)))


SIMPLEST = "key_types=['ec-p256'], workloads=[], workload_key_types=['ec-p256'], ca_hours=[24]"


def test_a_topology_shrinks_to_what_it_takes() -> None:
    def smallest(condition: Any) -> str:
        return repr(find(topologies(), condition, settings=QUICK))

    assert smallest(lambda _: True) == f"tree([], {SIMPLEST})"
    assert smallest(lambda graph: depth(graph) >= 5) == f"tree([0, 1, 2, 3, 4], {SIMPLEST})"
    assert smallest(lambda graph: max(dict(servers(graph).out_degree).values()) >= 3) in (
        f"tree([0, 0, 0], {SIMPLEST})",
        f"tree([0, 0, 0, 0], {SIMPLEST})",
    )
    assert smallest(lambda graph: "w0" in graph) == (
        "tree([], key_types=['ec-p256'], workloads=[0], workload_key_types=['ec-p256'], ca_hours=[24])"
    )


@given(st.data())
@settings(max_examples=40)
def test_a_topology_keeps_to_its_bounds(data: st.DataObject) -> None:
    least = data.draw(st.integers(0, 3))
    most = least + data.draw(st.integers(0, 3))
    graph = data.draw(
        topologies(
            min_depth=least,
            max_depth=most,
            max_servers=2,
            max_workloads=1,
            key_types=["rsa-4096", "ec-p384"],
            ca_hours=[7],
        )
    )
    assert nx.is_arborescence(graph)
    assert least <= depth(graph) <= most
    assert len(servers(graph)) <= most + 3
    kinds = [attributes["kind"] for attributes in graph.nodes.values()]
    assert kinds.count("workload") == kinds.count("agent") <= 1
    for attributes in servers(graph).nodes.values():
        assert attributes["ca_key_type"] in ("rsa-4096", "ec-p384")
        assert attributes["ca_ttl"] == timedelta(hours=7)


def has_root_of(key_type: str, graph: nx.DiGraph[str]) -> bool:
    return bool(graph.nodes["s0"]["ca_key_type"] == key_type)


def test_every_key_type_and_a_depth_of_thirty_are_within_reach() -> None:
    for key_type in KEY_TYPES:
        graph = find(
            topologies(max_depth=0, key_types=KEY_TYPES),
            partial(has_root_of, key_type),
            settings=QUICK,
        )
        assert set(graph) == {"s0"}
    assert depth(find(topologies(), lambda graph: depth(graph) == 30, settings=QUICK)) == 30


@given(...)
def test_annotations_are_enough(name: TrustDomain, spiffe_id: SpiffeId) -> None:
    assert TrustDomain(str(name)) == name
    assert SpiffeId(str(spiffe_id)) == spiffe_id


@given(trust_domains(max_size=5), spiffe_ids(trust_domain="example.org", min_segments=2, max_segments=3))
def test_ids_keep_to_their_bounds(name: TrustDomain, spiffe_id: SpiffeId) -> None:
    assert 1 <= len(name.name) <= 5
    assert str(spiffe_id.trust_domain) == "example.org"
    assert spiffe_id.path.count("/") in (2, 3)


def test_ids_shrink_to_short_ones() -> None:
    assert find(trust_domains(), lambda _: True, settings=QUICK) == TrustDomain("0")
    assert find(spiffe_ids(), lambda _: True, settings=QUICK) == SpiffeId("spiffe://0/0")
    assert find(spiffe_ids(min_segments=0), lambda _: True, settings=QUICK) == SpiffeId("spiffe://0")


@given(simulations(max_depth=2, max_servers=1, trust_domain=TrustDomain("example.net")))
@settings(max_examples=10)
def test_a_drawn_simulation_runs_and_shows_its_tree(sim: Simulation) -> None:
    assert str(sim.root.trust_domain) == "example.net"
    assert repr(sim) == f"Simulation('example.net', seed={sim.seed})"
    assert len(sim.servers) <= 4
    assert sim.workload("/web").fetch_x509_svid().spiffe_id == SpiffeId("spiffe://example.net/web")
