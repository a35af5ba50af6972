"""Name constraints on URIs and DNS names; expectations are RFC 5280's, and OpenSSL's where it is there."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import attrs
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from spiffesim.spiffe.x509.certificate import read_certificate
from spiffesim.spiffe.x509.constraints import constrained, effort
from tests.oracles import asn1, verifiers
from tests.oracles import certificates as make
from tests.oracles.asn1 import sequence, tlv
from tests.oracles.certificates import AT, Issued

ROOT = make.root()


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def dns(text: str) -> x509.GeneralName:
    return x509.DNSName(text)


def ca(permitted: Sequence[x509.GeneralName], excluded: Sequence[x509.GeneralName], critical: bool = True) -> Issued:
    constraints = x509.NameConstraints(permitted or None, excluded or None)
    return make.intermediate(ROOT, uris=(), extensions=[(constraints, critical)])


def raw_ca(value: bytes, *, critical: bool = True) -> Issued:
    """A CA with name constraints that no builder makes."""
    extension = asn1.extension("551d1e", value, critical=critical)
    plain = make.intermediate(ROOT, uris=())
    parts = asn1.Parts.of(plain.der)
    return Issued(asn1.remade(plain.der, ROOT.key, extensions=(*parts.extensions, extension)), plain.key)


def judged(issuer: Issued, *path: Issued) -> list[tuple[int, bool, str]]:
    return list(constrained(read_certificate(issuer.der), [read_certificate(each.der) for each in path]))


@attrs.frozen
class Case:
    permitted: Sequence[x509.GeneralName]
    excluded: Sequence[x509.GeneralName]
    uris: Sequence[str]
    names: Sequence[x509.GeneralName]
    reason: str | None
    openssl: bool = True  # whether OpenSSL judges alike


WEB = "spiffe://example.org/web"
CASES = {
    "the host itself": Case([uri("example.org")], [], [WEB], [], None),
    "one of two hosts": Case([uri("other.org"), uri("example.org")], [], [WEB], [], None),
    "another host": Case([uri("other.org")], [], [WEB], [], f"{WEB} is not within the permitted other.org"),
    "not one of two": Case(
        [uri("a.org"), uri("b.org")], [], [WEB], [], f"{WEB} is not within the permitted a.org, b.org"
    ),
    "a host below is another host": Case([uri("example.org")], [], ["spiffe://a.example.org/web"], [], "is not within"),
    "any host below": Case([uri(".example.org")], [], ["spiffe://a.example.org/web"], [], None),
    "any host two below": Case([uri(".example.org")], [], ["spiffe://b.a.example.org/web"], [], None),
    "a host is not below itself": Case(
        [uri(".example.org")], [], [WEB], [], "is not within the permitted .example.org"
    ),
    "the end of another name": Case([uri("example.org")], [], ["spiffe://badexample.org/web"], [], "is not within"),
    "a host that is excluded": Case([], [uri("example.org")], [WEB], [], f"{WEB} is within the excluded example.org"),
    "a host below one that is excluded": Case([], [uri(".example.org")], ["spiffe://a.example.org/w"], [], "is within"),
    "a host that is not excluded": Case([], [uri("other.org")], [WEB], [], None),
    "permitted and excluded": Case([uri("example.org")], [uri("example.org")], [WEB], [], "is within the excluded"),
    "letters of either case": Case([uri("EXAMPLE.org")], [], [WEB], [], None),
    "no URI at all": Case([uri("other.org")], [], [], [dns("web")], None),
    "no URI constraint": Case([dns("web")], [], [WEB], [], None),
    "a URI without a host": Case([uri("example.org")], [], ["urn:a:b"], [], "urn:a:b has no host name to hold against"),
    "a URI with an address": Case(
        [uri("example.org")], [], ["http://10.0.0.1/"], [], "has no host name", openssl=False
    ),
    "a URI with another address": Case(
        [], [uri("example.org")], ["http://[::1]/"], [], "has no host name", openssl=False
    ),
    "a URI that is none": Case([], [uri("example.org")], ["http://[::1/"], [], "has no host name", openssl=False),
    "a URI without a host, and no constraint": Case([dns("web")], [], ["urn:a:b"], [], None),
    "the DNS name itself": Case([dns("example.org")], [], [], [dns("example.org")], None),
    "a DNS name below": Case([dns("example.org")], [], [], [dns("a.example.org")], None),
    "a DNS name beside": Case([dns("example.org")], [], [], [dns("badexample.org")], "badexample.org is not within"),
    "a DNS name below a dot": Case([dns(".example.org")], [], [], [dns("a.example.org")], None),
    "every DNS name": Case([dns("")], [], [], [dns("a.org")], None),
    "a DNS name that is nothing but the end": Case(
        [dns(".example.org")], [], [], [dns(".example.org")], ".example.org has no host name", openssl=False
    ),
    "a DNS name that ends in a dot": Case(
        [], [dns("example.org")], [], [dns("a.example.org.")], "a.example.org. has no host name", openssl=False
    ),
    "a DNS name with an empty part": Case(
        [dns("example.org")], [], [], [dns("a..example.org")], "a..example.org has no host name", openssl=False
    ),
    "a DNS name that ends in a dot, and no constraint": Case([uri("example.org")], [], [], [dns("a.org.")], None),
    "no DNS name": Case([], [dns("")], [], [dns("a.org")], "a.org is within the excluded "),
    "a DNS name in capitals": Case([dns("example.org")], [], [], [dns("A.Example.ORG")], None),
    "the second DNS name": Case([dns("a.org")], [], [], [dns("a.org"), dns("b.org")], "b.org is not within"),
    "a wildcard for what is excluded": Case(
        [], [dns("a.example.org")], [], [dns("*.example.org")], "*.example.org is within the excluded", openssl=False
    ),
    "a wildcard for what is permitted": Case([dns("example.org")], [], [], [dns("*.example.org")], None),
    "both forms": Case([uri("example.org"), dns("web")], [], [WEB], [dns("web")], None),
}


@pytest.mark.parametrize("what", CASES)
def test_names_are_held_against_constraints(what: str) -> None:
    case = CASES[what]
    issuer = ca(case.permitted, case.excluded)
    found = judged(issuer, make.leaf(issuer, uris=case.uris, names=case.names))
    assert [applied for _, applied, _ in found] == [True] * (case.reason is not None)
    if case.reason is not None:
        assert case.reason in found[0][2]


OPENSSL_CASES = [what for what, case in CASES.items() if case.openssl and verifiers.OPENSSL]


@pytest.mark.parametrize("what", OPENSSL_CASES or ["the host itself"])
def test_openssl_judges_alike(what: str) -> None:
    case = CASES[what]
    issuer = ca(case.permitted, case.excluded)
    leaf = make.leaf(issuer, uris=case.uris, names=case.names)
    accepted = not judged(issuer, leaf)
    assert accepted == (case.reason is None)
    if verifiers.OPENSSL:
        assert verifiers.openssl_accepts(make.ders(leaf, issuer), [ROOT.der], AT) == accepted


@pytest.mark.parametrize(("count", "told"), [(8, "7.org"), (9, "7.org and 1 more"), (11, "7.org and 3 more")])
def test_of_many_permitted_hosts_eight_are_told(count: int, told: str) -> None:
    hosts = [f"{number}.org" for number in range(count)]
    ((_, _, reason),) = judged(ca([uri(host) for host in hosts], []), make.leaf(ROOT, WEB))
    assert reason == f"{WEB} is not within the permitted {', '.join(hosts[:7])}, {told}"


def test_a_ca_without_constraints_forbids_nothing() -> None:
    assert judged(make.intermediate(ROOT), make.leaf(ROOT)) == []
    assert effort(read_certificate(ROOT.der), [read_certificate(make.leaf(ROOT).der)]) == 0


def test_every_certificate_below_is_held_against_them() -> None:
    issuer = ca([uri("example.org")], [])
    stranger = make.intermediate(issuer, "below", uris=["spiffe://evil.org"])
    leaf = make.leaf(stranger)
    assert judged(issuer, leaf, stranger) == [(1, True, "spiffe://evil.org is not within the permitted example.org")]
    assert judged(issuer, leaf, make.intermediate(issuer, "below")) == []


def test_a_self_issued_certificate_is_passed_over_unless_it_is_the_leaf() -> None:
    issuer = ca([uri("example.org")], [])
    again = make.intermediate(issuer, uris=["spiffe://evil.org"])  # of the same name as its issuer
    assert judged(issuer, make.leaf(again), again) == []
    leaf = make.leaf(issuer, "spiffe://evil.org/web", subject=issuer.subject)
    assert [depth for depth, _, _ in judged(issuer, leaf)] == [0]


def test_the_effort_is_every_name_held_against_every_constraint() -> None:
    issuer = ca([uri("a.org"), uri("b.org")], [uri("c.org")])
    path = [read_certificate(make.leaf(issuer, names=[dns("a"), dns("b")]).der), read_certificate(ROOT.der)]
    assert effort(read_certificate(issuer.der), path) == ((1 + 3) + (1 + 1)) * 3


def test_long_names_are_more_effort() -> None:
    issuer = ca([uri("a.org")], [])
    leaf = read_certificate(make.leaf(issuer, names=[dns("a" * 10_240)]).der)
    assert effort(read_certificate(issuer.der), [leaf]) == 1 + 2 + 10


@pytest.mark.parametrize(("length", "reason"), [(256, None), (257, "has no host name to hold against")])
def test_a_name_that_is_longer_than_any_host_is_none(length: int, reason: str | None) -> None:
    issuer = ca([dns("org")], [])
    found = judged(issuer, make.leaf(issuer, names=[dns("a" * (length - 4) + ".org")]))
    assert [applied for _, applied, _ in found] == [True] * (reason is not None)
    assert all(reason is not None and reason in text for _, _, text in found)


HOST = tlv(0x86, b"example.org")


@pytest.mark.parametrize(
    ("value", "critical", "reason"),
    [
        (
            tlv(0xA0, sequence(HOST, tlv(0x80, b"\1"))),
            True,
            "uniformResourceIdentifier constraint with a minimum or a max",
        ),
        (tlv(0xA1, sequence(HOST, tlv(0x81, b"\1"))), False, "uniformResourceIdentifier constraint with a minimum or"),
        (tlv(0xA0, sequence(tlv(0x86, b"spiffe://example.org"))), True, "that is not a host: 'spiffe://example.org'"),
        (tlv(0xA0, sequence(tlv(0x86, b""))), True, "constraint that is not a host: ''"),
        (tlv(0xA0, sequence(tlv(0x82, b"a b"))), True, "dNSName constraint that is not a host: 'a b'"),
        (
            tlv(0xA0, sequence(tlv(0xA4, sequence()))),
            True,
            "critical directoryName constraint, a form of name that is not",
        ),
        (tlv(0xA0, sequence(tlv(0x87, bytes(8)))), True, "critical iPAddress constraint"),
        (tlv(0xA1, sequence(tlv(0x81, b"example.org"))), True, "critical rfc822Name constraint"),
    ],
)
def test_constraints_that_cannot_be_applied(value: bytes, critical: bool, reason: str) -> None:
    issuer = raw_ca(sequence(value), critical=critical)
    leaf = make.leaf(
        issuer, names=[x509.IPAddress(ip_address("10.0.0.1")), x509.RFC822Name("a@example.org"), dns("web")]
    )
    ((depth, applied, found),) = judged(issuer, leaf)
    assert (depth, applied) == (0, False)
    assert reason in found


@pytest.mark.parametrize(
    ("form", "critical"),
    [
        (tlv(0xA4, sequence()), True),
        (tlv(0x87, bytes(8)), True),
        (tlv(0x81, b"example.org"), True),
        (tlv(0xA0, tlv(6, b"\x2a\x03"), tlv(0xA0, b"\5\0")), True),
        (tlv(0x81, b"example.org"), False),
        (tlv(0xA4, sequence()), False),
    ],
)
def test_constraints_on_forms_that_nobody_below_has_are_passed_over(form: bytes, critical: bool) -> None:
    issuer = raw_ca(sequence(tlv(0xA1, sequence(form))), critical=critical)
    assert judged(issuer, make.leaf(issuer, subject=make.named("" if critical else "a"))) == []


def test_an_address_in_the_subject_is_a_name_too() -> None:
    issuer = raw_ca(sequence(tlv(0xA1, sequence(tlv(0x81, b"example.org")))))
    address = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@example.org")])
    ((_, applied, reason),) = judged(issuer, make.leaf(issuer, subject=address))
    assert not applied
    assert "critical rfc822Name constraint" in reason


@pytest.mark.parametrize(("length", "applied"), [(255, True), (256, True), (257, False)])
def test_a_constraint_longer_than_any_host_is_not_held_against_names(length: int, applied: bool) -> None:
    issuer = ca([], [dns("a" * length)])
    found = judged(issuer, make.leaf(issuer, names=[dns("a" * length)]))
    assert [was_applied for _, was_applied, _ in found] == [applied]
    assert len(found[0][2]) < 600
