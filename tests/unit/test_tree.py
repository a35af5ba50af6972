"""The tree of a deployment, as lines."""

from __future__ import annotations

from datetime import timedelta

import networkx as nx
import pytest
from hypothesis.vendor.pretty import pretty

from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.simulation import Simulation
from spiffesim.tree import Tree


def tutorial() -> Simulation:
    sim = Simulation("example.org", seed=7)
    sim.root.agent("agent")
    for name in ("nestedA", "nestedB"):
        sim.root.nest(name).workload(f"/{name}/workload")
    return sim


def outline(tree: Tree) -> list[str]:
    """The lines up to the names."""
    lines = str(tree).splitlines()[2:]
    edge = lines[0].index("server")
    return [line[:edge].rstrip() for line in lines]


def test_a_tree_shows_who_gets_its_authority_from_whom() -> None:
    assert outline(tutorial().tree()) == [
        "root",
        "├── agent",
        "├── nestedA",
        "│   └── nestedA-agent",
        "│       └── nestedA/workload",
        "└── nestedB",
        "    └── nestedB-agent",
        "        └── nestedB/workload",
    ]


def test_a_line_says_kind_identity_end_and_the_agent_of_a_nested_server() -> None:
    lines = str(tutorial().tree()).splitlines()
    assert lines[0] == "example.org at 2030-01-01T00:00:00Z: 3 servers, 3 agents, 2 workloads"
    assert lines[4].split() == [
        "├──", "nestedA", "server", "spiffe://example.org/spire/server", "until", "2030-01-02T00:00:00Z", "via", "agent",
    ]  # fmt: skip  # one line of words
    assert lines[6].split() == [
        "│", "└──", "nestedA/workload", "workload", "spiffe://example.org/nestedA/workload", "until", "2030-01-01T01:00:00Z",
    ]  # fmt: skip  # one line of words


def test_a_workload_without_identity_says_so() -> None:
    sim = Simulation("example.org", seed=1)
    sim.root.agent().process(name="stranger")
    assert str(sim.tree()).splitlines()[-1].split() == ["└──", "stranger", "workload", "no", "identity", "issued"]


def test_an_agent_that_has_stopped_says_why() -> None:
    sim = Simulation("example.org", seed=1)
    agent = sim.root.agent("node")
    assert "Agent is banned" not in str(sim.tree())
    sim.root.ban_agent(agent.spiffe_id)
    sim.advance(timedelta(seconds=5))
    assert "Agent is banned" in str(sim.tree())


def test_what_has_ended_is_said_to_have_ended() -> None:
    sim = Simulation("example.org", seed=1)
    sim.root.nest("nested", ca_ttl=timedelta(minutes=1))
    assert "until 2030-01-01T00:01:00Z" in str(sim.tree())
    (entry,) = sim.root.list_entries(downstream=True)
    sim.root.delete_entry(entry.id)
    sim.advance(timedelta(hours=1))
    assert "ended 2030-01-01T00:01:00Z" in str(sim.tree())


def test_each_trust_domain_is_a_tree_of_its_own() -> None:
    sim = Simulation("example.org", seed=1)
    sim.add_trust_domain("other.test").workload("/db")
    assert str(sim.tree()).startswith("other.test, example.org at ")
    assert outline(sim.tree()) == ["other.test", "└── other.test-agent", "    └── db", "root"]


def test_an_upstream_authority_stands_above_the_root() -> None:
    corporate = ExternalCa("corporate root")
    upstream = DiskUpstreamAuthority(certificate=corporate.certificate_pem, private_key=corporate.private_key_pem)
    sim = Simulation("example.org", seed=1, upstream_authority=upstream)
    first, second = str(sim.tree()).splitlines()[2:]
    assert first.split() == ["root-upstream", "upstream", "authority", "disk"]
    assert second.startswith("└── root  ")
    assert str(sim.tree()).splitlines()[0].endswith(": 1 server, 0 agents, 0 workloads, 1 upstream authority")
    sim.add_trust_domain("other.test", upstream_authority=upstream)
    assert str(sim.tree()).splitlines()[0].endswith(", 2 upstream authorities")


def test_a_tree_can_be_cut_short() -> None:
    tree = tutorial().tree()
    names = [line.split("  ")[0] for line in tree.text(limit=3).splitlines()[2:]]
    assert names == ["root", "├── agent", "├── nestedA", "... and 5 more"]
    assert tree.text(limit=8) == str(tree)


def test_far_down_a_line_begins_with_how_many_levels_are_left_out() -> None:
    deep = Simulation.from_graph(nx.path_graph(20, create_using=nx.DiGraph), "example.org", seed=1)
    lines = outline(deep.tree())
    assert lines[-1] == f"+3 {'    ' * 15}└── 19"
    assert lines[-7] == f"{'    ' * 15}└── 16"


@pytest.mark.parametrize("depth", [3, 400])
def test_a_tree_may_be_as_deep_as_it_likes(depth: int) -> None:
    deep = Simulation.from_graph(nx.path_graph(depth, create_using=nx.DiGraph), "example.org", seed=1)
    tree = deep.tree()
    assert [branch.name for branch in tree.branches if branch.kind == "server"] == [str(n) for n in range(depth)]
    assert tree.branches[-1].level == depth - 1
    assert len(str(tree).splitlines()) == 2 * depth + 1


def test_hostile_names_stay_on_their_line() -> None:
    sim = Simulation("example.org", seed=1)
    sim.root.nest("evil\n\x1b[2J\u202e")
    assert str(sim.tree()).splitlines()[-1].startswith("└── evil\\n\\x1b[2J\\u202e  server")


def test_a_simulation_shows_its_tree_and_its_seed() -> None:
    sim = tutorial()
    assert pretty(sim) == f"Simulation('example.org', seed=7)\n{sim.tree()}"
    assert pretty(sim.tree()) == str(sim.tree())
    assert repr(sim) == "Simulation('example.org', seed=7)"


def test_the_same_seed_makes_the_same_tree() -> None:
    assert str(tutorial().tree()) == str(tutorial().tree())
    assert tutorial().tree().svg() == tutorial().tree().svg()
