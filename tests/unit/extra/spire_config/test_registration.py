"""Registration entries: from a file, or those of the tutorial."""

from __future__ import annotations

import json

import pytest

from tests.unit.extra.conftest import COMPOSE, Folder

FILE = "entries.json"
AGENT_A = "spiffe://example.org/spire/agent/x509pop/5c488bd49b624c5840ff76d4f4d47bcca4138024"


def entries_of(folder: Folder) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads((folder.path / FILE).read_text())["entries"]
    return entries


def add(folder: Folder, **entry: object) -> Folder:
    """Append an entry to the file."""
    document = {"entries": [*entries_of(folder), {"selectors": [{"type": "unix", "value": "uid:7"}], **entry}]}
    return folder.write(FILE, json.dumps(document, indent=2))


# Without a file


def test_without_a_file_the_entries_are_the_tutorials_each_with_a_note(folder: Folder) -> None:
    with_file = folder.deploy().simulation
    deployment = folder.remove(FILE).deploy()
    assert deployment.simulation.journal.digest() == with_file.journal.digest()
    notes = [note for note in deployment.notes if FILE in note.text]
    assert [(note.place.line, note.text) for note in notes] == [
        (28, "no entries.json: registered spiffe://example.org/nestedA under root-agent for docker:label:org.example.name:nestedA-server, downstream"),
        (33, "no entries.json: registered spiffe://example.org/nestedA/workload under nestedA-agent for unix:uid:1001"),
        (45, "no entries.json: registered spiffe://example.org/nestedB under root-agent for docker:label:org.example.name:nestedB-server, downstream"),
        (50, "no entries.json: registered spiffe://example.org/nestedB/workload under nestedB-agent for unix:uid:1001"),
    ]  # fmt: skip


def test_the_label_may_have_any_name(folder: Folder) -> None:
    folder.edit(COMPOSE, "org.example.name: nestedA-server", "com.example.role: nestedA-server").remove(FILE)
    (entry, _) = folder.deploy().simulation.root.list_entries()
    assert str(entry.selectors[0]) == "docker:label:com.example.role:nestedA-server"


def test_a_label_that_no_entry_matches_names_the_nearest_selector(folder: Folder) -> None:
    error = (
        folder.edit(COMPOSE, "org.example.name: nestedA-server", "org.example.name: nestedX-server")
        .remove(FILE)
        .refused()
    )
    assert (error.code, error.file, error.line, error.key) == (
        "no_entry",
        COMPOSE,
        28,
        "services.nestedA-server.labels.org.example.name",
    )
    message = str(error)
    assert (
        "no registration entry of root-agent matches nestedA-server, which in SPIRE would wait for an SVID forever"
        in message
    )
    assert (
        "the nearest entry, spiffe://example.org/nestedA, wants docker:label:org.example.name:nestedA-server" in message
    )
    assert "the nearest that nestedA-server has is docker:label:org.example.name:nestedX-server" in message


def test_a_service_without_labels_is_told_so(folder: Folder) -> None:
    text = "    labels:\n      org.example.name: nestedB-server\n"
    error = folder.edit(COMPOSE, text, "").remove(FILE).refused()
    assert (error.code, error.key) == ("no_entry", "services.nestedB-server.labels")


def test_an_agent_that_cannot_see_labels_is_told_so(folder: Folder) -> None:
    error = folder.edit("root/agent.conf", '"docker"', '"unix"').remove(FILE).refused()
    assert error.code == "no_entry"
    assert str(error).endswith("root-agent finds nothing")


def test_an_agent_without_unix_gets_no_workload(folder: Folder) -> None:
    deployment = folder.edit("nestedA/agent.conf", '    WorkloadAttestor "unix" {}\n', "").remove(FILE).deploy()
    assert list(deployment.simulation.workloads) == ["nestedB/workload"]
    assert "nestedA-agent has no unix attestor: no workload is registered there" in str(
        list(map(str, deployment.notes))
    )


# With one


def test_each_entry_goes_to_the_server_that_knows_its_parent(folder: Folder) -> None:
    sim = folder.deploy().simulation
    registered = {
        name: [str(entry.spiffe_id) for entry in server.list_entries()] for name, server in sim.servers.items()
    }
    assert registered == {
        "root-server": ["spiffe://example.org/nestedA", "spiffe://example.org/nestedB"],
        "nestedA-server": ["spiffe://example.org/nestedA/workload"],
        "nestedB-server": ["spiffe://example.org/nestedB/workload"],
    }


def test_an_entry_may_hang_on_another_one_further_down(folder: Folder) -> None:
    child = {
        "spiffe_id": "spiffe://example.org/child",
        "parent_id": "spiffe://example.org/team",
        "selectors": [{"type": "unix", "value": "uid:8"}],
    }
    team = {
        "spiffe_id": "spiffe://example.org/team",
        "parent_id": AGENT_A,
        "selectors": [{"type": "unix", "value": "gid:9"}],
    }
    sim = folder.write(FILE, json.dumps({"entries": [*entries_of(folder), child, team]})).deploy().simulation
    assert set(sim.workloads) == {"nestedA/workload", "child", "nestedB/workload"}  # the team is only a parent
    assert str(sim.workloads["child"].spiffe_id) == "spiffe://example.org/child"


def test_a_node_alias_goes_where_an_agent_fits(folder: Folder) -> None:
    add(
        folder,
        spiffe_id="spiffe://example.org/nodes/a",
        parent_id="spiffe://example.org/spire/server",
        selectors=[{"type": "x509pop", "value": "subject:cn:nestedA-agent"}],
    )
    add(folder, spiffe_id="spiffe://example.org/web", parent_id="spiffe://example.org/nodes/a")
    sim = folder.deploy().simulation
    assert len(sim.servers["nestedA-server"].list_entries()) == 3
    assert len(sim.servers["nestedB-server"].list_entries()) == 1
    assert str(sim.workloads["web"].spiffe_id) == "spiffe://example.org/web"
    assert sim.workloads["web"].agent.name == "nestedA-agent"


def test_an_alias_that_no_agent_fits_is_noted(folder: Folder) -> None:
    add(
        folder,
        spiffe_id="spiffe://example.org/nodes/x",
        parent_id="spiffe://example.org/spire/server",
        selectors=[{"type": "x509pop", "value": "subject:cn:nobody"}],
    )
    assert (
        f"entries.json:{folder.line_of(FILE, 'subject:cn:nobody') - 4}: entries[4]: no agent has the selectors of spiffe://example.org/nodes/x: not created"
        in folder.notes()
    )


def test_a_parent_that_nobody_is_names_the_nearest_agent(folder: Folder) -> None:
    error = add(folder, spiffe_id="spiffe://example.org/web", parent_id=AGENT_A[:-1] + "5").refused()
    assert (error.code, error.file, error.line, error.key) == (
        "parent",
        FILE,
        folder.line_of(FILE, AGENT_A[:-1] + "5"),
        "entries[4].parent_id",
    )
    assert f"did you mean {AGENT_A}?" in str(error)
    error = add(folder, spiffe_id="spiffe://example.org/y", parent_id="spiffe://other.org/x").refused()
    assert error.key == "entries[4].parent_id"


def test_what_the_server_refuses_is_told_with_its_place(folder: Folder) -> None:
    error = add(folder, spiffe_id="spiffe://other.org/web", parent_id=AGENT_A).refused()
    line = folder.line_of(FILE, '"uid:7"') - 4  # where the entry begins
    assert (error.file, error.line, error.key) == (FILE, line, "entries[4]")
    assert 'invalid spiffe ID: "spiffe://other.org/web" is not a member of trust domain "example.org"' in str(error)
    folder.write(FILE, json.dumps({"entries": [*entries_of(folder)[:4], entries_of(folder)[0]]}, indent=2))
    error = folder.refused()
    assert (error.code, error.key) == ("already_exists", "entries[4]")


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ('"spiffe_id": "spiffe://example.org/nestedB",', '"spiffe_id": "example.org/nestedB",', 10, "invalid SPIFFE ID"),
        ('"value": "label:org.example.name:nestedB-server"', '"value": 7', 12, "entries[1].selectors[0].value: this is a number"),
        ('{\n  "entries": [', "{\n  entries: [", 2, "not JSON"),
        ('{\n  "entries": [', '{\n  "entries": 7, "x": [', 1, "entries: this is a number, not an array"),
        ('"entries": [', '"entries": ["x", ', 2, "entries[0]: this is a string, not an object"),
    ],
)  # fmt: skip
def test_what_spires_command_would_not_read_is_refused_with_its_line(
    folder: Folder, old: str, new: str, line: int, part: str
) -> None:
    error = folder.edit(FILE, old, new).refused()
    assert (error.file, error.line) == (FILE, line)
    assert part in str(error)


def test_keys_that_spire_ignores_are_noted(folder: Folder) -> None:
    folder.edit(
        FILE,
        '"downstream": true\n    },\n    {\n      "spiffe_id": "spiffe://example.org/nestedB",',
        '"downstream": true,\n      "comment": "A"\n    },\n    {\n      "spiffe_id": "spiffe://example.org/nestedB",',
    )
    assert "entries.json:8: entries[0].comment: SPIRE does not know this key and ignores it" in folder.notes()


def test_an_entry_that_is_not_downstream_is_refused_in_spires_words(folder: Folder) -> None:
    document = {"entries": [{**entry, "downstream": False} for entry in entries_of(folder)]}
    error = folder.write(FILE, json.dumps(document)).refused()
    assert (error.code, error.file, error.key) == (
        "not_authorized",
        "nestedA/server.conf",
        "plugins.UpstreamAuthority.spire",
    )
    assert "authorization denied for method" in str(error)


def test_no_entries_at_all_leave_the_nested_servers_waiting(folder: Folder) -> None:
    error = folder.write(FILE, '{"entries": []}').refused()
    assert error.code == "no_entry"
    assert "root-agent has no entries at all" in str(error)
