"""The bundle document as it goes from a bundle endpoint to a server, and how often."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import attrs
import pytest

from spiffesim import Simulation
from spiffesim.errors import InvalidBundle
from spiffesim.instants import SECOND
from spiffesim.server.bundledocument import poll_interval, read_document, write_document
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain

COM = TrustDomain("example.com")


def bundle() -> SpiffeBundle:
    return Simulation("example.com", seed=1, feature_flags=["wit-svid"]).root.bundle


# Documents


def test_the_document_has_the_hint_of_the_endpoint_and_no_wit_keys() -> None:
    whole = bundle()
    assert whole.wit_spki
    document = write_document(whole, timedelta(minutes=7, milliseconds=900))
    assert json.loads(document)["spiffe_refresh_hint"] == 420
    assert {key["use"] for key in json.loads(document)["keys"]} == {"x509-svid", "jwt-svid"}
    assert json.loads(document)["spiffe_sequence"] == whole.sequence_number
    assert "spiffe_sequence" not in json.loads(write_document(attrs.evolve(whole, sequence_number=0), timedelta(0)))
    assert "spiffe_refresh_hint" not in json.loads(write_document(whole, timedelta(milliseconds=900)))


def test_what_is_read_has_the_authorities_and_the_hint_but_sequence_number_0() -> None:
    whole = bundle()
    read = read_document(COM, write_document(whole, timedelta(minutes=7)))
    assert (read.trust_domain, read.x509_der, read.jwt_spki) == (COM, whole.x509_der, whole.jwt_spki)
    assert (read.sequence_number, read.refresh_hint, read.wit_spki) == (0, timedelta(minutes=7), {})


def test_a_document_without_keys_is_an_empty_bundle() -> None:
    empty = SpiffeBundle(COM, sequence_number=0, refresh_hint=timedelta(0))
    assert read_document(COM, b"{}") == empty
    assert read_document(COM, b'{"keys": null}') == empty
    assert read_document(COM, b'{"keys": [{"kty": "new"}]}') == empty  # go-jose leaves out what it does not know


EC = {
    "kty": "EC",
    "crv": "P-256",
    "x": "kkEn5E2Hd_rvCRDCVMNj3deN0ADij9uJVmN-El0CJz0",
    "y": "qNrnjhtzrtTR0bRgI2jPIC1nEgcWNX63YcZOEzyo1iA",
}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({}, "missing use for key entry 0"),
        ({"use": "bad stuff"}, 'unrecognized use "bad stuff" for key entry 0'),
        ({"use": "x509-svid"}, "expected a single certificate in x509-svid entry 0; got 0"),
        ({"use": "x509-svid", "x5c": ["a", "b"]}, "expected a single certificate in x509-svid entry 0; got 2"),
        ({"use": "x509-svid", "x5c": 5}, "expected a single certificate in x509-svid entry 0; got 0"),
        ({"use": "jwt-svid"}, "missing key ID in jwt-svid entry 0"),
        ({"use": "wit-svid"}, "missing key ID in wit-svid entry 0"),
    ],
)
def test_one_key_that_spire_does_not_take_spoils_the_whole_document(key: dict[str, Any], message: str) -> None:
    # As in SPIRE (pkg/common/bundleutil/unmarshal.go).
    good = {"use": "jwt-svid", "kid": "good", **EC}
    assert list(read_document(COM, json.dumps({"keys": [good]})).jwt_spki) == ["good"]
    document = json.dumps({"keys": [EC | key, good]})
    with pytest.raises(InvalidBundle) as refused:
        read_document(COM, document)
    assert str(refused.value) == message


def test_an_unknown_use_spoils_a_federated_bundle() -> None:
    # Spec: SPIFFE Trust Domain and Bundle 4.2.2
    document = json.dumps({"keys": [{"use": "new", **EC}]})
    assert SpiffeBundle.parse(COM, document) == SpiffeBundle(COM)
    with pytest.raises(InvalidBundle):
        read_document(COM, document)


@pytest.mark.parametrize("document", [b"", b"[]", b'{"keys": 5}', b'{"keys": [5]}', b'{"spiffe_refresh_hint": -1}'])
def test_what_is_no_document_is_refused(document: bytes) -> None:
    with pytest.raises(InvalidBundle):
        read_document(COM, document)


def test_a_document_that_is_no_json_could_not_be_decoded() -> None:
    with pytest.raises(InvalidBundle, match="failed to decode bundle: "):
        read_document(COM, b"no JSON")


# Intervals


@pytest.mark.parametrize(
    ("hint", "ttl", "seconds"),
    [
        (timedelta(minutes=5), 24, 75),
        (timedelta(hours=48), 24, 43_200),
        (timedelta(seconds=60), 24, 15),
        (timedelta(seconds=59), 24, 15),  # not more often than for a hint of a minute
        (timedelta(0), 24, 2160.25),  # a tenth of a day and ten seconds, and a quarter of that
        (None, 24, 2160.25),
        (None, 0.1, 15),
    ],
)
def test_polls_come_four_times_within_a_refresh_hint(hint: timedelta | None, ttl: float, seconds: float) -> None:
    # Spec: SPIFFE Federation 4.1; SPIRE polls more often than the standard says, lest it miss one
    made = Simulation("example.com", seed=1, ca_ttl=timedelta(hours=ttl)).root.bundle
    assert poll_interval(attrs.evolve(made, refresh_hint=hint)) == seconds * SECOND


def test_the_shortest_lifetime_counts_and_an_empty_bundle_is_polled_for_each_quarter_of_a_minute() -> None:
    bundles = [Simulation("example.com", seed=1, ca_ttl=timedelta(hours=ttl)).root.bundle for ttl in (24, 12, 48)]
    both = SpiffeBundle(COM, x509_der=[der for each in bundles for der in each.x509_der])
    assert poll_interval(both) == poll_interval(bundles[1])
    assert poll_interval(SpiffeBundle(COM)) == 15 * SECOND
