"""The nested tutorial through the public API."""

from __future__ import annotations

from spiffesim.cli.tutorial import nested_tutorial


def test_it_is_the_published_topology() -> None:
    sim = nested_tutorial(seed=1)
    assert set(sim.graph.edges) == {
        ("root-server", "root-agent"),
        ("root-server", "nestedA-server"),
        ("root-server", "nestedB-server"),
        ("nestedA-server", "nestedA-agent"),
        ("nestedB-server", "nestedB-agent"),
        ("nestedA-agent", "nestedA/workload"),
        ("nestedB-agent", "nestedB/workload"),
    }


def test_it_registers_what_the_tutorial_registers() -> None:
    sim = nested_tutorial(seed=1)
    root_agent = sim.agents["root-agent"].spiffe_id
    assert root_agent.path.startswith("/spire/agent/x509pop/")
    downstream = sim.root.list_entries()
    assert [(str(entry.spiffe_id), *map(str, entry.selectors), entry.downstream) for entry in downstream] == [
        ("spiffe://example.org/nestedA", "docker:label:org.example.name:nestedA-server", True),
        ("spiffe://example.org/nestedB", "docker:label:org.example.name:nestedB-server", True),
    ]
    assert {entry.parent_id for entry in downstream} == {root_agent}
    (workload,) = sim.servers["nestedA-server"].list_entries()
    assert (str(workload.spiffe_id), *map(str, workload.selectors)) == (
        "spiffe://example.org/nestedA/workload",
        "unix:uid:1001",
    )
    assert workload.parent_id == sim.agents["nestedA-agent"].spiffe_id


def test_jwt_svids_and_x509_svids_are_valid_both_ways() -> None:
    sim = nested_tutorial(seed=1)
    a, b = sim.workloads["nestedA/workload"], sim.workloads["nestedB/workload"]
    for holder, peer in ((a, b), (b, a)):
        token = holder.fetch_jwt_svid(audience="nested-test")
        assert peer.validate_jwt_svid(token, audience="nested-test").spiffe_id == holder.spiffe_id
        assert peer.validate_x509_svid(holder.fetch_x509_svid()) == holder.spiffe_id
