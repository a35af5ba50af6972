"""The suites ``rotation`` and ``downstream-endpoints``.

SPIRE: test/integration/suites
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim import Simulation
from spiffesim.errors import NotAuthorized
from spiffesim.keys import Draw
from spiffesim.spiffe import validate_x509_svid


def test_svids_can_be_fetched_at_any_time_while_the_ca_rotates() -> None:
    # No real server begins on a whole second: a check that falls on the very second of a threshold comes too early.
    sim = Simulation("elsewhere.test", seed=2)
    sim.advance(milliseconds=300)
    root = sim.add_trust_domain("domain.test", ca_ttl=timedelta(minutes=1), default_x509_svid_ttl=timedelta(seconds=10))
    workload = root.workload("/workload")
    for _ in range(20):
        (bundle,) = workload.fetch_x509_bundles()
        svid = workload.fetch_x509_svid()
        assert validate_x509_svid(svid, bundle, at=sim.now) == svid.spiffe_id
        sim.advance(seconds=3)
    assert len(sim.journal.where(kind="X509 CA activated", node=root.name)) >= 2


def test_only_a_downstream_may_call_the_endpoints_for_downstreams() -> None:
    sim = Simulation("domain.test", seed=5)
    root, agent = sim.root, sim.root.agent()
    for name, uid, is_downstream in (("downstream", 1001, True), ("plain", 1002, False)):
        root.create_entry(
            parent_id=agent.spiffe_id,
            spiffe_id=f"spiffe://domain.test/{name}",
            selectors=[f"unix:uid:{uid}"],
            downstream=is_downstream,
        )
    sim.advance(seconds=12)
    key = Draw.next(sim.world.randomness, "somebody's key").key()

    downstream = agent.process(uid=1001).fetch_x509_svid()
    minted = root.new_downstream_x509_ca(key, caller=downstream)
    assert len(list(minted.chain)) == 1
    assert len(minted.roots) == 1
    bundle = root.publish_jwt_authority("key ID", key.spki, caller=downstream)
    assert "key ID" in bundle.jwt_authorities

    plain = agent.process(uid=1002).fetch_x509_svid()
    with pytest.raises(NotAuthorized, match=r"authorization denied for method .*/NewDownstreamX509CA"):
        root.new_downstream_x509_ca(key, caller=plain)
    with pytest.raises(NotAuthorized, match=r"authorization denied for method .*/PublishJWTAuthority"):
        root.publish_jwt_authority("another", key.spki, caller=plain)
