"""Bundles and maps of them: documents in and out, and whose bundle answers for whom."""

from __future__ import annotations

import json
import pickle
import ssl
from base64 import b64encode
from datetime import timedelta
from typing import Any

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidBundle, InvalidInput, InvalidSpiffeId, InvalidTrustDomain
from spiffesim.spiffe.bundle import BundleMap, SpiffeBundle, bundle_for
from spiffesim.spiffe.ids import TrustDomain
from tests.oracles import asn1
from tests.oracles import certificates as certs
from tests.oracles.tokens import ec_key, jwk, rsa_key, spki

ROOT, OTHER_ROOT = certs.root(), certs.root("other", key=certs.key("other", "p384"))
RSA_ROOT = certs.root("rsa", key=rsa_key())
LEAF = certs.leaf(ROOT)
FULL = SpiffeBundle(
    "example.org",
    x509_der=[ROOT.der, RSA_ROOT.der],
    jwt_spki={"j2": spki(ec_key(2)), "j1": spki(rsa_key())},
    wit_spki={"w": spki(ec_key(3, "P-384"))},
    sequence_number=7,
    refresh_hint=timedelta(minutes=5),
)

# Documents: members in the order in which go-spiffe and go-jose write them, indented by four spaces as
# `spire-server bundle show -format spiffe` does.

DOCUMENT = """{{
    "keys": [
        {{
            "use": "x509-svid",
            "kty": "EC",
            "crv": "P-256",
            "x": "{root[x]}",
            "y": "{root[y]}",
            "x5c": [
                "{root_der}"
            ]
        }},
        {{
            "use": "x509-svid",
            "kty": "RSA",
            "n": "{rsa[n]}",
            "e": "AQAB",
            "x5c": [
                "{rsa_der}"
            ]
        }},
        {{
            "use": "jwt-svid",
            "kty": "EC",
            "kid": "j2",
            "crv": "P-256",
            "x": "{j2[x]}",
            "y": "{j2[y]}"
        }},
        {{
            "use": "jwt-svid",
            "kty": "RSA",
            "kid": "j1",
            "n": "{rsa[n]}",
            "e": "AQAB"
        }},
        {{
            "use": "wit-svid",
            "kty": "EC",
            "kid": "w",
            "crv": "P-384",
            "x": "{w[x]}",
            "y": "{w[y]}"
        }}
    ],
    "spiffe_sequence": 7,
    "spiffe_refresh_hint": 300
}}
"""


def test_a_bundle_is_written_as_spire_writes_it() -> None:
    assert FULL.marshal().decode() == DOCUMENT.format(
        root=jwk(ROOT.key),
        root_der=b64encode(ROOT.der).decode(),
        rsa=jwk(rsa_key()),
        rsa_der=b64encode(RSA_ROOT.der).decode(),
        j2=jwk(ec_key(2)),
        w=jwk(ec_key(3, "P-384")),
    )


def test_a_bundle_that_was_written_is_read_back() -> None:
    assert SpiffeBundle.parse("example.org", FULL.marshal()) == FULL
    assert SpiffeBundle.parse("example.org", FULL.marshal().decode()) == FULL


def test_an_empty_bundle_is_written_with_an_empty_array() -> None:
    assert SpiffeBundle("example.org").marshal() == b'{\n    "keys": []\n}\n'


def test_numbers_of_0_are_left_out_and_parts_of_a_second_rounded_up() -> None:
    bundle = SpiffeBundle("example.org", sequence_number=0, refresh_hint=timedelta(0))
    assert json.loads(bundle.marshal()) == {"keys": []}
    hinted = attrs.evolve(bundle, refresh_hint=timedelta(seconds=1, microseconds=1))
    assert json.loads(hinted.marshal()) == {"keys": [], "spiffe_refresh_hint": 2}


X509 = st.lists(st.sampled_from([ROOT.der, OTHER_ROOT.der, RSA_ROOT.der]), max_size=4)
SPKIS = st.sampled_from(
    [spki(ec_key()), spki(ec_key(2, "P-384")), spki(ec_key(3, "P-521")), spki(rsa_key()), spki(rsa_key(1024))]
)
KEY_IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@st.composite
def bundles(draw: st.DrawFn, trust_domain: str = "example.org") -> SpiffeBundle:
    kids = draw(st.lists(KEY_IDS, unique=True, max_size=5))
    split = draw(st.integers(0, len(kids)))
    return SpiffeBundle(
        trust_domain,
        draw(X509),
        {kid: draw(SPKIS) for kid in kids[:split]},
        {kid: draw(SPKIS) for kid in kids[split:]},
        draw(st.none() | st.integers(1, 2**70)),
        draw(st.none() | st.integers(1, 10**9).map(lambda seconds: timedelta(seconds=seconds))),
    )


@given(bundles())
def test_every_bundle_survives_its_document_and_pickle(bundle: SpiffeBundle) -> None:
    assert SpiffeBundle.parse("example.org", bundle.marshal()) == bundle
    copy = pickle.loads(pickle.dumps(bundle))
    assert copy == bundle
    assert hash(copy) == hash(bundle)
    assert (dict(copy.jwt_spki), dict(copy.wit_spki)) == (dict(bundle.jwt_spki), dict(bundle.wit_spki))


def test_pickle_leaves_loaded_keys_behind() -> None:
    bundle = attrs.evolve(FULL)
    assert len(bundle.x509_authorities) == len(bundle.anchors.certificates) == 2
    assert bundle.jwt_authorities["j2"] == ec_key(2).public_key()
    copy = pickle.loads(pickle.dumps(bundle))
    assert copy.jwt_authorities["j2"] == ec_key(2).public_key()
    assert copy.x509_authorities == bundle.x509_authorities


# PEM


def test_a_bundle_is_read_from_pem_and_written_as_pem() -> None:
    pem = b"".join(issued.certificate.public_bytes(Encoding.PEM) for issued in (ROOT, RSA_ROOT))
    bundle = SpiffeBundle.from_pem("example.org", pem)
    assert bundle == SpiffeBundle.from_pem("example.org", pem.decode())
    assert bundle == SpiffeBundle("example.org", x509_der=[ROOT.der, RSA_ROOT.der])
    assert bundle.pem() == pem
    assert bundle.x509_authorities == tuple(x509.load_pem_x509_certificates(pem))


@pytest.mark.parametrize(
    ("pem", "code", "reason"),
    [
        (b"", "pem", "the bundle cannot be read: the text holds no PEM block"),
        (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "pem", "the bundle cannot be read"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "pem", "where only certificates belong"),
        (7, "pem", "the bundle cannot be read"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "certificate_encoding",
            "the bundle of example.org cannot be used: 3 bytes are not an X.509 certificate",
        ),
        (LEAF.certificate.public_bytes(Encoding.PEM), "not_a_ca", "the certificate of spiffe://example.org/web is not"),
    ],
)
def test_pem_that_is_not_of_ca_certificates_is_refused(pem: bytes, code: str, reason: str) -> None:
    with pytest.raises(InvalidBundle, match=reason) as caught:
        SpiffeBundle.from_pem("example.org", pem)
    assert caught.value.code == code


def test_a_leaf_is_never_an_authority() -> None:
    assert SpiffeBundle.from_x509_authorities("example.org", [ROOT.der]).x509_der == (ROOT.der,)
    with pytest.raises(InvalidBundle, match="is not a CA certificate, so it cannot be an authority") as caught:
        SpiffeBundle.from_x509_authorities("example.org", [ROOT.der, LEAF.der])
    assert (caught.value.code, caught.value.clause) == ("not_a_ca", "X509-SVID 6.1")
    nameless = certs.leaf(ROOT, uris=(), serial=77)
    with pytest.raises(InvalidBundle, match="the certificate of serial number 77 is not a CA certificate"):
        SpiffeBundle.from_x509_authorities("example.org", [nameless.der])


def test_a_tls_context_is_told_whom_to_trust() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    FULL.configure_trust(context)
    assert sorted(context.get_ca_certs(binary_form=True)) == sorted([ROOT.der, RSA_ROOT.der])


# Values


def test_a_bundle_that_contradicts_itself_cannot_be_made() -> None:
    with pytest.raises(InvalidBundle, match="the bundle's sequence number is -1, less than 0") as negative:
        SpiffeBundle("example.org", sequence_number=-1)
    assert negative.value.code == "spiffe_sequence"
    with pytest.raises(InvalidBundle, match="the bundle's refresh hint is -1 day, 23:59:59, less than 0") as backwards:
        SpiffeBundle("example.org", refresh_hint=timedelta(seconds=-1))
    assert backwards.value.code == "spiffe_refresh_hint"
    with pytest.raises(InvalidBundle, match="two keys of the bundle have the key ID 'a'"):
        SpiffeBundle("example.org", jwt_spki=[("a", b"1"), ("a", b"2")])
    with pytest.raises(InvalidBundle, match="a JWT key and a WIT key of the bundle have the key ID 'b'") as shared:
        SpiffeBundle("example.org", jwt_spki={"a": b"1", "b": b"2"}, wit_spki={"c": b"3", "b": b"2"})
    assert (shared.value.code, shared.value.clause) == ("duplicate_key_id", "WIT-SVID 6.1")
    with pytest.raises(InvalidTrustDomain):
        SpiffeBundle("Example.org")
    assert SpiffeBundle("spiffe://example.org/web").trust_domain == TrustDomain("example.org")


def test_a_bundle_never_changes() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        FULL.sequence_number = 8  # type: ignore[misc]  # the point
    with pytest.raises(TypeError):
        FULL.jwt_spki["x"] = b""  # type: ignore[index]  # the point


def test_a_bundle_shows_what_it_holds_in_one_line() -> None:
    assert repr(FULL) == "<SpiffeBundle example.org: 2 X.509, 2 JWT, 1 WIT authorities, sequence number 7>"
    assert repr(SpiffeBundle("a.org")) == "<SpiffeBundle a.org: 0 X.509, 0 JWT, 0 WIT authorities>"


def test_each_kind_of_authority_can_be_had_alone() -> None:
    assert FULL.x509_bundle == SpiffeBundle("example.org", x509_der=[ROOT.der, RSA_ROOT.der])
    assert FULL.jwt_bundle == SpiffeBundle("example.org", jwt_spki=FULL.jwt_spki)
    assert FULL.wit_bundle == SpiffeBundle("example.org", wit_spki=FULL.wit_spki)
    assert FULL.wit_authorities["w"] == ec_key(3, "P-384").public_key()


# Maps

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
        with pytest.raises(InvalidBundle, match=r"holds the member 'a.org' twice") as in_json:
            BundleMap.parse(twice)
        assert (in_json.value.code, in_json.value.clause) == ("json", "SPIFFE Trust Domain and Bundle 5.1")
    with pytest.raises(InvalidBundle, match=r"there are two bundles of a.org, so which is to be trusted") as made:
        BundleMap([SpiffeBundle("b.org"), SpiffeBundle("a.org"), SpiffeBundle("a.org", sequence_number=1)])
    assert (made.value.code, made.value.clause) == ("duplicate_trust_domain", "SPIFFE Trust Domain and Bundle 5.1.1")
    assert made.value.trust_domain == "a.org"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "its trust_domains are missing; they must be an object, which may be empty"),
        ({"trust_domains": []}, "its trust_domains are an array; they must be an object"),
        ({"trust_domains": None}, "its trust_domains are null"),
        ({"trust_domains": {"A.org": {"keys": []}}}, "trust domain characters are limited to lowercase"),
        ({"trust_domains": {"": {"keys": []}}}, "trust domain is missing"),
        ({"trust_domains": {"spiffe://a.org": {"keys": []}}}, "trust domain characters are limited"),
        ({"trust_domains": {"a.org": []}}, "the bundle of a.org is an array, not an object"),
    ],
)
def test_a_broken_map_is_refused(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidBundle, match=f"the bundle map cannot be read: .*{reason}") as caught:
        BundleMap.parse(json.dumps(document))
    assert (caught.value.code, caught.value.clause) == ("trust_domains", "SPIFFE Trust Domain and Bundle 5.1.1")


def test_a_broken_bundle_in_a_map_is_named() -> None:
    right: dict[str, Any] = {"keys": [{"use": "jwt-svid", "kid": "j", **jwk(ec_key())}]}
    broken = {"keys": [*right["keys"], {"use": "jwt-svid", **jwk(ec_key())}]}
    with pytest.raises(InvalidBundle, match=r"in the bundle of b.org: jwt-svid entry 1 of the bundle has no") as caught:
        BundleMap.parse(json.dumps({"trust_domains": {"a.org": right, "b.org": broken}}))
    assert (caught.value.code, caught.value.clause) == ("key_id", "JWT-SVID 6.1")
    assert (caught.value.index, caught.value.trust_domain) == (1, "b.org")
    with pytest.raises(InvalidBundle, match=r"in the bundle of a.org: the bundle has no keys") as keyless:
        BundleMap.parse(json.dumps({"trust_domains": {"a.org": {}}}))
    assert not hasattr(keyless.value, "index")


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
        assert error.clause  # noqa: PT017  # raised or not


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


def test_bytes_that_their_owner_may_change_are_copied() -> None:
    buffer = bytearray(ROOT.der)
    bundles = [SpiffeBundle("example.org", [given]) for given in (buffer, memoryview(buffer), ROOT.der)]
    buffer[-1] ^= 1
    assert [bundle.x509_der for bundle in bundles] == [(ROOT.der,)] * 3


@pytest.mark.parametrize("der", [b"nonsense", LEAF.der])
def test_x509_authorities_are_ca_certificates_or_our_error(der: bytes) -> None:
    with pytest.raises(InvalidBundle, match=r"^the bundle of example\.org cannot be used|is not a CA"):
        _ = SpiffeBundle("example.org", [ROOT.der, der]).x509_authorities


def test_a_version_that_cryptography_does_not_know_is_our_error() -> None:
    second = asn1.remade(ROOT.der, ROOT.key, version=asn1.tlv(0xA0, b"\x02\x01\x01"))
    with pytest.raises(InvalidBundle, match=r"an X\.509 authority of example\.org cannot be loaded") as caught:
        _ = SpiffeBundle("example.org", [second]).x509_authorities
    assert caught.value.code == "certificate_encoding"


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
