"""Maps of bundles: documents in and out, and whose bundle answers for whom."""

from __future__ import annotations

import json
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidBundle, InvalidInput, InvalidSpiffeId, InvalidTrustDomain
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap, bundle_for
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.rules.bundle import BUNDLE_MAP
from tests.oracles.tokens import ec_key, jwk
from tests.unit.spiffe.test_bundle import FULL, OTHER_ROOT, ROOT, bundles

FOREIGN = SpiffeBundle("example.com", x509_der=[OTHER_ROOT.der])


def test_a_map_holds_bundles_by_trust_domain() -> None:
    held = BundleMap([FULL, FOREIGN])
    assert (held.get("example.org"), held.get(TrustDomain("example.com")), held.get("a.org")) == (FULL, FOREIGN, None)
    assert list(held) == [FULL, FOREIGN]
    assert (len(held), len(BundleMap())) == (2, 0)
    assert repr(held) == "<BundleMap example.org, example.com>"
    assert pickle.loads(pickle.dumps(held)) == held != BundleMap([FOREIGN, FULL])


def test_a_map_document_keeps_everything_but_refresh_hints() -> None:
    text = BundleMap([FULL, FOREIGN]).marshal()
    assert list(json.loads(text)["trust_domains"]["example.org"]) == ["keys", "spiffe_sequence"]
    assert text.startswith(b'{\n    "trust_domains": {\n        "example.org": {\n            "keys": [\n')
    assert BundleMap.parse(text) == BundleMap([attrs.evolve(FULL, refresh_hint=None), FOREIGN])
    assert BundleMap().marshal() == b'{\n    "trust_domains": {}\n}\n'
    assert BundleMap.parse(BundleMap().marshal()) == BundleMap()


@given(
    st.lists(st.sampled_from(["a.org", "b.org", "c.org"]), unique=True).flatmap(
        lambda names: st.tuples(*map(bundles, names))
    )
)
def test_every_map_survives_its_document(held: tuple[SpiffeBundle, ...]) -> None:
    expected = BundleMap(attrs.evolve(bundle, refresh_hint=None) for bundle in held)
    assert BundleMap.parse(BundleMap(held).marshal()) == expected


def test_a_name_that_comes_twice_refuses_the_map() -> None:
    document = '{"trust_domains":{"a.org":{"keys":[]},"b.org":{"keys":[]}}}'
    assert len(BundleMap.parse(document)) == 2
    for twice in (document.replace("b.org", "a.org"), document.replace("b.org", "\\u0061.org")):
        with pytest.raises(InvalidBundle, match=r"holds the member 'a.org' twice, so which to trust") as in_json:
            BundleMap.parse(twice)
        assert in_json.value.code == "unique_trust_domains"
        assert in_json.value.clause == "SPIFFE Trust Domain and Bundle 5.1.1"
    with pytest.raises(InvalidBundle, match=r"there are two bundles of a.org, so which is to be trusted") as made:
        BundleMap([SpiffeBundle("b.org"), SpiffeBundle("a.org"), SpiffeBundle("a.org", sequence_number=1)])
    assert (made.value.code, made.value.clause) == ("unique_trust_domains", "SPIFFE Trust Domain and Bundle 5.1.1")
    assert made.value.trust_domain == "a.org"


@pytest.mark.parametrize(
    ("document", "code", "reason"),
    [
        ({}, "trust_domains", "its trust_domains are missing; they may be an empty object"),
        ({"trust_domains": []}, "trust_domains_object", "its trust_domains are an array, not an object"),
        ({"trust_domains": None}, "trust_domains_object", "its trust_domains are null"),
        ({"trust_domains": {"A.org": {"keys": []}}}, "trust_domain_characters", "are limited to lowercase"),
        ({"trust_domains": {"": {"keys": []}}}, "trust_domain_missing", "trust domain is missing"),
        ({"trust_domains": {"spiffe://a.org": {"keys": []}}}, "trust_domain_characters", "are limited to lowercase"),
        ({"trust_domains": {"a" * 256: {"keys": []}}}, "trust_domain_too_long", "has 256 bytes, 1 more than 255"),
        ({"trust_domains": {"a.org": []}}, "bundle_object", "the bundle of a.org is an array, not an object"),
    ],
)
def test_a_broken_map_is_refused(document: dict[str, Any], code: str, reason: str) -> None:
    with pytest.raises(InvalidBundle, match=f"the bundle map cannot be read: .*{reason}") as caught:
        BundleMap.parse(json.dumps(document))
    assert (caught.value.code, caught.value.clause) == (code, BUNDLE_MAP[code].clause)


def test_a_broken_bundle_in_a_map_is_named() -> None:
    right: dict[str, Any] = {"keys": [{"use": "jwt-svid", "kid": "j", **jwk(ec_key())}]}
    broken = {"keys": [*right["keys"], {"use": "jwt-svid", **jwk(ec_key())}]}
    with pytest.raises(InvalidBundle, match=r"in the bundle of b.org: jwt-svid entry 1 of the bundle has no") as caught:
        BundleMap.parse(json.dumps({"trust_domains": {"a.org": right, "b.org": broken}}))
    assert (caught.value.code, caught.value.clause) == ("jwt_key_id", "JWT-SVID 6.1")
    assert (caught.value.index, caught.value.trust_domain) == (1, "b.org")
    with pytest.raises(InvalidBundle, match=r"in the bundle of a.org: the bundle has no keys") as keyless:
        BundleMap.parse(json.dumps({"trust_domains": {"a.org": {}}}))
    assert not hasattr(keyless.value, "index")


def test_the_refresh_hint_of_a_bundle_in_a_map_means_nothing() -> None:
    inside = {"keys": [], "spiffe_sequence": 4, "spiffe_refresh_hint": 10}
    (bundle,) = BundleMap.parse(json.dumps({"trust_domains": {"a.org": inside}}))
    assert bundle == SpiffeBundle("a.org", sequence_number=4)
    with pytest.raises(InvalidBundle, match=r"in the bundle of a.org: the bundle's spiffe_refresh_hint is '10'"):
        BundleMap.parse(json.dumps({"trust_domains": {"a.org": {**inside, "spiffe_refresh_hint": "10"}}}))


@pytest.mark.parametrize(
    "document",
    [
        '{"trust_domains":{"a.org":{"keys":[],"keys":[]}}}',
        '{"trust_domains":{},"trust_domains":{}}',
        '[{"a":1,"a":1}]',
        '{"a":{"b":1,"b":1},"trust_domains":[["a",1],["a",1]]}',
        '{"trust_domains":{"a":1},"a":{"b":1,"b":1}, and no more',
    ],
)
def test_a_name_that_comes_twice_elsewhere_is_no_trust_domain(document: str) -> None:
    with pytest.raises(InvalidBundle, match="twice") as caught:
        BundleMap.parse(document)
    assert (caught.value.code, caught.value.clause) == ("unique_members", "RFC 8259 4")


def test_a_map_is_read_from_text() -> None:
    with pytest.raises(InvalidBundle, match="a bundle map is read from text, not from dict"):
        BundleMap.parse({"trust_domains": {}})  # type: ignore[arg-type]  # the point


@given(
    st.one_of(
        st.binary(),
        st.text(),
        st.dictionaries(
            st.sampled_from(["trust_domains"]),
            st.dictionaries(st.text(), st.integers() | st.dictionaries(st.text(), st.integers())),
        ).map(json.dumps),
    )
)
def test_hostile_maps_raise_only_our_error(data: str | bytes) -> None:
    try:
        assert len(BundleMap.parse(data)) == 0
    except InvalidBundle as error:
        assert error.clause == BUNDLE_MAP[error.code].clause  # noqa: PT017  # raised or not


# Whose bundle answers


def test_the_bundle_is_chosen_by_the_trust_domain_and_by_nothing_else() -> None:
    ours, theirs = TrustDomain("example.org"), TrustDomain("example.com")
    for trust_domain, expected in ((ours, FULL), (theirs, FOREIGN)):
        assert bundle_for(BundleMap([FULL, FOREIGN]), trust_domain) == expected
        assert bundle_for([FULL, FOREIGN], trust_domain) == expected
        assert bundle_for(iter([FULL, FOREIGN]), trust_domain) == expected
    assert bundle_for(FULL, ours) == FULL
    assert bundle_for(FULL, theirs) is None
    assert bundle_for([], ours) is None
    assert bundle_for(BundleMap([FULL]), theirs) is None


def test_two_bundles_of_the_trust_domain_are_refused() -> None:
    assert bundle_for([FULL, FOREIGN, FOREIGN], TrustDomain("example.org")) == FULL  # nobody asked for the other
    with pytest.raises(InvalidBundle, match=r"there are two bundles of example.org"):
        bundle_for([FULL, FOREIGN, FULL], TrustDomain("example.org"))


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (None, "bundles are a SpiffeBundle, a BundleMap or an iterable of them, not NoneType"),
        (7, "bundles are a SpiffeBundle, a BundleMap or an iterable of them, not int"),
        ("example.org", "bundles are a SpiffeBundle, a BundleMap or an iterable of them, not str"),
        (FULL.pem(), "bundles are a SpiffeBundle, a BundleMap or an iterable of them, not bytes"),
        ([FULL, ROOT.der], "there is a bytes among the bundles, not a SpiffeBundle"),
    ],
)
def test_what_is_no_bundle_is_refused(held: Any, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        bundle_for(held, TrustDomain("example.com"))
    with pytest.raises(InvalidInput, match=reason):
        BundleMap(held)


def test_a_map_is_asked_for_a_trust_domain() -> None:
    with pytest.raises(InvalidTrustDomain):
        BundleMap().get("Example.org")
    with pytest.raises(InvalidSpiffeId):
        BundleMap().get("https://example.org")
