"""Every rule of an X.509-SVID, broken alone, beside the chain that breaks none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from spiffesim import errors
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.validation import examine_x509_svid, validate_x509_svid
from spiffesim.spiffe.x509_rules import X509_SVID
from tests.oracles import asn1, verifiers
from tests.oracles import certificates as make
from tests.oracles.certificates import AT, DAY, HOUR, TD, WEB, Issued

ROOT = make.root()
INTERMEDIATE = make.intermediate(ROOT)
LEAF = make.leaf(INTERMEDIATE)
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
SECOND = timedelta(seconds=1)


@attrs.frozen
class Case:
    """A chain that breaks one rule.

    Attributes:
        rule: The rule.
        depth: Where it breaks; None for the document.
        chain: The presented certificates.
        error: What is raised.
        says: Part of the message.
        bundle: The authorities.
        at: The instant.
        accepted_by_others: Whether OpenSSL accepts the chain; it has no rules for leaves.
    """

    rule: str
    depth: int | None
    chain: Sequence[bytes]
    error: type[errors.ValidationError]
    says: str
    bundle: SpiffeBundle
    at: datetime = AT


def case(
    rule: str,
    depth: int | None,
    error: type[errors.ValidationError],
    says: str,
    *chain: Issued | bytes,
    roots: Sequence[Issued | bytes] = (ROOT,),
    trust_domain: str = "example.org",
    at: datetime = AT,
) -> Case:
    bundle = SpiffeBundle(trust_domain, _ders(roots))
    return Case(rule, depth, _ders(chain), error, says, bundle, at)


def _ders(certificates: Sequence[Issued | bytes]) -> tuple[bytes, ...]:
    return tuple(each.der if isinstance(each, Issued) else each for each in certificates)


def under(signer: Issued, **changes: object) -> bytes:
    """The leaf with raw values changed, signed again."""
    return asn1.remade(make.leaf(signer).der, signer.key, **changes)


def issuer(**changes: object) -> tuple[Issued, Issued]:
    """A leaf below an intermediate that is changed."""
    above = make.intermediate(ROOT, **changes)
    return make.leaf(above), above


def raw_issuer(**changes: object) -> tuple[Issued, Issued]:
    """A leaf below an intermediate whose raw values are changed."""
    above = Issued(asn1.remade(INTERMEDIATE.der, ROOT.key, **changes), INTERMEDIATE.key)
    return make.leaf(INTERMEDIATE), above


def extensions_of(issued: Issued) -> tuple[bytes, ...]:
    return asn1.Parts.of(issued.der).extensions


def signed_with(algorithm: bytes, digest: hashes.HashAlgorithm) -> bytes:
    parts = attrs.evolve(asn1.Parts.of(LEAF.der), inner_algorithm=algorithm, outer_algorithm=algorithm)
    return asn1.signed(parts, INTERMEDIATE.key, digest)


def generalized(*texts: bytes) -> bytes:
    return asn1.sequence(*(asn1.tlv(0x18, text) for text in texts))


def below_another_key(kind: str) -> Case:
    root = make.root(key=make.key("root", kind))
    return case(
        "signing_key", 0, errors.ConstraintViolation, "which has a", make.leaf(root), roots=[root]
    )


def nameless() -> Case:
    """An authority without a name, whose leaf therefore does not name its issuer."""
    authority = make.root("", issuer=make.named("elsewhere"))
    return case("issuer_name", 0, errors.Malformed, "does not name its issuer", make.leaf(authority), roots=[authority])


def decoys() -> Case:
    """A leaf without authority key identifier below one of 1,100 authorities with the same name."""
    parts = attrs.evolve(asn1.Parts.of(make.root(key_id=None, key=make.key("decoy")).der))
    others = [attrs.evolve(parts, serial=asn1.tlv(2, b"\x01" + n.to_bytes(4, "big"))).der for n in range(1_100)]
    svid = make.leaf(make.root(key_id=make.key_id("root")), authority_key_id=None)
    root = make.root(key_id=None)
    return case("search_budget", None, errors.UnknownAuthority, "within 1001", svid, roots=[*others, root])


def constrained(permitted: Sequence[x509.GeneralName]) -> tuple[Issued, Issued]:
    return issuer(extensions=[(x509.NameConstraints(permitted, None), True)])


CASES = [
    case("chain_present", None, errors.Malformed, "no certificate is presented"),
    case("certificate_encoding", None, errors.Malformed, "in certificate 0 of the chain", LEAF.der + b"\0", INTERMEDIATE),
    case("certificate_encoding", None, errors.Malformed, "in certificate 1 of the chain", LEAF, INTERMEDIATE.der[:-1]),
    # Every certificate
    case("version", 0, errors.Malformed, "version 1, not 3", under(INTERMEDIATE, version=b""), INTERMEDIATE),
    case("version", 1, errors.Malformed, "version 2", *raw_issuer(version=bytes.fromhex("a003020101"))),
    case(
        "unique_extensions",
        0,
        errors.Malformed,
        "has the extension 2.5.29.15 more than once",
        under(INTERMEDIATE, extensions=(*extensions_of(LEAF), extensions_of(LEAF)[0])),
        INTERMEDIATE,
    ),
    case("serial_number", 0, errors.Malformed, "is negative", under(INTERMEDIATE, serial=b"\x02\x01\xff"), INTERMEDIATE),
    case(
        "serial_number",
        1,
        errors.Malformed,
        "has 21 octets, more than 20",
        *raw_issuer(serial=asn1.tlv(2, b"\x01" + bytes(20))),
    ),
    nameless(),
    case(
        "validity_encoding",
        0,
        errors.Malformed,
        "before 2050 as GeneralizedTime",
        under(INTERMEDIATE, validity=generalized(b"20291231000000Z", b"20300102000000Z")),
        INTERMEDIATE,
    ),
    case(
        "algorithms_agree",
        0,
        errors.Malformed,
        "one signature algorithm inside and another one outside",
        under(INTERMEDIATE, inner_algorithm=asn1.ECDSA_SHA384),
        INTERMEDIATE,
    ),
    case(
        "critical_extensions",
        0,
        errors.ConstraintViolation,
        "unknown critical extension 1.3.6.1.4.1.99999.1",
        make.leaf(INTERMEDIATE, extensions=[(UNKNOWN, True)]),
        INTERMEDIATE,
    ),
    case(
        "critical_extensions",
        1,
        errors.ConstraintViolation,
        "intermediate 1 of the chain of spiffe://example.org/web has the unknown critical",
        *issuer(extensions=[(UNKNOWN, True)]),
    ),
    case(
        "critical_extensions",
        1,
        errors.ConstraintViolation,
        "the authority of example.org above spiffe://example.org/web has the unknown critical",
        LEAF_BELOW_UNKNOWN := make.leaf(UNKNOWN_ROOT := make.root(extensions=[(UNKNOWN, True)])),
        roots=[UNKNOWN_ROOT],
    ),
]
