"""What a server.conf says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from tests.unit.extra.conftest import COMPOSE, Folder

FILE = "root/server.conf"
SERVER = "    bind_port    = 8081\n"


def test_the_settings_of_the_file_are_those_of_the_server(folder: Folder) -> None:
    folder.edit(
        FILE,
        SERVER,
        SERVER
        + """
        agent_ttl = "30m"
        ca_key_type = "ec-p384"
        jwt_key_type = "rsa-2048"
        jwt_issuer = "https://issuer.example"
        admin_ids = ["spiffe://example.org/admin"]
        ca_subject { common_name = "the root" }
        experimental { feature_flags = ["wit-svid"]\n wit_issuer = "https://wit.example" }
        """,
    ).edit(FILE, '"24h"', '"48h"')
    config = folder.deploy().simulation.root.config
    assert config.ca_ttl == timedelta(hours=48)
    assert config.agent_ttl == timedelta(minutes=30)
    assert (config.ca_key_type, config.jwt_key_type) == ("ec-p384", "rsa-2048")
    assert (config.jwt_issuer, config.wit_issuer) == ("https://issuer.example", "https://wit.example")
    assert config.wit_svids
    assert list(map(str, config.admin_ids)) == ["spiffe://example.org/admin"]


def test_a_ca_subject_replaces_spires_own(folder: Folder) -> None:
    folder.edit(FILE, SERVER, SERVER + 'ca_subject { country = ["DE"]\n common_name = "the root" }\n')
    (root,) = folder.deploy().simulation.root.bundle.x509_authorities
    certificate = root if isinstance(root, x509.Certificate) else x509.load_der_x509_certificate(root)
    assert "CN=the root" in certificate.subject.rfc4514_string()
    assert "SPIFFE" not in certificate.subject.rfc4514_string()


def test_an_empty_ca_subject_is_spires_own_with_its_warning(folder: Folder) -> None:
    notes = folder.edit(FILE, SERVER, SERVER + "ca_subject {}\n").notes()
    assert f"{FILE}:5: server.ca_subject: ca_subject configurable is set but empty; the default will be used" in notes


def test_a_nested_server_does_not_inherit_from_its_parent(folder: Folder) -> None:
    sim = folder.edit(FILE, '"5m"', '"9m"').deploy().simulation
    assert sim.root.config.default_jwt_svid_ttl == timedelta(minutes=9)
    assert sim.servers["nestedA-server"].config.default_jwt_svid_ttl == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("line", "key", "part"),
    [
        ('ca_ttl2 = "1h"', "server.ca_ttl2", "did you mean ca_ttl?"),
        ("ratelimt { signing = false }", "server.ratelimt", "did you mean ratelimit?"),
        ('ca_key_type = "ec-p521"', "server.ca_key_type", 'key type "ec-p521" is unknown'),
        ('agent_ttl = "soon"', "server.agent_ttl", "no duration"),
        ('agent_ttl = "10ms"', "server.agent_ttl", "at least one second"),
        ('admin_ids = ["http://x"]', "server.admin_ids", "scheme"),
        ('trust_domain = "other.org"', "server.trust_domain", "this key is there twice, first in line 3"),
        ('ca_subject { state = "x" }', "server.ca_subject.state", "unknown configuration detected"),
    ],
)
def test_what_spire_would_not_start_with_is_refused_with_its_place(
    folder: Folder, line: str, key: str, part: str
) -> None:
    error = folder.edit(FILE, SERVER, f"{SERVER}    {line}\n").refused()
    assert (error.file, error.line, error.key) == (FILE, 5, key)
    assert part in str(error)


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ('    trust_domain = "example.org"\n', "", "server.trust_domain", "trust_domain must be configured"),
        ('"example.org"', '"EXAMPLE.org"', "server.trust_domain", "lowercase"),
        ('    data_dir     = "/run/spire/data"\n', "", "server.data_dir", "data_dir must be configured"),
        ("server {", "sever {", "sever", "did you mean server?"),
        ("plugins {", "plugin {", "plugin", "did you mean plugins?"),
    ],
)
def test_a_missing_key_is_told_in_spires_words(folder: Folder, old: str, new: str, key: str, message: str) -> None:
    error = folder.edit(FILE, old, new).refused()
    assert (error.file, error.key) == (FILE, key)
    assert message in str(error)


def test_missing_sections_are_told_in_spires_words(folder: Folder) -> None:
    assert "server section must be configured" in str(folder.write(FILE, "plugins {}").refused())
    error = folder.write(FILE, 'server {\n trust_domain = "example.org"\n data_dir = "/x"\n}').refused()
    assert str(error) == f"{FILE}:1: plugins: plugins section must be configured"


def test_an_agents_section_in_a_servers_file_is_unknown_to_spire(folder: Folder) -> None:
    text = (folder.path / FILE).read_text()
    folder.write(FILE, text + "telemetry {}\n").deploy()  # the control: SPIRE knows this one
    assert folder.write(FILE, text + "agent {}\n").refused().key == "agent"


def test_what_the_command_says_wins_over_the_file(folder: Folder) -> None:
    folder.edit(
        COMPOSE,
        "  root-server:\n    image: ghcr.io/spiffe/spire-server:1.15.3\n    command: -config /run/spire/config/server.conf\n",
        "  root-server:\n    image: spire-server\n    command: -config /run/spire/config/server.conf -trustDomain other.org\n",
    )
    error = folder.refused()  # the agent's file still says example.org
    assert (error.file, error.key) == ("root/agent.conf", "agent.trust_domain")
    assert (
        "root-agent is of trust domain example.org, and its server root-server of other.org (docker-compose.yaml:"
        in str(error)
    )


def test_environment_variables_of_the_service_are_expanded(folder: Folder) -> None:
    folder.edit(FILE, '"example.org"', '"${DOMAIN}.$TLD$UNSET"').edit(
        COMPOSE,
        "  root-server:\n    image: ghcr.io/spiffe/spire-server:1.15.3\n    command: -config /run/spire/config/server.conf\n",
        "  root-server:\n    image: spire-server\n    environment: {DOMAIN: example, TLD: org}\n"
        "    command: -config /run/spire/config/server.conf -expandEnv\n",
    )
    assert folder.deploy().simulation.root.trust_domain.name == "example.org"


X509POP = '            ca_bundle_path = "/run/spire/config/node-ca.pem"\n'


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('mode = "internal"', "mode can only be either spiffe or external_pki"),
        ('ca_bundle_path = "/x"\nca_bundle_paths = ["/y"]', "only one of ca_bundle_path or ca_bundle_paths"),
        ("", "one of ca_bundle_path or ca_bundle_paths must be configured"),
        ('mode = "spiffe"\nca_bundle_path = "/x"', "you can not use ca_bundle_path or ca_bundle_paths in spiffe mode"),
        ('ca_bundle_path = "/x"\nmax_intermediates = 0', "max_intermediates must be greater than 0"),
    ],
)
def test_a_wrong_x509pop_is_told_in_spires_words(folder: Folder, line: str, part: str) -> None:
    error = folder.edit(FILE, X509POP, f"{line}\n").refused()
    assert error.file == FILE
    assert error.key.startswith("plugins.NodeAttestor.x509pop.plugin_data.")
    assert part in str(error)


def test_the_options_of_x509pop_reach_the_simulation(folder: Folder) -> None:
    folder.edit(FILE, X509POP, f'{X509POP}\n max_intermediates = 2\n verify_client_ip = true\n spiffe_prefix = "/x"\n')
    deployment = folder.deploy()
    verifier = deployment.simulation.root.node_attestors["x509pop"]
    assert (verifier.max_intermediates, verifier.svid_prefix) == (2, "/x/")
    assert [note.text for note in deployment.notes if note.place.key.endswith("verify_client_ip")] == ["not simulated"]


def test_other_attestors_of_the_server_are_noted(folder: Folder) -> None:
    notes = folder.edit(
        FILE,
        '    NodeAttestor "x509pop" {',
        '    NodeAttestor "join_token" {}\n    NodeAttestor "k8s_psat" {}\n    NodeAttestor "x509pop" {',
    ).notes()
    (note,) = [note for note in notes if "k8s_psat" in note]
    assert "which is not simulated" in note
    assert not [note for note in notes if "plugins.NodeAttestor.join_token" in note]


UPSTREAM = '    KeyManager "memory" {}\n'


def test_an_upstream_authority_that_is_not_simulated_has_a_stand_in(folder: Folder) -> None:
    deployment = folder.edit(
        FILE, UPSTREAM, f'{UPSTREAM} UpstreamAuthority "aws_pca" {{ plugin_data {{ region = "x" }} }}\n'
    ).deploy()
    assert deployment.simulation.root.upstream_authority is not None
    (note,) = [str(note) for note in deployment.notes if "aws_pca" in str(note)]
    assert note.endswith("a CA on disk stands in for it")
    workload = deployment.simulation.workloads["nestedA/workload"]
    assert len(workload.fetch_x509_svid().chain) == 3  # the root server's CA is an intermediate now


@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("spire", "", "server_address is required"),
        ("spire", 'server_address = "x"', "server_port is required"),
        ("spire", 'server_address = "x"\nserver_port = 1', "workload_api_socket is required"),
        ("disk", 'cert_file_path = "/x"', "'cert_file_path' and 'key_file_path' must be set and not empty"),
    ],
)
def test_an_upstream_authority_without_its_keys_is_refused(folder: Folder, name: str, data: str, part: str) -> None:
    error = folder.edit(
        FILE, UPSTREAM, f'{UPSTREAM} UpstreamAuthority "{name}" {{\n plugin_data {{\n {data}\n }}\n }}\n'
    ).refused()
    assert error.code == "missing_key"
    assert part in str(error)
