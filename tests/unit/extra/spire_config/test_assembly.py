"""What is started, and when."""

from __future__ import annotations

import json

from tests.unit.extra.conftest import COMPOSE, Folder

VOLUMES = "\nvolumes:\n"
AGENT_A = "spiffe://example.org/spire/agent/x509pop/5c488bd49b624c5840ff76d4f4d47bcca4138024"


def with_service(folder: Folder, text: str, *, shared: bool = True) -> Folder:
    """Add a container that is not SPIRE's, and share nestedA-agent's socket."""
    folder.edit(COMPOSE, VOLUMES, f"\n  web:\n    image: web:1\n{text}{VOLUMES}")
    if shared:
        old = "      - ./nestedA:/run/spire/config:ro\n      - /var/run/docker.sock:/var/run/docker.sock\n"
        folder.edit(COMPOSE, old, f"{old}      - ./socket:/run/spire/agent\n")
    return folder


def register(folder: Folder, *selectors: str, **fields: object) -> Folder:
    """Add an entry of nestedA-agent."""
    entries = json.loads((folder.path / "entries.json").read_text())["entries"]
    pairs = [dict(zip(("type", "value"), selector.split(":", 1), strict=True)) for selector in selectors]
    entry = {"spiffe_id": "spiffe://example.org/web", "parent_id": AGENT_A, "selectors": pairs, **fields}
    return folder.write("entries.json", json.dumps({"entries": [*entries, entry]}))


def test_a_container_that_sees_an_agents_socket_is_a_workload(folder: Folder) -> None:
    with_service(
        folder, "    user: '1000:50'\n    labels: [role=web]\n    environment: [A=B]\n    volumes: [./socket:/agent]\n"
    )
    register(folder, "docker:label:role:web", "docker:env:A=B", "docker:image_id:web:1")
    sim = folder.deploy().simulation
    assert set(sim.workloads) == {"web", "nestedA/workload", "nestedB/workload"}
    web = sim.workloads["web"]
    assert str(web.spiffe_id) == "spiffe://example.org/web"
    assert {"unix:uid:1000", "unix:gid:50", "docker:label:role:web"} <= set(map(str, web.selectors))


def test_a_container_that_no_entry_matches_is_noted(folder: Folder) -> None:
    with_service(folder, "    labels: [role=web]\n    volumes: [./socket:/agent]\n")
    (note,) = [note for note in folder.notes() if "services.web" in note]
    assert note.endswith(
        "no entry of nestedA-agent matches web; the nearest, spiffe://example.org/nestedA/workload, wants unix:uid:1001"
    )


def test_a_container_without_socket_is_noted(folder: Folder) -> None:
    with_service(folder, "    volumes: [./elsewhere:/agent]\n")
    assert (
        f"{COMPOSE}:{folder.line_of(COMPOSE, '  web:')}: services.web: not simulated: no part of SPIRE, and sees no agent's socket"
        in folder.notes()
    )


def test_an_entry_that_no_container_matches_gets_a_process(folder: Folder) -> None:
    deployment = register(folder, "unix:uid:7", "unix:gid:8").deploy()
    assert str(deployment.simulation.workloads["web"].spiffe_id) == "spiffe://example.org/web"
    assert (
        "nestedA/agent.conf:2: agent: started a process with unix:uid:7 and unix:gid:8, for spiffe://example.org/web"
        in map(str, deployment.notes)
    )


def test_what_no_process_can_have_is_noted(folder: Folder) -> None:
    deployment = register(folder, "unix:uid:7", "systemd:id:web.service").deploy()
    assert "web" not in deployment.simulation.workloads
    assert (
        "nestedA/agent.conf:2: agent: nothing on nestedA-agent can have systemd:id:web.service, which spiffe://example.org/web asks for"
        in map(str, deployment.notes)
    )


def test_entries_for_a_secret_store_or_a_server_get_no_process(folder: Folder) -> None:
    assert "web" not in register(folder, "unix:uid:7", store_svid=True).deploy().simulation.workloads
    folder = register(folder, "unix:uid:8", downstream=True, spiffe_id="spiffe://example.org/x")
    assert "x" not in folder.deploy().simulation.workloads


def test_two_entries_of_one_id_get_two_processes(folder: Folder) -> None:
    register(folder, "unix:uid:7")
    sim = register(folder, "unix:uid:8").deploy().simulation
    assert [name for name in sim.workloads if name.startswith("web")] == ["web", "web on nestedA-agent"]


def test_a_process_of_one_entry_serves_for_another_that_it_matches(folder: Folder) -> None:
    register(folder, "unix:uid:7", "unix:gid:8")
    register(folder, "unix:gid:8", spiffe_id="spiffe://example.org/group")
    sim = folder.deploy().simulation
    assert "group" not in sim.workloads
    assert len(sim.workloads["web"].fetch_x509_svids()) == 2
