"""What is wrong with one certificate, whatever the time and whatever stands around it.

Worked out once a certificate, for the place that it has: a leaf, or an issuer above one.

Spec: RFC 5280 4, X509-SVID 2 to 5
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from spiffesim.errors import InvalidSpiffeId
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.x509 import extensions as ext
from spiffesim.spiffe.x509.certificate import Certificate
from spiffesim.spiffe.x509.der import needs_generalized
from spiffesim.spiffe.x509.publickey import leaf_key_problem

_MOST_TOLD: Final = 8  # of those that a stranger may repeat ten thousand times


class Problem(NamedTuple):
    """A rule that one certificate breaks on its own.

    Attributes:
        rule: The name of the rule.
        text: What is wrong, to follow the name of the certificate: ``"has no key usage"``.
        facts: What the text was made of.
    """

    rule: str
    text: str
    facts: Mapping[str, Any] = MappingProxyType({})


def leaf_problems(certificate: Certificate) -> tuple[Problem, ...]:
    """Every rule that a certificate breaks on its own when it is presented as a leaf."""
    if certificate.leaf_problems is None:
        certificate.leaf_problems = (*_any(certificate), *_leaf(certificate))
    return certificate.leaf_problems


def issuer_problems(certificate: Certificate) -> tuple[Problem, ...]:
    """Every rule that a certificate breaks on its own when it stands above a leaf."""
    if certificate.issuer_problems is None:
        certificate.issuer_problems = (*_any(certificate), *_issuer(certificate))
    return certificate.issuer_problems


def _any(certificate: Certificate) -> Iterator[Problem]:
    if certificate.version != 3:
        yield Problem("version", f"is a certificate of version {certificate.version}, not 3")
    for name in certificate.extensions.repeated[:_MOST_TOLD]:
        yield Problem("unique_extensions", f"has the extension {name} more than once", {"extension": name})
    octets = (certificate.serial.bit_length() + 7) // 8
    if certificate.serial < 0 or octets > 20:
        shown = "is negative" if certificate.serial < 0 else f"has {octets} octets, more than 20"
        yield Problem("serial_number", f"has a serial number that {shown}", {"serial": certificate.serial})
    if certificate.issuer == b"\x30\x00":
        yield Problem("issuer_name", "does not name its issuer")
    instants = certificate.not_before, certificate.not_after
    if any(utc == needs_generalized(instant) for utc, instant in zip(certificate.utc_times, instants, strict=True)):
        yield Problem("validity_encoding", "has a date before 2050 as GeneralizedTime")
    if certificate.signature_algorithm != certificate.inner_algorithm:
        yield Problem("algorithms_agree", "names one signature algorithm inside and another one outside")
    for name in certificate.extensions.unknown_critical[:_MOST_TOLD]:
        yield Problem("critical_extensions", f"has the unknown critical extension {name}", {"extension": name})


def _leaf(certificate: Certificate) -> Iterator[Problem]:
    if certificate.version == 3:
        yield from _leaf_names(certificate)
        if certificate.is_ca:
            yield Problem("leaf_not_ca", "is a CA certificate, which is no identity; present the leaf first")
        reason = leaf_key_problem(certificate.spki)
        if reason is not None:
            yield Problem("leaf_key", reason)
        yield from _leaf_usage(certificate)


def _leaf_names(certificate: Certificate) -> Iterator[Problem]:
    uris = certificate.uris
    if len(uris) != 1:
        yield Problem("one_uri", f"has {len(uris)} URIs among its alternative names, not exactly one", {"uris": uris})
        return
    try:
        if not certificate.spiffe_id.path:
            yield Problem("spiffe_id_path", "is the ID of a trust domain, which no workload may present")
    except InvalidSpiffeId as error:
        yield Problem("spiffe_id", f"has a URI that is not a SPIFFE ID: {error}", {"uri": uris[0]})
    if not certificate.has_subject and not certificate.extensions.present[ext.ALTERNATIVE_NAMES]:
        yield Problem("critical_names", "has an empty subject and alternative names that are not critical")


def _leaf_usage(certificate: Certificate) -> Iterator[Problem]:
    usage = certificate.key_usage
    if usage is None:
        yield Problem("key_usage_present", "has no key usage")
    else:
        if not certificate.extensions.present[ext.KEY_USAGE]:
            yield Problem("key_usage_critical", "has a key usage that is not critical")
        if not usage & ext.DIGITAL_SIGNATURE:
            yield Problem("digital_signature", "has a key usage without digitalSignature")
        if usage & ext.KEY_CERT_SIGN:
            yield Problem("no_key_cert_sign", "has keyCertSign, which is for CA certificates")
        if usage & ext.CRL_SIGN:
            yield Problem("no_crl_sign", "has cRLSign, which is for CA certificates")
    purposes = certificate.extensions.extended_key_usage
    if purposes is not None and not {ext.SERVER_AUTH, ext.CLIENT_AUTH} <= {*purposes}:
        wanted = (("serverAuth", ext.SERVER_AUTH), ("clientAuth", ext.CLIENT_AUTH))
        missing = " and ".join(name for name, purpose in wanted if purpose not in purposes)
        yield Problem("extended_key_usage", f"has an extended key usage without {missing}", {"missing": missing})


def _issuer(certificate: Certificate) -> Iterator[Problem]:
    if certificate.version != 3:
        return
    if not certificate.is_ca:
        yield Problem("issuer_is_ca", "is not a CA certificate")
    if certificate.key_usage is None:
        yield Problem("issuer_key_usage", "has no key usage")
    else:
        if not certificate.key_usage & ext.KEY_CERT_SIGN:
            yield Problem("issuer_key_cert_sign", "has a key usage without keyCertSign")
        # X509-SVID 4.3 speaks of SVIDs: a CA from elsewhere, which RFC 5280 lets have it either way, has no SPIFFE ID.
        if certificate.uris and not certificate.extensions.present[ext.KEY_USAGE]:
            yield Problem("issuer_usage_critical", "has a SPIFFE ID and a key usage that is not critical")
    # What its extended key usage says, critical or not, is nobody's concern here: X509-SVID 4.4 demands one of leaves,
    # and by RFC 5280 4.2.1.12 it says what its own key is for, not what the certificates below it are.
    uris = certificate.uris
    if len(uris) > 1:
        yield Problem("issuer_one_uri", f"has {len(uris)} URIs among its alternative names", {"uris": uris})
    elif uris:
        yield from _issuer_id(uris[0])


def _issuer_id(uri: str) -> Iterator[Problem]:
    try:
        spiffe_id = SpiffeId(uri)
    except InvalidSpiffeId as error:
        yield Problem("issuer_spiffe_id", f"has a URI that is not a SPIFFE ID: {error}", {"uri": uri})
        return
    if spiffe_id.path:
        yield Problem(
            "issuer_without_path",
            f"has the SPIFFE ID {spiffe_id}; that of a CA certificate has no path",
            {"issuer_id": spiffe_id},
        )
