"""The suite ``nested-rotation``: five servers with short lives, one of them without JWT-SVIDs, and a restart.

SPIRE: test/integration/suites/nested-rotation
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim.errors import Unavailable
from spiffesim.plugins.key_manager.disk import DiskKeyManager
from spiffesim.spiffe import validate_x509_svid
from tests.integration.deployments import Deployment, deploy
from tests.oracles.verifiers import openssl_accepts

HOUR, SVID = timedelta(hours=1), timedelta(seconds=15)
INTERMEDIATE = {"ca_ttl": HOUR, "default_x509_svid_ttl": SVID}
LEAF = {"ca_ttl": timedelta(seconds=90), "default_x509_svid_ttl": SVID}
ROUNDS, INTERVAL = 15, timedelta(seconds=6)


def suite() -> Deployment:
    deployment = deploy(ca_ttl=HOUR, default_x509_svid_ttl=SVID)
    sim = deployment.sim
    for side in "AB":
        keys = DiskKeyManager(sim.world.randomness, f"intermediate{side}")
        without = {"disable_jwt_svids": True} if side == "B" else {}
        intermediate = deployment.nest(
            sim.root, f"intermediate{side}", x509_svid_ttl=HOUR, key_manager=keys, **INTERMEDIATE, **without
        )
        deployment.nest(
            intermediate, f"leaf{side}", x509_svid_ttl=timedelta(seconds=90), disable_jwt_svids=False, **LEAF
        )
    deployment.register_workloads()
    return deployment


def check_x509_svid(deployment: Deployment, issued_by: str, validated_by: str) -> None:
    svid = deployment.workloads[issued_by].fetch_x509_svid()
    (bundle,) = deployment.workloads[validated_by].fetch_x509_bundles()
    at = deployment.sim.now
    assert openssl_accepts(svid.chain, bundle.x509_der, at)
    assert validate_x509_svid(svid, bundle, at=at) == svid.spiffe_id


def check_jwt_svid(deployment: Deployment, issued_by: str, validated_by: str) -> None:
    token = deployment.workloads[issued_by].fetch_jwt_svid(audience="testIt")
    assert deployment.workloads[validated_by].validate_jwt_svid(token, audience="testIt").spiffe_id == token.spiffe_id


def test_svids_stay_valid_on_the_other_side_while_every_tier_rotates() -> None:
    deployment = suite()
    with pytest.raises(Unavailable, match="code = Unimplemented desc = JWT functionality is disabled"):
        deployment.workloads["intermediateB"].fetch_jwt_svid(audience="testIt")
    for _ in range(ROUNDS):
        check_x509_svid(deployment, "intermediateA", "intermediateB")
        check_x509_svid(deployment, "leafA", "leafB")
        check_jwt_svid(deployment, "intermediateA", "intermediateB")
        check_jwt_svid(deployment, "leafA", "leafB")
        deployment.sim.advance(INTERVAL)
    for leaf in ("leafA", "leafB"):
        assert len(deployment.sim.journal.where(kind="X509 CA activated", node=leaf)) >= 2


def test_a_leaf_publishes_its_jwt_key_through_a_server_without_jwt_svids() -> None:
    deployment = suite()
    check_jwt_svid(deployment, "leafB", "leafA")
    check_jwt_svid(deployment, "leafB", "root")


def test_a_restarted_server_still_learns_of_new_keys() -> None:
    deployment = suite()
    sim = deployment.sim
    for name in ("leafA-agent", "leafB-agent", "leafA", "leafB", "intermediateB"):
        sim.stop(name)
    sim.start("intermediateB")
    before = len(sim.journal.where(kind="X509 CA prepared", node="intermediateB"))
    intermediate = deployment.server("intermediateA")
    prepared = intermediate.prepare_jwt_authority()
    intermediate.activate_jwt_authority(prepared.authority_id)
    held = deployment.server("intermediateB").bundle.jwt_authorities
    assert prepared.authority_id not in held
    sim.run_until(
        lambda sim: prepared.authority_id in sim.servers["intermediateB"].bundle.jwt_authorities,
        limit=timedelta(seconds=20),
    )
    assert len(sim.journal.where(kind="X509 CA prepared", node="intermediateB")) == before  # without a mint
