"""What an agent.conf says."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.unit.extra.conftest import Folder

FILE = "nestedA/agent.conf"
BUNDLE = '    trust_bundle_path = "/run/spire/config/bootstrap.pem"\n'
X509POP = """\
    NodeAttestor "x509pop" {
        plugin_data {
            certificate_path = "/run/spire/config/node.pem"
            private_key_path = "/run/spire/config/node.key.pem"
        }
    }
"""


@pytest.mark.parametrize(
    ("old", "new", "key", "part"),
    [
        ('    trust_domain      = "example.org"\n', "", "agent.trust_domain", "trust_domain must be configured"),
        ('    server_address    = "nestedA-server"\n', "", "agent.server_address", "server_address must be configured"),
        ("    server_port       = 8081\n", "", "agent.server_port", "server_port must be configured"),
        (BUNDLE, "", "agent.trust_bundle_path", "must be configured unless insecure_bootstrap is set"),
        (BUNDLE, f"{BUNDLE} insecure_bootstrap = true\n", "agent.trust_bundle_path", "only one of insecure_bootstrap or trust_bundle_path"),
        (BUNDLE, f'{BUNDLE} trust_bundle_format = "der"\n', "agent.trust_bundle_format", 'expected "pem" or "spiffe"'),
        (BUNDLE, f'{BUNDLE} workload_x509_svid_key_type = "x"\n', "agent.workload_x509_svid_key_type", 'key type "x" is unknown'),
        (BUNDLE, f"{BUNDLE} soket_path = 1\n", "agent.soket_path", "did you mean socket_path?"),
        (BUNDLE, f'{BUNDLE} join_token = "a"\n join_token_file = "/x"\n', "agent.join_token_file", "only one of join_token or"),
        ('    WorkloadAttestor "unix" {}\n    WorkloadAttestor "docker" {}\n', "", "plugins.WorkloadAttestor", "expected at least 1 but got 0"),
        ('            private_key_path = "/run/spire/config/node.key.pem"\n', "", "plugins.NodeAttestor.x509pop.plugin_data.private_key_path", "private_key_path is required"),
        ('"example.org"', '"other.org"', "agent.trust_domain", "they have to be the same"),
    ],
)  # fmt: skip
def test_what_spire_would_not_start_with_is_refused_with_its_place(
    folder: Folder, old: str, new: str, key: str, part: str
) -> None:
    error = folder.edit(FILE, old, new).refused()
    assert (error.file, error.key) == (FILE, key)
    assert part in str(error)


def test_missing_sections_are_told_in_spires_words(folder: Folder) -> None:
    assert "agent section must be configured" in str(folder.write(FILE, "plugins {}").refused())


def test_a_key_type_for_workloads_reaches_the_simulation(folder: Folder) -> None:
    folder.edit(FILE, BUNDLE, f'{BUNDLE} workload_x509_svid_key_type = "rsa-2048"\n')
    sim = folder.deploy().simulation
    a, b = (sim.workloads[f"{name}/workload"].fetch_x509_svid().private_key for name in ("nestedA", "nestedB"))
    assert isinstance(a, rsa.RSAPrivateKey)
    assert isinstance(b, ec.EllipticCurvePrivateKey)


@pytest.mark.parametrize("line", ["insecure_bootstrap = true", 'trust_bundle_url = "https://x"'])
def test_other_ways_to_bootstrap_are_noted(folder: Folder, line: str) -> None:
    notes = folder.edit(FILE, BUNDLE, f"{line}\n").notes()
    key = line.partition(" ")[0]
    assert f"{FILE}:8: agent.{key}: not simulated: the agent starts from the bundle that its server has" in notes


def test_an_agent_may_attest_with_the_join_token_that_it_says(folder: Folder) -> None:
    folder.edit(FILE, X509POP, '    NodeAttestor "join_token" {}\n').edit(
        FILE, BUNDLE, f'{BUNDLE} join_token = "abc"\n'
    )
    folder.remove("entries.json")  # its parents are other agents
    deployment = folder.deploy()
    assert (
        str(deployment.simulation.agents["nestedA-agent"].spiffe_id)
        == "spiffe://example.org/spire/agent/join_token/abc"
    )
    assert f"{FILE}:9: agent.join_token: nestedA-server is taken to have handed this token out" in map(
        str, deployment.notes
    )


def test_a_join_token_may_lie_in_a_file(folder: Folder) -> None:
    folder.edit(FILE, BUNDLE, f'{BUNDLE} join_token_file = "/run/spire/config/token"\n').remove("entries.json")
    assert "token does not exist: made by the simulation" in str(folder.notes())
    folder.write("nestedA/token", "from-file\n")
    assert str(folder.deploy().simulation.agents["nestedA-agent"].spiffe_id).endswith("/join_token/from-file")
    assert "join token file is empty" in str(folder.write("nestedA/token", "\n").refused())


def test_without_a_token_the_server_hands_one_out(folder: Folder) -> None:
    folder.edit(FILE, X509POP, '    NodeAttestor "join_token" {}\n').remove("entries.json")
    deployment = folder.deploy()
    assert "/spire/agent/join_token/" in str(deployment.simulation.agents["nestedA-agent"].spiffe_id)
    assert "the simulation has the server hand one out" in str(list(map(str, deployment.notes)))


def test_an_attestor_that_is_not_simulated_is_believed(folder: Folder) -> None:
    folder.edit(FILE, X509POP, '    NodeAttestor "k8s_psat" { plugin_data { cluster = "x" } }\n').remove("entries.json")
    error = folder.refused()  # the server has no such attestor
    assert (error.code, error.file, error.key) == ("node_attestor", FILE, "plugins.NodeAttestor.k8s_psat")
    assert 'could not find node attestor type "k8s_psat"; nestedA-server has x509pop' in str(error)
    folder.edit(
        "nestedA/server.conf",
        '    KeyManager "memory" {}\n',
        '    KeyManager "memory" {}\n NodeAttestor "k8s_psat" {}\n',
    )
    deployment = folder.deploy()
    assert (
        str(deployment.simulation.agents["nestedA-agent"].spiffe_id)
        == "spiffe://example.org/spire/agent/k8s_psat/nestedA-agent"
    )
    assert "the agent is believed" in str(list(map(str, deployment.notes)))


def test_x509pop_over_the_workload_api_is_believed(folder: Folder) -> None:
    folder.edit(
        FILE, '            certificate_path = "/run/spire/config/node.pem"\n', ' spiffe_endpoint_socket = "unix:///x"\n'
    )
    folder.remove("entries.json")
    assert str(folder.deploy().simulation.agents["nestedA-agent"].spiffe_id).endswith("/x509pop/nestedA-agent")


def test_attestors_that_are_not_simulated_are_noted(folder: Folder) -> None:
    folder.edit(
        FILE, '    WorkloadAttestor "docker" {}\n', '    WorkloadAttestor "systemd" {}\n    WorkloadAttestor "k8s" {}\n'
    )
    folder.edit(
        FILE,
        '    WorkloadAttestor "unix" {}\n',
        ' WorkloadAttestor "unix" { plugin_data {\n discover_workload_path = true\n workload_size_limit = 1\n } }\n',
    )
    deployment = folder.deploy()
    agent = deployment.simulation.agents["nestedA-agent"]
    assert [attestor.name for attestor in agent.workload_attestors] == ["unix", "k8s"]
    notes = "\n".join(map(str, deployment.notes))
    assert "nothing has its selectors" in notes
    assert "plugins.WorkloadAttestor.unix.plugin_data.workload_size_limit: not simulated" in notes
    assert "discover_workload_path" not in notes
