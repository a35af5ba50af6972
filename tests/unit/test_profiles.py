"""SPIRE's certificate profiles and claims, against cryptography's builder and Go's."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from spiffesim.profiles import (
    JWT_HEADER,
    WIT_HEADER,
    ca_subject,
    downstream_subject,
    jwt_claims,
    svid_subject,
    wit_claims,
)
from tests.oracles import golang, issuing

KEY_TYPES = {"ec-p256": 20, "ec-p384": 2, "rsa-2048": 2, "rsa-4096": 0.2}


# Certificates


def test_thousands_of_certificates_equal_those_of_cryptographys_builder() -> None:
    chance, seen = random.Random(7), Counter[Any]()
    for _ in range(2500):
        case = issuing.random_case(chance, key_types=KEY_TYPES)
        assert issuing.ours(case) == issuing.built(case), case
        seen[case.profile] += 1
        seen["long serial"] += case.serial >= 2**127
        seen["short serial"] += case.serial < 128
        seen["both sides of 2050"] += case.not_before < 2_524_608_000 <= case.not_after
        seen["before 1970"] += case.not_before < 0
        seen["long URI"] += len(case.uri) > 1000
        seen["DNS names"] += bool(case.dns_names)
        seen["several organizations"] += len(case.subject["organization"]) > 1
    assert set(issuing.PROFILES) < set(seen)
    assert min(seen.values()) >= 20, seen  # every kind of case did come up


@pytest.mark.parametrize(
    ("case", "expected"),
    [pytest.param(case, der, id=f"{number}-{case.profile}") for number, (case, der) in enumerate(golang.cases())],
)
def test_a_certificate_equals_the_one_that_go_made(case: issuing.Case, expected: bytes) -> None:
    assert issuing.ours(case) == expected


def test_the_answers_of_go_are_of_every_kind() -> None:
    profiles = Counter(job["profile"] for job, _ in golang.vectors())
    assert set(profiles) == {*issuing.PROFILES, "copied_name"}
    assert sum(profiles.values()) - profiles["copied_name"] == 60


GO = golang.toolchain()


@pytest.mark.slow  # Go compiles its standard library first
@pytest.mark.skipif(GO is None, reason="there is no Go toolchain here; its answers in vectors.json are always compared")
def test_go_still_gives_the_answers_on_file_and_agrees_on_new_cases() -> None:
    assert GO is not None
    chance = random.Random(8)
    new = [issuing.random_case(chance, key_types=KEY_TYPES) for _ in range(300)]
    known = golang.vectors()
    answers = golang.answers(GO, [*(job for job, _ in known), *(case.job() for case in new)])
    assert answers[: len(known)] == [der for _, der in known]
    assert answers[len(known) :] == [issuing.ours(case) for case in new]


# Names


@pytest.mark.parametrize(
    ("job", "expected"),
    [pytest.param(job, der, id=job["what"]) for job, der in golang.vectors() if job["profile"] == "copied_name"],
)
def test_a_subject_is_copied_as_go_copies_it(job: dict[str, Any], expected: bytes) -> None:
    assert downstream_subject(bytes.fromhex(job["name"]), job["chain_length"]) == expected


def test_the_subject_of_a_ca_ends_with_its_serial_number_in_decimal() -> None:
    expected = issuing.name_of({"country": ["US"], "organization": ["SPIFFE"], "serial_number": str(2**127)})
    assert ca_subject(2**127) == expected.public_bytes()


@pytest.mark.parametrize(
    "subject",
    [
        {"country": ["DE", "FR"], "organization": ["Zeta", "Älpha", "R&D"], "common_name": "日本"},
        {"country": [], "organization": ["only"], "common_name": ""},
        {"country": ["US"], "organization": [], "common_name": "only"},
        {"country": [], "organization": [], "common_name": ""},
    ],
)
def test_a_configured_subject_takes_the_place_of_spires(subject: dict[str, Any]) -> None:
    expected = issuing.name_of({**subject, "serial_number": "17"})
    assert ca_subject(17, **subject) == expected.public_bytes()


def test_a_nested_ca_has_its_signers_subject_but_for_the_unit() -> None:
    top = {"country": ["US"], "organization": ["SPIFFE"], "serial_number": "17"}
    root = ca_subject(17)
    tiers = [root]
    for number in (1, 1, 2, 3):  # n counts the signer's chain: the first two are both below a chain of one
        tiers.append(downstream_subject(tiers[-1], number))
        expected = issuing.name_of({**top, "organizational_unit": [f"DOWNSTREAM-{number}"]})
        assert tiers[-1] == expected.public_bytes()
    assert tiers[1] == tiers[2]
    assert len(set(tiers)) == 4


def test_an_svid_has_spires_subject_and_its_first_dns_name() -> None:
    plain = {"country": ["US"], "organization": ["SPIRE"]}
    assert svid_subject() == issuing.name_of(plain).public_bytes()
    named = issuing.name_of({**plain, "common_name": "a.example.org"})
    assert svid_subject(("a.example.org", "b.example.org")) == named.public_bytes()


# Claims


def test_the_claims_of_a_jwt_svid_are_those_of_spire_in_the_order_of_go() -> None:
    claims = jwt_claims(spiffe_id="spiffe://example.org/web", audience=["db"], issued_at=10, expires_at=310)
    assert json.dumps(claims) == '{"aud": ["db"], "exp": 310, "iat": 10, "sub": "spiffe://example.org/web"}'
    full = jwt_claims(
        spiffe_id="spiffe://example.org/web",
        audience=("b", "a"),
        issued_at=10,
        expires_at=310,
        issuer="https://example.org",
        jti="id",
    )
    assert json.dumps(full) == (
        '{"aud": ["b", "a"], "exp": 310, "iat": 10, "iss": "https://example.org", "jti": "id", '
        '"sub": "spiffe://example.org/web"}'
    )
    assert JWT_HEADER == {"typ": "JWT"}


def test_the_claims_of_a_wit_svid_have_a_key_and_no_audience() -> None:
    jwk = {"kty": "EC", "alg": "ES256"}
    claims = wit_claims(spiffe_id="spiffe://example.org/web", confirmation=jwk, issued_at=10, expires_at=20)
    assert json.dumps(claims) == (
        '{"cnf": {"jwk": {"kty": "EC", "alg": "ES256"}}, "exp": 20, "iat": 10, "sub": "spiffe://example.org/web"}'
    )
    full = wit_claims(spiffe_id="spiffe://example.org/web", confirmation=jwk, issued_at=10, expires_at=20, issuer="me")
    assert list(full) == ["cnf", "exp", "iat", "iss", "sub"]
    assert full["iss"] == "me"
    assert claims["cnf"]["jwk"] is not jwk  # a caller's own stays the caller's
    assert WIT_HEADER == {"typ": "wit+jwt"}
