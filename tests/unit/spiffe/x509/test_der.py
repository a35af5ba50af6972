"""DER, written and read; expected octets are worked out by hand from X.690."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from cryptography import x509
from hypothesis import example, given
from hypothesis import strategies as st

from spiffesim.instants import SECOND, microseconds
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.der import DerError
from tests.oracles import asn1


@pytest.mark.parametrize(
    ("size", "length"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100"), (65_536, "83010000")],
)
def test_lengths_are_as_short_as_they_can_be(size: int, length: str) -> None:
    written = der.tlv(der.OCTET_STRING, bytes(size))
    assert written[: 1 + len(length) // 2] == bytes.fromhex("04" + length)
    assert der.whole(written, der.OCTET_STRING) == (len(written) - size, len(written))


def test_the_parts_of_a_value_are_joined() -> None:
    assert der.sequence(b"\x02\x01\x05", b"\x05\x00") == bytes.fromhex("3005 020105 0500")
    assert der.octet_string(b"ab") == bytes.fromhex("0402 6162")
    assert der.bit_string(b"\x80", 7) == bytes.fromhex("0302 0780")
    assert der.boolean(True) == bytes.fromhex("0101ff")
    assert der.boolean(False) == bytes.fromhex("010100")


@pytest.mark.parametrize(
    ("number", "octets"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "0080"),
        (256, "0100"),
        (-1, "ff"),
        (-128, "80"),
        (-129, "ff7f"),
        (65_537, "010001"),
    ],
)
def test_integers_have_as_few_octets_as_they_need(number: int, octets: str) -> None:
    expected = bytes.fromhex(octets)
    assert der.integer(number) == bytes([2, len(expected)]) + expected
    assert der.integer_of(expected, 0, len(expected)) == number


@given(st.integers())
def test_integers_come_back(number: int) -> None:
    written = der.integer(number)
    assert der.integer_of(written, *der.whole(written, der.INTEGER)) == number


@pytest.mark.parametrize("octets", ["", "0000", "007f", "ffff", "ff80"])
def test_integers_with_superfluous_octets_are_refused(octets: str) -> None:
    data = bytes.fromhex(octets)
    with pytest.raises(DerError, match="integer"):
        der.integer_of(data, 0, len(data))


@pytest.mark.parametrize(
    ("dotted", "octets"),
    [
        ("0.9", "09"),
        ("1.3.101.112", "2b6570"),
        ("2.5.29.15", "551d0f"),
        ("2.999.3", "883703"),
        ("1.2.840.113549.1.1.11", "2a864886f70d01010b"),
    ],
)
def test_object_identifiers(dotted: str, octets: str) -> None:
    content = bytes.fromhex(octets)
    assert der.oid(dotted) == bytes([6, len(content)]) + content
    assert der.dotted(content) == dotted


@pytest.mark.parametrize("octets", ["", "80", "8001", "2b8001", "2b86", "2b" + "81" * 127 + "01"])
def test_broken_object_identifiers_are_refused(octets: str) -> None:
    with pytest.raises(DerError, match="object identifier"):
        der.dotted(bytes.fromhex(octets))


def test_the_longest_object_identifier_that_is_read() -> None:
    assert der.dotted(b"\x2b" + b"\x01" * 127) == "1.3" + ".1" * 127


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("SPIRE", "1305 5350495245"),
        ("a@b", "0c03 614062"),
        ("ü", "0c02 c3bc"),
        ("", "1300"),
        ("a.b-c", "1305 612e622d63"),
    ],
)
def test_strings_are_printable_where_they_can_be(text: str, written: str) -> None:
    assert der.printable_or_utf8(text) == bytes.fromhex(written)


INSTANTS = [
    (datetime(1949, 12, 31, 23, 59, 59, tzinfo=UTC), "GeneralizedTime", b"19491231235959Z"),
    (datetime(1950, 1, 1, tzinfo=UTC), "UTCTime", b"500101000000Z"),
    (datetime(1970, 1, 1, tzinfo=UTC), "UTCTime", b"700101000000Z"),
    (datetime(2000, 2, 29, 12, 30, 59, tzinfo=UTC), "UTCTime", b"000229123059Z"),
    (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), "UTCTime", b"491231235959Z"),
    (datetime(2050, 1, 1, tzinfo=UTC), "GeneralizedTime", b"20500101000000Z"),
    (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "GeneralizedTime", b"99991231235959Z"),
]


@pytest.mark.parametrize(("instant", "kind", "octets"), INSTANTS)
def test_times(instant: datetime, kind: str, octets: bytes) -> None:
    tag = {"UTCTime": 0x17, "GeneralizedTime": 0x18}[kind]
    assert der.time(microseconds(instant)) == bytes([tag, len(octets)]) + octets
    assert der.time_of(tag, octets) == microseconds(instant)


def test_a_time_is_floored_to_the_second() -> None:
    assert der.time(microseconds(datetime(2030, 1, 1, tzinfo=UTC)) + SECOND - 1) == b"\x17\x0d300101000000Z"


def test_only_times_from_2050_on_need_to_be_generalized() -> None:
    first = microseconds(datetime(2050, 1, 1, tzinfo=UTC))
    assert der.needs_generalized(first)
    assert not der.needs_generalized(first - 1)


@pytest.mark.parametrize(
    ("tag", "octets"),
    [
        (0x17, b"300101000000"),
        (0x17, b"300101000000+0000"),
        (0x17, b"3001010000Z"),
        (0x17, b"20300101000000Z"),
        (0x18, b"300101000000Z"),
        (0x18, b"20300101000000.5Z"),
        (0x17, b"3001010000 0Z"),
        (0x17, b"301301000000Z"),
        (0x17, b"300229000000Z"),
        (0x18, b"00000101000000Z"),
        (0x17, b"300101240000Z"),
        (0x17, b"300101006000Z"),
        (0x17, b"300101000060Z"),
        (0x16, b"300101000000Z"),
        (0x17, b""),
    ],
)
def test_what_is_not_the_time_of_a_certificate_is_refused(tag: int, octets: bytes) -> None:
    with pytest.raises(DerError, match=r"time|day"):
        der.time_of(tag, octets)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("", "cut off"),
        ("04", "cut off"),
        ("0402 61", "1 bytes beyond"),
        ("0480 6100 00", "indefinite"),
        ("0481 05", "longer than it has to be"),
        ("048200ff" + "00" * 255, "longer than it has to be"),
        ("0485 0000000001 61", "absurd"),
        ("0482 01", "cut off"),
        ("1f01 00", "tag of several bytes"),
    ],
)
def test_broken_values_are_refused(octets: str, reason: str) -> None:
    data = bytes.fromhex(octets)
    with pytest.raises(DerError, match=reason):
        der.value_at(data, 0, len(data))


def test_a_value_of_another_kind_is_refused() -> None:
    assert der.content_at(b"\x04\x01a", 0, 3, der.OCTET_STRING) == (2, 3)
    with pytest.raises(DerError, match="expected tag 0x02 at byte 0, found 0x04"):
        der.content_at(b"\x04\x01a", 0, 3, der.INTEGER)


def test_what_follows_the_one_value_is_refused() -> None:
    with pytest.raises(DerError, match="2 bytes follow the value"):
        der.whole(b"\x04\x01abc", der.OCTET_STRING)


def test_values_in_a_row() -> None:
    data = bytes.fromhex("0500 020105 0400")
    assert list(der.values(data, 0, len(data))) == [(5, 0, 2, 2), (2, 2, 4, 5), (4, 5, 7, 7)]
    assert list(der.values(data, 0, 0)) == []


def test_a_boolean_is_true_or_left_out() -> None:
    assert der.true_of(b"\xff", 0, 1)
    for octets in (b"\x00", b"\x01", b"", b"\xff\xff"):
        with pytest.raises(DerError, match="not TRUE"):
            der.true_of(octets, 0, len(octets))


@pytest.mark.parametrize(("octets", "bits"), [("00", (0, "")), ("00ff", (0, "ff")), ("0780", (7, "80"))])
def test_bits(octets: str, bits: tuple[int, str]) -> None:
    data = bytes.fromhex(octets)
    assert der.bits_of(data, 0, len(data)) == (bits[0], bytes.fromhex(bits[1]))


@pytest.mark.parametrize("octets", ["", "0800", "01", "0781", "0101"])
def test_bits_that_are_said_to_be_unused_must_be(octets: str) -> None:
    data = bytes.fromhex(octets)
    with pytest.raises(DerError, match="bit string"):
        der.bits_of(data, 0, len(data))


@given(st.binary(max_size=300), st.integers(0x01, 0x1E))
def test_values_are_written_as_another_writer_does(content: bytes, tag: int) -> None:
    assert der.tlv(tag, content) == asn1.tlv(tag, content)
    assert asn1.content(der.tlv(tag, content)) == content


@given(st.integers(0, 2), st.lists(st.integers(0, 2**40), min_size=1, max_size=8))
@example(2, [48])
def test_object_identifiers_are_read_as_cryptography_reads_them(first: int, rest: list[int]) -> None:
    rest[0] %= 40 if first < 2 else 2**40
    dotted = ".".join(map(str, (first, *rest)))
    assert der.dotted(der.oid(dotted)[2:]) == dotted
    assert x509.ObjectIdentifier(dotted).dotted_string == dotted


@given(st.binary(max_size=60))
def test_hostile_bytes_raise_nothing_else(data: bytes) -> None:
    for read in (
        lambda: list(der.values(data, 0, len(data))),
        lambda: der.whole(data, der.SEQUENCE),
        lambda: der.integer_of(data, 0, len(data)),
        lambda: der.bits_of(data, 0, len(data)),
        lambda: der.dotted(data),
        lambda: der.time_of(der.UTC_TIME, data),
        lambda: der.time_of(der.GENERALIZED_TIME, data),
    ):
        with suppress(DerError):
            read()
