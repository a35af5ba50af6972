"""What can be wrong with what a leaf is for."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import (
    BASIC_CONSTRAINTS,
    CRL_SIGN,
    DIGITAL_SIGNATURE,
    EXTENDED_KEY_USAGE,
    KEY_AGREEMENT,
    KEY_CERT_SIGN,
    KEY_ENCIPHERMENT,
    KEY_USAGE,
    ca,
    usage,
)
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der

LEAF: Final = Shelf[Chain](X509_SVID)

SERVER_AUTH: Final = der.oid("1.3.6.1.5.5.7.3.1")
CLIENT_AUTH: Final = der.oid("1.3.6.1.5.5.7.3.2")
_CODE_SIGNING: Final = der.oid("1.3.6.1.5.5.7.3.3")
_ANY_PURPOSE: Final = der.oid("2.5.29.37.0")


def _purposes(chain: Chain, *purposes: bytes, critical: bool = False) -> None:
    chain.leaf.put(EXTENDED_KEY_USAGE, der.sequence(*purposes), critical=critical)


def _usage(chain: Chain, *bits: int) -> None:
    chain.leaf.put(KEY_USAGE, usage(*bits), critical=True)


@LEAF("leaf_not_ca", clause="X509-SVID 4.1")
def leaf_is_ca(chain: Chain) -> None:
    """The leaf is a CA certificate."""
    chain.leaf.put(BASIC_CONSTRAINTS, ca(), critical=True)


@LEAF("leaf_not_ca")
def leaf_is_ca_of_none(chain: Chain) -> None:
    """The leaf is a CA certificate, below which no other CA may stand."""
    chain.leaf.put(BASIC_CONSTRAINTS, ca(0), critical=True)


# Key usage


@LEAF("key_usage_present")
def no_key_usage(chain: Chain) -> None:
    """The leaf has no key usage."""
    chain.leaf.drop(KEY_USAGE)


@LEAF("key_usage_critical")
def key_usage_not_critical(chain: Chain) -> None:
    """The key usage of the leaf is not critical."""
    chain.leaf.put(KEY_USAGE, usage(DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, KEY_AGREEMENT))


@LEAF("digital_signature")
def no_digital_signature(chain: Chain) -> None:
    """The key usage of the leaf has keyEncipherment and keyAgreement, and not digitalSignature."""
    _usage(chain, KEY_ENCIPHERMENT, KEY_AGREEMENT)


@LEAF("digital_signature", clause="RFC 5280 4.2.1.3")
def empty_key_usage(chain: Chain) -> None:
    """The key usage of the leaf has not one bit."""
    chain.leaf.put(KEY_USAGE, der.bit_string(b""), critical=True)


@LEAF("no_key_cert_sign", clause="X509-SVID 4.3")
def leaf_may_sign_certificates(chain: Chain) -> None:
    """The key usage of the leaf has keyCertSign."""
    _usage(chain, DIGITAL_SIGNATURE, KEY_CERT_SIGN)


@LEAF("no_crl_sign", clause="X509-SVID 4.3")
def leaf_may_sign_revocations(chain: Chain) -> None:
    """The key usage of the leaf has cRLSign."""
    _usage(chain, DIGITAL_SIGNATURE, CRL_SIGN)


# Extended key usage


@LEAF("extended_key_usage")
def only_for_servers(chain: Chain) -> None:
    """The extended key usage of the leaf has serverAuth alone."""
    _purposes(chain, SERVER_AUTH)


@LEAF("extended_key_usage")
def only_for_clients(chain: Chain) -> None:
    """The extended key usage of the leaf has clientAuth alone."""
    _purposes(chain, CLIENT_AUTH)


@LEAF("extended_key_usage")
def for_any_purpose(chain: Chain) -> None:
    """The extended key usage of the leaf has anyExtendedKeyUsage alone."""
    _purposes(chain, _ANY_PURPOSE)


@LEAF("extended_key_usage")
def for_code_signing(chain: Chain) -> None:
    """The extended key usage of the leaf has codeSigning alone, and is critical."""
    _purposes(chain, _CODE_SIGNING, critical=True)


# Oddities


@LEAF("leaf_not_ca", clause="RFC 5280 4.2.1.9", answer="accepted")
def no_basic_constraints(chain: Chain) -> None:
    """The leaf has no basic constraints, and so is no CA certificate."""
    chain.leaf.drop(BASIC_CONSTRAINTS)


@LEAF("leaf_not_ca", clause="RFC 5280 4.2.1.9", answer="accepted")
def basic_constraints_not_critical(chain: Chain) -> None:
    """The basic constraints of the leaf are not critical."""
    chain.leaf.put(BASIC_CONSTRAINTS, der.sequence())


@LEAF("digital_signature", clause="X509-SVID 4.3", answer="accepted")
def only_digital_signature(chain: Chain) -> None:
    """The key usage of the leaf has digitalSignature alone."""
    _usage(chain, DIGITAL_SIGNATURE)


@LEAF("extended_key_usage", clause="X509-SVID 4.4", answer="accepted")
def no_extended_key_usage(chain: Chain) -> None:
    """The leaf has no extended key usage."""
    chain.leaf.drop(EXTENDED_KEY_USAGE)


@LEAF("extended_key_usage", clause="X509-SVID 4.4", answer="accepted")
def critical_extended_key_usage(chain: Chain) -> None:
    """The extended key usage of the leaf is critical."""
    _purposes(chain, SERVER_AUTH, CLIENT_AUTH, critical=True)


@LEAF("extended_key_usage", clause="X509-SVID 4.4", answer="accepted")
def more_purposes(chain: Chain) -> None:
    """The extended key usage of the leaf has another purpose before the two that it needs."""
    _purposes(chain, _CODE_SIGNING, CLIENT_AUTH, SERVER_AUTH)
