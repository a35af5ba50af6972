"""What is wrong with one certificate alone; each problem breaks a chain in rules/test_x509.py."""

from __future__ import annotations

from typing import Any

import pytest

from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509.certificate import Certificate, read_certificate
from spiffesim.spiffe.x509.problems import Problem, issuer_problems, leaf_problems
from tests.oracles import asn1
from tests.oracles import certificates as make
from tests.oracles.certificates import TD, WEB

ROOT = make.root()


def leaf(**changes: Any) -> Certificate:
    return read_certificate(make.leaf(ROOT, **changes).der)


def ca(**changes: Any) -> Certificate:
    return read_certificate(make.intermediate(ROOT, **changes).der)


def names(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.rule for problem in problems]


def test_a_certificate_is_fit_for_the_one_place_or_the_other() -> None:
    assert names(leaf_problems(leaf())) == []
    assert names(issuer_problems(ca())) == []
    assert names(leaf_problems(ca())) == [
        "spiffe_id_path",
        "leaf_not_ca",
        "digital_signature",
        "no_key_cert_sign",
        "no_crl_sign",
    ]
    assert names(issuer_problems(leaf())) == ["issuer_is_ca", "issuer_key_cert_sign", "issuer_without_path"]


def test_problems_are_worked_out_once() -> None:
    certificate = leaf(usage=None)
    assert leaf_problems(certificate) is leaf_problems(certificate)
    assert issuer_problems(certificate) is issuer_problems(certificate)


def test_of_what_a_stranger_repeats_a_few_are_told() -> None:
    unknown = tuple(asn1.extension(f"2a{arc:02x}", b"", critical=True) for arc in range(60))
    many = read_certificate(asn1.remade(make.leaf(ROOT).der, ROOT.key, extensions=unknown * 2))
    told = names(leaf_problems(many))
    assert told.count("unique_extensions") == told.count("critical_extensions") == 8


def test_of_another_version_nothing_else_is_said() -> None:
    old = read_certificate(asn1.remade(make.leaf(ROOT, uris=(), usage=None).der, ROOT.key, version=b""))
    assert names(leaf_problems(old)) == ["version"]
    assert names(issuer_problems(old)) == ["version"]


@pytest.mark.parametrize(
    ("certificate", "rule", "facts"),
    [
        (leaf(uris=(WEB, TD)), "one_uri", {"uris": (WEB, TD)}),
        (leaf(uris=("https://a",)), "spiffe_id", {"uri": "https://a"}),
        (leaf(purposes=make.BOTH[:1]), "extended_key_usage", {"missing": "clientAuth"}),
        (leaf(usage=None), "key_usage_present", {}),
    ],
)
def test_a_problem_carries_what_it_is_made_of(certificate: Certificate, rule: str, facts: dict[str, Any]) -> None:
    (problem,) = leaf_problems(certificate)
    assert (problem.rule, dict(problem.facts)) == (rule, facts)
    assert X509_SVID[rule].scope == "leaf"


def test_a_problem_of_an_issuers_names_carries_them() -> None:
    (many,) = issuer_problems(ca(uris=(TD, "https://example.org")))
    assert many == ("issuer_one_uri", "has 2 URIs among its alternative names", {"uris": (TD, "https://example.org")})
    (other,) = issuer_problems(ca(uris=("https://example.org",)))
    assert (other.rule, other.facts) == ("issuer_spiffe_id", {"uri": "https://example.org"})
    (workload,) = issuer_problems(ca(uris=(WEB,)))
    assert workload.text == f"has the SPIFFE ID {WEB}; that of a CA certificate has no path"
    assert workload.facts == {"issuer_id": SpiffeId(WEB)}


def test_usages_that_are_for_others_are_told() -> None:
    assert ("no_key_cert_sign", "has keyCertSign, which is for CA certificates", {}) in leaf_problems(ca())
    assert ("issuer_key_cert_sign", "has a key usage without keyCertSign", {}) in issuer_problems(leaf())
