"""Federation relationships through the server: made, changed, listed, ended, and who polls for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from spiffesim import Simulation
from spiffesim.errors import NotFound, Refused
from spiffesim.federation import BundleEndpoint, FederationRelationship
from spiffesim.server import Server
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain

COM, NET = TrustDomain("example.com"), TrustDomain("example.net")
URL = "https://example.com:8443"
FIELDS: dict[str, Any] = {"bundle_endpoint_url": URL, "endpoint_spiffe_id": "spiffe://example.com/spire/server"}


@pytest.fixture
def sim() -> Simulation:
    sim = Simulation("example.org", seed=1, journal="debug")
    sim.add_trust_domain("example.com", bundle_endpoint=BundleEndpoint(url=URL))
    return sim


@pytest.fixture
def server(sim: Simulation) -> Server:
    return sim.root


@pytest.fixture
def com(sim: Simulation) -> Server:
    return sim.servers["example.com"]


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.status, caught.value.message


# Creating


def test_a_relationship_that_is_made_is_managed_at_once(sim: Simulation, server: Server, com: Server) -> None:
    made = server.create_federation_relationship(COM, **FIELDS, trust_domain_bundle=com.bundle)
    assert made == FederationRelationship(trust_domain=COM, **FIELDS, trust_domain_bundle=com.bundle)
    assert server.get_federated_bundle(COM) == com.bundle
    assert [event.kind for event in sim.journal][-2:] == [
        "Federation relationship created",
        "Trust domain is now managed",
    ]
    assert sim.journal[-1].data == {
        "trust_domain": "example.com",
        "bundle_endpoint_url": URL,
        "bundle_endpoint_profile": "https_spiffe",
    }
    sim.advance(seconds=0)
    assert sim.journal[-1].kind == "Bundle refreshed"


def test_what_is_no_relationship_is_refused(server: Server) -> None:
    convert = "failed to convert federation relationship: "
    assert refused(lambda: server.create_federation_relationship("", **FIELDS)) == (
        "INVALID_ARGUMENT",
        f"{convert}failed to parse trust domain: trust domain is missing",
    )
    assert refused(lambda: server.create_federation_relationship(COM)) == (
        "INVALID_ARGUMENT",
        f"{convert}bundle endpoint URL must use the https scheme",
    )
    other = SpiffeBundle(NET)
    assert refused(lambda: server.create_federation_relationship(COM, **FIELDS, trust_domain_bundle=other)) == (
        "INVALID_ARGUMENT",
        f'{convert}trust domain bundle ("example.net") must match the trust domain of the federation relationship '
        '("example.com")',
    )
    assert server.list_federation_relationships() == []
    assert server.federated == {}


def test_there_is_none_with_oneself(server: Server) -> None:
    assert refused(lambda: server.create_federation_relationship("example.org", **FIELDS)) == (
        "INVALID_ARGUMENT",
        "unable to create federation relationship for server trust domain",
    )


def test_there_are_not_two_with_one_trust_domain(server: Server) -> None:
    server.create_federation_relationship(COM, **FIELDS)
    assert refused(lambda: server.create_federation_relationship(COM, **FIELDS)) == (
        "INTERNAL",
        "failed to create federation relationship: datastore-sql: UNIQUE constraint failed: "
        "federated_trust_domains.trust_domain",
    )


def test_a_relationship_without_a_bundle_to_begin_with_is_warned_of(
    sim: Simulation, server: Server, com: Server
) -> None:
    warning = "bundle not found for the endpoint SPIFFE ID trust domain"
    server.create_federation_relationship(COM, **FIELDS)
    assert [event.data for event in sim.journal.where(kind=warning)] == [
        {"endpoint_spiffe_id": "spiffe://example.com/spire/server"}
    ]
    server.create_federation_relationship(
        NET, bundle_endpoint_url="https://example.net", bundle_endpoint_profile="https_web"
    )
    server.update_federation_relationship(COM, **FIELDS, trust_domain_bundle=com.bundle)
    server.update_federation_relationship(COM, **FIELDS)  # it is held by now
    server.update_federation_relationship(COM, bundle_endpoint_url=URL, endpoint_spiffe_id=server.spiffe_id)
    assert len(sim.journal.where(kind=warning)) == 1


# Reading


def test_a_relationship_shows_the_bundle_that_is_held(sim: Simulation, server: Server, com: Server) -> None:
    server.create_federation_relationship(COM, **FIELDS)
    assert server.get_federation_relationship(COM).trust_domain_bundle is None
    server.set_federated_bundle(com.bundle)
    assert server.get_federation_relationship("example.com").trust_domain_bundle == com.bundle
    server.create_federation_relationship("example.net", **FIELDS)
    assert [made.trust_domain for made in server.list_federation_relationships()] == [COM, NET]
    assert server.list_federation_relationships()[0].trust_domain_bundle == com.bundle


def test_one_that_is_not_there_does_not_exist(server: Server) -> None:
    assert refused(lambda: server.get_federation_relationship(COM)) == (
        "NOT_FOUND",
        "federation relationship does not exist",
    )
    assert refused(lambda: server.get_federation_relationship("http://example.com")) == (
        "INVALID_ARGUMENT",
        "failed to parse trust domain: scheme is missing or invalid",
    )


# Changing


def test_a_change_counts_from_the_next_poll_which_comes_when_it_would_have_come(
    sim: Simulation, server: Server, com: Server
) -> None:
    server.federate_with(com)
    sim.advance(seconds=10)
    changed = server.update_federation_relationship(COM, bundle_endpoint_url=URL, bundle_endpoint_profile="https_web")
    assert changed.bundle_endpoint_profile == "https_web"
    assert changed.trust_domain_bundle == server.get_federated_bundle(COM)
    assert sim.journal[-1].kind == "Updated configuration for managed trust domain"
    sim.advance(seconds=64)
    assert sim.journal.where(kind="Error updating bundle") == []
    sim.advance(seconds=1)
    assert len(sim.journal.where(kind="Error updating bundle")) == 1
    server.update_federation_relationship(COM, bundle_endpoint_url=URL, bundle_endpoint_profile="https_web")
    assert sim.journal[-1].kind == "Federation relationship updated"  # which changed nothing


def test_a_mask_says_what_is_changed(server: Server, com: Server) -> None:
    server.create_federation_relationship(COM, **FIELDS)
    said: dict[str, Any] = {
        "bundle_endpoint_url": "https://elsewhere",
        "bundle_endpoint_profile": "https_web",
        "trust_domain_bundle": com.bundle,
    }
    nothing = server.update_federation_relationship(COM, mask=[], **said)
    assert nothing == FederationRelationship(trust_domain=COM, **FIELDS)
    url = server.update_federation_relationship(COM, mask=["bundle_endpoint_url"], **said)
    assert url == attrs.evolve(nothing, bundle_endpoint_url="https://elsewhere")
    both = server.update_federation_relationship(
        COM, mask=["bundle_endpoint_profile", "trust_domain_bundle"], **(said | {"bundle_endpoint_url": URL})
    )
    assert both == FederationRelationship(trust_domain=COM, **(said | {"bundle_endpoint_profile": "https_web"}))


def test_what_is_not_there_cannot_be_changed(server: Server) -> None:
    assert refused(lambda: server.update_federation_relationship(COM, **FIELDS)) == (
        "INTERNAL",
        "failed to update federation relationship: unable to fetch federation relationship: record not found",
    )
    assert refused(lambda: server.update_federation_relationship(COM, mask=[])) == (
        "INVALID_ARGUMENT",
        "failed to convert federation relationship: bundle endpoint URL must use the https scheme",
    )


# Ending


def test_a_relationship_that_ends_leaves_its_bundle(sim: Simulation, server: Server, com: Server) -> None:
    server.federate_with(com)
    server.delete_federation_relationship("example.com")
    assert [event.kind for event in sim.journal][-2:] == [
        "Federation relationship deleted",
        "Trust domain no longer managed",
    ]
    assert server.get_federated_bundle(COM) == com.bundle
    sim.advance(hours=1)
    assert sim.journal.where(kind="Bundle refreshed") == []
    server.federate_with(com)
    sim.advance(seconds=0)
    assert len(sim.journal.where(kind="Bundle refreshed")) == 1


def test_what_is_not_there_cannot_end(server: Server) -> None:
    assert refused(lambda: server.delete_federation_relationship(COM)) == (
        "NOT_FOUND",
        "federation relationship not found",
    )
    assert refused(lambda: server.delete_federation_relationship("")) == ("INVALID_ARGUMENT", "missing trust domain")
    assert refused(lambda: server.delete_federation_relationship("example.com/")) == (
        "INVALID_ARGUMENT",
        "failed to parse trust domain: trust domain characters are limited to lowercase letters, numbers, dots, "
        "dashes, and underscores",
    )


# Refreshing


def test_a_bundle_can_be_fetched_at_any_time_and_the_polls_stay_where_they_are(
    sim: Simulation, server: Server, com: Server
) -> None:
    server.federate_with(com)
    sim.advance(seconds=10)
    server.refresh_bundle(COM)
    sim.advance(seconds=100)
    begin = sim.journal[0].instant
    assert [(event.instant - begin) // 10**6 for event in sim.journal.where(kind="Bundle refreshed")] == [0, 10, 75]


def test_a_bundle_that_cannot_be_fetched_is_an_internal_error(sim: Simulation, server: Server, com: Server) -> None:
    server.create_federation_relationship(COM, **FIELDS)
    assert refused(lambda: server.refresh_bundle(COM)) == (
        "INTERNAL",
        "failed to refresh bundle: can't perform SPIFFE Authentication: local copy of bundle not found",
    )
    server.set_federated_bundle(com.bundle)
    server.refresh_bundle(COM)
    assert server.get_federated_bundle(COM).refresh_hint == timedelta(minutes=5)


def test_there_is_nothing_to_fetch_without_a_relationship(server: Server) -> None:
    with pytest.raises(NotFound) as caught:
        server.refresh_bundle(NET)
    assert (caught.value.status, caught.value.message) == (
        "NOT_FOUND",
        'no relationship with trust domain "example.net"',
    )
    assert refused(lambda: server.refresh_bundle(""))[0] == "INVALID_ARGUMENT"


# The configuration


def test_what_the_configuration_says_comes_before_what_the_api_made() -> None:
    static = FederationRelationship(trust_domain=COM, **FIELDS)
    sim = Simulation("example.org", seed=1, journal="debug", federates_with=static)
    com = sim.add_trust_domain("example.com", bundle_endpoint=BundleEndpoint(url=URL))
    assert sim.journal.where(kind="Trust domain is now managed")[0].data["bundle_endpoint_profile"] == "https_spiffe"
    assert sim.root.list_federation_relationships() == []
    sim.root.set_federated_bundle(com.bundle)
    sim.advance(seconds=1)
    assert len(sim.journal.where(kind="Bundle refreshed")) == 1
    web = "https_web"
    sim.root.create_federation_relationship(COM, bundle_endpoint_url=URL, bundle_endpoint_profile=web)
    sim.advance(hours=1)
    assert sim.journal.where(kind="Error updating bundle") == []
    sim.root.delete_federation_relationship(COM)
    assert sim.journal.where(kind="Trust domain no longer managed") == []
    sim.root.refresh_bundle(COM)


def test_a_relationship_that_is_made_while_the_server_is_down_waits(
    sim: Simulation, server: Server, com: Server
) -> None:
    server.federate_with(com)
    sim.stop(server)
    assert server.updaters == {}
    server.reload_relationships()
    assert server.updaters == {}
    sim.start(server)
    assert list(server.updaters) == [COM]


def test_a_server_that_lost_its_datastore_has_no_relationships(sim: Simulation, server: Server, com: Server) -> None:
    server.federate_with(com)
    sim.stop(server)
    server.lose_datastore()
    sim.start(server)
    assert server.list_federation_relationships() == []
    assert server.updaters == {}


# Conveniences


def test_two_lines_make_trust_both_ways(sim: Simulation, server: Server, com: Server) -> None:
    made = server.federate_with(com)
    assert com.federate_with(server).bundle_endpoint_url == "https://example.org:8443"
    assert made.bundle_endpoint_url == URL  # where it was served already
    assert made.endpoint_spiffe_id == com.spiffe_id
    sim.advance(seconds=1)
    assert len(sim.journal.where(kind="Bundle refreshed")) == 2


def test_each_server_serves_at_a_url_of_its_own(sim: Simulation, server: Server) -> None:
    names = ["Nested A", "nested-a", "nested_a", "--"]
    urls = [server.nest(name).serve_bundle().url for name in names]
    assert urls == [
        "https://nested-a.example.org:8443",
        "https://server-2.nested-a.example.org:8443",
        "https://server-3.nested-a.example.org:8443",
        "https://server.example.org:8443",
    ]
    assert server.serve_bundle().url == "https://example.org:8443"
    assert server.serve_bundle() is server.config.bundle_endpoint
