"""A certificate as we read it, held against a certificate as ``cryptography`` reads it."""

from __future__ import annotations

import hashlib
import pickle
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidSpiffeId, InvalidSvid
from spiffesim.instants import microseconds
from spiffesim.spiffe.x509 import extensions as ext
from spiffesim.spiffe.x509.certificate import Anchors, Certificate, load_public_key, read_certificate
from tests.oracles import asn1
from tests.oracles import certificates as make
from tests.oracles.certificates import AT, TD, WEB, Issued

ROOT = make.root()
LEAF = make.leaf(ROOT)
INSTANTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(
    lambda instant: instant.replace(microsecond=0, tzinfo=AT.tzinfo)
)


@st.composite
def shapes(draw: st.DrawFn) -> Issued:
    begin, end = sorted((draw(INSTANTS), draw(INSTANTS)))
    names = draw(st.lists(st.sampled_from(["a.example.org", "b.example.org", "*.example.org"]), max_size=2))
    return make.leaf(
        ROOT,
        subject=make.named(draw(st.sampled_from(["", "a", "workload", "ü"]))),
        key=make.key("any", draw(st.sampled_from(["p256", "p384", "p521", "ed25519"]))),
        serial=draw(st.integers(1, 2**159 - 1)),
        not_before=begin,
        not_after=end,
        constraints=draw(st.sampled_from([None, (False, None), (True, None), (True, 0), (True, 70_000)])),
        uris=draw(st.lists(st.sampled_from([WEB, f"{TD}/db", "https://example.org"]), max_size=3)),
        names=[x509.DNSName(name) for name in names],
        names_critical=draw(st.booleans()),
        usage=draw(st.none() | st.lists(st.sampled_from([*make.USER, *make.SIGNER]), min_size=1)),
        usage_critical=draw(st.booleans()),
        purposes=draw(st.none() | st.just(make.BOTH) | st.just(make.BOTH[:1])),
        key_id=draw(st.none() | st.binary(min_size=1, max_size=20)),
        authority_key_id=draw(st.none() | st.just(b"")),
    )


def extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


BITS = {"digital_signature": 0, "key_encipherment": 2, "key_agreement": 4, "key_cert_sign": 5, "crl_sign": 6}


@given(shapes())
def test_every_field_is_read_as_cryptography_reads_it(issued: Issued) -> None:
    ours, theirs = read_certificate(issued.der), issued.certificate
    assert ours.der == issued.der
    assert ours.version == 3
    assert ours.tbs == theirs.tbs_certificate_bytes
    assert ours.signature == theirs.signature
    assert ours.signature_algorithm == ours.inner_algorithm == asn1.ECDSA_SHA256
    assert ours.serial == theirs.serial_number
    assert (ours.issuer, ours.subject) == (theirs.issuer.public_bytes(), theirs.subject.public_bytes())
    assert ours.not_before == microseconds(theirs.not_valid_before_utc)
    assert ours.not_after == microseconds(theirs.not_valid_after_utc)
    assert ours.spki == theirs.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert ours.public_key == theirs.public_key()
    assert ours.has_subject == bool(len(theirs.subject))
    assert not ours.self_issued


@given(shapes())
def test_every_extension_is_read_as_cryptography_reads_it(issued: Issued) -> None:
    ours, theirs = read_certificate(issued.der), issued.certificate
    assert list(ours.extensions.present.values()) == [each.critical for each in theirs.extensions]
    constraints = extension(theirs, x509.BasicConstraints)
    assert ours.is_ca == bool(constraints and constraints.ca)
    assert ours.path_length == (constraints and constraints.path_length)
    usage = extension(theirs, x509.KeyUsage)
    mask = None if usage is None else sum(1 << bit for name, bit in BITS.items() if getattr(usage, name))
    assert ours.key_usage == mask
    purposes = extension(theirs, x509.ExtendedKeyUsage)
    expected = None if purposes is None else tuple((ext.SERVER_AUTH, ext.CLIENT_AUTH)[: len(purposes)])
    assert ours.extensions.extended_key_usage == expected
    key_id, authority = extension(theirs, x509.SubjectKeyIdentifier), extension(theirs, x509.AuthorityKeyIdentifier)
    assert ours.subject_key_id == (key_id and key_id.digest)
    assert ours.authority_key_id == (authority and authority.key_identifier)
    names = extension(theirs, x509.SubjectAlternativeName)
    uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names else []
    assert list(ours.uris) == uris
    assert list(ours.dns_names) == (names.get_values_for_type(x509.DNSName) if names else [])
    assert ours.extensions.name_forms == (6,) * len(uris) + (2,) * len(ours.dns_names)
    assert ours.extensions.unknown_critical == ours.extensions.repeated == ()


@pytest.mark.parametrize("wrapped", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_read(wrapped: Any) -> None:
    assert read_certificate(wrapped(LEAF.der)).der == LEAF.der
    assert type(read_certificate(wrapped(LEAF.der)).der) is bytes


@pytest.mark.parametrize("given_", [None, 7, "text", [1], LEAF.certificate])
def test_what_is_not_bytes_is_refused(given_: Any) -> None:
    with pytest.raises(InvalidSvid, match="given as its DER bytes, not as") as caught:
        read_certificate(given_)
    assert (caught.value.code, caught.value.clause) == ("certificate_encoding", "RFC 5280 4.1")


def test_what_is_not_a_certificate_is_refused_with_the_reason() -> None:
    with pytest.raises(
        InvalidSvid, match=r"4 bytes are not an X.509 certificate: expected tag 0x30 at byte 0"
    ) as caught:
        read_certificate(b"h\x02hi")
    assert caught.value.reason == "expected tag 0x30 at byte 0, found 0x68"


def test_the_spiffe_id_is_the_one_uri() -> None:
    certificate = read_certificate(LEAF.der)
    assert str(certificate.spiffe_id) == WEB
    assert certificate.readable_spiffe_id is certificate.spiffe_id
    for uris in ((), (WEB, WEB)):
        other = read_certificate(make.leaf(ROOT, uris=uris).der)
        with pytest.raises(InvalidSvid, match=f"has {len(uris)} URIs") as caught:
            _ = other.spiffe_id
        assert caught.value.code == "one_uri"
        assert other.readable_spiffe_id is None
    other = read_certificate(make.leaf(ROOT, "https://example.org").der)
    with pytest.raises(InvalidSpiffeId):
        _ = other.spiffe_id
    assert other.readable_spiffe_id is None


def test_the_key_identifier_is_the_digest_of_the_key_where_it_says_none() -> None:
    bits = ROOT.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    digest = hashlib.sha1(bits).digest()
    assert read_certificate(make.root(key_id=None).der).key_id == digest
    assert read_certificate(ROOT.der).key_id == digest
    other = read_certificate(make.root(key_id=b"other").der)
    assert other.key_id == other.key_id == b"other"  # worked out, then remembered


def test_a_key_that_cannot_be_loaded_is_refused_when_somebody_looks() -> None:
    spki = asn1.Parts.of(LEAF.der).spki
    off_the_curve = spki[:-1] + bytes([spki[-1] ^ 1])
    certificate = read_certificate(asn1.remade(LEAF.der, ROOT.key, spki=off_the_curve))
    with pytest.raises(InvalidSvid, match="the public key of the certificate cannot be used") as caught:
        _ = certificate.public_key
    assert caught.value.code == "public_key"
    unknown = asn1.sequence(asn1.sequence(asn1.tlv(6, b"\x2a\x03")), asn1.tlv(3, b"\0abc"))
    with pytest.raises(InvalidSvid, match="cannot be used"):
        load_public_key(unknown)
    assert load_public_key(spki) == LEAF.key.public_key()


def test_certificates_are_equal_when_their_bytes_are() -> None:
    one, same, other = read_certificate(LEAF.der), read_certificate(bytes(LEAF.der)), read_certificate(ROOT.der)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != LEAF.der


def test_a_certificate_travels_without_what_was_loaded() -> None:
    certificate = read_certificate(LEAF.der)
    _ = certificate.public_key, certificate.spiffe_id
    copy = pickle.loads(pickle.dumps(certificate))
    assert type(copy) is Certificate
    assert copy == certificate
    assert copy.public_key == certificate.public_key


def test_a_certificate_shows_whose_it_is() -> None:
    assert repr(read_certificate(LEAF.der)) == (
        "<Certificate spiffe://example.org/web (leaf, 2029-12-31 12:00:00+00:00 to 2030-01-02 12:00:00+00:00)>"
    )
    assert "serial 9 (CA, " in repr(read_certificate(make.root(uris=(), serial=9).der))


def test_anchors_are_found_by_name_and_kept_once() -> None:
    twin, other = make.root(key=make.key("twin")), make.root("other")
    certificates = [read_certificate(der) for der in make.ders(ROOT, twin, other, ROOT)]
    anchors = Anchors(certificates)
    assert [each.der for each in anchors.certificates] == make.ders(ROOT, twin, other)
    assert [each.der for each in anchors.by_subject[ROOT.subject.public_bytes()]] == make.ders(ROOT, twin)
    assert len(anchors.by_subject) == 2


def test_anchors_never_change() -> None:
    anchors: Any = Anchors([read_certificate(ROOT.der)])
    with pytest.raises(AttributeError):
        anchors.certificates = ()
    with pytest.raises(TypeError):
        anchors.by_subject[b""] = anchors.certificates
    assert isinstance(anchors.by_subject[ROOT.subject.public_bytes()], tuple)


@given(st.binary(max_size=400))
def test_hostile_bytes_raise_nothing_else(data: bytes) -> None:
    with pytest.raises(InvalidSvid):
        read_certificate(data)


def test_a_certificate_cut_off_anywhere_is_refused() -> None:
    for size in range(len(LEAF.der)):
        with pytest.raises(InvalidSvid):
            read_certificate(LEAF.der[:size])
    assert read_certificate(LEAF.der).der == LEAF.der


@given(st.data())
def test_a_certificate_with_spoilt_bytes_is_read_or_refused(data: st.DataObject) -> None:
    spoilt = bytearray(LEAF.der)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(spoilt) - 1))
        if data.draw(st.booleans()):
            spoilt[place] = data.draw(st.integers(0, 255))
        else:
            spoilt[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        certificate = read_certificate(bytes(spoilt))
    except InvalidSvid:
        return
    assert certificate.der == bytes(spoilt)
    assert repr(certificate)
    _ = certificate.readable_spiffe_id, certificate.key_id


def test_a_huge_certificate_costs_no_more_than_its_length() -> None:
    # What is repeated, named or unknown thousands of times is where a quadratic reader hangs.
    small = asn1.extension("551d0f", bytes.fromhex("03020780"))
    unknown = [asn1.extension(f"2a81{n >> 7 | 128:02x}{n & 127:02x}", b"", critical=True) for n in range(16_384)]
    many = read_certificate(asn1.remade(LEAF.der, ROOT.key, extensions=(small,) * 20_000))
    assert len(many.extensions.repeated) == 19_999
    many = read_certificate(asn1.remade(LEAF.der, ROOT.key, extensions=tuple(unknown)))
    assert len(many.extensions.unknown_critical) == 16_384
    many = read_certificate(make.leaf(ROOT, uris=[WEB] * 9_000).der)
    assert len(many.uris) == 9_000


@pytest.mark.parametrize(("octets", "readable"), [(256, True), (257, False), (3_000, False)])
def test_a_serial_number_that_cannot_be_written_out_is_refused(octets: int, readable: bool) -> None:
    data = asn1.remade(LEAF.der, ROOT.key, serial=asn1.tlv(0x02, b"\x01" + bytes(octets - 1)))
    if readable:
        assert str(256 ** (octets - 1)) in repr(read_certificate(asn1.remade(data, ROOT.key, extensions=())))
        return
    with pytest.raises(InvalidSvid, match=f"the serial number has {octets} octets, more than 256"):
        read_certificate(data)
