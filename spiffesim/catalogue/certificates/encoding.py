"""Certificates that are not DER, or not the DER of a certificate, from the outside in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import BASIC_CONSTRAINTS, KEY_USAGE, NO_NAME, extension, usage
from spiffesim.catalogue.certificates.signer import NULL
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.pem import write_pem

ENCODING: Final = Shelf[Chain](X509_SVID)

_LENGTH: Final = "ITU-T X.690 10.1"


def _parts(value: bytes) -> list[bytes]:
    """The values inside of a SEQUENCE, each whole."""
    start, end = der.whole(value, der.SEQUENCE)
    return [value[begin:stop] for _, begin, _, stop in der.values(value, start, end)]


def _with_parts(change: Callable[[list[bytes]], None]) -> Callable[[bytes], bytes]:
    """What changes the list of the values inside of a SEQUENCE."""

    def made(value: bytes) -> bytes:
        parts = _parts(value)
        change(parts)
        return der.sequence(*parts)

    return made


# The whole


@ENCODING("certificate_encoding")
def empty_certificate(chain: Chain) -> None:
    """The leaf has no bytes."""
    chain.presented[0] = b""


@ENCODING("certificate_encoding")
def leaf_cut_off(chain: Chain) -> None:
    """The last byte of the leaf is missing."""
    chain.leaf.make_der = lambda certificate: certificate[:-1]


@ENCODING("certificate_encoding")
def half_a_leaf(chain: Chain) -> None:
    """The second half of the leaf is missing."""
    chain.leaf.make_der = lambda certificate: certificate[: len(certificate) // 2]


@ENCODING("certificate_encoding", depth=1)
def intermediate_cut_off(chain: Chain) -> None:
    """The last byte of the intermediate above the leaf is missing."""
    chain.intermediate.make_der = lambda certificate: certificate[:-1]


@ENCODING("certificate_encoding")
def byte_after_leaf(chain: Chain) -> None:
    """A byte follows the leaf."""
    chain.leaf.make_der = lambda certificate: certificate + b"\0"


@ENCODING("certificate_encoding", depth=1)
def byte_after_intermediate(chain: Chain) -> None:
    """A byte follows the intermediate above the leaf."""
    chain.intermediate.make_der = lambda certificate: certificate + b"\0"


@ENCODING("certificate_encoding")
def two_certificates_in_one(chain: Chain) -> None:
    """The root follows the leaf in the same piece."""
    root = chain.hierarchy.root_der
    chain.leaf.make_der = lambda certificate: certificate + root


@ENCODING("certificate_encoding")
def garbage_after_chain(chain: Chain) -> None:
    """A piece that is no certificate is presented after the others."""
    chain.presented.append(b"\x30\x03\x02\x01\x01")


@ENCODING("certificate_encoding")
def leaf_as_pem(chain: Chain) -> None:
    """The leaf is presented as PEM."""
    chain.leaf.make_der = lambda certificate: write_pem("CERTIFICATE", certificate)


# Tags and lengths


@ENCODING("certificate_encoding")
def leaf_as_set(chain: Chain) -> None:
    """The leaf is a SET, and not a SEQUENCE."""
    chain.leaf.make_der = lambda certificate: bytes((der.SET,)) + certificate[1:]


@ENCODING("certificate_encoding", clause=_LENGTH)
def padded_length(chain: Chain) -> None:
    """The length of the leaf is written with a leading zero."""
    # The length of a certificate takes two bytes.
    chain.leaf.make_der = lambda certificate: b"\x30\x83\0" + certificate[2:]


@ENCODING("certificate_encoding", clause=_LENGTH)
def long_form_of_short_length(chain: Chain) -> None:
    """The length of the leaf's serial number is written in two bytes, and fits into one."""
    serial = chain.leaf.serial
    chain.leaf.serial = serial[:1] + b"\x81" + serial[1:]


@ENCODING("certificate_encoding", clause=_LENGTH)
def indefinite_length(chain: Chain) -> None:
    """The length of the leaf is indefinite, as BER allows and DER does not."""
    chain.leaf.make_der = lambda certificate: b"\x30\x80" + certificate[4:] + b"\0\0"


@ENCODING("certificate_encoding", clause="RFC 5280 4.1")
def value_after_signature(chain: Chain) -> None:
    """A NULL follows the signature inside of the leaf."""
    chain.leaf.make_der = _with_parts(lambda parts: parts.append(NULL))


@ENCODING("certificate_encoding")
def unused_bit_in_signature(chain: Chain) -> None:
    """The BIT STRING of the leaf's signature has an unused bit."""

    def change(parts: list[bytes]) -> None:
        start, end = der.whole(parts[2], der.BIT_STRING)
        parts[2] = der.bit_string(parts[2][start + 1 : end] + b"\0", 1)

    chain.leaf.make_der = _with_parts(change)


@ENCODING("certificate_encoding")
def signature_in_octets(chain: Chain) -> None:
    """The leaf's signature is an OCTET STRING, and not a BIT STRING."""

    def change(parts: list[bytes]) -> None:
        start, end = der.whole(parts[2], der.BIT_STRING)
        parts[2] = der.octet_string(parts[2][start + 1 : end])

    chain.leaf.make_der = _with_parts(change)


# What is signed


@ENCODING("certificate_encoding")
def value_after_extensions(chain: Chain) -> None:
    """A NULL follows the extensions inside of what is signed of the leaf."""
    chain.leaf.make_tbs = _with_parts(lambda parts: parts.append(NULL))


@ENCODING("certificate_encoding")
def extensions_field_twice(chain: Chain) -> None:
    """The leaf has its field of extensions twice."""
    chain.leaf.make_tbs = _with_parts(lambda parts: parts.append(parts[-1]))


@ENCODING("certificate_encoding", clause="RFC 5280 4.1.2.9")
def no_extension_among_extensions(chain: Chain) -> None:
    """The leaf has a field of extensions, and there is none in it."""
    nothing = der.tlv(0xA3, der.sequence())
    chain.leaf.extensions.clear()
    chain.leaf.make_tbs = _with_parts(lambda parts: parts.append(nothing))


@ENCODING("certificate_encoding", clause="RFC 5280 4.1.2.1")
def version_4(chain: Chain) -> None:
    """The leaf is of version 4, which there is not."""
    chain.leaf.version = der.tlv(0xA0, der.integer(3))


@ENCODING("certificate_encoding", clause="ITU-T X.690 11.5")
def version_1_written(chain: Chain) -> None:
    """The leaf says that it is of version 1, which is the default and has to be left out."""
    chain.leaf.version = der.tlv(0xA0, der.integer(0))


@ENCODING("certificate_encoding", clause="ITU-T X.690 8.3.2")
def padded_serial(chain: Chain) -> None:
    """The serial number of the leaf has a leading zero that it does not need."""
    chain.leaf.serial = der.tlv(der.INTEGER, b"\0\1")


@ENCODING("certificate_encoding", clause="ITU-T X.690 8.3.1")
def empty_serial(chain: Chain) -> None:
    """The serial number of the leaf has no octet."""
    chain.leaf.serial = der.tlv(der.INTEGER)


@ENCODING("certificate_encoding", clause="ITU-T X.690 11.6")
def unsorted_set(chain: Chain) -> None:
    """The two attributes in one set of the leaf's subject are not in order."""
    first, second = (der.sequence(der.oid("2.5.4.10"), der.printable_or_utf8(name)) for name in ("a", "b"))
    chain.leaf.subject = der.sequence(der.tlv(der.SET, second, first))


@ENCODING("certificate_encoding", clause="RFC 5280 4.1.2.4")
def broken_utf8_in_subject(chain: Chain) -> None:
    """The leaf's subject has a UTF8String whose bytes are Latin-1."""
    attribute = der.sequence(der.oid("2.5.4.10"), der.tlv(der.UTF8_STRING, b"caf\xe9"))
    chain.leaf.subject = der.sequence(der.tlv(der.SET, attribute))


@ENCODING("certificate_encoding", clause="RFC 5280 4.1.2.4")
def empty_set(chain: Chain) -> None:
    """The leaf's subject has a set without attributes."""
    chain.leaf.subject = der.sequence(der.tlv(der.SET))


@ENCODING("certificate_encoding", clause="RFC 5280 4.1.2.7")
def value_after_key(chain: Chain) -> None:
    """A NULL follows the public key of the leaf."""
    chain.leaf.spki = _with_parts(lambda parts: parts.append(NULL))(chain.leaf.spki)


# Extensions


@ENCODING("certificate_encoding", clause="ITU-T X.690 11.1")
def true_as_one(chain: Chain) -> None:
    """The key usage of the leaf is critical by a BOOLEAN of 1, where DER has 255."""
    value = der.octet_string(usage(0))
    chain.leaf.write(KEY_USAGE, der.sequence(der.oid(KEY_USAGE), b"\1\1\1", value))


@ENCODING("certificate_encoding", clause="ITU-T X.690 11.5")
def false_written(chain: Chain) -> None:
    """The basic constraints of the leaf say that they are not critical, which is the default and has to be left out."""
    value = der.octet_string(NO_NAME)
    chain.leaf.write(BASIC_CONSTRAINTS, der.sequence(der.oid(BASIC_CONSTRAINTS), der.boolean(False), value))


@ENCODING("certificate_encoding", clause="ITU-T X.690 11.5")
def no_ca_written(chain: Chain) -> None:
    """The leaf says that it is not a CA certificate, which is the default and has to be left out."""
    chain.leaf.put(BASIC_CONSTRAINTS, der.sequence(der.boolean(False)), critical=True)


@ENCODING("certificate_encoding", depth=1)
def negative_path_length(chain: Chain) -> None:
    """The path length of the intermediate above the leaf is negative."""
    chain.intermediate.put(BASIC_CONSTRAINTS, der.sequence(der.boolean(True), der.integer(-1)), critical=True)


@ENCODING("certificate_encoding")
def byte_after_extension_value(chain: Chain) -> None:
    """A byte follows the key usage of the leaf inside of its OCTET STRING."""
    chain.leaf.put(KEY_USAGE, usage(0) + b"\0", critical=True)


@ENCODING("certificate_encoding")
def value_after_extension_value(chain: Chain) -> None:
    """A NULL follows the OCTET STRING of the leaf's key usage."""
    written = _with_parts(lambda parts: parts.append(NULL))(extension(KEY_USAGE, usage(0), critical=True))
    chain.leaf.write(KEY_USAGE, written)
