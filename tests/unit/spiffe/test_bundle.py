"""Bundles: documents in and out, and what they hold."""

from __future__ import annotations

import json
import pickle
import ssl
from base64 import b64encode
from datetime import timedelta

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidBundle, InvalidTrustDomain
from spiffesim.spiffe.bundle import SpiffeBundle
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
        (LEAF.certificate.public_bytes(Encoding.PEM), "is_ca", "the certificate of spiffe://example.org/web is not"),
    ],
)
def test_pem_that_is_not_of_ca_certificates_is_refused(pem: bytes, code: str, reason: str) -> None:
    with pytest.raises(InvalidBundle, match=reason) as caught:
        SpiffeBundle.from_pem("example.org", pem)
    assert caught.value.code == code
    assert caught.value.clause == {"pem": "RFC 7468 5", "is_ca": "X509-SVID 6.1"}.get(code, "RFC 5280 4.1")


def test_a_document_that_cannot_be_read_is_told_to_be_that_of_a_bundle() -> None:
    with pytest.raises(InvalidBundle, match=r"^the document of a bundle is not JSON: "):
        SpiffeBundle.parse("example.org", b"x")


def test_a_leaf_is_never_an_authority() -> None:
    assert SpiffeBundle.from_x509_authorities("example.org", [ROOT.der]).x509_der == (ROOT.der,)
    with pytest.raises(InvalidBundle, match="is not a CA certificate, so it cannot be an authority") as caught:
        SpiffeBundle.from_x509_authorities("example.org", [ROOT.der, LEAF.der])
    assert (caught.value.code, caught.value.clause) == ("is_ca", "X509-SVID 6.1")
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
    assert (shared.value.code, shared.value.clause) == ("unique_key_id", "WIT-SVID 6.1")
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
