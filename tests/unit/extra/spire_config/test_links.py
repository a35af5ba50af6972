"""Who hangs on whom, by address and by shared socket."""

from __future__ import annotations

import pytest

from tests.unit.extra.conftest import COMPOSE, Folder

NESTED = "nestedA/server.conf"
SOCKET = '            workload_api_socket = "/run/spire/root-agent/api.sock"\n'


def test_no_socket_shared_with_the_upstream_agent_is_refused(folder: Folder) -> None:
    folder.edit(
        COMPOSE,
        "      - ./nestedA:/run/spire/config:ro\n      - root-workload-api:/run/spire/root-agent\n",
        "      - ./nestedA:/run/spire/config:ro\n",
    )
    error = folder.refused()
    assert (error.code, error.file, error.line) == ("socket", NESTED, 29)
    assert error.key == "plugins.UpstreamAuthority.spire.plugin_data.workload_api_socket"
    message = str(error)
    assert (
        "nestedA-server looks for the Workload API at /run/spire/root-agent/api.sock of service nestedA-server"
        in message
    )
    assert "root-agent serves it at /api.sock of volume root-workload-api" in message
    assert message.endswith("mount one volume in both services")


def test_another_socket_in_the_shared_volume_is_refused_too(folder: Folder) -> None:
    assert folder.edit(NESTED, "root-agent/api.sock", "root-agent/agent.sock").refused().code == "socket"


def test_a_shared_directory_of_the_host_serves_as_well(folder: Folder) -> None:
    text = (folder.path / COMPOSE).read_text().replace("- root-workload-api:", "- ./socket:")
    folder.write(COMPOSE, text)
    assert folder.deploy().simulation.servers["nestedA-server"].via is not None


def test_two_agents_at_one_socket_are_refused(folder: Folder) -> None:
    folder.edit(
        COMPOSE,
        "      - ./nestedB:/run/spire/config:ro\n      - /var/run/docker.sock:/var/run/docker.sock\n",
        "      - ./nestedB:/run/spire/config:ro\n      - root-workload-api:/run/spire/agent\n",
    )
    error = folder.refused()
    assert error.code == "socket"
    assert "root-agent and nestedB-agent both serve the Workload API at /api.sock of volume root-workload-api" in str(
        error
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        (NESTED, '"root-server"', '"root-sever"', "no service answers to root-sever; did you mean root-server?"),
        (
            NESTED,
            '"root-server"',
            '"x"',
            "no service answers to x; the servers are root-server, nestedA-server, nestedB-server",
        ),
        (NESTED, '"root-server"', '"root-agent"', "root-agent is no SPIRE server"),
        (NESTED, '"root-server"', '"nestedA-server"', "this is the server itself"),
        (
            "nestedA/agent.conf",
            '"nestedA-server"',
            '"nestedC-server"',
            "no service answers to nestedC-server; did you mean",
        ),
    ],
)
def test_an_address_that_leads_to_no_server_is_refused(
    folder: Folder, file: str, old: str, new: str, part: str
) -> None:
    error = folder.edit(file, old, new).refused()
    assert (error.file, error.key.rpartition(".")[2]) == (file, "server_address")
    assert part in str(error)


def test_a_port_that_nobody_listens_on_is_refused(folder: Folder) -> None:
    error = folder.edit("nestedA/agent.conf", "8081", "8082").refused()
    assert (error.code, error.key) == ("port", "agent.server_port")
    assert "nestedA-agent calls port 8082 of nestedA-server, which listens on 8081 (server.bind_port)" in str(error)


def test_two_services_of_one_name_are_refused(folder: Folder) -> None:
    folder.edit(COMPOSE, "  nestedB-agent:\n", "  nestedB-agent:\n    hostname: root-server\n")
    error = folder.refused()
    assert error.code == "address"
    assert "root-server and nestedB-agent both answer to root-server" in str(error)


def test_a_hostname_serves_as_an_address(folder: Folder) -> None:
    folder.edit(COMPOSE, "  root-server:\n", "  root-server:\n    hostname: root.internal\n")
    folder.edit(NESTED, '"root-server"', '"root.internal"')
    assert folder.deploy().simulation.servers["nestedA-server"].parent is not None


UPSTREAM = """\
    UpstreamAuthority "spire" {
        plugin_data {
            server_address      = "root-server"
            server_port         = 8081
            workload_api_socket = "/run/spire/root-agent/api.sock"
        }
    }
"""


def test_two_roots_of_one_trust_domain_are_refused(folder: Folder) -> None:
    error = folder.edit(NESTED, UPSTREAM, "").refused()
    assert (error.code, error.file, error.key) == ("two_roots", NESTED, "server.trust_domain")
    assert "root-server and nestedA-server are both roots of example.org" in str(error)


def test_roots_of_two_trust_domains_stand_side_by_side(folder: Folder) -> None:
    folder.edit(NESTED, UPSTREAM, "").edit(NESTED, "example.org", "other.org")
    folder.edit("nestedA/agent.conf", "example.org", "other.org").remove("entries.json")
    sim = folder.deploy().simulation
    assert {name: server.trust_domain.name for name, server in sim.servers.items()} == {
        "root-server": "example.org",
        "nestedA-server": "other.org",
        "nestedB-server": "example.org",
    }
    assert str(sim.workloads["nestedA/workload"].spiffe_id) == "spiffe://other.org/nestedA/workload"


def test_nesting_across_trust_domains_is_refused(folder: Folder) -> None:
    error = folder.edit(NESTED, '"example.org"', '"other.org"').refused()
    assert error.code == "trust_domain"


def test_servers_that_wait_for_one_another_are_refused(folder: Folder) -> None:
    folder.edit(
        "root/server.conf",
        '    KeyManager "memory" {}\n',
        f'    KeyManager "memory" {{}}\n{UPSTREAM}'.replace('"root-server"', '"nestedA-server"'),
    )
    folder.edit(
        COMPOSE,
        "      - ./root:/run/spire/config:ro\n\n",
        "      - ./root:/run/spire/config:ro\n      - root-workload-api:/run/spire/root-agent\n\n",
    )
    error = folder.refused()
    assert error.code == "cycle"
    assert "root-server waits for nestedA-server and root-agent, and they for it" in str(error)


def test_a_compose_file_without_server_is_refused(folder: Folder) -> None:
    error = folder.write(COMPOSE, "services:\n  web: {image: nginx}\n").refused()
    assert (error.code, error.file, error.key) == ("no_server", COMPOSE, "services")


def test_a_third_tier_hangs_on_the_second(folder: Folder) -> None:
    for file in ("server.conf", "agent.conf"):
        text = (
            (folder.path / "nestedB" / file)
            .read_text()
            .replace("nestedB", "leaf")
            .replace("root-server", "nestedB-server")
        )
        folder.write(f"leaf/{file}", text.replace("/run/spire/root-agent", "/run/spire/upstream"))
    folder.write(
        COMPOSE,
        (folder.path / COMPOSE)
        .read_text()
        .replace(
            "  nestedB-agent:\n    image: ghcr.io/spiffe/spire-agent:1.15.3\n    command: -config /run/spire/config/agent.conf\n    volumes:\n",
            "  nestedB-agent:\n    image: spire-agent\n    command: -config /run/spire/config/agent.conf\n    volumes:\n      - ./sockets:/run/spire/agent\n",
        )
        .replace(
            "\nvolumes:\n",
            "\n  leaf-server:\n    image: spire-server\n    command: -config /run/spire/config/server.conf\n"
            "    labels: [org.example.name=leaf-server]\n    volumes: [./leaf:/run/spire/config, ./sockets:/run/spire/upstream]\n"
            "  leaf-agent:\n    image: spire-agent\n    command: -config /run/spire/config/agent.conf\n    volumes: [./leaf:/run/spire/config]\n"
            "\nvolumes:\n",
        ),
    ).remove("entries.json")
    sim = folder.deploy().simulation
    assert sim.servers["leaf-server"].depth == 2
    assert set(sim.workloads) == {"nestedA/workload", "leaf/workload"}
    leaf = sim.workloads["leaf/workload"].fetch_x509_svid()
    assert len(leaf.chain) == 3
    assert str(sim.workloads["nestedA/workload"].validate_x509_svid(leaf)) == "spiffe://example.org/leaf/workload"
