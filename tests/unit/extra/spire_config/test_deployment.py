"""Deployments from real SPIRE configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from spiffesim import EPOCH
from spiffesim.errors import InvalidConfiguration, WrongAudience
from spiffesim.extra.spire_config import deploy
from spiffesim.spiffe import validate_jwt_svid
from tests.unit.extra.conftest import Folder

EXAMPLE = Path(__file__).parents[4] / "examples" / "nested"


def test_the_example_is_the_nested_tutorial() -> None:
    sim = deploy(EXAMPLE, seed=7).simulation
    assert list(sim.servers) == ["root-server", "nestedA-server", "nestedB-server"]
    assert list(sim.agents) == ["root-agent", "nestedA-agent", "nestedB-agent"]
    assert list(sim.workloads) == ["nestedA/workload", "nestedB/workload"]
    for name in ("nestedA-server", "nestedB-server"):
        assert sim.servers[name].parent is sim.root
        assert sim.servers[name].via is sim.agents["root-agent"]
    assert sim.graph.nodes["nestedA-server"]["via"] == "root-agent"


def test_its_workloads_validate_each_other() -> None:
    sim = deploy(EXAMPLE, seed=7).simulation
    a, b = sim.workloads["nestedA/workload"], sim.workloads["nestedB/workload"]
    assert str(b.validate_x509_svid(a.fetch_x509_svid())) == "spiffe://example.org/nestedA/workload"
    token = b.fetch_jwt_svid(audience="a")
    assert str(a.validate_jwt_svid(token, audience="a").spiffe_id) == "spiffe://example.org/nestedB/workload"
    with pytest.raises(WrongAudience):
        validate_jwt_svid(token, sim.root.bundle, audience="b", at=sim.now)


def test_every_key_is_used_or_noted() -> None:
    notes = [f"{note.place.file}: {note.place.key}" for note in deploy(EXAMPLE, seed=7).notes]
    root = [note for note in notes if note.startswith("root/")]
    assert root == [
        "root/server.conf: server.data_dir",
        "root/server.conf: plugins.DataStore.sql",
        "root/server.conf: plugins.NodeAttestor.x509pop.plugin_data.ca_bundle_path",
        "root/agent.conf: agent.data_dir",
        "root/agent.conf: agent.trust_bundle_path",
        "root/agent.conf: plugins.NodeAttestor.x509pop.plugin_data.certificate_path",
        "root/agent.conf: plugins.NodeAttestor.x509pop.plugin_data.private_key_path",
    ]
    assert [note for note in notes if note.startswith("docker-compose.yaml")] == [
        "docker-compose.yaml: services.root-agent.pid",
        "docker-compose.yaml: services.nestedA-server.pid",
        "docker-compose.yaml: services.nestedB-server.pid",
    ]
    assert len(set(notes)) == len(notes)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    def fetched(seed: int) -> tuple[bytes, ...]:
        return deploy(EXAMPLE, seed=seed).simulation.workloads["nestedA/workload"].fetch_x509_svid().chain

    assert fetched(7) == fetched(7)
    assert fetched(7) != fetched(8)


def test_made_certificates_do_not_change_with_the_seed() -> None:
    # Else the parents in entries.json would be right for one seed only.
    ids = [str(deploy(EXAMPLE, seed=seed).simulation.agents["root-agent"].spiffe_id) for seed in (1, 2)]
    assert ids[0] == ids[1]


def test_the_start_and_the_depth_are_those_of_the_simulation() -> None:
    start = datetime(2031, 5, 1, tzinfo=UTC)
    assert deploy(EXAMPLE, seed=7, start=start).simulation.now == start
    assert deploy(EXAMPLE, seed=7).simulation.now == EPOCH
    with pytest.raises(InvalidConfiguration, match="max_depth is 0"):
        deploy(EXAMPLE, seed=7, max_depth=0)


def test_a_path_may_be_a_text() -> None:
    assert deploy(str(EXAMPLE), seed=7).simulation.root.name == "root-server"


def test_a_directory_without_compose_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InvalidConfiguration) as refused:
            deploy(path)
        assert refused.value.code == "missing_file"
        assert str(path) in str(refused.value)


def test_notes_stand_file_by_file_and_line_by_line(folder: Folder) -> None:
    places = [note.place for note in folder.deploy().notes]
    files = list(dict.fromkeys(place.file for place in places))
    assert places == sorted(places, key=lambda place: (files.index(place.file), place.line))
    assert len(files) == 7
