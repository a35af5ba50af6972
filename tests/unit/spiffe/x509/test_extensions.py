"""Extensions that are not quite what they have to be; those that are, are in test_certificate."""

from __future__ import annotations

import pytest

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.x509 import extensions as ext
from spiffesim.spiffe.x509.certificate import Certificate, read_certificate
from tests.oracles import asn1
from tests.oracles import certificates as make
from tests.oracles.asn1 import sequence, tlv

ROOT = make.root()
LEAF = make.leaf(ROOT)

KEY_USAGE, PURPOSES, CONSTRAINTS = "551d0f", "551d25", "551d13"
KEY_ID, AUTHORITY, NAMES, NAME_CONSTRAINTS = "551d0e", "551d23", "551d11", "551d1e"
ACCESS = "2b06010505070101"
TRUE = b"\1\1\xff"
OTHER_NAME = tlv(6, b"\x2a\3") + tlv(0xA0, b"\5\0")
HOST = tlv(0x86, b"example.org")


def read(*extensions: bytes) -> Certificate:
    """The leaf with these extensions and no others."""
    return read_certificate(asn1.remade(LEAF.der, ROOT.key, extensions=extensions))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (KEY_USAGE, b"", "cut off"),
        (KEY_USAGE, tlv(3), "is empty"),
        (KEY_USAGE, tlv(3, b"\7\x81"), "unused bits"),
        (KEY_USAGE, tlv(3, b"\0\1\1\1"), "more bits than there are usages"),
        (KEY_USAGE, tlv(3, b"\7\x80") + b"\5\0", "something follows the value"),
        (PURPOSES, sequence(), "extended key usage is empty"),
        (PURPOSES, sequence(tlv(6)), "not an object identifier"),
        (PURPOSES, sequence(b"\5\0"), ": an extended key usage is not an object identifier$"),
        (CONSTRAINTS, sequence(b"\1\1\0"), "a default value is left out"),
        (CONSTRAINTS, sequence(TRUE, tlv(2, b"\xff")), "negative path length"),
        (CONSTRAINTS, sequence(TRUE, tlv(2, b"\1"), tlv(2, b"\1")), "something follows it"),
        (CONSTRAINTS, sequence(b"\5\0"), "expected tag 0x02"),
        (KEY_ID, tlv(3, b"\0abc"), "expected tag 0x04"),
        (AUTHORITY, sequence(tlv(0x80, b"a"), tlv(0x80, b"b")), "does not belong there"),
        (AUTHORITY, sequence(tlv(0x82, b"a"), tlv(0x80, b"b")), "does not belong there"),
        (AUTHORITY, sequence(tlv(0xA0, b"a")), "does not belong there"),
        (NAMES, sequence(tlv(0x06, b"a")), "tag 0x06 is not that of a general name"),
        (NAMES, sequence(tlv(0xA6, b"a")), "tag 0xa6 is not that of a general name"),
        (NAMES, sequence(tlv(0x84, b"a")), "tag 0x84 is not that of a general name"),
        (NAMES, sequence(tlv(0x89, b"a")), "tag 0x89 is not that of a general name"),
        (NAMES, sequence(tlv(0x86, "spiffe://exämple.org/".encode())), "characters beyond ASCII"),
        (NAMES, sequence(tlv(0x82, b"\xff")), "characters beyond ASCII"),
        (NAMES, sequence(tlv(0x87, b"\1\2\3")), "an IP address has 3 octets, not 4 or 16"),
        (NAMES, sequence(tlv(0x88, b"\x80\1")), "longer than it has to be"),
        (NAMES, sequence(tlv(0xA4, b"")), "cut off"),
        (NAMES, sequence(tlv(0xA4, sequence() + sequence())), "something follows the name of a directory"),
        (NAMES, sequence(tlv(0xA0, b"")), "cut off"),
        (NAMES, sequence(tlv(0xA0, tlv(6, b"\x80") + tlv(0xA0, b"\5\0"))), "longer than it has to be"),
        (NAMES, sequence(tlv(0xA0, OTHER_NAME + b"\5\0")), "is not one value"),
        (NAMES, sequence(tlv(0xA0, tlv(6, b"\x2a\3") + tlv(0xA0, b"\5\0\5\0"))), "is not one value"),
        (AUTHORITY, sequence(tlv(0xA1, b"\x86\1\xff")), "characters beyond ASCII"),
        (AUTHORITY, sequence(tlv(0x82, b"")), "is empty"),
        (ACCESS, sequence(), "authority information access is empty"),
        (ACCESS, sequence(tlv(0x86, b"a")), "expected tag 0x30"),
        (ACCESS, sequence(sequence(tlv(6, b"\x80"), tlv(0x86, b"a"))), "longer than it has to be"),
        (ACCESS, sequence(sequence(tlv(6, b"\x2a\3"))), "not one place at which the authority is found"),
        (ACCESS, sequence(sequence(tlv(6, b"\x2a\3"), HOST, HOST)), "not one place at which the authority is found"),
        (NAME_CONSTRAINTS, sequence(tlv(0xA0, sequence(tlv(0x87, bytes(4))))), "has 4 octets, not 8 or 32"),
        (NAME_CONSTRAINTS, sequence(), "name constraints are empty"),
        (NAME_CONSTRAINTS, sequence(tlv(0xA0)), ": the name constraints have a member that does not belong there$"),
        (NAME_CONSTRAINTS, sequence(tlv(0xA2, sequence(HOST))), "does not belong there"),
        (NAME_CONSTRAINTS, sequence(tlv(0xA0, sequence(HOST)), tlv(0xA0, sequence(HOST))), "does not belong there"),
        (NAME_CONSTRAINTS, sequence(tlv(0xA1, sequence(HOST)), tlv(0xA0, sequence(HOST))), "does not belong there"),
        (NAME_CONSTRAINTS, sequence(tlv(0xA0, HOST)), ": a name constraint is not a sequence$"),
        (NAME_CONSTRAINTS, sequence(tlv(0xA0, sequence(tlv(0x86, b"\xff")))), "characters beyond ASCII"),
    ],
)
def test_broken_values_are_refused(name: str, value: bytes, reason: str) -> None:
    with pytest.raises(InvalidSvid, match=reason):
        read(asn1.extension(name, value))


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        (sequence(tlv(6, b"\x55\x1d\x0f"), b"\1\1\0", tlv(4, tlv(3, b"\7\x80"))), "a default value is left out"),
        (sequence(tlv(6, b"\x55\x1d\x0f"), tlv(4, tlv(3, b"\7\x80")), b"\5\0"), "follows the value of an extension"),
        (sequence(tlv(6, b"\x55\x1d\x0f")), "cut off"),
        (sequence(tlv(6, b"\x80"), tlv(4)), "object identifier"),
        (sequence(tlv(6, b"\x80"), tlv(4, bytes(200))), "object identifier"),
        (b"\5\0", "expected tag 0x30"),
    ],
)
def test_broken_extensions_are_refused(extension: bytes, reason: str) -> None:
    with pytest.raises(InvalidSvid, match=reason):
        read(extension)


def test_an_empty_list_of_extensions_is_refused() -> None:
    parts = asn1.Parts.of(LEAF.der)
    *fields, _ = asn1.children(parts.tbs)
    for wrapped in (tlv(0xA3, sequence()), tlv(0xA3, sequence(*parts.extensions), b"\5\0")):
        der = sequence(sequence(*fields, wrapped), parts.outer_algorithm, parts.signature)
        with pytest.raises(InvalidSvid, match="the extensions are empty, or something follows them"):
            read_certificate(der)


@pytest.mark.parametrize(
    ("bits", "mask"),
    [
        (b"\7\x80", ext.DIGITAL_SIGNATURE),
        (b"\1\6", ext.KEY_CERT_SIGN | ext.CRL_SIGN),
        (b"\7\x80\x80", ext.DIGITAL_SIGNATURE | 1 << 8),
        (b"\0\x81", ext.DIGITAL_SIGNATURE | 1 << 7),
        (b"\0", 0),
    ],
)
def test_the_bits_of_a_key_usage(bits: bytes, mask: int) -> None:
    assert read(asn1.extension(KEY_USAGE, tlv(3, bits))).key_usage == mask


@pytest.mark.parametrize("bits", [b"\0\x80", b"\6\x80", b"\7\x80\0", b"\0\0"])
def test_the_bits_of_a_key_usage_end_with_a_1(bits: bytes) -> None:
    with pytest.raises(InvalidSvid, match=r"ends with bits that are 0|wrong unused bits"):
        read(asn1.extension(KEY_USAGE, tlv(3, bits)))
    assert read(asn1.extension(KEY_USAGE, tlv(3, b"\7\x80"))).key_usage == ext.DIGITAL_SIGNATURE


def test_basic_constraints() -> None:
    for value, expected in {
        b"": (False, None),
        TRUE: (True, None),
        TRUE + tlv(2, b"\3"): (True, 3),
        tlv(2, b"\3"): (False, 3),
    }.items():
        certificate = read(asn1.extension(CONSTRAINTS, sequence(value)))
        assert (certificate.is_ca, certificate.path_length) == expected


def test_an_authority_may_be_named_by_its_issuer_and_number_instead() -> None:
    by_number = sequence(tlv(0xA1, b"\x81\x01a"), tlv(0x82, b"\1"))
    assert read(asn1.extension(AUTHORITY, by_number)).authority_key_id is None
    both = sequence(tlv(0x80, b"key"), tlv(0xA1, b"\x81\x01a"), tlv(0x82, b"\1"))
    assert read(asn1.extension(AUTHORITY, both)).authority_key_id == b"key"


def test_names_of_every_form_are_noted() -> None:
    names = sequence(
        tlv(0xA0, OTHER_NAME),
        tlv(0x81, b"a@b"),
        tlv(0x82, b"web"),
        tlv(0xA4, sequence()),
        tlv(0x86, b"a:b"),
        tlv(0x87, b"\1\2\3\4"),
        tlv(0x87, bytes(16)),
        tlv(0x88, b"\x2a\3"),
    )
    certificate = read(asn1.extension(NAMES, names))
    assert certificate.extensions.name_forms == (0, 1, 2, 4, 6, 7, 7, 8)
    assert (certificate.uris, certificate.dns_names) == (("a:b",), ("web",))


def test_name_constraints_keep_their_order_and_their_form() -> None:
    value = sequence(
        tlv(0xA0, sequence(HOST), sequence(tlv(0x82, b".example.org"))), tlv(0xA1, sequence(HOST, tlv(0x80, b"\1")))
    )
    constraints = read(asn1.extension(NAME_CONSTRAINTS, value)).extensions.name_constraints
    assert constraints is not None
    assert [(tree.form, tree.base, tree.plain) for tree in constraints.permitted] == [
        (ext.URI, b"example.org", True),
        (ext.DNS, b".example.org", True),
    ]
    assert [(tree.form, tree.base, tree.plain) for tree in constraints.excluded] == [(ext.URI, b"example.org", False)]
    # All certificates with the same extension share what was read of it.
    with pytest.raises(AttributeError):
        constraints.permitted = ()  # type: ignore[misc]  # nobody may
    with pytest.raises(AttributeError):
        constraints.permitted[0].base = b""  # type: ignore[misc]  # nobody may


def test_of_a_repeated_extension_the_first_counts() -> None:
    first, second = (asn1.extension(KEY_USAGE, tlv(3, bits)) for bits in (b"\7\x80", b"\1\6"))
    certificate = read(first, second, second)
    assert certificate.key_usage == ext.DIGITAL_SIGNATURE
    assert certificate.extensions.repeated == ("2.5.29.15", "2.5.29.15")


def test_only_what_is_not_processed_and_critical_is_unknown() -> None:
    certificate = read(
        asn1.extension("2a03", b"", critical=True),
        asn1.extension("2a04", b""),
        asn1.extension("2a05", bytes(200), critical=True),
        asn1.extension(ACCESS, sequence(sequence(tlv(6, b"\x2a\3"), tlv(0x86, b"http://a.org"))), critical=True),
        asn1.extension(KEY_USAGE, tlv(3, b"\7\x80"), critical=True),
    )
    assert certificate.extensions.unknown_critical == ("1.2.3", "1.2.5")
    assert certificate.extensions.present[bytes.fromhex("2a04")] is False
    assert certificate.extensions.present[bytes.fromhex(KEY_USAGE)] is True
