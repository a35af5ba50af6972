"""The world: names, the order of nodes, and how it is pickled."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import Simulation, TrustDomain
from spiffesim.clock import Clock
from spiffesim.daemon import Daemon
from spiffesim.errors import InvalidTopology
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.randomness import Randomness
from spiffesim.world import Roll, World, path_of


@attrs.frozen
class Node:
    name: str
    depth: int = 0


def world() -> World:
    return World(Clock(datetime(2030, 1, 1, tzinfo=UTC)), Randomness(1))


def test_a_roll_comes_parents_first_and_then_by_name() -> None:
    roll: Roll[Node] = Roll()
    assert list(roll) == []
    for node in (Node("root"), Node("b", 1), Node("z", 2), Node("a", 1), Node("another")):
        roll.add(node)
    assert list(roll) == ["another", "root", "a", "b", "z"]
    assert list(roll.values()) == [roll[name] for name in roll]
    assert len(roll) == 5
    assert "z" in roll
    assert "y" not in roll
    assert roll.get("y") is None
    assert repr(roll) == repr({name: roll[name] for name in ("another", "root", "a", "b", "z")})


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 3)), unique_by=lambda node: node[0]))
def test_the_order_of_a_roll_does_not_depend_on_the_order_of_making(nodes: list[tuple[str, int]]) -> None:
    roll: Roll[Node] = Roll()
    for name, depth in nodes:
        roll.add(Node(name, depth))
        assert name in list(roll)  # looking in between changes nothing
    assert [(depth, name) for name, depth in ((node.name, node.depth) for node in roll.values())] == sorted(
        (depth, name) for name, depth in nodes
    )


@pytest.mark.parametrize("name", ["", None, 7, "half \ud800"])
def test_a_name_is_a_text(name: object) -> None:
    with pytest.raises(InvalidTopology, match="a node's name is a text that is not empty") as refused:
        world().claim(name)  # type: ignore[arg-type]  # the point
    assert refused.value.code == "node_name"


@pytest.mark.parametrize("name", ["root", "nested", "root-agent", "web", "root-upstream"])
def test_names_are_unique_whatever_they_name(name: str) -> None:
    sim = simulation_with_everything()
    for make in (
        lambda: sim.root.nest(name),
        lambda: sim.servers["nested"].agent(name),
        lambda: sim.workload("/other", name=name),
        lambda: sim.root.agent().process(name=name),
        lambda: sim.add_trust_domain("example.com", root=name),
    ):
        with pytest.raises(InvalidTopology) as refused:
            make()
        assert refused.value.code == "equal_names"
        assert name in str(refused.value)
    assert sim.world.claim("new") == "new"


def simulation_with_everything() -> Simulation:
    ca = ExternalCa("corp")
    upstream = DiskUpstreamAuthority(certificate=ca.certificate_pem, private_key=ca.private_key_pem)
    sim = Simulation("example.org", seed=1, upstream_authority=upstream)
    sim.root.nest("nested")
    sim.workload("/web")
    return sim


def test_free_names_are_numbered_past_those_that_are_taken_or_reserved() -> None:
    sim = Simulation(seed=1)
    sim.world.reserved = frozenset({"web#3"})
    assert [sim.workload("/web").name for _ in range(3)] == ["web", "web#2", "web#4"]
    sim.workload("/other", name="web#5")
    assert sim.workload("/web").name == "web#6"
    assert sim.workload("/third", name="web#3").name == "web#3"  # for who asks for it


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("web", "/web"),
        ("a/b", "/a/b"),
        ("(0, 1)", "/_0__1_"),
        ("Größe", "/Gr__e"),
        ("//a//b/", "/a/b"),
        ("..", "/__"),
        (".hidden/.", "/.hidden/_"),
        ("/", "/server"),
        ("spire", "/server/spire"),
        ("spire/agent/x", "/server/spire/agent/x"),
        ("spires", "/spires"),
    ],
)
def test_a_node_gets_a_path_by_its_name(name: str, path: str) -> None:
    assert path_of(name) == path


@given(st.text(min_size=1, max_size=50))
def test_every_name_gives_a_path_that_a_workload_can_have(name: str) -> None:
    path = path_of(name)
    assert str(TrustDomain("example.org").id(path)) == f"spiffe://example.org{path}"
    assert path.startswith("/")
    assert path != "/spire"
    assert not path.startswith("/spire/")


def test_the_memo_of_signatures_stays_behind_when_a_world_is_pickled() -> None:
    sim = Simulation(seed=1)
    web = sim.workload("/web")
    web.validate_x509_svid(web.fetch_x509_svid())
    assert len(sim.world.memo) > 0
    pickled = pickle.dumps(sim.world)
    assert b"EdgeMemo" not in pickled
    other = pickle.loads(pickled)
    assert len(other.memo) == 0
    assert len(sim.world.memo) > 0
    assert other.now == sim.world.now


# Nodes travel with their world


def test_a_world_a_thousand_servers_deep_pickles() -> None:
    sim = Simulation(seed=1)
    deepest = sim.root
    for number in range(1000):
        deepest = deepest.nest(f"s{number}")
    other = pickle.loads(pickle.dumps(sim))
    assert list(other.servers) == list(sim.servers)
    assert other.servers["s999"].bundle == deepest.bundle
    assert other.servers["s999"].parent is other.servers["s998"]


@pytest.mark.parametrize("through", [lambda node: pickle.loads(pickle.dumps(node)), copy.deepcopy])
def test_a_node_brings_its_world_along(through: Callable[[Any], Any]) -> None:
    sim = Simulation(seed=1)
    web = sim.workload("/web")
    for node in (sim.root, sim.root.agent(), web):
        other = through(node)
        assert other is not node
        assert other is other.world.node(node.name)
        assert other.world.workloads["web"].fetch_x509_svid() == web.fetch_x509_svid()


def test_a_node_that_was_never_done_is_written_as_it_stands() -> None:
    host = Daemon(World(Clock(datetime(2030, 1, 1, tzinfo=UTC)), Randomness(1)), "host")
    assert host.world.node("host") is None
    other = pickle.loads(pickle.dumps(host))
    assert (other.name, other.now) == ("host", host.now)


def test_a_node_is_found_by_its_name() -> None:
    sim = Simulation(seed=1)
    web = sim.workload("/web")
    assert [sim.world.node(name) for name in ("root", "root-agent", "web")] == [sim.root, sim.root.agent(), web]
    assert sim.world.node("nobody") is None
