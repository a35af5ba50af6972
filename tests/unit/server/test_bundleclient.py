"""Federation over time: when bundles are fetched, from whom they are taken, and what then validates."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from spiffesim import Simulation
from spiffesim.errors import Refused, SpiffeSimError, UnknownAuthority, UntrustedDomain, ValidationError
from spiffesim.federation import BundleEndpoint
from spiffesim.instants import SECOND
from spiffesim.server import Server
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.workload import Workload
from tests.oracles.naive import naive

COM, NET = TrustDomain("example.com"), TrustDomain("example.net")


def world(**options: Any) -> tuple[Simulation, Server, Server]:
    """Two trust domains that know nothing of each other."""
    sim = Simulation("example.org", seed=1, **options)
    return sim, sim.root, sim.add_trust_domain("example.com", ca_ttl=options.get("ca_ttl", timedelta(hours=24)))


def times(sim: Simulation, kind: str, node: str = "root") -> list[float]:
    """When something happened, in seconds since the beginning."""
    events = sim.journal.where(kind=kind, node=node)
    return [(event.instant - sim.journal[0].instant) / SECOND for event in events]


def errors(sim: Simulation, node: str = "root") -> list[str]:
    return [event.data["error"] for event in sim.journal.where(kind="Error updating bundle", node=node)]


def accepts(workload: Workload, peer: Workload) -> bool:
    try:
        workload.validate_x509_svid(peer.fetch_x509_svid())
    except ValidationError:
        return False
    return True


FETCH = "failed to fetch federated bundle from endpoint: "
NO_BUNDLE = "can't perform SPIFFE Authentication: local copy of bundle not found"
URL = "https://example.com:8443"


# When


def test_a_bundle_is_polled_for_at_once_and_then_at_each_quarter_of_its_refresh_hint() -> None:
    # Spec: SPIFFE Federation 4.1, 6.2
    sim, org, com = world(journal="debug")
    org.federate_with(com)
    sim.advance(minutes=5)
    assert times(sim, "Bundle refreshed") == [0, 75, 150, 225, 300]


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (timedelta(minutes=10), [0, 150, 300, 450, 600]),
        (timedelta(seconds=1), [15 * number for number in range(41)]),
        (timedelta(hours=1), [0]),
        (timedelta(0), [0]),  # a tenth of the lifetime of the root, and a quarter of that
    ],
)
def test_the_endpoint_says_how_often(hint: timedelta, expected: list[float]) -> None:
    sim, org, com = world(journal="debug")
    com.serve_bundle(BundleEndpoint(url=URL, refresh_hint=hint))
    org.federate_with(com)
    sim.advance(minutes=10)
    assert times(sim, "Bundle refreshed") == expected


def test_another_hint_counts_from_the_poll_that_learns_of_it() -> None:
    sim, org, com = world(journal="debug")
    org.federate_with(com)
    sim.advance(seconds=100)
    com.serve_bundle(BundleEndpoint(url=URL, refresh_hint=timedelta(minutes=10)))
    sim.advance(minutes=8)
    assert times(sim, "Bundle refreshed") == [0, 75, 150, 300, 450]


def test_without_a_bundle_to_know_the_endpoint_by_it_is_asked_each_minute() -> None:
    sim, org, com = world()
    org.federate_with(com, trust_domain_bundle=None)
    sim.advance(seconds=130)
    assert times(sim, "Error updating bundle") == [0, 60, 120]
    assert set(errors(sim)) == {NO_BUNDLE}
    org.set_federated_bundle(com.bundle)
    sim.advance(minutes=1)
    assert times(sim, "Bundle refreshed") == [180]  # at the next poll, and no sooner
    assert len(errors(sim)) == 3


def test_a_failed_poll_waits_for_the_next_one() -> None:
    # Spec: SPIFFE Federation 6.2: no aggressive retries
    sim, org, com = world(journal="debug")
    org.federate_with(com)
    sim.advance(seconds=80)
    sim.cut(org, com)
    sim.advance(seconds=200)
    sim.heal(org, com)
    sim.advance(seconds=60)
    assert times(sim, "Bundle refreshed") == [0, 75, 300]
    assert times(sim, "Error updating bundle") == [150, 225]
    refused = f'{FETCH}failed to fetch bundle: Get "{URL}": dial tcp example.com:8443: connect: connection refused'
    assert set(errors(sim)) == {refused}


def test_every_poll_refreshes_a_federated_bundle() -> None:
    sim, org, com = world()
    org.federate_with(com)
    sim.advance(hours=11)
    assert times(sim, "Bundle refreshed") == [0]  # the first one has the hint of the endpoint
    held = org.get_federated_bundle(COM)
    assert (held.refresh_hint, held.sequence_number) == (timedelta(minutes=5), 0)
    sim.advance(hours=2)
    assert times(sim, "Bundle refreshed") == [0, 43_275]  # prepared at 43,200, half of 24 hours
    assert len(org.get_federated_bundle(COM).x509_der) == 2
    assert org.get_federated_bundle(COM).jwt_spki == com.bundle.jwt_spki


def test_what_an_operator_sets_the_next_poll_replaces() -> None:
    # Spec: SPIFFE Federation 4.2: without a sequence number, what was fetched last counts
    sim, org, com = world()
    org.federate_with(com)
    sim.advance(seconds=1)
    fetched = org.get_federated_bundle(COM)
    org.set_federated_bundle(attrs.evolve(com.bundle, sequence_number=1000))
    sim.advance(seconds=73)
    assert org.get_federated_bundle(COM).sequence_number == 1000
    sim.advance(seconds=1)
    assert org.get_federated_bundle(COM) == fetched


def test_a_server_that_starts_again_polls_at_once() -> None:
    sim, org, com = world(journal="debug")
    org.federate_with(com)
    sim.advance(seconds=100)
    sim.stop(org)
    sim.advance(seconds=100)
    sim.start(org)
    sim.advance(seconds=80)
    assert times(sim, "Bundle refreshed") == [0, 75, 200, 275]


def test_a_suspended_server_waits_for_what_was_left() -> None:
    sim, org, com = world(journal="debug")
    org.federate_with(com)
    sim.advance(seconds=100)
    sim.pause(org)
    sim.advance(seconds=1000)
    sim.resume(org)
    sim.advance(seconds=60)
    assert times(sim, "Bundle refreshed") == [0, 75, 1150]


def test_an_endpoint_that_does_not_run_answers_nobody_until_it_does() -> None:
    sim, org, com = world()
    org.federate_with(com)
    sim.advance(seconds=10)
    sim.pause(com)
    sim.advance(seconds=80)
    assert len(errors(sim)) == 1
    sim.resume(com)
    sim.advance(hours=1)
    assert len(errors(sim)) == 1


def test_an_endpoint_that_forgot_its_keys_shows_an_svid_that_nobody_abroad_can_know() -> None:
    sim, org, com = world()
    org.federate_with(com)
    sim.advance(seconds=10)
    sim.stop(com)
    sim.start(com)  # its key manager is the memory: it has another root now
    assert len(com.bundle.x509_der) == 2
    sim.advance(hours=1)
    assert len(errors(sim)) == 48
    assert errors(sim)[-1].endswith("x509: certificate signed by unknown authority")
    org.set_federated_bundle(com.bundle)
    sim.advance(hours=1)
    assert len(errors(sim)) == 48


def test_settling_fetches_what_is_new_and_what_cannot_be_fetched_waits() -> None:
    sim, org, com = world()
    org.federate_with(com)
    web = org.workload("/web", federates_with=[COM])
    sim.settle()
    assert org.get_federated_bundle(COM).refresh_hint == timedelta(minutes=5)
    assert len(sim.journal.where(kind="Bundle refreshed", cause="settle")) == 1
    assert [str(bundle.trust_domain) for bundle in web.fetch_x509_bundles()] == ["example.org", "example.com"]
    com.create_federated_bundle(SpiffeBundle(NET))  # no news for others
    sim.settle()
    assert len(sim.journal.where(kind="Bundle refreshed")) == 1
    sim.cut(org, com)
    sim.settle()
    assert errors(sim) == []
    sim.advance(seconds=1)
    assert len(errors(sim)) == 1  # the first poll


# From whom


def refusal(sim: Simulation, org: Server) -> str:
    """What the next poll fails with; it has to."""
    before = len(errors(sim))
    sim.advance(minutes=37)  # a quarter of a tenth of a day and ten seconds: the first bundle has no hint
    assert len(errors(sim)) > before
    return errors(sim)[-1]


def test_nobody_at_the_url_is_no_such_host() -> None:
    sim, org, com = world()
    org.federate_with(com, bundle_endpoint_url="https://example.net")
    assert refusal(sim, org) == (
        f'{FETCH}failed to fetch bundle: Get "https://example.net": dial tcp: lookup example.net: no such host'
    )
    sim.add_trust_domain("example.net", bundle_endpoint=BundleEndpoint(url="https://example.net"))
    assert "no X.509 bundle for trust domain" in refusal(sim, org)  # there it is, and is somebody else


def test_only_the_root_of_the_endpoint_has_the_bundle() -> None:
    sim, org, com = world()
    org.federate_with(com, bundle_endpoint_url=f"{URL}/bundle")
    assert refusal(sim, org) == f"{FETCH}unexpected status 404 fetching bundle: 404 page not found\n"
    org.update_federation_relationship(
        COM, bundle_endpoint_url=f"{URL}/", endpoint_spiffe_id="spiffe://example.com/spire/server"
    )
    sim.advance(minutes=36)
    assert org.get_federated_bundle(COM).refresh_hint


def test_the_endpoint_has_to_prove_the_id_that_is_configured() -> None:
    # Spec: SPIFFE Federation 5.2.2.4
    sim, org, com = world()
    org.federate_with(com, endpoint_spiffe_id="spiffe://example.com/other")
    assert refusal(sim, org) == (
        f'{FETCH}failed to fetch bundle: Get "{URL}": unexpected ID "spiffe://example.com/spire/server"'
    )


def test_the_endpoint_has_to_be_of_the_trust_domain_that_is_configured() -> None:
    sim, org, com = world()
    org.federate_with(com, endpoint_spiffe_id="spiffe://example.org/spire/server")
    assert refusal(sim, org) == (
        f'{FETCH}failed to fetch bundle: Get "{URL}": x509svid: could not get X509 bundle: '
        'x509bundle: no X.509 bundle for trust domain "example.com"'
    )


def test_the_endpoint_has_to_validate_against_the_bundle_that_is_held() -> None:
    # Spec: SPIFFE Federation 5.2.2.4
    sim, org, com = world()
    stranger = Simulation("example.com", seed=2).root.bundle
    org.federate_with(com, trust_domain_bundle=stranger)
    unverified = f'{FETCH}failed to fetch bundle: Get "{URL}": x509svid: could not verify leaf certificate: '
    assert refusal(sim, org) == f"{unverified}x509: certificate signed by unknown authority"
    assert org.get_federated_bundle(COM) == stranger


@pytest.mark.parametrize(
    ("skew", "reason"),
    [
        (-20, "current time 2029-12-31T23:59:40Z is before 2029-12-31T23:59:50Z"),
        (3601, "current time 2030-01-01T01:00:01Z is after 2030-01-01T01:00:00Z"),
    ],
)
def test_the_endpoint_is_judged_by_the_clock_of_who_polls(skew: float, reason: str) -> None:
    sim, org, com = world()
    org.federate_with(com)
    sim.skew(org, skew)
    sim.advance(seconds=0)
    assert errors(sim) == [
        f'{FETCH}failed to fetch bundle: Get "{URL}": x509svid: could not verify leaf certificate: '
        f"x509: certificate has expired or is not yet valid: {reason}"
    ]
    sim.skew(org, 0)
    sim.advance(minutes=2)
    assert len(errors(sim)) == 1


def test_an_svid_of_the_endpoint_is_good_to_its_last_second() -> None:
    sim, org, com = world()
    org.federate_with(com)
    sim.skew(com, -7200)  # it renews its SVID in two and a half hours
    sim.advance(seconds=10)
    org.refresh_bundle(COM)
    sim.advance(seconds=3664)
    assert errors(sim) == []  # there was a poll at 1:00:00
    sim.advance(seconds=1)
    assert errors(sim)[0].endswith("current time 2030-01-01T01:01:15Z is after 2030-01-01T01:00:00Z")


def test_an_endpoint_that_was_good_is_judged_again_by_another_bundle() -> None:
    sim, org, com = world()
    org.federate_with(com)
    sim.advance(seconds=1)
    org.set_federated_bundle(Simulation("example.com", seed=2).root.bundle)
    sim.advance(minutes=2)
    assert errors(sim)[0].endswith("x509: certificate signed by unknown authority")


def test_an_endpoint_that_was_good_is_judged_again_by_its_new_ca() -> None:
    sim = Simulation("example.org", seed=1)
    org = sim.root
    com = sim.add_trust_domain("example.com", ca_ttl=timedelta(hours=2), default_x509_svid_ttl=timedelta(minutes=10))
    org.federate_with(com)
    sim.advance(minutes=59)
    sim.cut(org, com)
    sim.advance(minutes=50)  # the new CA signs from 1:40, and the old one ends at 2:00
    sim.heal(org, com)
    sim.advance(minutes=2)
    assert errors(sim)[-1].endswith("x509: certificate signed by unknown authority")


def test_a_certificate_of_the_web_is_taken_for_its_names_and_needs_no_bundle() -> None:
    # Spec: SPIFFE Federation 5.2.1.4
    sim, org, com = world()
    com.serve_bundle(BundleEndpoint(url=URL, profile="https_web"))
    org.federate_with(com, trust_domain_bundle=None)
    sim.advance(seconds=1)
    assert org.get_federated_bundle(COM).x509_der == com.bundle.x509_der
    com.serve_bundle(BundleEndpoint(url=URL, profile="https_web", certificate_names=["a.com", "b.com"]))
    assert refusal(sim, org) == (
        f'{FETCH}failed to fetch bundle: Get "{URL}": tls: failed to verify certificate: '
        "x509: certificate is valid for a.com, b.com, not example.com"
    )


def test_a_web_client_at_a_spiffe_endpoint_is_told_what_is_wrong() -> None:
    sim, org, com = world()
    com.serve_bundle(BundleEndpoint(url=URL))
    org.federate_with(com, bundle_endpoint_profile="https_web")
    assert refusal(sim, org) == (
        f"{FETCH}failed to authenticate bundle endpoint using web authentication but the server certificate contains "
        'SPIFFE ID "spiffe://example.com/spire/server": maybe use https_spiffe instead of https_web: '
        f'Get "{URL}": tls: failed to verify certificate: '
        "x509: certificate is not valid for any names, but wanted to match example.com"
    )


def test_a_spiffe_client_at_a_web_endpoint_finds_no_spiffe_id() -> None:
    sim, org, com = world()
    com.serve_bundle(BundleEndpoint(url=URL, profile="https_web"))
    org.federate_with(com, bundle_endpoint_profile="https_spiffe")
    assert refusal(sim, org) == (
        f'{FETCH}failed to fetch bundle: Get "{URL}": '
        "x509svid: could not get leaf SPIFFE ID: certificate contains no URI SAN"
    )


def test_whatever_an_endpoint_serves_is_taken_for_the_bundle_of_the_relationship() -> None:
    # Spec: SPIFFE Federation 7.3, 7.4: the document does not say whose it is, and the endpoint is trusted for it
    sim, org, com = world()
    org.federate_with(com)
    org.create_federation_relationship(NET, bundle_endpoint_url=URL, endpoint_spiffe_id=com.spiffe_id)
    sim.advance(seconds=1)
    assert org.get_federated_bundle(NET).x509_der == com.bundle.x509_der
    assert org.get_federated_bundle(NET).trust_domain == NET


def test_an_endpoint_of_another_trust_domain_is_known_by_the_bundle_of_that_one() -> None:
    # Spec: SPIFFE Federation 5.2.2.2
    sim, org, com = world()
    com.serve_bundle(BundleEndpoint(url=URL))
    org.create_federation_relationship(NET, bundle_endpoint_url=URL, endpoint_spiffe_id=com.spiffe_id)
    org.set_federated_bundle(SpiffeBundle(NET, refresh_hint=timedelta(hours=1)))
    sim.advance(seconds=61)
    assert times(sim, "Error updating bundle") == [0, 60]  # its own bundle does not help, and its hint does not count
    org.federate_with(com)
    sim.advance(minutes=1)
    assert org.get_federated_bundle(NET).x509_der == com.bundle.x509_der


def test_a_server_of_the_own_trust_domain_is_known_by_the_own_bundle() -> None:
    sim, org, _ = world()
    nested = org.nest("nested")
    url = nested.serve_bundle().url
    assert url == "https://nested.example.org:8443"
    org.create_federation_relationship(NET, bundle_endpoint_url=url, endpoint_spiffe_id=org.spiffe_id)
    sim.advance(seconds=1)
    assert org.get_federated_bundle(NET).x509_der == org.bundle.x509_der


# What validates


DB = SpiffeId("spiffe://example.com/db")


def pair(**options: Any) -> tuple[Simulation, Workload, Workload]:
    sim, org, com = world(**options)
    org.federate_with(com)
    com.federate_with(org)
    return sim, org.workload("/web", federates_with=[COM]), com.workload("/db", federates_with=["example.org"])


def test_workloads_of_federated_trust_domains_validate_each_other_through_every_rotation() -> None:
    # Spec: SPIFFE Federation 4.1, 5.2.2.4: the first bundle is long gone
    sim, web, db = pair(ca_ttl=timedelta(hours=2))
    first = db.agent.server.not_after
    for _ in range(480):
        sim.advance(minutes=1)
        assert accepts(web, db)
        assert accepts(db, web)
        assert web.validate_jwt_svid(db.fetch_jwt_svid(audience="web"), audience="web").spiffe_id == DB
    assert first < sim.now
    assert errors(sim) == errors(sim, "example.com") == []


def test_federation_is_one_way() -> None:
    # Spec: SPIFFE Federation 6
    _, org, com = world()
    org.federate_with(com)
    web, db = org.workload("/web", federates_with=[COM]), com.workload("/db")
    assert accepts(web, db)
    with pytest.raises(UntrustedDomain):
        db.validate_x509_svid(web.fetch_x509_svid())
    with pytest.raises(Refused, match="unable to find federated bundle"):
        com.workload("/other", federates_with=["example.org"])


def test_a_workload_whose_entry_does_not_federate_validates_nobody_else() -> None:
    _, web, db = pair()
    plain = web.agent.server.workload("/plain")
    assert accepts(web, db)
    with pytest.raises(UntrustedDomain):
        plain.validate_x509_svid(db.fetch_x509_svid())


def test_a_bundle_vouches_for_its_own_trust_domain_and_no_other() -> None:
    # Spec: SPIFFE Federation 4.2, 7.3
    sim, web, _ = pair()
    impostor = Simulation("example.org", seed=9)
    web.agent.server.set_federated_bundle(SpiffeBundle(COM, x509_der=impostor.root.bundle.x509_der))
    sim.settle()
    assert impostor.root.bundle.x509_der[0] in web.fetch_x509_bundles().get(COM).x509_der  # type: ignore[union-attr]
    with pytest.raises(UnknownAuthority):
        web.validate_x509_svid(impostor.workload("/web").fetch_x509_svid())


def test_a_short_outage_of_the_link_is_made_up_for() -> None:
    sim, web, db = pair(ca_ttl=timedelta(hours=2))
    org, com = web.agent.server, db.agent.server
    sim.advance(minutes=59)
    sim.cut(org, com)
    sim.advance(minutes=20)  # the next root is prepared at 1:00 and signs from 1:40
    assert len(com.bundle.x509_der) == 2
    assert len(org.get_federated_bundle(COM).x509_der) == 1
    assert accepts(web, db)
    sim.heal(org, com)
    for _ in range(120):
        sim.advance(minutes=1)
        assert accepts(web, db)


def test_an_outage_beyond_the_activation_is_not_made_up_for_without_the_operator() -> None:
    sim, web, db = pair(ca_ttl=timedelta(hours=2))
    org, com = web.agent.server, db.agent.server
    sim.advance(minutes=59)
    sim.cut(org, com)
    outcome = []
    for _ in range(4 * 60):
        sim.advance(minutes=1)
        outcome.append(accepts(web, db))
    ends = outcome.index(False)
    assert outcome == [True] * ends + [False] * (240 - ends)
    assert 40 < ends < 75  # the workload's SVID is the first one that the new CA signs, within 33 minutes of 1:40
    sim.heal(org, com)
    sim.advance(minutes=10)
    assert not accepts(web, db)
    assert "signed by unknown authority" in errors(sim)[-1]  # the endpoint shows an SVID of the new CA as well
    org.set_federated_bundle(com.bundle)
    sim.advance(minutes=2)
    assert accepts(web, db)
    assert not accepts(db, web)  # each side has to be helped


def test_over_the_web_any_outage_is_made_up_for() -> None:
    sim, org, com = world(ca_ttl=timedelta(hours=2))
    com.serve_bundle(BundleEndpoint(url=URL, profile="https_web"))
    org.federate_with(com)
    web, db = org.workload("/web", federates_with=[COM]), com.workload("/db")
    sim.cut(org, com)
    sim.advance(hours=4)
    assert not accepts(web, db)
    sim.heal(org, com)
    sim.advance(seconds=90)
    assert accepts(web, db)


def test_ending_a_relationship_stops_the_polls_and_keeps_the_bundle_until_that_is_deleted() -> None:
    # Spec: SPIFFE Federation 6.3
    sim, web, db = pair(journal="debug")
    org = web.agent.server
    sim.advance(seconds=80)
    org.delete_federation_relationship(COM)
    sim.advance(hours=1)
    assert times(sim, "Bundle refreshed") == [0, 75]
    assert accepts(web, db)
    org.delete_federated_bundle(COM, mode="dissociate")
    sim.advance(seconds=15)  # the entry cache, and then the agent
    with pytest.raises(UntrustedDomain):
        web.validate_x509_svid(db.fetch_x509_svid())
    assert [bundle.trust_domain.name for bundle in web.fetch_x509_bundles()] == ["example.org"]


# Nesting


def test_a_nested_server_knows_no_bundle_of_others_but_those_it_fetches_itself() -> None:
    sim, org, com = world()
    nested = org.nest("nested")
    org.federate_with(com)
    sim.advance(minutes=10)
    assert org.federated.keys() == {COM}
    assert nested.federated == {}
    with pytest.raises(Refused, match=r'unable to find federated bundle "spiffe://example\.com"'):
        nested.workload("/web", federates_with=[COM])
    nested.federate_with(com)
    web, db = nested.workload("/web", federates_with=[COM]), com.workload("/db")
    sim.advance(hours=26)
    assert accepts(web, db)
    assert errors(sim, "nested") == []
    org.delete_federation_relationship(COM)
    org.delete_federated_bundle(COM)
    sim.advance(minutes=10)
    assert accepts(web, db)


def test_svids_of_nested_servers_validate_abroad() -> None:
    sim, org, com = world()
    nested = org.nest("nested").nest("deeper")
    com.federate_with(nested)  # any server of the trust domain has its bundle
    db, web = com.workload("/db", federates_with=["example.org"]), nested.workload("/web")
    sim.advance(hours=26)
    assert accepts(db, web)
    assert errors(sim, "example.com") == []


def test_a_nested_server_inherits_neither_endpoint_nor_relationships() -> None:
    sim, org, com = world()
    com.serve_bundle(BundleEndpoint(url=URL))
    other = sim.add_trust_domain(
        "example.net",
        bundle_endpoint=BundleEndpoint(url="https://example.net"),
        federates_with=[org.federate_with(com)],
    )
    nested = other.nest("nested")
    assert other.config.bundle_endpoint is not None
    assert (nested.config.bundle_endpoint, nested.config.federates_with) == (None, ())


# Two engines, one world


WEB: dict[str, Any] = {"bundle_endpoint_url": "https://nested.example.org:8443", "bundle_endpoint_profile": "https_web"}


def outcome(call: Callable[[], object]) -> str:
    try:
        return str(call())
    except SpiffeSimError as error:
        return str(error)


def scenario(sim: Simulation, order: int) -> list[str]:
    org, com = sim.root, sim.servers["example.com"]
    nested = org.nest("nested")
    org.federate_with(com)
    com.federate_with(nested)
    nested.federate_with(com, trust_domain_bundle=None)
    org.create_federation_relationship(
        NET, bundle_endpoint_url="https://example.com:8443", bundle_endpoint_profile="https_web"
    )
    web, db = org.workload("/web", federates_with=[COM]), com.workload("/db", federates_with=["example.org"])
    steps: list[Callable[[], object]] = [
        lambda: sim.cut(org, com),
        lambda: sim.skew(org, -30),
        lambda: sim.heal(org, com),
        lambda: com.serve_bundle(BundleEndpoint(url=URL, refresh_hint=timedelta(seconds=61))),
        lambda: nested.set_federated_bundle(com.bundle),
        lambda: sim.skew(com, 40),
        lambda: com.update_federation_relationship("example.org", **WEB),
        lambda: sim.pause(org),
        lambda: sim.resume(org),
        lambda: org.delete_federation_relationship(COM),
        lambda: org.federate_with(com),
        lambda: sim.stop(com),
        lambda: sim.start(com),
        lambda: com.serve_bundle(BundleEndpoint(url=URL, profile="https_web", refresh_hint=timedelta(0))),
        sim.settle,
        lambda: com.serve_bundle(BundleEndpoint(url=URL)),
    ]
    if order:
        random.Random(order).shuffle(steps)
    told = []
    for number, step in enumerate(steps):
        sim.advance(seconds=63.7 + 11 * number)
        told += [outcome(step), outcome(lambda: accepts(web, db)), outcome(lambda: accepts(db, web))]
    return told


@pytest.mark.parametrize(("level", "order"), [("debug", 0), ("info", 0), ("info", 1), ("info", 2), ("info", 3)])
def test_both_engines_tell_the_same_story(level: Any, order: int) -> None:
    told = []
    for engine in (lambda sim: sim, naive):
        sim, _, _ = world(ca_ttl=timedelta(minutes=10), journal=level)
        told.append((scenario(engine(sim), order), sim.journal.json_lines()))
    assert told[0] == told[1]
    assert '"Bundle refreshed"' in told[0][1]


def test_polls_that_bring_nothing_cost_nothing() -> None:
    sim, org, com = world(ca_ttl=timedelta(days=365))
    org.federate_with(com)
    sim.advance(seconds=1)
    (updater,) = org.updaters.values()
    assert updater.due() is not None  # with https_spiffe the SVID of the endpoint ends
    com.serve_bundle(BundleEndpoint(url=URL, profile="https_web"))
    org.update_federation_relationship(COM, bundle_endpoint_url=URL, bundle_endpoint_profile="https_web")
    sim.advance(minutes=2)
    assert updater.due() is None


def test_a_federated_world_pickles() -> None:
    sim, _, _ = pair()
    sim.advance(hours=1)
    copy = pickle.loads(pickle.dumps(sim))
    for each in (sim, copy):
        each.advance(hours=30)
    assert copy.journal.json_lines() == sim.journal.json_lines()
