"""Bundles through the server: its own, those of others, and the keys that downstreams publish."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from spiffesim import Simulation
from spiffesim.errors import NoIdentityIssued, NotAuthorized, NotFound, Refused
from spiffesim.server import Server
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.x509svid import X509Svid
from spiffesim.workload import Workload
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


# Of others


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.status, caught.value.message


LIMITED = "trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores"


def test_what_is_no_trust_domain_is_refused(server: Server) -> None:
    answer = ("INVALID_ARGUMENT", f"trust domain argument is not valid: {LIMITED}")
    assert refused(lambda: server.get_federated_bundle("malformed@td")) == answer
    assert refused(lambda: server.delete_federated_bundle("malformed@td")) == answer
    missing = ("INVALID_ARGUMENT", "trust domain argument is not valid: trust domain is missing")
    assert refused(lambda: server.get_federated_bundle("")) == missing


def test_bundles_are_counted_with_the_own_one_and_listed_without(sim: Simulation, server: Server) -> None:
    assert (server.count_bundles(), server.list_federated_bundles()) == (1, [])
    others = [SpiffeBundle("example.net"), SpiffeBundle("example.com")]
    for other in others:
        server.set_federated_bundle(other)
    assert (server.count_bundles(), server.list_federated_bundles()) == (3, others)


def test_a_bundle_is_created_once(sim: Simulation, server: Server) -> None:
    other = sim.add_trust_domain("example.com").bundle
    assert server.create_federated_bundle(other) is other
    assert sim.journal[-1].kind == "Federated bundle created"
    assert refused(lambda: server.create_federated_bundle(other)) == ("ALREADY_EXISTS", "bundle already exists")
    own = "creating a federated bundle for the server's own trust domain is not allowed"
    assert refused(lambda: server.create_federated_bundle(server.bundle)) == ("INVALID_ARGUMENT", own)


def test_a_bundle_is_changed_in_whole_or_in_part(sim: Simulation, server: Server) -> None:
    other = sim.add_trust_domain("example.com").bundle
    assert refused(lambda: server.update_federated_bundle(other)) == ("NOT_FOUND", "bundle not found")
    empty = SpiffeBundle("example.com", sequence_number=9, refresh_hint=timedelta(seconds=9))
    server.create_federated_bundle(empty)
    assert server.update_federated_bundle(other, mask=[]) == empty
    assert server.update_federated_bundle(other, mask=["x509_authorities"]).x509_der == other.x509_der
    assert server.get_federated_bundle("example.com").jwt_spki == {}
    rest = ["jwt_authorities", "sequence_number", "refresh_hint"]
    assert server.update_federated_bundle(other, mask=rest) == other
    assert server.update_federated_bundle(empty) == empty
    assert sim.journal[-1].kind == "Federated bundle updated"
    own = "updating a federated bundle for the server's own trust domain is not allowed"
    assert refused(lambda: server.update_federated_bundle(server.bundle)) == ("INVALID_ARGUMENT", own)


def test_what_is_no_certificate_is_not_stored(server: Server) -> None:
    status, message = refused(lambda: server.set_federated_bundle(SpiffeBundle("example.com", x509_der=[b"none"])))
    assert status == "INVALID_ARGUMENT"
    assert message.startswith("failed to convert bundle: unable to parse X.509 authority: ")
    assert server.federated == {}


# Deleting


@pytest.fixture
def friends(sim: Simulation, server: Server) -> tuple[Workload, ...]:
    """Two workloads that federate with example.com, and one of them with another."""
    for name in ("example.com", "example.net"):
        server.set_federated_bundle(sim.add_trust_domain(name).bundle)
    return (
        server.workload("/one", federates_with=["example.com"]),
        server.workload("/two", federates_with=["example.com", "example.net"]),
    )


def known(workload: Workload) -> list[str]:
    return [bundle.trust_domain.name for bundle in workload.fetch_x509_bundles()]


@pytest.mark.parametrize("options", [{}, {"mode": "restrict"}])
def test_a_bundle_that_entries_federate_with_is_not_deleted(
    sim: Simulation, server: Server, friends: tuple[Workload, ...], options: dict[str, Any]
) -> None:
    assert refused(lambda: server.delete_federated_bundle("example.com", **options)) == (
        "FAILED_PRECONDITION",
        "failed to delete federated bundle: datastore-sql: cannot delete bundle; federated with 2 registration entries",
    )
    assert server.count_bundles() == 3
    server.delete_entry(server.list_entries(by_spiffe_id=friends[1].fetch_x509_svid().spiffe_id)[0].id)
    server.delete_federated_bundle("example.net", **options)  # with which none federates any more
    assert sim.journal[-1].data == {"trust_domain_id": "example.net", "mode": "restrict", "entries": 0}
    assert server.count_bundles() == 2


def test_entries_can_be_dissociated_from_a_bundle_that_is_deleted(
    sim: Simulation, server: Server, friends: tuple[Workload, ...]
) -> None:
    revisions = [entry.revision_number for entry in server.list_entries()]
    server.delete_federated_bundle("example.com", mode="dissociate")
    assert [[td.name for td in entry.federates_with] for entry in server.list_entries()] == [[], ["example.net"]]
    assert [entry.revision_number for entry in server.list_entries()] == revisions
    assert server.list_federated_bundles()[0].trust_domain.name == "example.net"
    sim.advance(seconds=15)
    assert [known(friend) for friend in friends] == [["example.org"], ["example.org", "example.net"]]


def test_entries_can_be_deleted_with_the_bundle(sim: Simulation, server: Server, friends: tuple[Workload, ...]) -> None:
    plain = server.workload("/plain")
    server.delete_federated_bundle("example.com", mode="delete")
    assert [entry.spiffe_id.path for entry in server.list_entries()] == ["/plain"]
    assert sim.journal.where(kind="Entry deleted") == []
    sim.advance(seconds=15)
    assert known(plain) == ["example.org"]
    with pytest.raises(NoIdentityIssued):
        friends[0].fetch_x509_svid()


def test_a_way_up_closes_with_an_entry_that_is_deleted(sim: Simulation, server: Server) -> None:
    server.set_federated_bundle(sim.add_trust_domain("example.com").bundle)
    nested = server.nest("nested")
    (entry,) = server.list_entries(downstream=True)
    server.update_entry(entry.id, mask=["federates_with"], federates_with=["example.com"])
    nested.nest("first")
    server.delete_federated_bundle("example.com", mode="delete")
    with pytest.raises(NotAuthorized, match="authorization denied"):
        nested.nest("second")


def test_some_bundles_cannot_be_deleted(server: Server) -> None:
    assert refused(lambda: server.delete_federated_bundle("example.com")) == ("NOT_FOUND", "bundle not found")
    own = "removing the bundle for the server trust domain is not allowed"
    assert refused(lambda: server.delete_federated_bundle("example.org")) == ("INVALID_ARGUMENT", own)
    mode = 'failed to parse deletion mode: unhandled delete mode "forget"'
    assert refused(lambda: server.delete_federated_bundle("", mode="forget")) == ("INVALID_ARGUMENT", mode)


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
