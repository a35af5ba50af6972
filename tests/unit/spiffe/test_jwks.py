"""The keys of a bundle document: what the standard ignores, and what refuses the document."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidBundle
from spiffesim.spiffe import jwks
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.rules.bundle import BUNDLE
from tests.oracles import certificates as certs
from tests.oracles.tokens import PrivateKey, ec_key, jwk, rsa_key, spki

ROOT, OTHER_ROOT = certs.root(), certs.root("other")
LEAF = certs.leaf(ROOT)


def x5c(der: bytes) -> str:
    return b64encode(der).decode()


X509_ENTRY: dict[str, Any] = {"use": "x509-svid", **jwk(ROOT.key), "x5c": [x5c(ROOT.der)]}
JWT_ENTRY: dict[str, Any] = {"use": "jwt-svid", "kid": "j", **jwk(ec_key())}
WIT_ENTRY: dict[str, Any] = {"use": "wit-svid", "kid": "w", **jwk(ec_key(2))}


def parse(*entries: object, **members: Any) -> SpiffeBundle:
    return SpiffeBundle.parse("example.org", json.dumps({"keys": entries, **members}))


def without(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


def test_a_document_with_one_entry_of_each_kind_is_read() -> None:
    bundle = parse(X509_ENTRY, JWT_ENTRY, WIT_ENTRY, spiffe_sequence=7, spiffe_refresh_hint=300)
    assert bundle == SpiffeBundle(
        "example.org",
        x509_der=[ROOT.der],
        jwt_spki={"j": spki(ec_key())},
        wit_spki={"w": spki(ec_key(2))},
        sequence_number=7,
        refresh_hint=timedelta(seconds=300),
    )


def test_the_keys_are_those_that_pyjwt_reads_from_the_same_entries() -> None:
    keys: list[PrivateKey] = [ec_key(), ec_key(curve="P-384"), ec_key(curve="P-521"), rsa_key()]
    entries: list[dict[str, str]] = [
        {"use": "jwt-svid", "kid": f"k{number}", **jwk(key)} for number, key in enumerate(keys)
    ]
    read = parse(*entries).jwt_authorities
    assert list(read) == ["k0", "k1", "k2", "k3"]
    for entry, algorithm in zip(entries, ("ES256", "ES384", "ES512", "RS256"), strict=True):
        assert read[entry["kid"]] == jwt.PyJWK({**entry, "alg": algorithm}).key


# What must be ignored (SPIFFE Trust Domain and Bundle 4.1.3, 4.2.1, 4.2.2; X509-SVID 6.2)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        without(JWT_ENTRY, "use"),
        without(JWT_ENTRY, "kty"),
        {**JWT_ENTRY, "use": "sig"},
        {**JWT_ENTRY, "use": "JWT-SVID"},  # the values are case-sensitive
        {**JWT_ENTRY, "use": None},
        {**JWT_ENTRY, "use": ["jwt-svid"]},
        {**JWT_ENTRY, "kty": "ec"},
        {**JWT_ENTRY, "kty": None},
        {**JWT_ENTRY, "kty": {}},
        {"use": "jwt-svid", "kid": "o", "kty": "oct", "k": "AAAA"},
        {"use": "jwt-svid", "kid": "e", "kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"use": "jwt-svid", "kty": "AKP"},  # not even a key ID
        {"use": "x509-svid", "kty": "AKP", "x5c": 7},
        without(X509_ENTRY, "x5c"),
        {**X509_ENTRY, "x5c": []},
        {**without(X509_ENTRY, "x5c"), "kid": "x"},
    ],
)
def test_what_the_standard_says_to_ignore_is_ignored(entry: dict[str, Any]) -> None:
    assert parse(X509_ENTRY, entry, JWT_ENTRY) == parse(X509_ENTRY, JWT_ENTRY)


def test_of_several_certificates_only_the_first_counts() -> None:
    entry = {**X509_ENTRY, "x5c": [x5c(ROOT.der), x5c(OTHER_ROOT.der), "?", 7]}
    assert parse(entry).x509_der == (ROOT.der,)


def test_members_that_are_not_ours_are_skipped() -> None:
    entries = [{**entry, "alg": 7, "key_ops": ["sign"], "x5t": "?"} for entry in (X509_ENTRY, JWT_ENTRY, WIT_ENTRY)]
    assert parse(*entries, refresh_hint=-1, Keys=7, version=[]) == parse(X509_ENTRY, JWT_ENTRY, WIT_ENTRY)


@pytest.mark.parametrize("kept", [("kty",), ("kty", "crv"), ("kty", "crv", "x")])
def test_an_x509_entry_need_not_repeat_the_key_of_its_certificate(kept: tuple[str, ...]) -> None:
    entry = {"use": "x509-svid", "x5c": [x5c(ROOT.der)], **{name: jwk(ROOT.key)[name] for name in kept}}
    assert parse(entry).x509_der == (ROOT.der,)


def test_the_same_certificate_twice_is_one_authority() -> None:
    assert parse(X509_ENTRY, X509_ENTRY).x509_der == (ROOT.der,)


# What refuses the document


@pytest.mark.parametrize(
    ("entry", "code", "clause", "reason"),
    [
        (7, "entry_object", "RFC 7517 4", "entry 1 of the bundle is a number, not a JWK"),
        (None, "entry_object", "RFC 7517 4", "entry 1 of the bundle is null, not a JWK"),
        ([], "entry_object", "RFC 7517 4", "entry 1 of the bundle is an array, not a JWK"),
        # X.509
        ({**X509_ENTRY, "x5c": "AAAA"}, "x5c_array", "RFC 7517 4.7", "has an x5c that is a string, not an array"),
        ({**X509_ENTRY, "x5c": None}, "x5c_array", "RFC 7517 4.7", "has an x5c that is null, not an array"),
        ({**X509_ENTRY, "x5c": [7]}, "x5c_string", "RFC 7517 4.7", "has an x5c whose first value is a number, not a string"),
        ({**X509_ENTRY, "x5c": ["A-_A"]}, "x5c_base64", "RFC 4648 4", "has an x5c that is not base64"),
        ({**X509_ENTRY, "x5c": [f" {x5c(ROOT.der)}"]}, "x5c_base64", "RFC 4648 4", "has an x5c that is not base64"),
        ({**X509_ENTRY, "x5c": ["\u00e9"]}, "x5c_base64", "RFC 4648 4", "has an x5c that is not base64"),
        ({**X509_ENTRY, "x5c": [""]}, "certificate_encoding", "RFC 5280 4.1", "0 bytes are not an X.509 certificate"),
        ({**X509_ENTRY, "x5c": [x5c(ROOT.der + b"\0")]}, "certificate_encoding", "RFC 5280 4.1", "are not an X.509 certificate"),
        (
            {**X509_ENTRY, **jwk(LEAF.key), "x5c": [x5c(LEAF.der)]},
            "is_ca",
            "X509-SVID 6.1",
            "the certificate of spiffe://example.org/web is not a CA certificate, so it cannot be an authority",
        ),
        ({**X509_ENTRY, "kid": "x"}, "no_key_id", "X509-SVID 6.1", "has a kid, which it must not"),
        ({**X509_ENTRY, "x": jwk(LEAF.key)["x"]}, "same_key", "RFC 7517 4.7", "has a x that is not that of its certificate's"),
        ({**X509_ENTRY, "n": "AQAB"}, "same_key", "RFC 7517 4.7", "has a n that is not that of its certificate's key"),
        ({**X509_ENTRY, "kty": "RSA"}, "same_key", "RFC 7517 4.7", "has kty RSA, but its certificate is for a P-256 key"),
        ({**X509_ENTRY, "d": "AAAA"}, "private_members", "RFC 7517 9.2", "has the private member 'd'"),
        # JWT and WIT
        (without(JWT_ENTRY, "kid"), "jwt_key_id", "JWT-SVID 6.1", "jwt-svid entry 1 of the bundle has no key ID: its kid is missing"),
        ({**JWT_ENTRY, "kid": ""}, "jwt_key_id", "JWT-SVID 6.1", "its kid is empty"),
        ({**WIT_ENTRY, "kid": 7}, "key_id_string", "RFC 7517 4.5", "wit-svid entry 1 of the bundle has no key ID: its kid is a number"),
        ({**JWT_ENTRY, "kid": "used"}, "unique_key_id", "WIT-SVID 6.1", "has key ID 'used', as entry 0 has"),
        ({**WIT_ENTRY, "kid": "used"}, "unique_key_id", "WIT-SVID 6.1", "has key ID 'used', as entry 0 has"),
        ({**JWT_ENTRY, "x": "AA"}, "coordinates", "RFC 7518 6.2.1.2", "is no usable key: x has 1 bytes, not the 32 of P-256"),
        ({**JWT_ENTRY, "crv": "secp256k1"}, "curve", "RFC 7518 6.2.1.1", "is no usable key: crv is 'secp256k1'"),
        ({**JWT_ENTRY, "kty": "RSA"}, "key_members", "RFC 7518 6", "is no usable key: n is missing"),
        ({**WIT_ENTRY, "d": "AAAA"}, "private_members", "RFC 7517 9.2", "is no usable key: has the private member 'd'"),
    ],
)  # fmt: skip  # one row a line
def test_any_other_broken_entry_refuses_the_document_and_is_named(
    entry: object, code: str, clause: str, reason: str
) -> None:
    first = {**JWT_ENTRY, "kid": "used"}
    parse(first)  # the control
    with pytest.raises(InvalidBundle) as caught:
        parse(first, entry)
    assert (caught.value.code, caught.value.clause, caught.value.index) == (code, clause, 1)
    assert reason in str(caught.value)


def test_an_authority_whose_key_no_svid_can_be_signed_with_is_refused() -> None:
    odd = certs.root(key=certs.key("odd", "ed25519"))
    with pytest.raises(InvalidBundle, match="has a certificate for a Ed25519PublicKey, which is neither EC nor RSA"):
        parse({"use": "x509-svid", "kty": "EC", "x5c": [x5c(odd.der)]})


def test_a_certificate_whose_key_cannot_be_read_is_refused() -> None:
    # The point of P-256 is replaced by one that is not on the curve; nobody checks the signature of an anchor.
    point = ROOT.key.public_key().public_numbers()
    coordinates = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
    assert ROOT.der.count(coordinates) == 1
    broken = ROOT.der.replace(coordinates, b"\x01" * 64)
    with pytest.raises(InvalidBundle, match="has a certificate whose key cannot be read") as caught:
        parse({**X509_ENTRY, "x5c": [x5c(broken)]})
    assert caught.value.index == 0


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (None, "the bundle's keys are null, not an array"),
        ({}, "the bundle's keys are an object, not an array"),
        ("[]", "the bundle's keys are a string, not an array"),
    ],
)
def test_keys_must_be_an_array(keys: object, reason: str) -> None:
    with pytest.raises(InvalidBundle, match=reason) as caught:
        SpiffeBundle.parse("example.org", json.dumps({"keys": keys}))
    assert (caught.value.code, caught.value.clause) == ("keys_array", "RFC 7517 5.1")


def test_keys_must_be_there_but_may_be_empty() -> None:
    assert parse() == SpiffeBundle("example.org")  # all are revoked
    for document in ("{}", '{"Keys":[]}', '{"spiffe_sequence":1}'):
        with pytest.raises(
            InvalidBundle, match=r"^the bundle has no keys; an empty array would mean that all are revoked$"
        ) as caught:
            SpiffeBundle.parse("example.org", document)
        assert (caught.value.code, caught.value.clause) == ("keys", "SPIFFE Trust Domain and Bundle 4.1.3")


@pytest.mark.parametrize("name", ["spiffe_sequence", "spiffe_refresh_hint"])
@pytest.mark.parametrize("text", ["-1", "1.0", "1.5", '"1"', "true", "false", "null", "[]", "1e3"])
def test_numbers_of_a_bundle_are_whole_and_not_negative(name: str, text: str) -> None:
    most = {"spiffe_sequence": "", "spiffe_refresh_hint": " to 86399999999999"}[name]
    with pytest.raises(InvalidBundle, match=f"^the bundle's {name} is .*, not a whole number from 0{most}$") as caught:
        SpiffeBundle.parse("example.org", f'{{"keys":[],"{name}":{text}}}')
    section = {"spiffe_sequence": "4.1.1", "spiffe_refresh_hint": "4.1.2"}[name]
    assert (caught.value.code, caught.value.clause) == (name, f"SPIFFE Trust Domain and Bundle {section}")


@pytest.mark.parametrize("number", [0, 1, 2**53 + 1, 2**63, 2**64 - 1, 2**64, 10**50])
def test_a_sequence_number_has_no_largest_value(number: int) -> None:
    assert parse(spiffe_sequence=number).sequence_number == number


def test_a_refresh_hint_is_a_span_of_seconds() -> None:
    assert parse(spiffe_refresh_hint=0).refresh_hint == timedelta(0)
    assert parse(spiffe_refresh_hint=2419200).refresh_hint == timedelta(days=28)
    longest = 86_399_999_999_999
    assert parse(spiffe_refresh_hint=longest).refresh_hint == timedelta(seconds=longest)
    with pytest.raises(InvalidBundle, match="not a whole number from 0 to 86399999999999") as caught:
        parse(spiffe_refresh_hint=longest + 1)
    assert caught.value.code == "spiffe_refresh_hint"


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        ("", "json", "the document of a bundle is not JSON"),
        ("[]", "jwk_set", "the document of a bundle is not a JSON object but an array"),
        ('{"keys":[],"keys":[]}', "unique_members", "holds the member 'keys' twice"),
        ('{"keys":[{"use":"jwt-svid","use":"wit-svid"}]}', "unique_members", "holds the member 'use' twice"),
        (b'\xef\xbb\xbf{"keys":[]}', "byte_order_mark", "begins with a byte order mark"),
        ('{"keys":[]}x', "json", "is not JSON"),
        ('{"keys":[],"spiffe_sequence":NaN}', "finite_numbers", "holds NaN"),
        ("-----BEGIN CERTIFICATE-----", "json", "at character 0; this is PEM, which SpiffeBundle.from_pem reads$"),
        (b"\n-----BEGIN CERTIFICATE-----", "json", "; this is PEM, which SpiffeBundle.from_pem reads$"),
        (b"MIIB", "json", "is not JSON: Expecting value at character 0$"),
        (None, "text", "a bundle is read from text, not from NoneType"),
    ],
)
def test_a_document_is_strict_json(data: str | bytes, code: str, reason: str) -> None:
    with pytest.raises(InvalidBundle, match=reason) as caught:
        SpiffeBundle.parse("example.org", data)
    assert caught.value.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=8,
)
ENTRIES = st.one_of(
    JSON,
    st.builds(
        lambda entry, changes, dropped: {**without(entry, *dropped), **changes},
        st.sampled_from([X509_ENTRY, JWT_ENTRY, WIT_ENTRY]),
        st.dictionaries(
            st.sampled_from(["use", "kty", "kid", "x5c", "crv", "x", "y", "n", "e", "d"]), JSON, max_size=2
        ),
        st.sets(st.sampled_from(["use", "kty", "kid", "x5c", "x"]), max_size=1),
    ),
)


@given(st.one_of(st.binary(), st.text(), JSON.map(json.dumps)))
def test_hostile_documents_raise_only_our_error(data: str | bytes) -> None:
    try:
        SpiffeBundle.parse("example.org", data)
    except InvalidBundle as error:
        assert error.code in {rule.name for rule in BUNDLE.rules}  # noqa: PT017  # raised or not


@given(
    st.lists(ENTRIES, max_size=3), st.dictionaries(st.sampled_from(["spiffe_sequence", "spiffe_refresh_hint"]), JSON)
)
def test_hostile_entries_raise_only_our_error(entries: list[object], members: dict[str, Any]) -> None:
    try:
        bundle = parse(*entries, **members)
    except InvalidBundle as error:
        assert error.clause == BUNDLE[error.code].clause  # noqa: PT017  # raised or not
        return
    assert len(bundle.x509_authorities) + len(bundle.jwt_authorities) + len(bundle.wit_authorities) <= len(entries)


@given(st.integers(0, len(ROOT.der) - 1), st.integers(1, 255))
def test_a_damaged_certificate_raises_only_our_error(place: int, flip: int) -> None:
    damaged = bytearray(ROOT.der)
    damaged[place] ^= flip
    try:
        bundle = parse({"use": "x509-svid", "kty": "EC", "x5c": [x5c(bytes(damaged))]})
    except InvalidBundle as error:
        assert error.index == 0  # noqa: PT017  # raised or not
        return
    assert bundle.x509_der == (bytes(damaged),)


def test_the_keys_of_a_document_are_read_alone() -> None:
    keys = jwks.read_keys([X509_ENTRY, JWT_ENTRY, WIT_ENTRY])
    assert keys == ((ROOT.der,), (("j", spki(ec_key())),), (("w", spki(ec_key(2))),))


@pytest.mark.parametrize("octets", range(1, 10))
def test_base64_has_one_spelling(octets: int) -> None:
    # However many bytes the certificate has, and so with two, one and no characters of padding.
    root = certs.root(serial=1 << (8 * octets - 2))
    text = x5c(root.der)
    entry = {**X509_ENTRY, **jwk(root.key)}
    assert parse({**entry, "x5c": [text]}).x509_der == (root.der,)
    body = text.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    others = [text + "====", text + "=", text + "A", body[:-1]]
    if body != text:
        others += [body, body[:-1] + alphabet[alphabet.index(body[-1]) + 1] + text[len(body) :]]
    for other in others:
        with pytest.raises(InvalidBundle, match="has an x5c that is not base64") as caught:
            parse({**entry, "x5c": [other]})
        assert caught.value.code == "x5c_base64"
