"""The suites ``force-rotation-jwt-authority`` and ``force-rotation-upstream-authority``.

SPIRE: test/integration/suites/force-rotation-jwt-authority, test/integration/suites/force-rotation-upstream-authority
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from spiffesim import JwtSvid, Workload
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.spiffe import SpiffeBundle, validate_x509_svid
from tests.integration.deployments import deploy, subject_key_id

TRY = timedelta(seconds=40)


def key_id(token: JwtSvid) -> str:
    return str(token.header["kid"])


def test_a_jwt_authority_is_replaced_tainted_and_revoked() -> None:
    deployment = deploy()
    deployment.register_workloads()
    sim, root, workload = deployment.sim, deployment.sim.root, deployment.workloads["root"]
    (first,) = root.bundle.jwt_authorities
    prepared = root.prepare_jwt_authority()
    assert list(root.bundle.jwt_authorities) == [first, prepared.authority_id]

    assert key_id(workload.fetch_jwt_svid(audience="audience")) == first
    activated = root.activate_jwt_authority(prepared.authority_id)
    assert activated.authority_id == prepared.authority_id
    sim.run_until(lambda _: len(held(workload)) == 2, limit=TRY)
    assert key_id(workload.fetch_jwt_svid(audience="audience")) == first  # the cached one

    root.taint_jwt_authority(first)
    removed = "JWT-SVIDs were removed from the JWT cache because they were issued by a tainted authority"
    sim.run_until(lambda sim: bool(sim.journal.where(kind=removed, node="root-agent")), limit=TRY)
    (event,) = sim.journal.where(kind=removed, node="root-agent")
    assert event.data["tainted_jwt_svids"] == 1
    assert key_id(workload.fetch_jwt_svid(audience="audience")) == prepared.authority_id

    root.revoke_jwt_authority(first)
    sim.run_until(lambda _: held(workload) == [prepared.authority_id], limit=TRY)


def held(workload: Workload) -> list[str]:
    """The key IDs of the JWT bundle that the workload's agent gives."""
    (bundle,) = workload.fetch_jwt_bundles()
    return list(bundle.jwt_authorities)


def test_an_upstream_authority_is_replaced_tainted_and_revoked(tmp_path: Path) -> None:
    certificate, private_key = tmp_path / "ca.crt", tmp_path / "ca.key"

    def write(ca: ExternalCa) -> str:
        certificate.write_bytes(ca.certificate_pem)
        private_key.write_bytes(ca.private_key_pem)
        return subject_key_id(ca.certificate)

    old = write(ExternalCa("old"))
    upstream = DiskUpstreamAuthority(certificate=certificate, private_key=private_key)
    deployment = deploy(
        upstream_authority=upstream, ca_ttl=timedelta(hours=24), default_x509_svid_ttl=timedelta(hours=8)
    )
    deployment.register_workloads()
    sim, root, workload = deployment.sim, deployment.sim.root, deployment.workloads["root"]

    new = write(ExternalCa("new"))
    prepared = root.prepare_x509_authority()
    assert skis(root.bundle) == [old, new]
    assert prepared.upstream_authority_subject_key_id == new
    root.activate_x509_authority(prepared.authority_id)
    assert (
        sim.journal.where(kind="X509 CA activated", node="root")[-1].data["local_authority_id"] == prepared.authority_id
    )

    root.taint_x509_upstream_authority(old)
    scheduled = "Scheduled rotation for SVID entries due to tainted X.509 authorities"
    sim.run_until(lambda sim: bool(sim.journal.where(kind=scheduled, node="root-agent")), limit=TRY)
    (event,) = sim.journal.where(kind=scheduled, node="root-agent")
    assert event.data["count"] == 1
    sim.advance(seconds=10)
    kept = [der for der, ski in zip(root.bundle.x509_der, skis(root.bundle), strict=True) if ski == new]
    validate_x509_svid(workload.fetch_x509_svid(), SpiffeBundle("domain.test", x509_der=kept), at=sim.now)

    root.revoke_x509_upstream_authority(old)
    active = root.get_x509_authority_state().active
    sim.advance(seconds=12)
    (bundle,) = workload.fetch_x509_bundles()
    assert skis(bundle) == [new] == [active.upstream_authority_subject_key_id]


def skis(bundle: SpiffeBundle) -> list[str]:
    return [subject_key_id(der) for der in bundle.x509_der]
