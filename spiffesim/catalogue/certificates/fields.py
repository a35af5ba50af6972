"""What can be wrong with the version, the serial number and the extensions of any certificate."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import ALTERNATIVE_NAMES, KEY_USAGE, Draft, extension, uri
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.limits import MAX_CERTIFICATE

FIELDS: Final = Shelf[Chain](X509_SVID)

_UNKNOWN: Final = "1.3.6.1.4.1.99999.1"
_VALUE: Final = b"\x05\x00"
_VERSION_2: Final = der.tlv(0xA0, der.integer(1))
_LONGEST: Final = (1 << 160) - 1  # 20 octets, not counting the zero that keeps it positive


def _twice(draft: Draft, oid: str) -> None:
    """Put an extension once more at the end."""
    draft.extensions += [(known, written) for known, written in draft.extensions if known == oid]


# The version


@FIELDS("version")
def leaf_of_version_1(chain: Chain) -> None:
    """The leaf is of version 1, and has extensions all the same."""
    chain.leaf.version = b""


@FIELDS("version")
def leaf_of_version_2(chain: Chain) -> None:
    """The leaf is of version 2, and has extensions all the same."""
    chain.leaf.version = _VERSION_2


@FIELDS("version", depth=1)
def intermediate_of_version_1(chain: Chain) -> None:
    """The intermediate above the leaf is of version 1, and has extensions all the same."""
    chain.intermediate.version = b""


@FIELDS("version")
def root_of_version_2(chain: Chain) -> None:
    """The root is of version 2, and has extensions all the same."""
    chain.root.version = _VERSION_2


# The serial number


@FIELDS("serial_number")
def negative_serial(chain: Chain) -> None:
    """The serial number of the leaf is negative."""
    chain.leaf.serial = der.integer(-chain.number - 1)


@FIELDS("serial_number", depth=1)
def negative_serial_of_intermediate(chain: Chain) -> None:
    """The serial number of the intermediate above the leaf is negative."""
    chain.intermediate.serial = der.integer(-chain.number - 1)


@FIELDS("serial_number")
def negative_serial_of_root(chain: Chain) -> None:
    """The serial number of the root is negative."""
    chain.root.serial = der.integer(-chain.number - 1)


def _longest_serial(chain: Chain) -> None:
    chain.leaf.serial = der.integer(_LONGEST)


@FIELDS("serial_number", repair=_longest_serial)
def serial_of_21_octets(chain: Chain) -> None:
    """The serial number of the leaf is the first that takes 21 octets."""
    chain.leaf.serial = der.integer(_LONGEST + 1)


@FIELDS("serial_number", depth=1)
def serial_of_21_octets_of_intermediate(chain: Chain) -> None:
    """The serial number of the intermediate above the leaf has 21 octets."""
    chain.intermediate.serial = der.integer(_LONGEST + 1)


# Extensions that are there twice


@FIELDS("unique_extensions")
def key_usage_twice(chain: Chain) -> None:
    """The leaf has its key usage twice."""
    _twice(chain.leaf, KEY_USAGE)


@FIELDS("unique_extensions")
def second_names(chain: Chain) -> None:
    """The leaf has a second extension of alternative names, with another SPIFFE ID."""
    second = extension(ALTERNATIVE_NAMES, der.sequence(uri(chain.spiffe_id + "/admin")))
    chain.leaf.extensions.append((ALTERNATIVE_NAMES, second))


@FIELDS("unique_extensions")
def unknown_extension_twice(chain: Chain) -> None:
    """The leaf has an extension twice that nobody knows, and that is not critical."""
    chain.leaf.put(_UNKNOWN, _VALUE)
    _twice(chain.leaf, _UNKNOWN)


@FIELDS("unique_extensions", depth=1)
def key_usage_of_intermediate_twice(chain: Chain) -> None:
    """The intermediate above the leaf has its key usage twice."""
    _twice(chain.intermediate, KEY_USAGE)


@FIELDS("unique_extensions")
def names_of_root_twice(chain: Chain) -> None:
    """The root has its alternative names twice."""
    _twice(chain.root, ALTERNATIVE_NAMES)


# Critical extensions


@FIELDS("critical_extensions")
def unknown_critical_extension(chain: Chain) -> None:
    """The leaf has a critical extension that nobody knows."""
    chain.leaf.put(_UNKNOWN, _VALUE, critical=True)


@FIELDS("critical_extensions", clause="RFC 5280 6.1.4", depth=1)
def unknown_critical_extension_of_intermediate(chain: Chain) -> None:
    """The intermediate above the leaf has a critical extension that nobody knows."""
    chain.intermediate.put(_UNKNOWN, _VALUE, critical=True)


@FIELDS("critical_extensions")
def unknown_critical_extension_of_root(chain: Chain) -> None:
    """The root has a critical extension that nobody knows."""
    chain.root.put(_UNKNOWN, _VALUE, critical=True)


@FIELDS("certificate_size")
def certificate_too_large(chain: Chain) -> None:
    """The leaf has an extension, not critical, that alone has as many bytes as are read of a certificate."""
    chain.leaf.put(_UNKNOWN, der.octet_string(bytes(MAX_CERTIFICATE)))


# Oddities


@FIELDS("serial_number", clause="RFC 5280 4.1.2.2", answer="accepted")
def serial_zero(chain: Chain) -> None:
    """The serial number of the leaf is 0."""
    chain.leaf.serial = der.integer(0)


@FIELDS("serial_number", clause="RFC 5280 4.1.2.2", answer="accepted")
def serial_of_20_octets(chain: Chain) -> None:
    """The serial number of the leaf has 20 octets and the zero before them that keeps it positive."""
    _longest_serial(chain)


@FIELDS("critical_extensions", clause="RFC 5280 4.2", answer="accepted")
def unknown_extension(chain: Chain) -> None:
    """The leaf has an extension that nobody knows, and that is not critical."""
    chain.leaf.put(_UNKNOWN, _VALUE)


@FIELDS("critical_extensions", clause="RFC 5280 4.2", answer="accepted")
def unknown_extension_of_issuer(chain: Chain) -> None:
    """The issuer of the leaf has an extension that nobody knows, and that is not critical."""
    chain.issuer.put(_UNKNOWN, _VALUE)


@FIELDS("critical_extensions", clause="RFC 5280 4.2", answer="accepted")
def large_unknown_extension(chain: Chain) -> None:
    """The leaf has an extension of 100,000 bytes that nobody knows, and that is not critical."""
    chain.leaf.put(_UNKNOWN, der.octet_string(bytes(100_000)))


@FIELDS("unique_extensions", clause="RFC 5280 4.2", answer="accepted")
def extensions_in_another_order(chain: Chain) -> None:
    """The extensions of the leaf stand in the opposite of the usual order."""
    chain.leaf.extensions.reverse()
