"""Every rule of an X.509-SVID, broken alone, beside chains that break none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from spiffesim import errors
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.validation import examine_x509_svid, validate_x509_svid
from spiffesim.spiffe.x509.limits import MAX_CERTIFICATE, MAX_CHAIN
from tests.oracles import asn1, verifiers
from tests.oracles import certificates as make
from tests.oracles.certificates import AT, DAY, TD, WEB, Issued

SECOND = timedelta(seconds=1)
ROOT = make.root()
INTERMEDIATE = make.intermediate(ROOT)
LEAF = make.leaf(INTERMEDIATE)

UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
SERVER, CLIENT = make.BOTH


@attrs.frozen
class Case:
    """A chain, the authorities, an instant; and the one rule that the chain breaks, if it breaks one.

    Attributes:
        what: What is wrong with it, or what is odd about it though it is right.
        chain: The presented certificates.
        roots: The authorities of the bundle.
        rule: The rule that it breaks.
        depth: Where it breaks; None for the document.
        says: Part of the message.
        error: What is raised.
        at: The instant.
        trust_domain: Whose bundle it is.
    """

    what: str
    chain: Sequence[bytes]
    roots: Sequence[bytes] = (ROOT.der,)
    rule: str = ""
    depth: int | None = None
    says: str = ""
    error: type[errors.ValidationError] = errors.ConstraintViolation
    at: datetime = AT
    trust_domain: str = "example.org"

    @property
    def bundle(self) -> SpiffeBundle:
        return SpiffeBundle(self.trust_domain, self.roots)


def leaf(**changes: Any) -> list[bytes]:
    """A chain whose leaf is changed."""
    return make.ders(make.leaf(INTERMEDIATE, **changes), INTERMEDIATE)


def leaf_of(*uris: str, **changes: Any) -> list[bytes]:
    """A chain whose leaf has other URIs, perhaps none."""
    return leaf(uris=uris, **changes)


def raw_leaf(**changes: Any) -> list[bytes]:
    """A chain whose leaf has other DER values, and a signature over them."""
    return [asn1.remade(LEAF.der, INTERMEDIATE.key, **changes), INTERMEDIATE.der]


def issuer(**changes: Any) -> list[bytes]:
    """A chain whose intermediate is changed."""
    above = make.intermediate(ROOT, **changes)
    return make.ders(make.leaf(above), above)


def raw_issuer(**changes: Any) -> list[bytes]:
    """A chain whose intermediate has other DER values, and a signature over them."""
    return [LEAF.der, asn1.remade(INTERMEDIATE.der, ROOT.key, **changes)]


def authority(**changes: Any) -> dict[str, Any]:
    """A chain of one, and the authority above it, which is changed."""
    root = make.root(**changes)
    return {"chain": make.ders(make.leaf(root)), "roots": make.ders(root)}


def deep(*path_lengths: int | None, **of_the_last: Any) -> list[bytes]:
    """A chain with an intermediate for each path length, the topmost first."""
    above, chain = ROOT, []
    for number, path_length in enumerate(path_lengths, 1):
        changes = of_the_last if number == len(path_lengths) else {}
        above = make.intermediate(above, f"tier {number}", constraints=(True, path_length), **changes)
        chain.append(above)
    return make.ders(make.leaf(above), *reversed(chain))


def constrained(
    *permitted: x509.GeneralName, excluded: Sequence[x509.GeneralName] | None = None, critical: bool = True
) -> list[bytes]:
    """A chain whose intermediate has name constraints."""
    return issuer(extensions=[(x509.NameConstraints(permitted or None, excluded), critical)])


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def nameless() -> dict[str, Any]:
    """An authority without a name, so that its leaf does not name its issuer."""
    return authority(subject=make.named(""), issuer=make.named("elsewhere"))


def decoys(*, identified: bool) -> dict[str, Any]:
    """A leaf below one of 1,200 authorities that share a name."""
    root = make.root(key_id=b"" if identified else None)
    parts = asn1.Parts.of(make.root(key=make.key("decoy"), key_id=None).der)
    others = [attrs.evolve(parts, serial=asn1.tlv(2, b"\x01" + n.to_bytes(4, "big"))).der for n in range(1_200)]
    svid = make.leaf(root, authority_key_id=b"" if identified else None)
    return {"chain": [svid.der], "roots": [*others, root.der]}


def signed_with(algorithm: bytes, digest: hashes.HashAlgorithm) -> list[bytes]:
    parts = attrs.evolve(asn1.Parts.of(LEAF.der), inner_algorithm=algorithm, outer_algorithm=algorithm)
    return [asn1.signed(parts, INTERMEDIATE.key, digest), INTERMEDIATE.der]


def extensions(of: Issued) -> tuple[bytes, ...]:
    return asn1.Parts.of(of.der).extensions


def padded(octets: int) -> bytes:
    """A certificate of this many octets, which has nothing to do with the others."""

    def padding(size: int) -> bytes:
        return attrs.evolve(asn1.Parts.of(ROOT.der), extensions=(asn1.extension("2a0304", bytes(size)),)).der

    made = padding(octets - len(padding(100_000)) + 100_000)
    assert len(made) == octets
    return made


def generalized(*texts: bytes) -> bytes:
    return asn1.sequence(*(asn1.tlv(0x18, text) for text in texts))


BROKEN = [
    Case("nothing", [], rule="chain_present", says="no certificate is presented", error=errors.Malformed),
    Case(
        "one certificate too many",
        [LEAF.der, *[INTERMEDIATE.der] * MAX_CHAIN],
        rule="chain_size",
        says="the chain has 16385 certificates, 1 more than the 16384 that are read; present only",
        error=errors.Malformed,
    ),
    Case(
        "certificates of too many octets together",
        [*leaf(), *[padded(MAX_CERTIFICATE)] * 32],
        rule="chain_size",
        says="more than the 8388608 that are read",
        error=errors.Malformed,
    ),
    Case(
        "a certificate of too many octets",
        [*leaf(), padded(MAX_CERTIFICATE + 1)],
        rule="certificate_size",
        says="in certificate 2 of the chain, a certificate has 262145 octets, 1 more than the 262144 that are read",
        error=errors.Malformed,
    ),
    Case(
        "a byte after the leaf",
        [LEAF.der + b"\0", INTERMEDIATE.der],
        rule="certificate_encoding",
        says="in certificate 0 of the chain",
        error=errors.Malformed,
    ),
    Case(
        "an intermediate that is cut off",
        [LEAF.der, INTERMEDIATE.der[:-1]],
        rule="certificate_encoding",
        says="in certificate 1 of the chain",
        error=errors.Malformed,
    ),
    # Every certificate
    Case(
        "a leaf of version 1", raw_leaf(version=b""), rule="version", depth=0, says="1, not 3", error=errors.Malformed
    ),
    Case(
        "an intermediate of version 2",
        raw_issuer(version=bytes.fromhex("a003020101")),
        rule="version",
        depth=1,
        says="2, not 3",
        error=errors.Malformed,
    ),
    Case(
        "a key usage that is there twice",
        raw_leaf(extensions=(*extensions(LEAF), extensions(LEAF)[0])),
        rule="unique_extensions",
        depth=0,
        says="has the extension 2.5.29.15 more than once",
        error=errors.Malformed,
    ),
    Case(
        "a negative serial number",
        raw_leaf(serial=b"\x02\x01\xff"),
        rule="serial_number",
        depth=0,
        says="is negative",
        error=errors.Malformed,
    ),
    Case(
        "a serial number of 21 octets",
        raw_issuer(serial=asn1.tlv(2, b"\x01" + bytes(20))),
        rule="serial_number",
        depth=1,
        says="has 21 octets, more than 20",
        error=errors.Malformed,
    ),
    Case(
        "an issuer without a name",
        **nameless(),
        rule="issuer_name",
        depth=0,
        says="does not name its issuer",
        error=errors.Malformed,
    ),
    Case(
        "GeneralizedTime before 2050",
        raw_leaf(validity=generalized(b"20291231000000Z", b"20300102000000Z")),
        rule="validity_encoding",
        depth=0,
        says="a date before 2050 as GeneralizedTime",
        error=errors.Malformed,
    ),
    Case(
        "SHA-384 inside and SHA-256 outside",
        raw_leaf(inner_algorithm=asn1.ECDSA_SHA384),
        rule="algorithms_agree",
        depth=0,
        says="one signature algorithm inside and another one outside",
        error=errors.Malformed,
    ),
    Case(
        "an unknown critical extension in the leaf",
        leaf(extensions=[(UNKNOWN, True)]),
        rule="critical_extensions",
        depth=0,
        says="spiffe://example.org/web has the unknown critical extension 1.3.6.1.4.1.99999.1",
    ),
    Case(
        "an unknown critical extension in an intermediate",
        issuer(extensions=[(UNKNOWN, True)]),
        rule="critical_extensions",
        depth=1,
        says="intermediate 1 of the chain of spiffe://example.org/web has the unknown critical",
    ),
    Case(
        "an unknown critical extension in an authority",
        **authority(extensions=[(UNKNOWN, True)]),
        rule="critical_extensions",
        depth=1,
        says="the authority of example.org above spiffe://example.org/web has the unknown critical",
    ),
    # The leaf
    Case("two IDs", leaf_of(WEB, f"{TD}/db"), rule="one_uri", depth=0, says="has 2 URIs"),
    Case("an ID and another URI", leaf_of(WEB, "https://example.org/"), rule="one_uri", depth=0, says="has 2 URIs"),
    Case("the same ID twice", leaf_of(WEB, WEB), rule="one_uri", depth=0, says="has 2 URIs"),
    Case("a DNS name only", leaf_of(names=[x509.DNSName("web")]), rule="one_uri", depth=0, says="number 1 has 0 URIs"),
    Case("no names", leaf_of(), rule="one_uri", depth=0, says="has 0 URIs"),
    Case("a URL", leaf_of("https://example.org/web"), rule="spiffe_id", depth=0, says="scheme is missing or invalid"),
    Case(
        "an ID in upper case", leaf_of("spiffe://Example.org/web"), rule="spiffe_id", depth=0, says="lowercase letters"
    ),
    Case("an ID with a query", leaf_of(f"{WEB}?a=b"), rule="spiffe_id", depth=0, says="path segment characters"),
    Case("an ID of 2,100 bytes", leaf_of(f"{TD}/{'a' * 2080}"), rule="spiffe_id", depth=0, says="more than 2048"),
    Case("the ID of a trust domain", leaf_of(TD), rule="spiffe_id_path", depth=0, says="the ID of a trust domain"),
    Case(
        "a leaf that is a CA", leaf(constraints=(True, None)), rule="leaf_not_ca", depth=0, says="is a CA certificate"
    ),
    Case(
        "a key for key agreement",
        leaf(key=x25519.X25519PrivateKey.from_private_bytes(bytes(32))),
        rule="leaf_key",
        depth=0,
        says="spiffe://example.org/web has a key for X25519, which makes no signatures",
    ),
    Case("no key usage", leaf(usage=None), rule="key_usage_present", depth=0, says="has no key usage"),
    Case(
        "a lax key usage", leaf(usage_critical=False), rule="key_usage_critical", depth=0, says="that is not critical"
    ),
    Case(
        "a key that may not sign",
        leaf(usage=["key_encipherment"]),
        rule="digital_signature",
        depth=0,
        says="without digitalSignature",
    ),
    Case(
        "a leaf that may sign certificates",
        leaf(usage=["digital_signature", "key_cert_sign"]),
        rule="no_key_cert_sign",
        depth=0,
        says="has keyCertSign",
    ),
    Case(
        "a leaf that may sign revocation lists",
        leaf(usage=["digital_signature", "crl_sign"]),
        rule="no_crl_sign",
        depth=0,
        says="has cRLSign",
    ),
    Case("for servers only", leaf(purposes=[SERVER]), rule="extended_key_usage", depth=0, says="without clientAuth"),
    Case("for clients only", leaf(purposes=[CLIENT]), rule="extended_key_usage", depth=0, says="without serverAuth"),
    Case(
        "for everything and nothing in particular",
        leaf(purposes=[ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
        rule="extended_key_usage",
        depth=0,
        says="without serverAuth and clientAuth",
    ),
    Case(
        "no subject, and names that are not critical",
        leaf(subject=make.named("")),
        rule="critical_names",
        depth=0,
        says="has an empty subject and alternative names that are not critical",
    ),
    # The path
    Case(
        "a bundle of another trust domain",
        make.ders(LEAF, INTERMEDIATE),
        rule="trust_domain",
        says="no bundle is held for trust domain example.org",
        error=errors.UntrustedDomain,
        trust_domain="other.org",
    ),
    Case(
        "a bundle without authorities",
        make.ders(LEAF, INTERMEDIATE),
        roots=[],
        rule="x509_authorities",
        says="has no X.509 authorities",
        error=errors.UnknownAuthority,
    ),
    Case(
        "1,200 authorities that may all have issued it",
        **decoys(identified=False),
        rule="search_budget",
        says="within 1001 signature checks",
        error=errors.UnknownAuthority,
    ),
    Case(
        "no intermediate",
        make.ders(LEAF),
        rule="known_authority",
        says=f"was issued by the CA with key {INTERMEDIATE.key_id.hex()}, which is neither presented nor",
        error=errors.UnknownAuthority,
    ),
    Case(
        "a root of their own",
        make.ders(LEAF, INTERMEDIATE, ROOT),
        roots=make.ders(make.root("another")),
        rule="known_authority",
        says="intermediate 2 of the chain of spiffe://example.org/web signed itself, and is not among the 1 X.509",
        error=errors.UnknownAuthority,
    ),
    Case(
        "SHA-1",
        signed_with(asn1.ECDSA_SHA1, hashes.SHA1()),
        rule="signature_algorithm",
        depth=0,
        says="ECDSA with SHA-1",
    ),
    Case(
        "a key on the curve secp256k1",
        **authority(key=make.key("root", "k256")),
        rule="signing_key",
        depth=0,
        says="which has a key that is not one of P-256, P-384, P-521, RSA and Ed25519",
    ),
    Case(
        "an RSA key of 1,024 bits",
        **authority(key=make.key("root", "rsa-1024")),
        rule="signing_key",
        depth=0,
        says="which has an RSA key of 1024 bits, 1024 fewer than 2048",
    ),
    Case(
        "a forged leaf",
        [asn1.forged(LEAF.der), INTERMEDIATE.der],
        rule="signature",
        depth=0,
        says="the signature of spiffe://example.org/web does not verify under the key of intermediate 1",
        error=errors.BadSignature,
    ),
    Case(
        "a forged intermediate",
        [LEAF.der, asn1.forged(INTERMEDIATE.der)],
        rule="signature",
        depth=1,
        says="does not verify under the key of the authority of example.org",
        error=errors.BadSignature,
    ),
    # The certificates above the leaf
    Case(
        "a leaf above a leaf",
        issuer(constraints=(False, None)),
        rule="issuer_is_ca",
        depth=1,
        says="intermediate 1 of the chain of spiffe://example.org/web is not a CA certificate",
    ),
    Case(
        "no basic constraints", issuer(constraints=None), rule="issuer_is_ca", depth=1, says="is not a CA certificate"
    ),
    Case("an issuer without key usage", issuer(usage=None), rule="issuer_key_usage", depth=1, says="has no key usage"),
    Case(
        "an issuer that may not sign certificates",
        issuer(usage=["digital_signature", "crl_sign"]),
        rule="issuer_key_cert_sign",
        depth=1,
        says="without keyCertSign",
    ),
    Case(
        "an issuer with an ID whose key usage is not critical",
        issuer(usage_critical=False),
        rule="issuer_usage_critical",
        depth=1,
        says="has a SPIFFE ID and a key usage that is not critical",
    ),
    Case("an issuer with two IDs", issuer(uris=[TD, TD]), rule="issuer_one_uri", depth=1, says="has 2 URIs"),
    Case("an issuer's URL", issuer(uris=["https://a.org"]), rule="issuer_spiffe_id", depth=1, says="not a SPIFFE ID"),
    Case(
        "an issuer with the ID of a workload",
        issuer(uris=[f"{TD}/ca"]),
        rule="issuer_without_path",
        depth=1,
        says="has the SPIFFE ID spiffe://example.org/ca; that of a CA certificate has no path",
    ),
    Case(
        "one CA too many below",
        deep(0, None),
        rule="path_length",
        depth=2,
        says="allows 0 CA certificates below it, 1 fewer than the 1 there",
    ),
    Case(
        "two CAs too many below the authority",
        chain=deep(None, None, None),
        roots=make.ders(make.root(constraints=(True, 1))),
        rule="path_length",
        depth=4,
        says="allows 1 CA certificates below it, 2 fewer than the 3 there",
    ),
    Case(
        "a constraint on directory names",
        constrained(x509.DirectoryName(make.named("workload"))),
        rule="name_constraints_known",
        depth=1,
        says="has a critical directoryName constraint",
    ),
    Case(
        "a name that is not permitted",
        constrained(uri("other.org")),
        rule="name_constraints",
        depth=1,
        says="spiffe://example.org/web is not within the permitted other.org",
    ),
    Case(
        "a name that is excluded",
        constrained(excluded=[uri("example.org")]),
        rule="name_constraints",
        depth=1,
        says="spiffe://example.org/web is within the excluded example.org",
    ),
    # The time
    Case(
        "a leaf a second early",
        leaf(not_before=AT + SECOND),
        rule="not_before",
        depth=0,
        says="spiffe://example.org/web begins in 0:00:01 (not before 12:00:01Z, now 12:00:00Z)",
        error=errors.NotYetValid,
    ),
    Case(
        "a leaf an hour late",
        leaf(not_after=AT - timedelta(hours=1)),
        rule="not_after",
        depth=0,
        says="spiffe://example.org/web expired 1:00:00 ago (not after 11:00:00Z, now 12:00:00Z)",
        error=errors.Expired,
    ),
    Case(
        "an intermediate that has ended",
        issuer(not_after=AT - SECOND),
        rule="not_after",
        depth=1,
        says="intermediate 1 of the chain of spiffe://example.org/web expired 0:00:01 ago",
        error=errors.Expired,
    ),
    Case(
        "an authority that has not begun",
        **authority(not_before=AT + SECOND),
        rule="not_before",
        depth=1,
        says="the authority of example.org above spiffe://example.org/web begins in 0:00:01",
        error=errors.NotYetValid,
    ),
]
RIGHT = [
    Case("as it should be", make.ders(LEAF, INTERMEDIATE)),
    Case("below the authority itself", **authority()),
    Case("at its first instant", make.ders(LEAF, INTERMEDIATE), at=AT - DAY),
    Case("at its last instant", make.ders(LEAF, INTERMEDIATE), at=AT + DAY),
    Case("three deep", deep(None, None, None)),
    Case("as deep as it may be", deep(2, 1, 0)),
    Case("a serial number of 20 octets", raw_leaf(serial=asn1.tlv(2, b"\0" + b"\xff" * 20))),
    Case("an unknown extension that is not critical", leaf(extensions=[(UNKNOWN, False)])),
    Case("no subject, and critical names", leaf(subject=make.named(""), names_critical=True)),
    Case("no extended key usage", leaf(purposes=None)),
    Case("a critical extended key usage", leaf(purposes_critical=True)),
    Case("a DNS name beside the ID", leaf(names=[x509.DNSName("web.example.org")])),
    Case("no basic constraints", leaf(constraints=None)),
    Case("no key identifiers", leaf(key_id=None, authority_key_id=None)),
    Case("an ID of 2,048 bytes", leaf_of(f"{TD}/{'a' * 2027}")),
    Case("an intermediate without URI", issuer(uris=[])),
    Case("an intermediate without URI whose key usage is not critical", issuer(uris=[], usage_critical=False)),
    Case("an intermediate of another trust domain", issuer(uris=["spiffe://other.org"])),
    Case("an intermediate whose constraints are not critical", issuer(constraints_critical=False)),
    Case("an authority that did not sign itself", make.ders(LEAF), roots=make.ders(INTERMEDIATE)),
    Case("GeneralizedTime from 2050", leaf(not_after=AT.replace(year=2050))),
    Case("1,200 authorities, of which one has the right key identifier", **decoys(identified=True)),
    Case("a certificate of as many octets as are read", [*leaf(), padded(MAX_CERTIFICATE)]),
    *(
        Case(f"a leaf with a key of type {kind}", leaf(key=make.key("workload", kind)))
        for kind in ("p384", "p521", "k256", "ed25519", "rsa-1024", "rsa-2048")
    ),
    Case("SHA-384", leaf(digest=hashes.SHA384())),
    Case("SHA-512", leaf(digest=hashes.SHA512())),
    *(
        Case(f"an authority with a key of type {kind}", **authority(key=make.key("root", kind)))
        for kind in ("p384", "p521", "ed25519", "rsa-2048")
    ),
    Case("a name that is permitted", constrained(uri("example.org"))),
    Case("names that are not excluded", constrained(excluded=[uri("other.org")])),
    Case(
        "a constraint on directory names that may be ignored",
        constrained(x509.DirectoryName(make.named("a")), critical=False),
    ),
]


# Right chains that another verifier refuses, and why.
CRYPTOGRAPHY_REFUSES = {
    "an authority with a key of type ed25519": "it takes no such CA",
    "a name that is permitted": "it knows no URI constraints",
    "names that are not excluded": "as above",
}
OPENSSL_REFUSES = {
    "at its last instant": "before version 4 it is too late then",
    "1,200 authorities, of which one has the right key identifier": "it does not try a second one",
    "a constraint on directory names that may be ignored": "it applies it",
}
# Broken chains that another verifier accepts, and why.
CRYPTOGRAPHY_ACCEPTS = {
    "a serial number of 21 octets": "it counts the octets of the encoding, leading zero included",
    "an ID of 2,100 bytes": "the limit is SPIFFE's",
    "a bundle of another trust domain": "it does not choose the bundle",
    "one certificate too many": "the limit is ours",
    "certificates of too many octets together": "the limit is ours",
    "a certificate of too many octets": "the limit is ours",
    "a key for key agreement": "it does not look at the key of a leaf",
}
# Broken chains on which the versions of another verifier differ, and from when on it refuses them.
CRYPTOGRAPHY_VARIES = {
    "1,200 authorities that may all have issued it": "since it counts signatures",
    "a constraint on directory names": "since it refuses constraints that it does not know",
}
# The rules that are RFC 5280's and that OpenSSL applies unasked.
OPENSSL_RULES = {
    "unique_extensions",
    "algorithms_agree",
    "critical_extensions",
    "known_authority",
    "signature",
    "issuer_is_ca",
    "issuer_key_cert_sign",
    "path_length",
    "name_constraints",
    "not_before",
    "not_after",
}

OTHERS = [
    *(("cryptography", case, case.what not in CRYPTOGRAPHY_REFUSES) for case in RIGHT),
    *(
        ("cryptography", case, case.what in CRYPTOGRAPHY_ACCEPTS)
        for case in BROKEN
        if case.chain and case.roots and case.what not in CRYPTOGRAPHY_VARIES
    ),
]
if verifiers.OPENSSL is not None:
    OTHERS += [("openssl", case, True) for case in RIGHT if case.what not in OPENSSL_REFUSES]
    OTHERS += [("openssl", case, False) for case in BROKEN if case.rule in OPENSSL_RULES]


def name(case: Case) -> str:
    return f"{case.rule}: {case.what}" if case.rule else case.what


@pytest.mark.parametrize("case", BROKEN, ids=name)
def test_each_rule_is_broken_alone(case: Case) -> None:
    verdict = examine_x509_svid(case.chain, case.bundle, at=case.at)
    assert [(failure.name, failure.depth) for failure in verdict.failures] == [(case.rule, case.depth)]
    assert case.says in str(verdict.failures[0].detail)
    assert not verdict.ok

    with pytest.raises(case.error) as caught:
        validate_x509_svid(case.chain, case.bundle, at=case.at)
    assert caught.value.code == case.rule
    assert caught.value.clause == X509_SVID[case.rule].clause
    assert caught.value.verdict == verdict
    assert case.says in str(caught.value)


def test_as_many_certificates_as_are_read_are_read() -> None:
    assert examine_x509_svid([LEAF.der, *[INTERMEDIATE.der] * (MAX_CHAIN - 1)], Case("", []).bundle, at=AT).ok


def test_every_rule_is_broken_by_some_chain() -> None:
    assert {case.rule for case in BROKEN} == {rule.name for rule in X509_SVID.rules}


@pytest.mark.parametrize("case", RIGHT, ids=name)
def test_what_breaks_no_rule_is_accepted(case: Case) -> None:
    accepted = validate_x509_svid(case.chain, case.bundle, at=case.at)
    assert accepted.member_of("example.org")
    verdict = examine_x509_svid(case.chain, case.bundle, at=case.at)
    assert verdict.ok
    assert verdict.spiffe_id == accepted
    assert {answer.answer for answer in verdict.rules} <= {"passed", "not_reached"}


@pytest.mark.parametrize(
    ("verifier", "case", "accepts"), OTHERS, ids=[f"{verifier}-{name(case)}" for verifier, case, _ in OTHERS]
)
def test_others_judge_alike(verifier: str, case: Case, accepts: bool) -> None:
    judge = verifiers.openssl_accepts if verifier == "openssl" else verifiers.cryptography_accepts
    assert judge(case.chain, case.roots, case.at) is accepts


def test_a_rule_that_hangs_on_a_broken_one_has_no_answer() -> None:
    verdict = examine_x509_svid(leaf_of(), Case("", []).bundle, at=AT)
    answers = {answer.name: answer.answer for answer in verdict.rules}
    assert answers["one_uri"] == "failed"
    assert answers["spiffe_id"] == answers["trust_domain"] == answers["signature"] == "not_reached"
    assert answers["digital_signature"] == answers["not_after"] == "passed"
    assert verdict.spiffe_id is None


def test_what_is_wrong_with_an_issuer_leaves_the_rules_of_the_leaf_answered() -> None:
    verdict = examine_x509_svid(raw_issuer(version=bytes.fromhex("a003020101")), Case("", []).bundle, at=AT)
    answers = {(answer.name, answer.depth): answer.answer for answer in verdict.rules}
    assert answers["version", 1] == "failed"
    assert answers["trust_domain", None] == answers["known_authority", None] == answers["signature", 1] == "passed"
    assert answers["issuer_is_ca", 1] == "not_reached"
    assert answers["issuer_is_ca", 2] == "passed"


def test_several_broken_rules_are_all_told_and_the_first_is_raised() -> None:
    chain = [
        make.leaf(INTERMEDIATE, usage=["key_encipherment"], purposes=[SERVER], not_after=AT - SECOND).der,
        make.intermediate(ROOT, uris=[f"{TD}/ca"], not_after=AT - SECOND).der,
    ]
    verdict = examine_x509_svid(chain, Case("", []).bundle, at=AT)
    assert [(failure.name, failure.depth) for failure in verdict.failures] == [
        ("digital_signature", 0),
        ("extended_key_usage", 0),
        ("issuer_without_path", 1),
        ("not_after", 0),
        ("not_after", 1),
    ]
    with pytest.raises(errors.ConstraintViolation, match="digitalSignature"):
        validate_x509_svid(chain, Case("", []).bundle, at=AT)


def test_every_rule_cites_a_standard_and_says_what_it_demands() -> None:
    for rule in X509_SVID.rules:
        assert rule.clause.startswith(("X509-SVID ", "RFC 5280 "))
        assert rule.sentence.endswith(".")
        assert all(X509_SVID[needed] for needed in rule.needs)
