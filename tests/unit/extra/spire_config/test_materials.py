"""Keys, certificates, tokens and bundles: loaded where they exist, made where not."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.spiffe.x509.pem import write_pem
from tests.unit.extra.conftest import Folder

AGENT = "nestedA/agent.conf"
SERVER = "nestedA/server.conf"
CA = ExternalCa("the operator")


def pem_of(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def with_own_files(folder: Folder, ca: ExternalCa = CA) -> bytes:
    """Put a CA, a certificate and its key where the configuration names them; returns the certificate."""
    (leaf,), key = ca.issue("node")
    folder.write("nestedA/node-ca.pem", CA.certificate_pem)
    folder.write("nestedA/node.pem", write_pem("CERTIFICATE", leaf))
    folder.write("nestedA/node.key.pem", write_pem("PRIVATE KEY", key))
    folder.remove("entries.json")  # its parent is another agent
    return leaf


def test_files_that_exist_are_loaded_without_a_note(folder: Folder) -> None:
    leaf = with_own_files(folder)
    deployment = folder.deploy()
    agent = deployment.simulation.agents["nestedA-agent"]
    assert str(agent.spiffe_id).endswith(f"/x509pop/{hashlib.sha1(leaf).hexdigest()}")
    notes = [str(note) for note in deployment.notes if note.place.file.startswith("nestedA/") and "made" in note.text]
    assert notes == []
    assert [note for note in deployment.notes if note.place.file == "root/server.conf" and "made" in note.text]


def test_a_certificate_of_another_ca_is_refused_as_spire_does(folder: Folder) -> None:
    with_own_files(folder, ExternalCa("somebody else"))
    error = folder.refused()
    assert (error.code, error.file, error.key) == ("attestation_failed", AGENT, "plugins.NodeAttestor.x509pop")
    assert "certificate verification failed" in str(error)


def test_a_key_of_another_certificate_is_refused_in_spires_words(folder: Folder) -> None:
    with_own_files(folder)
    error = folder.write("nestedA/node.key.pem", pem_of(ec.generate_private_key(ec.SECP256R1()))).refused()
    assert error.code == "key_mismatch"
    assert error.key.endswith("private_key_path")
    assert "unable to load keypair: tls: private key does not match public key" in str(error)


def test_a_key_that_exists_gets_a_certificate(folder: Folder) -> None:
    folder.write("nestedA/node.key.pem", CA.private_key_pem).remove("entries.json")
    deployment = folder.deploy()
    notes = [
        note.place.key.rpartition(".")[2]
        for note in deployment.notes
        if note.place.file == AGENT and "made" in note.text
    ]
    assert notes == ["certificate_path"]
    assert str(deployment.simulation.workloads["nestedA/workload"].spiffe_id) == "spiffe://example.org/nestedA/workload"


@pytest.mark.parametrize(
    ("missing", "key", "part"),
    [
        ("node.key.pem", "private_key_path", "its key cannot be made up"),
        ("node.pem", "certificate_path", "of its CA there is no private key"),
    ],
)
def test_half_of_the_files_is_refused(folder: Folder, missing: str, key: str, part: str) -> None:
    with_own_files(folder)
    error = folder.remove(f"nestedA/{missing}").refused()
    assert (error.code, error.file, error.key.rpartition(".")[2]) == ("missing_file", AGENT, key)
    assert part in str(error)
    assert f"nestedA/{missing} does not exist" in str(error)


def test_a_certificate_without_the_ca_of_the_server_is_refused(folder: Folder) -> None:
    with_own_files(folder)
    error = folder.remove("nestedA/node-ca.pem").refused()
    assert (error.code, error.file, error.key.rpartition(".")[2]) == ("missing_file", SERVER, "ca_bundle_path")
    assert "nestedA/node-ca.pem does not exist, and an agent shows a certificate of its own" in str(error)


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("nestedA/node.pem", "no PEM", "certificates"),
        ("nestedA/node-ca.pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "certificates"),
        ("nestedA/node.key.pem", "no PEM", "private_key"),
    ],
)
def test_what_is_no_pem_is_refused_where_it_is_named(folder: Folder, file: str, content: str, code: str) -> None:
    with_own_files(folder)
    error = folder.write(file, content).refused()
    assert error.code == code
    assert error.key.startswith("plugins.NodeAttestor.x509pop.plugin_data.")


def test_a_directory_where_a_file_belongs_is_refused(folder: Folder) -> None:
    # Docker makes one when a file that a volume names is missing.
    (folder.path / "nestedA" / "node.pem").mkdir()
    error = folder.refused()
    assert error.code == "unreadable_file"
    assert "nestedA/node.pem is no file" in str(error)


def test_intermediates_are_shown_with_the_certificate(folder: Folder) -> None:
    with_own_files(folder)
    folder.edit(
        AGENT,
        '            certificate_path = "/run/spire/config/node.pem"\n',
        '            certificate_path = "/run/spire/config/node.pem"\n            intermediates_path = "/run/spire/config/more.pem"\n',
    )
    folder.write("nestedA/more.pem", ExternalCa("unrelated").certificate_pem)
    attestor = folder.deploy().simulation.agents["nestedA-agent"].attestor
    assert len(getattr(attestor, "chain")) == 2  # noqa: B009 - the Protocol does not have it


def test_several_ca_bundles_count_together(folder: Folder) -> None:
    leaf = with_own_files(folder)
    folder.edit(
        SERVER,
        'ca_bundle_path = "/run/spire/config/node-ca.pem"',
        'ca_bundle_paths = ["/run/spire/config/x.pem", "/run/spire/config/node-ca.pem"]',
    )
    deployment = folder.deploy()
    assert str(deployment.simulation.agents["nestedA-agent"].spiffe_id).endswith(hashlib.sha1(leaf).hexdigest())
    assert "nestedA/x.pem does not exist: made by the simulation" in str(list(map(str, deployment.notes)))


# The bundle that an agent starts from


def test_a_bundle_that_verifies_the_server_is_loaded(folder: Folder) -> None:
    roots = folder.deploy().simulation.root.bundle
    pem = b"".join(write_pem("CERTIFICATE", der) for der in roots.x509_der)
    notes = folder.write("root/bootstrap.pem", pem).deploy().notes
    noted = [note.place.file for note in notes if note.place.key == "agent.trust_bundle_path"]
    assert noted == ["nestedA/agent.conf", "nestedB/agent.conf"]


def test_a_bundle_document_is_loaded_too(folder: Folder) -> None:
    document = folder.deploy().simulation.root.bundle.marshal()
    folder.write("root/bootstrap.pem", document)
    folder.edit("root/agent.conf", 'data_dir          = "/run/spire/data"', 'trust_bundle_format = "spiffe"')
    folder.deploy()


@pytest.mark.parametrize(("content", "part"), [(CA.certificate_pem, "issued"), (b"no PEM", "PEM")])
def test_another_bundle_is_refused_as_the_agent_would(folder: Folder, content: bytes, part: str) -> None:
    error = folder.write("root/bootstrap.pem", content).refused()
    assert (error.code, error.file, error.key) == ("bootstrap", "root/agent.conf", "agent.trust_bundle_path")
    assert "root-agent cannot start from this bundle: " in str(error)
    assert part in str(error)


# An upstream CA on disk

DISK = """
    UpstreamAuthority "disk" {
        plugin_data {
            cert_file_path = "/run/spire/config/upstream.pem"
            key_file_path = "/run/spire/config/upstream.key.pem"
        }
    }
"""


def with_disk(folder: Folder, disk: str = DISK) -> Folder:
    return folder.edit("root/server.conf", '    KeyManager "memory" {}\n', f'    KeyManager "memory" {{}}\n{disk}')


def test_an_upstream_ca_is_made_where_no_file_exists(folder: Folder) -> None:
    deployment = with_disk(folder).deploy()
    assert deployment.simulation.root.bundle.x509_der == (ExternalCa("upstream of root-server").certificate,)
    made = [note.place.key.rpartition(".")[2] for note in deployment.notes if "UpstreamAuthority" in note.place.key]
    assert made == ["cert_file_path", "key_file_path"]


def test_an_upstream_ca_that_exists_signs(folder: Folder) -> None:
    with_disk(folder).write("root/upstream.pem", CA.certificate_pem).write("root/upstream.key.pem", CA.private_key_pem)
    deployment = folder.deploy()
    assert deployment.simulation.root.bundle.x509_der == (CA.certificate,)
    assert not [note for note in deployment.notes if "UpstreamAuthority" in note.place.key]


def test_an_upstream_ca_may_come_with_its_roots(folder: Folder) -> None:
    disk = DISK.replace("cert_file_path", 'bundle_file_path = "/run/spire/config/roots.pem"\n cert_file_path')
    with_disk(folder, disk).write("root/upstream.pem", CA.certificate_pem).write(
        "root/upstream.key.pem", CA.private_key_pem
    )
    error = folder.refused()
    assert (error.code, error.key.rpartition(".")[2]) == ("missing_file", "bundle_file_path")
    assert "and the other files of this CA do" in str(error)
    folder.write("root/roots.pem", CA.certificate_pem)
    assert folder.deploy().simulation.root.bundle.x509_der == (CA.certificate,)


def test_an_upstream_ca_that_does_not_fit_its_key_is_refused_in_spires_words(folder: Folder) -> None:
    with_disk(folder).write("root/upstream.pem", CA.certificate_pem)
    error = folder.write("root/upstream.key.pem", ExternalCa("other").private_key_pem).refused()
    assert (error.file, error.key) == ("root/server.conf", "plugins.UpstreamAuthority.disk")
    assert "unable to load upstream CA: certificate and private key do not match" in str(error)
