"""The suite ``force-rotation-self-signed``: a root authority is replaced, tainted and revoked under five servers.

SPIRE: test/integration/suites/force-rotation-self-signed
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim.errors import UnknownAuthority
from spiffesim.spiffe import SpiffeBundle, validate_x509_svid
from tests.integration.deployments import Deployment, deploy, subject_key_id

SERVERS = ("root", "intermediateA", "intermediateB", "leafA", "leafB")
NESTED = SERVERS[1:]


def hours(ca: int, svid: int) -> dict[str, timedelta]:
    return {"ca_ttl": timedelta(hours=ca), "default_x509_svid_ttl": timedelta(hours=svid)}


def suite() -> Deployment:
    deployment = deploy(**hours(216, 36))
    for side in "AB":
        intermediate = deployment.nest(deployment.sim.root, f"intermediate{side}", **hours(36, 6))
        deployment.nest(intermediate, f"leaf{side}", **hours(6, 1))
    deployment.register_workloads()
    return deployment


def authorities(deployment: Deployment, name: str) -> list[tuple[str, bool]]:
    """The X.509 authorities of a server as ``bundle show`` prints them: in order, with what is tainted."""
    elements = deployment.server(name).view.x509_elements
    return [(element.subject_key_id, element.tainted) for element in elements]


def wait_for(deployment: Deployment, name: str, kind: str, **data: object) -> None:
    """``check-log-line``: thirty tries, a second apart."""

    def logged(_: object) -> bool:
        events = deployment.sim.journal.where(kind=kind, node=name)
        return any(data.items() <= event.data.items() for event in events)

    deployment.sim.run_until(logged, limit=timedelta(seconds=30))


def replaced(deployment: Deployment) -> tuple[str, str]:
    """Prepare and activate a new root authority once every server knows it; the IDs of the old and the new one."""
    root = deployment.sim.root
    (only,) = authorities(deployment, "root")
    assert all(authorities(deployment, name) == [only] for name in NESTED)
    prepared = root.prepare_x509_authority()
    wait_for(deployment, "root", "X509 CA prepared", local_authority_id=prepared.authority_id)
    both = authorities(deployment, "root")
    assert len(both) == 2
    deployment.sim.run_until(
        lambda _: all(authorities(deployment, name) == both for name in NESTED), limit=timedelta(seconds=30)
    )
    prepared_now = root.get_x509_authority_state().prepared
    assert prepared_now is not None
    activated = root.activate_x509_authority(prepared_now.authority_id)
    assert activated.authority_id == prepared.authority_id
    wait_for(deployment, "root", "X509 CA activated", local_authority_id=prepared.authority_id)
    old = root.get_x509_authority_state().old
    assert old is not None
    assert old.authority_id == only[0]
    return old.authority_id, activated.authority_id


def tainted(deployment: Deployment) -> tuple[str, str]:
    old, new = replaced(deployment)
    deployment.sim.root.taint_x509_authority(old)
    return old, new


def test_taint_makes_every_server_and_agent_rotate() -> None:
    deployment = suite()
    old, _ = tainted(deployment)
    wait_for(deployment, "root", "X.509 authority tainted successfully", local_authority_id=old)
    forced = "Server SVID signed using a tainted authority, forcing rotation of the Server SVID"
    wait_for(deployment, "root", forced)
    for name in NESTED:
        wait_for(deployment, name, "Current root CA is signed by a tainted upstream authority, preparing rotation")
        wait_for(deployment, name, forced)
    counts = {"root": 3, "intermediateA": 2, "intermediateB": 2, "leafA": 1, "leafB": 1}
    for name, count in counts.items():
        agent = f"{name}-agent"
        wait_for(deployment, agent, "New tainted X.509 authorities found", subject_key_ids=old)
        wait_for(deployment, agent, "Scheduled rotation for SVID entries due to tainted X.509 authorities", count=count)
        wait_for(deployment, agent, "Agent SVID is tainted by a root authority, forcing rotation")


def only_root(bundle: SpiffeBundle, subject_key_id: str) -> SpiffeBundle:
    kept = [der for der, ski in zip(bundle.x509_der, skis(bundle), strict=True) if ski == subject_key_id]
    return SpiffeBundle(bundle.trust_domain, x509_der=kept)


def skis(bundle: SpiffeBundle) -> list[str]:
    return [subject_key_id(der) for der in bundle.x509_der]


def test_svids_lead_to_the_untainted_root_alone() -> None:
    deployment = suite()
    old, new = tainted(deployment)
    deployment.sim.run_until(
        lambda _: all(authorities(deployment, name) == [(old, True), (new, False)] for name in SERVERS),
        limit=timedelta(seconds=60),
    )

    def rotated(_: object) -> bool:
        for workload in deployment.workloads.values():
            svid = workload.fetch_x509_svid()
            bundle = only_root(deployment.sim.root.bundle, new)
            try:
                validate_x509_svid(svid, bundle, at=deployment.sim.now)
            except UnknownAuthority:
                return False
        return True

    deployment.sim.run_until(rotated, limit=timedelta(seconds=20))


@pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=5)])
def test_a_revoked_root_is_gone_everywhere(late: timedelta) -> None:
    deployment = suite()
    old, new = tainted(deployment)
    deployment.sim.advance(timedelta(minutes=2) + late)
    deployment.sim.root.revoke_x509_authority(old)
    for name in NESTED:
        wait_for(deployment, name, "X.509 authority revoked", subject_key_id=old)
    deployment.sim.run_until(
        lambda _: all(authorities(deployment, name) == [(new, False)] for name in SERVERS),
        limit=timedelta(seconds=10),
    )
    deployment.sim.advance(seconds=6)
    for workload in deployment.workloads.values():
        (bundle,) = workload.fetch_x509_bundles()
        assert skis(bundle) == [new]
        validate_x509_svid(workload.fetch_x509_svid(), bundle, at=deployment.sim.now)
