"""The values and rules of federation: endpoints, relationships, names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from spiffesim import Simulation
from spiffesim.configuration import ServerConfig
from spiffesim.errors import InvalidConfiguration
from spiffesim.federation import (
    BundleEndpoint,
    FederationRelationship,
    name_problem,
    read_url,
)
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

COM = TrustDomain("example.com")
URL = "https://example.com:8443"
SERVER = "spiffe://example.com/spire/server"


def bundle() -> SpiffeBundle:
    return Simulation("example.com", seed=1, feature_flags=["wit-svid"]).root.bundle


# URLs


def test_a_url_leads_to_a_host_and_a_port() -> None:
    assert read_url("https://example.com") == ("example.com", 443, "/")
    assert read_url("HTTPS://Example.COM:8443/bundle") == ("example.com", 8443, "/bundle")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.com", "bundle endpoint URL must use the https scheme"),
        ("", "bundle endpoint URL must use the https scheme"),
        ("https:///bundle", "bundle endpoint URL must specify the host"),
        ("https://me@example.com", "bundle endpoint URL must not contain user info"),
        ("https://example.com:x", 'failed to parse bundle endpoint URL: parse "https://example.com:x": '),
        (
            "https://exam\nple.com",
            'failed to parse bundle endpoint URL: parse "https://exam\\nple.com": net/url: invalid control character in URL',
        ),
    ],
)
def test_the_url_of_an_endpoint_is_https_with_a_host_and_no_user(url: str, message: str) -> None:
    # Spec: SPIFFE Federation 5.2.1.1, 5.2.2.1
    for make in (
        lambda: FederationRelationship(trust_domain=COM, bundle_endpoint_url=url, endpoint_spiffe_id=SERVER),
        lambda: BundleEndpoint(url=url),
    ):
        with pytest.raises(InvalidConfiguration) as refused:
            make()
        assert str(refused.value).startswith(message)


# Relationships


def test_a_relationship_says_whose_bundle_where_and_how_the_endpoint_is_known() -> None:
    # Spec: SPIFFE Federation 5.1: all of them are said, none is inferred from another
    made = FederationRelationship(trust_domain="example.com", bundle_endpoint_url=URL, endpoint_spiffe_id=SERVER)
    assert (made.trust_domain, made.bundle_endpoint_profile) == (COM, "https_spiffe")
    assert made.endpoint_spiffe_id == SpiffeId(SERVER)
    assert made.address == ("example.com", 8443, "/")
    elsewhere = attrs.evolve(made, bundle_endpoint_url="https://example.net")
    assert elsewhere.trust_domain == COM


def test_https_web_needs_no_more_than_the_url() -> None:
    # Spec: SPIFFE Federation 5.2.1.2
    made = FederationRelationship(trust_domain=COM, bundle_endpoint_url=URL, bundle_endpoint_profile="https_web")
    assert made.endpoint_spiffe_id is None
    assert attrs.evolve(made, endpoint_spiffe_id="not even an ID").endpoint_spiffe_id is None


LIMITED = "trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"trust_domain": "Example.com"}, f"failed to parse trust domain: {LIMITED}"),
        ({"trust_domain": "http://example.com"}, "failed to parse trust domain: scheme is missing or invalid"),
        ({"trust_domain": ""}, "failed to parse trust domain: trust domain is missing"),
        ({"endpoint_spiffe_id": "example.com"}, "failed to parse endpoint SPIFFE ID: scheme is missing or invalid"),
        ({"endpoint_spiffe_id": None}, "failed to parse endpoint SPIFFE ID: cannot be empty"),
        ({"bundle_endpoint_profile": "ftp"}, "unsupported bundle endpoint profile type: ftp"),
        (
            {"trust_domain_bundle": SpiffeBundle("example.net")},
            'trust domain bundle ("example.net") must match the trust domain of the federation relationship ("example.com")',
        ),
        (
            {"trust_domain_bundle": SpiffeBundle("example.com", x509_der=[b"no certificate"])},
            "failed to parse bundle: unable to parse X.509 authority: ",
        ),
    ],
)
def test_what_is_no_relationship_is_refused_in_spires_words(fields: dict[str, Any], message: str) -> None:
    said: dict[str, Any] = {"trust_domain": COM, "bundle_endpoint_url": URL, "endpoint_spiffe_id": SERVER}
    assert FederationRelationship(**said, trust_domain_bundle=bundle()).trust_domain_bundle
    with pytest.raises(InvalidConfiguration) as refused:
        FederationRelationship(**(said | fields))
    assert str(refused.value).startswith(message)


# Endpoints


def test_an_endpoint_is_https_spiffe_with_a_hint_of_five_minutes_unless_it_says_otherwise() -> None:
    endpoint = BundleEndpoint(url=URL)
    assert (endpoint.profile, endpoint.refresh_hint) == ("https_spiffe", timedelta(minutes=5))
    assert endpoint.names == ("example.com",)
    assert BundleEndpoint(url=URL, certificate_names=["a", "b"]).names == ("a", "b")
    with pytest.raises(InvalidConfiguration, match="unsupported bundle endpoint profile type: http"):
        BundleEndpoint(url=URL, profile="http")


@pytest.mark.parametrize("hint", [timedelta(seconds=-1), 300])
def test_a_refresh_hint_is_a_span_that_is_not_negative(hint: Any) -> None:
    with pytest.raises(InvalidConfiguration, match="refresh_hint"):
        BundleEndpoint(url=URL, refresh_hint=hint)


HIGH = (
    "Bundle endpoint refresh hint set to a high value. To cover the case of unscheduled trust bundle updates, "
    "it's recommended to have a smaller value, e.g. 5m"
)
LOW = "Bundle endpoint refresh hint set too low. SPIRE will not refresh more often than 1 minute"


@pytest.mark.parametrize(
    ("hint", "warnings"),
    [
        (timedelta(hours=24), [HIGH]),
        (timedelta(hours=24) - timedelta(seconds=1), []),
        (timedelta(minutes=1), []),
        (timedelta(seconds=59), [LOW]),
    ],
)
def test_an_odd_refresh_hint_is_warned_of_at_startup(hint: timedelta, warnings: list[str]) -> None:
    config = ServerConfig(bundle_endpoint=BundleEndpoint(url=URL, refresh_hint=hint))
    assert config.warnings() == warnings
    sim = Simulation("example.com", seed=1, bundle_endpoint=config.bundle_endpoint)
    assert [event.kind for event in sim.journal if event.kind in (HIGH, LOW)] == warnings


# Names in certificates of the web


@pytest.mark.parametrize(
    ("names", "host", "problem"),
    [
        (("example.com",), "example.com", ""),
        (("example.net", "Example.com"), "EXAMPLE.com", ""),
        (("*.example.com",), "www.example.com", ""),
        (("*.example.com",), "example.com", "x509: certificate is valid for *.example.com, not example.com"),
        (("*.example.com",), "a.b.example.com", "x509: certificate is valid for *.example.com, not a.b.example.com"),
        (("a", "b"), "c", "x509: certificate is valid for a, b, not c"),
        ((), "c", "x509: certificate is not valid for any names, but wanted to match c"),
        (("10.0.0.1",), "c", "x509: certificate is not valid for any names, but wanted to match c"),
        (("10.0.0.1",), "10.0.0.1", ""),
        (("10.0.0.1",), "10.0.0.2", "x509: certificate is valid for 10.0.0.1, not 10.0.0.2"),
        (
            ("*.0.0.1",),
            "10.0.0.1",
            "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
        ),
    ],
)
def test_a_certificate_of_the_web_is_for_its_names(names: tuple[str, ...], host: str, problem: str) -> None:
    # Spec: SPIFFE Federation 5.2.1.4
    assert name_problem(names, host) == problem
