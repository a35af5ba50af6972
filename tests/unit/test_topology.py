"""Graphs out of simulations, and simulations out of graphs."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import EPOCH, Simulation, SpiffeId, strategies
from spiffesim.errors import InvalidInput, InvalidTopology, InvalidTrustDomain
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.plugins.workload_attestor import Process
from spiffesim.topology import tree

HOUR = datetime(2030, 1, 1, 1, tzinfo=UTC)
DAY = datetime(2030, 1, 2, tzinfo=UTC)


def disk(name: str = "corp") -> DiskUpstreamAuthority:
    ca = ExternalCa(name)
    return DiskUpstreamAuthority(certificate=ca.certificate_pem, private_key=ca.private_key_pem)


@pytest.fixture
def sim() -> Simulation:
    """Two trust domains, one of them under an upstream authority, with everything that can stand somewhere."""
    sim = Simulation("example.org", seed=1, upstream_authority=disk())
    a = sim.root.nest("a", ca_key_type="ec-p384")
    gate = a.agent("gate")
    a.nest("b", via=gate).workload("/web")
    sim.root.nest("c", via=gate)
    gate.process(name="stranger", uid=1)
    sim.add_trust_domain("example.com").workload("/web", name="web of com")
    return sim


# Out of a simulation


def test_the_graph_has_an_edge_from_each_node_to_those_that_get_their_authority_from_it(sim: Simulation) -> None:
    graph = sim.graph
    assert type(graph) is nx.DiGraph
    assert set(graph.edges) == {
        ("root-upstream", "root"),
        ("root", "a"),
        ("root", "c"),
        ("a", "b"),
        ("root", "root-agent"),
        ("a", "gate"),
        ("b", "b-agent"),
        ("b-agent", "web"),
        ("gate", "stranger"),
        ("example.com", "example.com-agent"),
        ("example.com-agent", "web of com"),
    }
    domains = [graph.subgraph(part) for part in nx.weakly_connected_components(graph)]
    assert len(domains) == 2
    assert all(nx.is_arborescence(domain) for domain in domains)
    assert nx.dag_longest_path_length(graph) == 5


def test_a_node_says_what_it_is(sim: Simulation) -> None:
    nodes = sim.graph.nodes
    server = SpiffeId("spiffe://example.org/spire/server")
    root, upstream = sim.root, sim.root.upstream_authority
    assert nodes["root-upstream"] == {
        "kind": "upstream_authority",
        "object": upstream,
        "spiffe_id": None,
        "depth": 0,
        "not_after": None,
    }
    assert nodes["root"] == {"kind": "server", "object": root, "spiffe_id": server, "depth": 0, "not_after": DAY}
    assert nodes["b"] == {
        "kind": "server",
        "object": sim.servers["b"],
        "spiffe_id": server,
        "depth": 2,
        "not_after": DAY,
        "via": "gate",
    }
    agent = sim.agents["b-agent"]
    assert nodes["b-agent"] == {
        "kind": "agent",
        "object": agent,
        "spiffe_id": agent.spiffe_id,
        "depth": 3,
        "not_after": HOUR,
    }
    assert nodes["web"] == {
        "kind": "workload",
        "object": sim.workloads["web"],
        "spiffe_id": SpiffeId("spiffe://example.org/web"),
        "depth": 3,
        "not_after": HOUR,
    }
    assert nodes["stranger"]["spiffe_id"] is None
    assert nodes["stranger"]["not_after"] is None
    assert {name: nodes[name]["via"] for name in nodes if "via" in nodes[name]} == {
        "a": "root-agent",
        "b": "gate",
        "c": "gate",
    }


def test_the_graph_is_as_it_is_now_and_looking_changes_nothing() -> None:
    sim = Simulation(seed=1)
    assert set(sim.graph) == {"root"}
    web = sim.workload("/web", disable_x509_svid_prefetch=True)
    before = sim.journal.digest()
    assert sim.graph.nodes["web"]["not_after"] is None
    assert sim.journal.digest() == before
    assert web.agent.identities(web.selectors) == []
    sim.root.ban_agent(web.agent.spiffe_id)
    sim.settle()
    nodes = sim.graph.nodes
    assert (nodes["web"]["spiffe_id"], nodes["root-agent"]["spiffe_id"]) == (None, web.agent.spiffe_id)
    graph = sim.graph
    graph.remove_node("root")
    assert "root" in sim.graph


def test_names_come_parents_first_and_then_by_name(sim: Simulation) -> None:
    assert list(sim.servers) == ["example.com", "root", "a", "c", "b"]
    assert list(sim.agents) == ["example.com-agent", "root-agent", "gate", "b-agent"]
    assert list(sim.workloads) == ["web of com", "stranger", "web"]
    with pytest.raises(TypeError):
        sim.servers["new"] = sim.root  # type: ignore[index]  # the point


# Into one


def kinds(graph: nx.DiGraph[Any]) -> dict[str, str]:
    return {str(node): attributes.get("kind", "server") for node, attributes in graph.nodes.items()}


def test_any_arborescence_is_a_deployment() -> None:
    sim = Simulation.from_graph(nx.balanced_tree(2, 2, create_using=nx.DiGraph), "example.org", seed=1)
    assert set(sim.servers) == {"0", "1", "2", "3", "4", "5", "6"}
    assert sim.root.name == "0"
    assert {name: server.depth for name, server in sim.servers.items()} == {
        "0": 0,
        "1": 1,
        "2": 1,
        "3": 2,
        "4": 2,
        "5": 2,
        "6": 2,
    }
    assert list(sim.agents) == ["0-agent", "1-agent", "2-agent"]  # of those that nest
    assert len(sim.workloads) == 0
    assert nx.dag_longest_path_length(sim.graph) == 2


def test_nodes_need_not_be_texts() -> None:
    graph: nx.DiGraph[Any] = nx.DiGraph([((0, 0), (0, 1)), ((0, 0), True), (True, 3.5)])
    sim = Simulation.from_graph(graph, seed=1)
    assert set(sim.servers) == {"(0, 0)", "(0, 1)", "True", "3.5"}


def test_one_node_is_enough() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("only")
    sim = Simulation.from_graph(graph, "example.com", seed=1)
    assert (list(sim.servers), str(sim.root.trust_domain)) == (["only"], "example.com")


def test_every_server_may_get_an_agent_and_a_workload() -> None:
    graph = nx.path_graph(3, create_using=nx.DiGraph)
    with_agents = Simulation.from_graph(graph, seed=1, agents=True)
    assert (len(with_agents.agents), len(with_agents.workloads)) == (3, 0)
    with_both = Simulation.from_graph(graph, seed=1, workloads=True)
    assert [str(workload.spiffe_id) for workload in with_both.workloads.values()] == [
        "spiffe://example.org/0",
        "spiffe://example.org/1",
        "spiffe://example.org/2",
    ]
    assert [workload.agent.server.name for workload in with_both.workloads.values()] == ["0", "1", "2"]


def test_a_graph_may_say_more_of_its_nodes() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("top", kind="upstream_authority", object=disk())
    graph.add_node("root", trust_domain="example.com", ca_ttl=timedelta(hours=6))
    graph.add_node("gate", kind="agent", workload_key_type="ec-p384")
    graph.add_node("nested", via="gate", ca_key_type="rsa-2048")
    graph.add_node("web", kind="workload", spiffe_id="spiffe://elsewhere/x/web")
    graph.add_node("db", kind="workload")
    graph.add_node("nobody", kind="workload", spiffe_id=None)
    graph.add_edges_from(
        [("top", "root"), ("root", "nested"), ("root", "gate"), ("gate", "web"), ("nested", "db"), ("root", "nobody")]
    )
    sim = Simulation.from_graph(graph, "example.org", seed=1)
    assert (list(sim.servers), sim.root.config.ca_ttl) == (["root", "nested"], timedelta(hours=6))
    nested = sim.servers["nested"]
    assert (nested.via, nested.config.ca_key_type, nested.config.ca_ttl) == (
        sim.agents["gate"],
        "rsa-2048",
        timedelta(hours=6),
    )
    assert list(sim.agents) == ["gate", "nested-agent"]
    assert sim.agents["gate"].config.workload_key_type == "ec-p384"
    assert str(sim.workloads["web"].spiffe_id) == "spiffe://example.com/x/web"
    assert str(sim.workloads["db"].spiffe_id) == "spiffe://example.com/db"
    assert sim.workloads["db"].agent.server is nested
    assert sim.workloads["nobody"].agent is sim.agents["gate"]
    assert sim.graph.nodes["nobody"]["spiffe_id"] is None
    assert ("top", "root") in sim.graph.edges


def test_several_trust_domains_are_named_on_their_roots() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph([("r", "a"), ("s", "b")])
    graph.nodes["s"]["trust_domain"] = "example.com"
    sim = Simulation.from_graph(graph, "example.org", seed=1, ca_ttl=timedelta(hours=3))
    assert {name: str(server.trust_domain) for name, server in sim.servers.items()} == {
        "r": "example.org",
        "s": "example.com",
        "a": "example.org",
        "b": "example.com",
    }
    assert {server.config.ca_ttl for server in sim.servers.values()} == {timedelta(hours=3)}


def test_options_are_those_of_a_simulation() -> None:
    graph = nx.path_graph(3, create_using=nx.DiGraph)
    sim = Simulation.from_graph(graph, seed="x", start=HOUR, upstream_authority=disk(), jwt_issuer="me")
    assert (sim.seed, sim.now, sim.root.config.jwt_issuer) == ("x", HOUR, "me")
    assert "0-upstream" in sim.graph
    with pytest.raises(InvalidInput, match="a server has no setting 'nonsense'"):
        Simulation.from_graph(graph, seed=1, nonsense=1)  # type: ignore[call-arg]  # the point


# Out of one and into another


def names_and_kinds(graph: nx.DiGraph[str]) -> tuple[object, object, object]:
    kept = ("kind", "spiffe_id", "depth", "not_after", "via")
    described = {
        node: {name: attributes[name] for name in kept if name in attributes}
        for node, attributes in graph.nodes.items()
    }
    for attributes in described.values():
        if attributes["kind"] == "agent":
            del attributes["spiffe_id"]  # join tokens are drawn
    return set(graph.nodes), set(graph.edges), described


def test_a_simulation_is_rebuilt_from_its_graph(sim: Simulation) -> None:
    again = Simulation.from_graph(sim.graph, seed=1)
    assert names_and_kinds(again.graph) == names_and_kinds(sim.graph)
    assert again.servers["a"].config.ca_key_type == "ec-p384"
    assert again.servers["b"].config == sim.servers["b"].config
    assert [str(server.trust_domain) for server in again.servers.values()] == [
        str(server.trust_domain) for server in sim.servers.values()
    ]
    assert names_and_kinds(Simulation.from_graph(again.graph, seed=2).graph) == names_and_kinds(sim.graph)


def test_a_rebuilt_simulation_may_have_other_settings(sim: Simulation) -> None:
    again = Simulation.from_graph(sim.graph, seed=1, ca_ttl=timedelta(hours=2))
    assert {server.config.ca_ttl for server in again.servers.values()} == {timedelta(hours=2)}
    assert again.servers["a"].config.ca_key_type == "ec-p384"


def test_agents_are_rebuilt_with_join_tokens_and_keep_the_type_of_their_workloads_keys() -> None:
    sim = Simulation(seed=1)
    sim.root.agent("one", attestor=DeclaredNodeAttestor("one"), workload_key_type="ec-p384").workload("/web")
    again = Simulation.from_graph(sim.graph, seed=1)
    agent = again.agents["one"]
    assert (agent.attestor.name, agent.config.workload_key_type) == ("join_token", "ec-p384")


def test_what_entries_and_processes_said_is_not_rebuilt() -> None:
    sim = Simulation(seed=1)
    sim.workload("/web", name="own", hint="h", process=Process(uid=7))
    sim.advance(hours=1)
    again = Simulation.from_graph(sim.graph, seed=1)
    was, new = sim.workloads["own"], again.workloads["own"]
    assert (str(was.spiffe_id), was.fetch_x509_svid().hint, was.process.uid) == ("spiffe://example.org/web", "h", 7)
    assert (str(new.spiffe_id), new.fetch_x509_svid().hint, new.process.uid) == ("spiffe://example.org/web", "", None)
    assert (sim.now, again.now) == (EPOCH + timedelta(hours=1), EPOCH)


@given(strategies.topologies(max_depth=5, max_servers=5, key_types=["ec-p256"]))
def test_any_topology_survives_the_way_through_a_simulation(graph: nx.DiGraph[str]) -> None:
    sim = Simulation.from_graph(graph, seed=1)
    assert kinds(sim.graph).items() >= kinds(graph).items()
    assert set(sim.graph.edges) >= set(graph.edges)
    again = Simulation.from_graph(sim.graph, seed=1)
    assert names_and_kinds(again.graph) == names_and_kinds(sim.graph)


def test_implicit_agents_stay_out_of_the_way_of_names_in_the_graph() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph([("r", "a"), ("a", "r-agent"), ("a", "a-agent")])
    sim = Simulation.from_graph(graph, seed=1)
    assert set(sim.servers) == {"r", "a", "r-agent", "a-agent"}
    assert set(sim.agents) == {"r-agent#2", "a-agent#2"}
    assert sim.servers["r-agent"].agent().name == "r-agent-agent"  # no name is reserved any more


def test_an_agent_further_down_may_be_attested_through() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph([("r", "z"), ("r", "a"), ("a", "b"), ("b", "deep agent")])
    graph.nodes["deep agent"]["kind"] = "agent"
    graph.nodes["z"]["via"] = "deep agent"
    sim = Simulation.from_graph(graph, seed=1)
    assert sim.servers["z"].via is sim.agents["deep agent"]
    assert sim.graph.nodes["z"]["via"] == "deep agent"


# What is no deployment


def graph_of(*edges: str | tuple[Any, Any], **attributes: dict[str, Any]) -> nx.DiGraph[Any]:
    """A graph of edges, each two nodes or two letters, and with these attributes."""
    graph: nx.DiGraph[Any] = nx.DiGraph([(edge[0], edge[1]) for edge in edges])
    for name, values in attributes.items():
        graph.add_node(name, **values)
    return graph


AGENT, WORKLOAD, UPSTREAM = {"kind": "agent"}, {"kind": "workload"}, {"kind": "upstream_authority"}
TWO_UNDER_ONE = {"kind": "upstream_authority", "object": disk()}
BROKEN: dict[str, tuple[Any, str, str]] = {
    "undirected": (nx.path_graph(3), "undirected", "a deployment is a directed graph: give an nx.DiGraph"),
    "no graph": ({"a": ["b"]}, "undirected", "give an nx.DiGraph"),
    "empty": (nx.DiGraph(), "empty", "the graph has no nodes; a deployment has at least a root server"),
    "equal names": (graph_of((1, "1")), "equal_names", "nodes 1 and '1' would both be named '1'"),
    "a ring": (graph_of("ab", "bc", "ca"), "cyclic", "the graph has a cycle: a -> b -> c -> a"),
    "a ring below a root": (graph_of("ra", "ab", "ba"), "cyclic", "the graph has a cycle: a -> b -> a"),
    "itself": (graph_of("aa"), "cyclic", "the graph has a cycle: a -> a"),
    "two parents": (
        graph_of("ab", "ac", "bd", "cd"),
        "two_parents",
        "node 'd' has 2 parents; each node has at most one",
    ),
    "twice the same parent": (nx.MultiDiGraph([("a", "b"), ("a", "b")]), "two_parents", "node 'b' has 2 parents"),
    "two roots": (graph_of("ab", "cd"), "two_roots", "the graph has 2 roots (a, c); a trust domain has one"),
    "two roots of one name": (
        graph_of("ab", "cd", a={"trust_domain": "example.com"}, c={"trust_domain": "example.com"}),
        "two_roots",
        'several trust domains need the attribute "trust_domain" on each root',
    ),
    "an unknown kind": (graph_of(a={"kind": "router"}), "kind", "node 'a' is of kind 'router'; there are upstream_"),
    "an agent on top": (graph_of(a=AGENT), "place", "the agent 'a' cannot stand at the root"),
    "a workload on top": (graph_of(a=WORKLOAD), "place", "the workload 'a' cannot stand at the root"),
    "a server below an agent": (
        graph_of("ra", "ab", a=AGENT),
        "place",
        "the server 'b' cannot stand under the agent 'a'",
    ),
    "an agent below an agent": (graph_of("ra", "ab", a=AGENT, b=AGENT), "place", "cannot stand under the agent 'a'"),
    "an upstream below a server": (
        graph_of("ra", a=UPSTREAM),
        "place",
        "the upstream_authority 'a' cannot stand under the server 'r'",
    ),
    "an upstream without object": (graph_of("ur", u=UPSTREAM), "upstream", 'needs an attribute "object" that is one'),
    "an upstream with two roots": (graph_of("ur", "us", u=TWO_UNDER_ONE), "upstream", "has 2 roots below it, not one"),
    "an upstream alone": (graph_of(u=TWO_UNDER_ONE), "upstream", "has 0 roots below it, not one"),
    "via nobody": (graph_of("ra", a={"via": "x"}), "via", "node 'a' attests through 'x', which is no agent of its"),
    "via a server": (graph_of("ra", "rb", a={"via": "b"}), "via", "'b', which is no agent of its trust domain"),
    "via somebody below": (
        graph_of("ra", "ab", a={"via": "b"}, b=AGENT),
        "via",
        "some servers would attest through agents that stand below themselves",
    ),
    "an empty name": (graph_of(("", "b")), "node_name", "a node's name is a text that is not empty"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_deployment_is_refused_with_a_code_of_its_own(what: str) -> None:
    graph, code, message = BROKEN[what]
    with pytest.raises(InvalidTopology) as refused:
        Simulation.from_graph(graph, seed=1)
    assert (refused.value.code, message in str(refused.value)) == (code, True), str(refused.value)


def test_a_bad_trust_domain_is_refused_as_everywhere() -> None:
    with pytest.raises(InvalidTrustDomain):
        Simulation.from_graph(graph_of(a={"trust_domain": "Example.org"}), seed=1)


def test_deep_and_wide_graphs_hit_no_limit() -> None:
    sim = Simulation.from_graph(nx.path_graph(1200, create_using=nx.DiGraph), seed=1)
    assert sim.servers["1199"].depth == 1199
    assert nx.dag_longest_path_length(sim.graph) == 1199
    ring = nx.cycle_graph(5000, create_using=nx.DiGraph)
    with pytest.raises(InvalidTopology, match="cycle"):
        Simulation.from_graph(ring, seed=1)


# Trees


def test_a_tree_says_how_it_was_made() -> None:
    graph = tree(
        [0, 0, 2], key_types=["ec-p256", "ec-p384"], workloads=[3], workload_key_types=["rsa-2048"], ca_hours=[24, 1]
    )
    assert repr(graph) == (
        "tree([0, 0, 2], key_types=['ec-p256', 'ec-p384'], workloads=[3], workload_key_types=['rsa-2048'], "
        "ca_hours=[24, 1])"
    )
    again = eval(repr(graph), {"tree": tree})
    assert nx.utils.graphs_equal(again, graph)
    assert dict(graph.nodes) == {
        "s0": {"kind": "server", "ca_key_type": "ec-p256", "ca_ttl": timedelta(hours=24)},
        "s1": {"kind": "server", "ca_key_type": "ec-p384", "ca_ttl": timedelta(hours=1)},
        "s2": {"kind": "server", "ca_key_type": "ec-p256", "ca_ttl": timedelta(hours=24)},
        "s3": {"kind": "server", "ca_key_type": "ec-p384", "ca_ttl": timedelta(hours=1)},
        "a0": {"kind": "agent", "workload_key_type": "rsa-2048"},
        "w0": {"kind": "workload"},
    }
    assert set(graph.edges) == {("s0", "s1"), ("s0", "s2"), ("s2", "s3"), ("s3", "a0"), ("a0", "w0")}
    assert repr(tree([])) == (
        "tree([], key_types=['ec-p256'], workloads=[], workload_key_types=['ec-p256'], ca_hours=[24])"
    )


def test_a_tree_copies_and_pickles() -> None:
    graph = tree([0, 1])
    for other in (graph.copy(), copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):
        assert nx.utils.graphs_equal(other, graph)
        assert repr(other) == repr(graph)


@given(st.data())
def test_drawn_topologies_are_arborescences_of_the_size_that_was_asked_for(data: st.DataObject) -> None:
    graph = data.draw(strategies.topologies(min_depth=2, max_depth=4, max_servers=3, max_workloads=2))
    servers = [node for node, kind in kinds(graph).items() if kind == "server"]
    assert nx.is_arborescence(graph)
    assert 2 <= nx.dag_longest_path_length(graph.subgraph(servers)) <= 4
    assert len(servers) <= 1 + 4 + 3
    assert sum(kind == "workload" for kind in kinds(graph).values()) <= 2
