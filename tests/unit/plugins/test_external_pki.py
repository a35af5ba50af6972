"""Certificates from outside of SPIRE."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification

import spiffesim
from spiffesim.errors import AttestationFailed
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority

KEY_TYPES = ["ec-p256", "ec-p384", "rsa-2048"]


def verify(leaf: bytes, root: bytes) -> list[x509.Certificate]:
    """The path that cryptography's own verifier finds."""
    store = verification.Store([x509.load_der_x509_certificate(root)])
    any_leaf = verification.ExtensionPolicy.permit_all()
    any_ca = any_leaf.require_present(x509.BasicConstraints, verification.Criticality.CRITICAL, None)
    verifier = (
        verification.PolicyBuilder()
        .store(store)
        .time(datetime(2030, 1, 1, tzinfo=UTC))
        .extension_policies(ca_policy=any_ca, ee_policy=any_leaf)
        .build_client_verifier()
    )
    return verifier.verify(x509.load_der_x509_certificate(leaf), []).chain


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_what_it_issues_leads_to_it(key_type: str) -> None:
    ca = ExternalCa("nodes", key_type=key_type)
    (leaf,), key = ca.issue("node-1")
    assert len(verify(leaf, ca.certificate)) == 2
    with pytest.raises(verification.VerificationError):
        verify(leaf, ExternalCa("others", key_type=key_type).certificate)
    certificate = x509.load_der_x509_certificate(leaf)
    assert serialization.load_der_private_key(key, None).public_key() == certificate.public_key()
    assert certificate.subject.rfc4514_string() == "CN=node-1"
    assert certificate.issuer.rfc4514_string() == "CN=nodes"


def test_a_leaf_may_sign_and_is_no_ca() -> None:
    ca = ExternalCa("nodes")
    (der,), _ = ca.issue("node-1")
    leaf, root = x509.load_der_x509_certificate(der), x509.load_der_x509_certificate(ca.certificate)
    for certificate, is_ca in ((leaf, False), (root, True)):
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert (usage.digital_signature, usage.key_cert_sign) == (not is_ca, is_ca)
        assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is is_ca


def test_the_name_decides_every_byte() -> None:
    assert ExternalCa("nodes").certificate == ExternalCa("nodes").certificate
    assert ExternalCa("nodes").issue("a") == ExternalCa("nodes").issue("a")
    assert ExternalCa("nodes").issue("a") != ExternalCa("nodes").issue("b")
    assert ExternalCa("nodes").issue("a") != ExternalCa("others").issue("a")


def test_it_certifies_a_key_that_somebody_has() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ca = ExternalCa("nodes")
    leaf = ca.certify("node-1", key.public_key())
    assert x509.load_der_x509_certificate(leaf).public_key() == key.public_key()
    assert len(verify(leaf, ca.certificate)) == 2


def test_an_agent_attests_with_what_it_issues() -> None:
    ca = ExternalCa("nodes")
    sim = spiffesim.Simulation(seed=1)
    sim.root.node_attestors["x509pop"] = X509PopVerifier([ca.certificate])
    agent = sim.root.agent("agent", attestor=X509PopAttestor(*ca.issue("node-1")))
    assert str(agent.spiffe_id).startswith("spiffe://example.org/spire/agent/x509pop/")
    with pytest.raises(AttestationFailed, match="certificate verification failed"):
        sim.root.agent("stranger", attestor=X509PopAttestor(*ExternalCa("others").issue("node-1")))


def test_a_server_hangs_on_it_from_disk() -> None:
    ca = ExternalCa("upstream")
    disk = DiskUpstreamAuthority(certificate=ca.certificate_pem, private_key=ca.private_key_pem)
    sim = spiffesim.Simulation(seed=1, upstream_authority=disk)
    svid = sim.workload("/web").fetch_x509_svid()
    assert spiffesim.spiffe.validate_x509_svid(svid, sim.root.bundle, at=sim.now) == svid.spiffe_id
    assert sim.root.bundle.x509_der == (ca.certificate,)
    assert repr(ca) == "ExternalCa('upstream')"


def test_a_leaf_has_the_uris_that_are_asked_for() -> None:
    wanted = ["x509pop://example.org/cluster/test", "https://example.org"]
    ca = ExternalCa("nodes")
    (der,), _ = ca.issue("node-1", uris=wanted)
    names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == wanted
    (bare,), _ = ca.issue("node-1")
    with pytest.raises(x509.ExtensionNotFound):
        x509.load_der_x509_certificate(bare).extensions.get_extension_for_class(x509.SubjectAlternativeName)
