"""The rules that an X.509-SVID and the certificates above it are held to, each with its clause."""

from __future__ import annotations

from typing import Final

from spiffesim.errors import (
    BadSignature,
    ConstraintViolation,
    Expired,
    Malformed,
    NotYetValid,
    UnknownAuthority,
    UntrustedDomain,
)
from spiffesim.spiffe.verdict import Rule, Rulebook

_READ: Final = ("chain_present", "chain_size", "certificate_size", "certificate_encoding")
_SHAPE: Final = (*_READ, "version")
_IDENTITY: Final = ("one_uri", "spiffe_id")
_USAGE: Final = (*_SHAPE, "key_usage_present")
_PATH: Final = (*_READ, "trust_domain", "x509_authorities", "search_budget")

X509_SVID: Final = Rulebook(
    "x509-svid",
    (
        Rule("chain_present", "X509-SVID 5.1", "A certificate is presented.", Malformed),
        # RFC 5280 leaves it to us how much is read; the numbers are those of the module of limits.
        Rule(
            "chain_size",
            "RFC 5280 6.1",
            "No more certificates, and no more octets of them, are presented than are read: 16,384, and 8 MiB.",
            Malformed,
            needs=("chain_present",),
        ),
        Rule(
            "certificate_size",
            "RFC 5280 4.1",
            "No presented certificate has more octets than are read: 256 KiB.",
            Malformed,
            needs=("chain_present", "chain_size"),
        ),
        Rule(
            "certificate_encoding",
            "RFC 5280 4.1",
            "Every presented certificate is exactly one certificate in DER.",
            Malformed,
            needs=("chain_present", "chain_size", "certificate_size"),
        ),
        # What every certificate of the path has to be
        Rule("version", "RFC 5280 4.1.2.1", "It is a certificate of version 3.", Malformed, "certificate", _READ),
        Rule("unique_extensions", "RFC 5280 4.2", "No extension is there twice.", Malformed, "certificate", _READ),
        Rule(
            "serial_number",
            "RFC 5280 4.1.2.2",
            "Its serial number is not negative and has at most 20 octets.",
            Malformed,
            "certificate",
            _READ,
        ),
        Rule("issuer_name", "RFC 5280 4.1.2.4", "It names its issuer.", Malformed, "certificate", _READ),
        Rule(
            "validity_encoding",
            "RFC 5280 4.1.2.5",
            "Its dates are UTCTime through 2049 and GeneralizedTime from 2050.",
            Malformed,
            "certificate",
            _READ,
        ),
        Rule(
            "algorithms_agree",
            "RFC 5280 4.1.1.2",
            "It names the same signature algorithm inside and outside of what is signed.",
            Malformed,
            "certificate",
            _READ,
        ),
        Rule(
            "critical_extensions",
            "RFC 5280 4.2",
            "It has no critical extension that we do not know.",
            ConstraintViolation,
            "certificate",
            _SHAPE,
        ),
        # The leaf
        Rule(
            "one_uri", "X509-SVID 2", "Its alternative names have exactly one URI.", ConstraintViolation, "leaf", _SHAPE
        ),
        Rule(
            "spiffe_id", "X509-SVID 5.2", "The URI is a SPIFFE ID.", ConstraintViolation, "leaf", (*_SHAPE, "one_uri")
        ),
        Rule(
            "spiffe_id_path",
            "X509-SVID 5.2",
            "The SPIFFE ID of a leaf has a path.",
            ConstraintViolation,
            "leaf",
            (*_SHAPE, *_IDENTITY),
        ),
        Rule("leaf_not_ca", "X509-SVID 5.2", "A leaf is not a CA certificate.", ConstraintViolation, "leaf", _SHAPE),
        Rule(
            "leaf_key",
            "RFC 5280 4.2.1.3",
            "The key of a leaf is of a kind that makes signatures, and has the form of its kind.",
            ConstraintViolation,
            "leaf",
            _SHAPE,
        ),
        Rule("key_usage_present", "X509-SVID 4.3", "A leaf has a key usage.", ConstraintViolation, "leaf", _SHAPE),
        Rule(
            "key_usage_critical",
            "X509-SVID 4.3",
            "The key usage of a leaf is critical.",
            ConstraintViolation,
            "leaf",
            _USAGE,
        ),
        Rule(
            "digital_signature",
            "X509-SVID 4.3",
            "The key usage of a leaf has digitalSignature.",
            ConstraintViolation,
            "leaf",
            _USAGE,
        ),
        Rule(
            "no_key_cert_sign",
            "X509-SVID 5.2",
            "The key usage of a leaf is without keyCertSign.",
            ConstraintViolation,
            "leaf",
            _USAGE,
        ),
        Rule(
            "no_crl_sign",
            "X509-SVID 5.2",
            "The key usage of a leaf is without cRLSign.",
            ConstraintViolation,
            "leaf",
            _USAGE,
        ),
        Rule(
            "extended_key_usage",
            "X509-SVID 4.4",
            "The extended key usage of a leaf, if there, has both serverAuth and clientAuth.",
            ConstraintViolation,
            "leaf",
            _SHAPE,
        ),
        Rule(
            "critical_names",
            "X509-SVID 3.1",
            "The alternative names of a leaf are critical where its subject is empty.",
            ConstraintViolation,
            "leaf",
            (*_SHAPE, "one_uri"),
        ),
        # The path
        Rule(
            "trust_domain",
            "X509-SVID 5.1",
            "A bundle is held for the trust domain of the SPIFFE ID.",
            UntrustedDomain,
            needs=(*_READ, *_IDENTITY),
        ),
        Rule(
            "x509_authorities",
            "X509-SVID 6.2",
            "The bundle has X.509 authorities.",
            UnknownAuthority,
            needs=(*_READ, *_IDENTITY, "trust_domain"),
        ),
        Rule(
            "search_budget",
            "RFC 5280 6.1",
            "A path is found, or ruled out, with a bounded number of signature checks.",
            UnknownAuthority,
            needs=(*_READ, *_IDENTITY, "trust_domain", "x509_authorities"),
        ),
        Rule(
            "known_authority",
            "RFC 5280 6.1.3",
            "The chain leads to an authority of the bundle.",
            UnknownAuthority,
            needs=(*_READ, *_IDENTITY, "trust_domain", "x509_authorities", "search_budget"),
        ),
        Rule(
            "signature_algorithm",
            "RFC 5280 4.1.1.2",
            "It is signed with ECDSA, RSA or Ed25519, and SHA-2.",
            ConstraintViolation,
            "signed",
            (*_PATH, "algorithms_agree"),
        ),
        Rule(
            "signing_key",
            "RFC 5280 6.1.4",
            "The key that signed it is one of P-256, P-384, P-521, Ed25519, or RSA of 2048 to 8192 bits.",
            ConstraintViolation,
            "signed",
            _PATH,
        ),
        Rule(
            "signature",
            "RFC 5280 6.1.3",
            "Its signature verifies under the key of its issuer.",
            BadSignature,
            "signed",
            (*_PATH, "algorithms_agree", "signature_algorithm", "signing_key"),
        ),
        # The certificates above the leaf
        Rule(
            "issuer_is_ca",
            "X509-SVID 4.1",
            "An issuer is a CA certificate.",
            ConstraintViolation,
            "issuer",
            (*_SHAPE, "critical_extensions"),
        ),
        Rule("issuer_key_usage", "X509-SVID 4.3", "An issuer has a key usage.", ConstraintViolation, "issuer", _SHAPE),
        Rule(
            "issuer_key_cert_sign",
            "X509-SVID 4.3",
            "The key usage of an issuer has keyCertSign.",
            ConstraintViolation,
            "issuer",
            (*_SHAPE, "issuer_key_usage"),
        ),
        Rule(
            "issuer_usage_critical",
            "X509-SVID 4.3",
            "The key usage of an issuer that has a SPIFFE ID is critical.",
            ConstraintViolation,
            "issuer",
            (*_SHAPE, "issuer_key_usage"),
        ),
        Rule(
            "issuer_one_uri",
            "X509-SVID 3.2",
            "The alternative names of an issuer have at most one URI.",
            ConstraintViolation,
            "issuer",
            _SHAPE,
        ),
        Rule(
            "issuer_spiffe_id",
            "X509-SVID 3.2",
            "The URI of an issuer, if there, is a SPIFFE ID.",
            ConstraintViolation,
            "issuer",
            (*_SHAPE, "issuer_one_uri"),
        ),
        Rule(
            "issuer_without_path",
            "X509-SVID 3.2",
            "The SPIFFE ID of an issuer has no path.",
            ConstraintViolation,
            "issuer",
            (*_SHAPE, "issuer_one_uri", "issuer_spiffe_id"),
        ),
        Rule(
            "path_length",
            "RFC 5280 6.1.4",
            "No more issuers stand below an issuer than its path length allows; self-issued ones do not count.",
            ConstraintViolation,
            "issuer",
            _SHAPE,
        ),
        Rule(
            "name_constraints_known",
            "RFC 5280 4.2.1.10",
            "The name constraints of an issuer are of forms that we process.",
            ConstraintViolation,
            "issuer",
            _SHAPE,
        ),
        Rule(
            "name_constraints",
            "X509-SVID 4.2",
            "All names below an issuer lie within its name constraints.",
            ConstraintViolation,
            "issuer",
            (*_SHAPE, "name_constraints_known"),
        ),
        # The time
        Rule("not_before", "RFC 5280 6.1.3", "It has begun.", NotYetValid, "certificate", _READ),
        Rule("not_after", "RFC 5280 6.1.3", "It has not ended.", Expired, "certificate", _READ),
    ),
)
