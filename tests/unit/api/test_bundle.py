"""Bundles through the server: its own, those of others, and the keys that downstreams publish."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from spiffesim import Simulation
from spiffesim.errors import NotFound, Refused
from spiffesim.server import Server
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.x509svid import X509Svid
from tests.oracles import tokens

SPKI = tokens.spki(tokens.ec_key(7))


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


@pytest.fixture
def server(sim: Simulation) -> Server:
    return sim.root


def downstream(server: Server, path: str = "/nested") -> X509Svid:
    return server.agent().workload(path, downstream=True).fetch_x509_svid()


def test_the_bundle_has_the_authorities_of_the_trust_domain(server: Server) -> None:
    bundle = server.get_bundle()
    assert bundle is server.bundle
    assert (str(bundle.trust_domain), len(bundle.x509_der), len(bundle.jwt_spki)) == ("example.org", 1, 1)
    assert SpiffeBundle.parse("example.org", bundle.marshal()) == bundle
    assert SpiffeBundle.from_pem("example.org", bundle.pem()).x509_der == bundle.x509_der


def test_a_bundle_set_by_hand_is_there_for_entries_and_agents(sim: Simulation, server: Server) -> None:
    other = sim.add_trust_domain("example.com").bundle
    agent = server.agent()
    with pytest.raises(Refused, match=r'unable to find federated bundle "spiffe://example\.com"'):
        agent.workload("/web", federates_with=["example.com"])
    server.set_federated_bundle(other)
    assert sim.journal[-1].kind == "Bundle set successfully"
    assert sim.journal[-1].data == {"trust_domain_id": "example.com"}
    assert server.get_federated_bundle("example.com") is other
    web = agent.workload("/web", federates_with=["example.com"])
    assert [str(bundle.trust_domain) for bundle in web.fetch_x509_bundles()] == ["example.org", "example.com"]


def test_a_bundle_that_is_not_held_is_not_found(server: Server) -> None:
    with pytest.raises(NotFound, match=r"bundle not found \(example\.com on server root\)") as refused:
        server.get_federated_bundle("example.com")
    assert refused.value.status == "NOT_FOUND"


def test_its_own_bundle_is_not_federated(server: Server) -> None:
    with pytest.raises(Refused) as refused:
        server.get_federated_bundle("example.org")
    own = "a federated bundle for the server's own trust domain is not allowed"
    assert (refused.value.status, refused.value.message) == ("INVALID_ARGUMENT", f"getting {own}")
    with pytest.raises(Refused) as refused:
        server.set_federated_bundle(server.bundle)
    assert refused.value.status == "INVALID_ARGUMENT"
    assert refused.value.message == f"setting {own}"
    assert server.federated == {}


# Publishing


def test_a_downstreams_key_goes_up_to_the_top_and_from_there_to_all(sim: Simulation, server: Server) -> None:
    a, b = server.nest("a"), server.nest("b")
    below = a.nest("below")
    bundle = below.publish_jwt_authority("mine", SPKI, caller=downstream(below))
    assert bundle.jwt_spki["mine"] == SPKI
    assert [("mine" in each.bundle.jwt_spki) for each in (below, a, server, b)] == [True, True, True, False]
    sim.settle()
    assert all("mine" in each.bundle.jwt_spki for each in sim.servers.values())
    assert all("mine" in agent.view.bundle.jwt_spki for agent in sim.agents.values())


def test_whose_key_id_that_is_nobody_asks_and_the_last_one_counts(server: Server) -> None:
    caller = downstream(server)
    (own,) = server.bundle.jwt_spki
    server.publish_jwt_authority(own, SPKI, expires_at=datetime(2031, 1, 1, tzinfo=UTC), caller=caller)
    assert dict(server.bundle.jwt_spki) == {own: SPKI}


def test_the_very_same_key_again_changes_nothing(sim: Simulation, server: Server) -> None:
    nested = server.nest("nested")
    caller = downstream(nested)
    first = nested.publish_jwt_authority("mine", SPKI, caller=caller)
    known = len(server.view.jwt_authorities)
    again = nested.publish_jwt_authority("mine", SPKI, caller=caller)
    assert (again, again.sequence_number) == (first, first.sequence_number)
    assert len(server.view.jwt_authorities) == known
    expiry = datetime(2031, 1, 1, tzinfo=UTC)
    later = nested.publish_jwt_authority("mine", SPKI, expires_at=expiry, caller=caller)  # that is another one
    assert (first.sequence_number, later.sequence_number) == (2, 3)
    sim.settle()
    assert {each.bundle.jwt_spki["mine"] for each in sim.servers.values()} == {SPKI}


@pytest.mark.parametrize(
    ("key_id", "spki", "reason"),
    [
        ("", SPKI, "missing key ID"),
        ("mine", b"no key", "the bundle holds an unusable key"),
        ("", b"no key", "the bundle holds an unusable key"),  # as in SPIRE the key comes first
    ],
)
def test_what_is_no_key_is_refused(server: Server, key_id: str, spki: bytes, reason: str) -> None:
    caller = downstream(server)
    with pytest.raises(Refused, match=f"invalid JWT authority: {reason}") as refused:
        server.publish_jwt_authority(key_id, spki, caller=caller)
    assert refused.value.status == "INVALID_ARGUMENT"
    assert len(server.bundle.jwt_spki) == 1


def test_a_way_up_that_is_closed_further_up_is_an_internal_error(sim: Simulation, server: Server) -> None:
    a = server.nest("a")
    caller = downstream(a)
    (entry,) = server.list_entries(downstream=True)
    server.delete_entry(entry.id)
    before = len(server.bundle.jwt_spki)
    with pytest.raises(Refused) as refused:
        a.publish_jwt_authority("mine", SPKI, caller=caller)
    method = "/spire.api.server.bundle.v1.Bundle/PublishJWTAuthority"
    assert refused.value.message == f"failed to publish JWT key: authorization denied for method {method}"
    assert refused.value.status == "INTERNAL"
    assert [len(each.bundle.jwt_spki) for each in sim.servers.values()] == [before, before]
