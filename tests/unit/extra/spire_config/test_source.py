"""The files that services name."""

from __future__ import annotations

from pathlib import Path

from tests.unit.extra.conftest import COMPOSE, Folder

MOUNT = "  root-server:\n    image: ghcr.io/spiffe/spire-server:1.15.3\n    command: -config /run/spire/config/server.conf\n    volumes:\n      - ./root:/run/spire/config:ro\n"


def test_a_configuration_file_that_does_not_exist_is_refused_where_it_is_named(folder: Folder) -> None:
    error = folder.edit(COMPOSE, MOUNT, MOUNT.replace("server.conf", "other.conf")).refused()
    assert (error.code, error.file, error.line, error.key) == (
        "missing_file",
        COMPOSE,
        10,
        "services.root-server.command",
    )
    assert "root/other.conf does not exist; map it with a volume" in str(error)


def test_a_configuration_file_in_the_image_is_refused(folder: Folder) -> None:
    error = folder.edit(COMPOSE, MOUNT, MOUNT.replace("./root:/run/spire/config", "./root:/elsewhere")).refused()
    assert error.code == "missing_file"
    assert "/run/spire/config/server.conf of root-server is in no directory of the host" in str(error)


def test_files_outside_the_directory_are_called_by_their_whole_path(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (folder.path / "root").rename(outside)
    folder.write(COMPOSE, (folder.path / COMPOSE).read_text().replace("./root:", f"{outside}:"))
    notes = folder.notes()
    assert f"{outside}/server.conf:5: server.data_dir: not simulated: nothing is kept on disk" in notes


def test_a_relative_path_may_lead_out_of_the_directory(folder: Folder, tmp_path: Path) -> None:
    (folder.path / "root").rename(tmp_path / "outside")
    folder.write(COMPOSE, (folder.path / COMPOSE).read_text().replace("./root:", "../outside:"))
    assert any(note.startswith(f"{tmp_path}/outside/server.conf:5") for note in folder.notes())


def test_a_dollar_of_a_configuration_is_two_where_variables_are_expanded(folder: Folder) -> None:
    folder.edit("root/server.conf", "    ca_ttl  ", '    jwt_issuer = "$$x"\n    ca_ttl  ')
    assert folder.deploy().simulation.root.config.jwt_issuer == "$$x"
    folder.edit(COMPOSE, MOUNT, MOUNT.replace("server.conf", "server.conf -expandEnv"))
    assert folder.deploy().simulation.root.config.jwt_issuer == "$x"


def test_a_server_without_node_attestors_takes_join_tokens(folder: Folder) -> None:
    x509pop = '    NodeAttestor "x509pop" {\n        plugin_data {\n            ca_bundle_path = "/run/spire/config/node-ca.pem"\n        }\n    }\n'
    folder.edit("nestedA/server.conf", x509pop, "").remove("entries.json")
    error = folder.refused()
    assert error.code == "node_attestor"
    assert str(error).endswith('could not find node attestor type "x509pop"; nestedA-server has none')
    agent = (folder.path / "nestedA" / "agent.conf").read_text()
    begin, end = agent.index("    NodeAttestor"), agent.index('    WorkloadAttestor "unix"')
    folder.write("nestedA/agent.conf", f'{agent[:begin]}    NodeAttestor "join_token" {{}}\n{agent[end:]}')
    assert "/join_token/" in str(folder.deploy().simulation.agents["nestedA-agent"].spiffe_id)
