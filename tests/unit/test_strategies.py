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
from hypothesis.errors import NoSuchExample
from hypothesis.vendor.pretty import pretty

from spiffesim import Simulation, SpiffeId, TrustDomain, strategies
from spiffesim.catalogue import BundleMapCase, Case, JwtSvidCase, X509SvidCase
from spiffesim.catalogue.certificates.collisions import COLLISIONS
from spiffesim.errors import InvalidInput
from spiffesim.keys import KEY_TYPES
from spiffesim.spiffe.x509.certificate import read_certificate
from spiffesim.strategies import simulations, spiffe_ids, topologies, trust_domains

QUICK = settings(max_examples=200, database=None, derandomize=True)


CASES = (
    "bundle_cases",
    "bundle_map_cases",
    "jwt_svid_cases",
    "key_collision_cases",
    "spiffe_id_cases",
    "wit_svid_cases",
    "x509_svid_cases",
)


@pytest.mark.parametrize("name", ["simulations", "spiffe_ids", "topologies", "trust_domains", *CASES])
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


# Cases


def refused(case: Case, rule: str) -> bool:
    return rule in [failure.name for failure in case.examine().failures]


@pytest.mark.parametrize(
    ("drawn", "rule", "simplest"),
    [
        (strategies.x509_svid_cases(), "leaf_not_ca", "x509_svid_case('leaf_is_ca')"),
        (strategies.x509_svid_cases(), "path_length", "x509_svid_case('root_path_length', depth=1)"),
        (strategies.jwt_svid_cases(), "unexpired", "jwt_svid_case('expired')"),
        (strategies.wit_svid_cases(), "type", "wit_svid_case('typ_missing')"),
        (strategies.spiffe_id_cases(), "trailing_slash", "spiffe_id_case('slash_at_the_end')"),
    ],
)
def test_a_counterexample_names_the_one_defect_at_the_smallest_depth(drawn: Any, rule: str, simplest: str) -> None:
    found = find(drawn, partial(refused, rule=rule), settings=settings(QUICK, max_examples=5000))
    assert repr(found) == simplest
    assert pretty(found) == simplest


@pytest.mark.parametrize("name", CASES)
def test_about_half_of_the_cases_are_right_and_each_answers_as_it_should(name: str) -> None:
    seen = []

    @given(getattr(strategies, name)())
    @settings(QUICK)
    def judged(case: Case) -> None:
        seen.append(case.defect is None)
        assert case.examine().ok == case.should_pass

    judged()
    assert len(seen) / 4 < sum(seen) < len(seen) * 3 / 4


def test_what_may_be_wrong_can_be_chosen() -> None:
    chosen = strategies.x509_svid_cases(defects=["leaf_is_ca"], max_depth=0)
    assert str(find(chosen, lambda case: not case.should_pass).defect) == "leaf_is_ca"
    with pytest.raises(InvalidInput, match="no defect 'nonsense' of 'x509-svid'"):
        strategies.x509_svid_cases(defects=["nonsense"])
    calm = strategies.jwt_svid_cases(oddities=False)
    with pytest.raises(NoSuchExample):
        find(calm, lambda case: case.defect is not None and case.defect.is_oddity, settings=QUICK)
    odd = find(strategies.jwt_svid_cases(), lambda case: case.defect is not None and case.defect.is_oddity)
    assert odd.should_pass


@pytest.mark.parametrize("kind", [Simulation, X509SvidCase, JwtSvidCase, BundleMapCase])
def test_a_type_stands_for_its_strategy(kind: type) -> None:
    assert isinstance(find(st.from_type(kind), lambda _: True), kind)


@given(strategies.x509_svid_cases(), st.data())
@settings(max_examples=100)
def test_the_keys_of_a_case_are_distinct_unless_they_are_to_collide(case: X509SvidCase, data: st.DataObject) -> None:
    collisions = {str(collision) for collision in COLLISIONS}
    right = case.repaired if case.defect is not None else case
    keys = [read_certificate(der).spki for der in {*right.chain_der, *right.bundle_der}]
    if str(case.defect) not in collisions and len(right.bundle_der) == 1:
        assert len({*keys}) == len(keys)
    colliding = data.draw(strategies.key_collision_cases().filter(lambda drawn: drawn.defect is not None))
    keys = [read_certificate(der).spki for der in (*colliding.chain_der, *colliding.bundle_der)]
    assert str(colliding.defect) in collisions
    assert len({*keys}) < len(keys) or "same_key_in_bundle" in str(colliding.defect)
