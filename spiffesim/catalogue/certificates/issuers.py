"""What can be wrong with the certificates above a leaf."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import (
    ALTERNATIVE_NAMES,
    BASIC_CONSTRAINTS,
    CRL_SIGN,
    DIGITAL_SIGNATURE,
    EXTENDED_KEY_USAGE,
    KEY_CERT_SIGN,
    KEY_USAGE,
    NO_NAME,
    ca,
    dns,
    uri,
    usage,
)
from spiffesim.catalogue.certificates.leaf import CLIENT_AUTH, SERVER_AUTH
from spiffesim.catalogue.shelf import Shelf
from spiffesim.profiles import ca_subject
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der

ISSUERS: Final = Shelf[Chain](X509_SVID)

# CA or not


@ISSUERS("issuer_is_ca", depth=1)
def intermediate_not_ca(chain: Chain) -> None:
    """The intermediate above the leaf is not a CA certificate, but for its key usage."""
    chain.intermediate.put(BASIC_CONSTRAINTS, der.sequence(), critical=True)


@ISSUERS("issuer_is_ca", clause="RFC 5280 6.1.4", depth=1)
def intermediate_without_basic_constraints(chain: Chain) -> None:
    """The intermediate above the leaf has no basic constraints."""
    chain.intermediate.drop(BASIC_CONSTRAINTS)


@ISSUERS("issuer_is_ca", depth=2)
def topmost_intermediate_not_ca(chain: Chain) -> None:
    """The topmost of several intermediates is not a CA certificate, but for its key usage."""
    chain.topmost.put(BASIC_CONSTRAINTS, der.sequence(), critical=True)


# Key usage


@ISSUERS("issuer_key_usage", depth=1)
def intermediate_without_key_usage(chain: Chain) -> None:
    """The intermediate above the leaf has no key usage."""
    chain.intermediate.drop(KEY_USAGE)


@ISSUERS("issuer_key_usage")
def root_without_key_usage(chain: Chain) -> None:
    """The root has no key usage."""
    chain.root.drop(KEY_USAGE)


@ISSUERS("issuer_key_cert_sign", depth=1)
def intermediate_without_key_cert_sign(chain: Chain) -> None:
    """The key usage of the intermediate above the leaf has digitalSignature and cRLSign, and not keyCertSign."""
    chain.intermediate.put(KEY_USAGE, usage(DIGITAL_SIGNATURE, CRL_SIGN), critical=True)


@ISSUERS("issuer_key_cert_sign", clause="RFC 5280 6.1.4")
def root_without_key_cert_sign(chain: Chain) -> None:
    """The key usage of the root has cRLSign and not keyCertSign."""
    chain.root.put(KEY_USAGE, usage(CRL_SIGN), critical=True)


@ISSUERS("issuer_usage_critical", depth=1)
def key_usage_of_intermediate_not_critical(chain: Chain) -> None:
    """The key usage of the intermediate above the leaf, which has a SPIFFE ID, is not critical."""
    chain.intermediate.put(KEY_USAGE, usage(KEY_CERT_SIGN, CRL_SIGN))


@ISSUERS("issuer_usage_critical")
def key_usage_of_root_not_critical(chain: Chain) -> None:
    """The key usage of the root, which has a SPIFFE ID, is not critical."""
    chain.root.put(KEY_USAGE, usage(KEY_CERT_SIGN, CRL_SIGN))


# SPIFFE IDs


@ISSUERS("issuer_one_uri", depth=1)
def intermediate_with_two_ids(chain: Chain) -> None:
    """The intermediate above the leaf has the IDs of two trust domains."""
    chain.intermediate.name(uri("spiffe://example.org"), uri("spiffe://other.example"))


@ISSUERS("issuer_one_uri")
def root_with_two_ids(chain: Chain) -> None:
    """The root has the ID of its trust domain twice."""
    chain.root.name(uri("spiffe://example.org"), uri("spiffe://example.org"))


@ISSUERS("issuer_spiffe_id", depth=1)
def intermediate_with_url(chain: Chain) -> None:
    """The one URI of the intermediate above the leaf is a URL."""
    chain.intermediate.name(uri("https://example.org"))


@ISSUERS("issuer_spiffe_id", clause="SPIFFE-ID 2.2")
def root_with_trailing_slash(chain: Chain) -> None:
    """The ID of the root ends with a slash."""
    chain.root.name(uri("spiffe://example.org/"))


@ISSUERS("issuer_without_path", depth=1)
def intermediate_with_path(chain: Chain) -> None:
    """The ID of the intermediate above the leaf has a path."""
    chain.intermediate.name(uri("spiffe://example.org/ca"))


@ISSUERS("issuer_without_path")
def root_with_path(chain: Chain) -> None:
    """The ID of the root has a path."""
    chain.root.name(uri("spiffe://example.org/ca"))


# Its name


@ISSUERS("issuer_name", depth=1)
def intermediate_without_name(chain: Chain) -> None:
    """The intermediate above the leaf has no subject, and the leaf names no issuer."""
    chain.intermediate.subject = chain.leaf.issuer = NO_NAME


@ISSUERS("issuer_name")
def root_without_name(chain: Chain) -> None:
    """The root has no subject, and what it issued names no issuer."""
    chain.root.subject = chain.topmost.issuer = NO_NAME
    chain.root.issuer = ca_subject(chain.number)  # for else the root would name no issuer, either


# Oddities


@ISSUERS("issuer_spiffe_id", clause="X509-SVID 3.2", answer="accepted")
def issuer_without_id(chain: Chain) -> None:
    """The issuer of the leaf has no alternative names."""
    chain.issuer.drop(ALTERNATIVE_NAMES)


@ISSUERS("issuer_spiffe_id", clause="X509-SVID 3.2", answer="accepted")
def issuer_with_dns_name(chain: Chain) -> None:
    """The issuer of the leaf has a DNS name and no URI."""
    chain.issuer.name(dns("ca.example.org"))


@ISSUERS("issuer_spiffe_id", clause="X509-SVID 3.2", answer="accepted")
def issuer_of_another_trust_domain(chain: Chain) -> None:
    """The issuer of the leaf has the ID of another trust domain."""
    chain.issuer.name(uri("spiffe://other.example"))


@ISSUERS("extended_key_usage", clause="X509-SVID 4.4", answer="accepted")
def issuer_with_purposes(chain: Chain) -> None:
    """The issuer of the leaf has an extended key usage, with the two purposes of a leaf."""
    chain.issuer.put(EXTENDED_KEY_USAGE, der.sequence(SERVER_AUTH, CLIENT_AUTH))


@ISSUERS("critical_extensions", clause="X509-SVID 4.4", answer="accepted")
def issuer_with_critical_purposes(chain: Chain) -> None:
    """The issuer of the leaf has an extended key usage that is critical."""
    chain.issuer.put(EXTENDED_KEY_USAGE, der.sequence(SERVER_AUTH, CLIENT_AUTH), critical=True)


@ISSUERS("issuer_usage_critical", clause="RFC 5280 4.2.1.3", answer="accepted")
def key_usage_of_foreign_root_not_critical(chain: Chain) -> None:
    """The key usage of the root is not critical, and it has no SPIFFE ID."""
    chain.root.put(KEY_USAGE, usage(KEY_CERT_SIGN, CRL_SIGN))
    chain.root.drop(ALTERNATIVE_NAMES)


@ISSUERS("issuer_key_usage", clause="RFC 5280 4.2.1.3", answer="accepted")
def issuer_with_digital_signature(chain: Chain) -> None:
    """The key usage of the leaf's issuer has digitalSignature too."""
    chain.issuer.put(KEY_USAGE, usage(DIGITAL_SIGNATURE, KEY_CERT_SIGN, CRL_SIGN), critical=True)


@ISSUERS("issuer_key_usage", clause="X509-SVID 4.3", answer="accepted")
def issuer_without_crl_sign(chain: Chain) -> None:
    """The key usage of the leaf's issuer has keyCertSign alone."""
    chain.issuer.put(KEY_USAGE, usage(KEY_CERT_SIGN), critical=True)


@ISSUERS("issuer_is_ca", clause="RFC 5280 6.1.4", answer="accepted")
def issuer_constraints_not_critical(chain: Chain) -> None:
    """The basic constraints of the leaf's issuer are not critical."""
    chain.issuer.put(BASIC_CONSTRAINTS, ca())


@ISSUERS("issuer_name", clause="RFC 5280 3.2", answer="accepted", depth=1)
def intermediate_named_like_root(chain: Chain) -> None:
    """The topmost intermediate has the name of the root that issued it, and another key."""
    chain.topmost.subject = chain.root.subject
    chain.draft(chain.depth - 1).issuer = chain.root.subject
