"""Certificates whose fields are not quite DER, or not quite fields."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from spiffesim.errors import InvalidSvid
from spiffesim.instants import microseconds
from spiffesim.spiffe.x509.certificate import read_certificate
from spiffesim.spiffe.x509.fields import key_algorithm
from tests.oracles import asn1
from tests.oracles import certificates as make
from tests.oracles.asn1 import sequence, tlv

ROOT = make.root()
LEAF = make.leaf(ROOT)
PARTS = asn1.Parts.of(LEAF.der)

OID = tlv(6, bytes.fromhex("550403"))
ECDSA = tlv(6, bytes.fromhex("2a8648ce3d040302"))
POINT = asn1.children(PARTS.spki)[1]
KEY = asn1.children(PARTS.spki)[0]
TIMES = asn1.children(PARTS.validity)


def attribute(text: bytes, *more: bytes) -> bytes:
    return sequence(OID, tlv(0x13, text), *more)


A, B = attribute(b"a"), attribute(b"b")


def with_rest(*rest: bytes) -> bytes:
    """The leaf with other values after the public key."""
    fields = PARTS.version, PARTS.serial, PARTS.inner_algorithm, PARTS.issuer, PARTS.validity, PARTS.subject, PARTS.spki
    return sequence(sequence(*fields, *rest), PARTS.outer_algorithm, PARTS.signature)


EXTENSIONS = tlv(0xA3, sequence(*PARTS.extensions))
UNIQUE_ID = tlv(0x81, b"\0id")
OTHER_UNIQUE_ID = tlv(0x82, b"\0id")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": tlv(0xA0, tlv(2, b"\0"))}, "no such version"),
        ({"version": tlv(0xA0, tlv(2, b"\3"))}, "no such version"),
        ({"version": tlv(0xA0, tlv(2, b"\2"), tlv(2, b"\2"))}, "no such version"),
        ({"version": tlv(0xA0)}, "cut off"),
        ({"serial": tlv(2)}, "is empty"),
        ({"serial": tlv(2, b"\0\1")}, "longer than it has to be"),
        ({"serial": tlv(4, b"\1")}, "expected tag 0x02"),
        ({"inner_algorithm": sequence()}, "cut off"),
        ({"inner_algorithm": sequence(tlv(6, b"\x80"))}, "object identifier"),
        ({"inner_algorithm": sequence(ECDSA, b"\5\0", b"\5\0")}, "follows the parameters"),
        ({"outer_algorithm": sequence(ECDSA, b"\5\0", b"\5\0")}, "follows the parameters"),
        ({"outer_algorithm": sequence(ECDSA, b"\5\0" * 300, b"\5\0")}, "follows the parameters"),
        ({"issuer": sequence(tlv(0x31))}, "no set of attributes"),
        ({"issuer": sequence(A)}, "no set of attributes"),
        ({"subject": sequence(tlv(0x31, B, A))}, "not in order"),
        ({"subject": sequence(tlv(0x31, attribute(b"a", b"\5\0")))}, "follows an attribute"),
        ({"subject": sequence(tlv(0x31, sequence(OID)))}, "cut off"),
        ({"subject": sequence(tlv(0x31, sequence(tlv(6), b"\5\0")))}, "object identifier"),
        ({"subject": sequence(tlv(0x31, attribute(b"a" * 600, b"\5\0")))}, "follows an attribute"),
        ({"validity": sequence(*TIMES, TIMES[0])}, "follows the validity"),
        ({"validity": sequence(TIMES[0])}, "cut off"),
        ({"validity": sequence(TIMES[0], tlv(0x17, b"301301000000Z"))}, "is no day"),
        ({"spki": sequence(KEY, tlv(3, b"\1" + asn1.content(POINT)[1:-1] + b"\2"))}, "unused bits"),
        ({"spki": sequence(KEY, tlv(3))}, "is empty"),
        ({"spki": sequence(KEY, POINT, b"\5\0")}, "follows the public key"),
        ({"spki": sequence(KEY)}, "cut off"),
        ({"signature": tlv(3, b"\4" + b"\xf0")}, "signature has unused bits"),
        ({"signature": tlv(3, b"\0ab") + b"\5\0"}, "something follows it"),
        ({"signature": b""}, "cut off"),
    ],
)
def test_broken_fields_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidSvid, match=reason):
        read_certificate(attrs.evolve(PARTS, **changes).der)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": sequence(tlv(0x31, A, B))},
        {"subject": sequence(tlv(0x31, A), tlv(0x31, attribute(b"a" * 600)))},
        {"subject": sequence()},
        {"outer_algorithm": sequence(ECDSA, tlv(4, b"a" * 600))},
        {"inner_algorithm": sequence(ECDSA, b"\5\0")},
        {"serial": tlv(2, b"\xff")},
        {"version": b""},
    ],
)
def test_odd_fields_are_read(changes: dict[str, Any]) -> None:
    read = read_certificate(attrs.evolve(PARTS, **changes).der)
    assert read.subject == changes.get("subject", PARTS.subject)
    assert read.signature_algorithm == changes.get("outer_algorithm", PARTS.outer_algorithm)
    assert read.inner_algorithm == changes.get("inner_algorithm", PARTS.inner_algorithm)
    assert read.version == (1 if "version" in changes else 3)
    assert read.serial == (-1 if "serial" in changes else 1)


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ((EXTENSIONS, UNIQUE_ID), "something follows the extensions|does not belong"),
        ((EXTENSIONS, EXTENSIONS), "something follows the extensions"),
        ((OTHER_UNIQUE_ID, UNIQUE_ID), "tag 0x81 does not belong"),
        ((UNIQUE_ID, UNIQUE_ID), "tag 0x81 does not belong"),
        ((tlv(0x81),), "is empty"),
        ((b"\5\0",), "tag 0x05 does not belong"),
    ],
)
def test_what_does_not_belong_after_the_key_is_refused(rest: tuple[bytes, ...], reason: str) -> None:
    with pytest.raises(InvalidSvid, match=reason):
        read_certificate(with_rest(*rest))


@pytest.mark.parametrize("rest", [(), (EXTENSIONS,), (UNIQUE_ID, OTHER_UNIQUE_ID, EXTENSIONS), (OTHER_UNIQUE_ID,)])
def test_unique_identifiers_are_read_over(rest: tuple[bytes, ...]) -> None:
    certificate = read_certificate(with_rest(*rest))
    assert certificate.uris == (("spiffe://example.org/web",) if EXTENSIONS in rest else ())


def test_each_kind_of_time_is_noted() -> None:
    late = make.leaf(ROOT, not_after=make.AT.replace(year=2050))
    certificate = read_certificate(late.der)
    assert certificate.utc_times == (True, False)
    assert certificate.not_after == microseconds(make.AT.replace(year=2050))


def test_the_algorithm_of_a_key() -> None:
    assert key_algorithm(PARTS.spki) == KEY
