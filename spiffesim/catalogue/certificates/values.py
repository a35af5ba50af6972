"""What can be wrong with how the values inside of extensions are encoded: bits, texts, object identifiers."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import (
    AUTHORITY_KEY_ID,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    NAME_CONSTRAINTS,
    SUBJECT_KEY_ID,
    dns,
    uri,
)
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der

VALUES: Final = Shelf[Chain](X509_SVID)

_IA5: Final = "RFC 5280 4.2.1.6"
_BITS: Final = "ITU-T X.690 11.2.1"
_OID: Final = "ITU-T X.690 8.19.2"


def _unknown(chain: Chain, arcs: bytes) -> None:
    """Give the leaf an extension, not critical, with the content of an object identifier that nobody knows."""
    written = der.sequence(der.tlv(der.OID, arcs), der.octet_string(b""))
    chain.leaf.extensions.append(("", written))


# Bits


@VALUES("certificate_encoding", clause=_BITS)
def unused_bits_set(chain: Chain) -> None:
    """An unused bit of the leaf's key usage is 1."""
    chain.leaf.put(KEY_USAGE, der.bit_string(b"\x81", 7), critical=True)


@VALUES("certificate_encoding", clause="ITU-T X.690 11.2.2")
def zeros_after_last_usage(chain: Chain) -> None:
    """The key usage of the leaf has digitalSignature, and after it seven bits that are 0."""
    chain.leaf.put(KEY_USAGE, der.bit_string(b"\x80", 0), critical=True)


@VALUES("certificate_encoding", clause="ITU-T X.690 8.6.2")
def eight_unused_bits(chain: Chain) -> None:
    """The last octet of the leaf's key usage has eight unused bits."""
    chain.leaf.put(KEY_USAGE, der.bit_string(b"\x80\0", 8), critical=True)


@VALUES("certificate_encoding", clause="ITU-T X.690 8.6.2")
def bits_without_count(chain: Chain) -> None:
    """The BIT STRING of the leaf's key usage has not even the octet that counts the unused bits."""
    chain.leaf.put(KEY_USAGE, der.tlv(der.BIT_STRING), critical=True)


@VALUES("certificate_encoding", clause="RFC 5280 4.2.1.3")
def key_usage_as_number(chain: Chain) -> None:
    """The key usage of the leaf is an INTEGER."""
    chain.leaf.put(KEY_USAGE, der.integer(128), critical=True)


# Texts


@VALUES("certificate_encoding", clause=_IA5)
def broken_utf8(chain: Chain) -> None:
    """The URI of the leaf has bytes that are not even UTF-8."""
    chain.leaf.name(der.tlv(0x86, chain.spiffe_id.encode() + b"\xff\xfe"))


@VALUES("certificate_encoding", clause=_IA5)
def umlaut_in_uri(chain: Chain) -> None:
    """The URI of the leaf has a letter beyond ASCII, in UTF-8."""
    chain.leaf.name(uri(chain.spiffe_id + "/\N{LATIN SMALL LETTER U WITH DIAERESIS}ber"))


@VALUES("certificate_encoding", clause=_IA5)
def umlaut_in_dns_name(chain: Chain) -> None:
    """The DNS name beside the leaf's ID has a letter beyond ASCII."""
    chain.leaf.name(dns("b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example"), uri(chain.spiffe_id))


@VALUES("certificate_encoding", clause=_IA5)
def uri_as_utf8_string(chain: Chain) -> None:
    """The alternative name of the leaf is a UTF8String, where a tag of its own belongs."""
    chain.leaf.name(der.tlv(der.UTF8_STRING, chain.spiffe_id.encode()))


@VALUES("certificate_encoding", clause="ITU-T X.690 10.2")
def uri_in_pieces(chain: Chain) -> None:
    """The URI of the leaf is put together of two pieces, as BER allows and DER does not."""
    text = chain.spiffe_id.encode()
    chain.leaf.name(der.tlv(0xA6, *(der.tlv(0x16, piece) for piece in (text[:9], text[9:]))))


@VALUES("certificate_encoding", clause=_IA5)
def unknown_form_of_name(chain: Chain) -> None:
    """The leaf has an alternative name of a ninth form, which there is not."""
    chain.leaf.name(uri(chain.spiffe_id), der.tlv(0x89, b"x"))


@VALUES("certificate_encoding", clause="ITU-T X.690 8.1.2.4")
def tag_of_several_bytes(chain: Chain) -> None:
    """The form of the leaf's alternative name is written in two bytes, and fits into one."""
    text = chain.spiffe_id.encode()
    chain.leaf.name(b"\x9f\x06" + der.tlv(0x86, text)[1:])


# Object identifiers


@VALUES("certificate_encoding", clause=_OID)
def padded_object_identifier(chain: Chain) -> None:
    """An arc of the object identifier of one of the leaf's extensions has a leading zero."""
    _unknown(chain, b"\x2b\x06\x01\x04\x01\x80\x01")


@VALUES("certificate_encoding", clause=_OID)
def object_identifier_cut_off(chain: Chain) -> None:
    """The last arc of the object identifier of one of the leaf's extensions goes on beyond its end."""
    _unknown(chain, b"\x2b\x06\x01\x04\x01\x81")


@VALUES("certificate_encoding", clause="ITU-T X.690 8.19.2")
def empty_object_identifier(chain: Chain) -> None:
    """The object identifier of one of the leaf's extensions has no arc."""
    _unknown(chain, b"")


# What has to have something in it


@VALUES("certificate_encoding", clause="RFC 5280 4.2.1.12")
def no_purpose_among_purposes(chain: Chain) -> None:
    """The extended key usage of the leaf has no purpose."""
    chain.leaf.put(EXTENDED_KEY_USAGE, der.sequence())


@VALUES("certificate_encoding", clause="RFC 5280 4.2.1.10", depth=1)
def no_constraint_among_constraints(chain: Chain) -> None:
    """The name constraints of the intermediate above the leaf are empty."""
    chain.intermediate.put(NAME_CONSTRAINTS, der.sequence(), critical=True)


@VALUES("certificate_encoding", clause="RFC 5280 4.2.1.1")
def authority_key_id_in_octets(chain: Chain) -> None:
    """The authority key identifier of the leaf is an OCTET STRING, as a subject key identifier is."""
    chain.leaf.put(AUTHORITY_KEY_ID, der.octet_string(chain.leaf.signer.key_id))


@VALUES("certificate_encoding", clause="RFC 5280 4.2.1.2")
def bare_subject_key_id(chain: Chain) -> None:
    """The subject key identifier of the leaf lacks the OCTET STRING around it."""
    chain.leaf.put(SUBJECT_KEY_ID, chain.leaf.key.key_id)
