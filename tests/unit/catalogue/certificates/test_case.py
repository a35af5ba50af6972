"""Cases of X.509-SVIDs: each is wrong in exactly one way, and its twin is right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import catalogue
from spiffesim.catalogue import Defect, X509SvidCase, x509_svid_case
from spiffesim.catalogue import hierarchy as hierarchies
from spiffesim.catalogue.certificates import SHELVES
from spiffesim.catalogue.certificates.encoding import ENCODING
from spiffesim.catalogue.certificates.keys import KEYS
from spiffesim.catalogue.certificates.limits import LIMITS
from spiffesim.catalogue.certificates.shape import SHAPE
from spiffesim.catalogue.certificates.signatures import SIGNATURES
from spiffesim.catalogue.certificates.validity import VALIDITY
from spiffesim.catalogue.hierarchy import HIERARCHIES
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.oracles import verifiers

DEFECTS = catalogue.defects("x509-svid")
ODDITIES = catalogue.oddities("x509-svid")
ALL = (*DEFECTS, *ODDITIES)
NAMES = [defect.name for defect in ALL]

# It takes a thousand authorities to exhaust the search; they are made where the search is tested.
WITHOUT_DEFECT = {"search_budget"}


def bytes_of(case: X509SvidCase) -> object:
    """All that a validator is given."""
    return case.chain_der, case.bundle_der, case.trust_domain, case.now


def check(case: X509SvidCase) -> None:
    """A case fails exactly the rule of its defect, and its twin none."""
    assert case.defect is not None
    expected = [] if case.defect.is_oddity else [case.defect.rule]
    assert [answer.name for answer in case.examine().failures] == expected
    assert case.should_pass is case.defect.is_oddity is case.examine().ok

    twin = case.repaired
    assert twin.should_pass
    assert twin.examine().ok
    assert str(twin.examine().spiffe_id) == twin.spiffe_id
    assert bytes_of(twin) != bytes_of(case)


# The invariant


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_one_defect_fails_one_rule(name: str, depth: int) -> None:
    check(x509_svid_case(name, depth=depth))


@given(st.sampled_from(NAMES), st.integers(0, 8), st.integers(0, 10_000))
def test_one_defect_fails_one_rule_at_any_depth_with_any_number(name: str, depth: int, number: int) -> None:
    check(x509_svid_case(name, depth=depth, number=number))


@pytest.mark.parametrize("depth", [0, 1, 2, 8])
def test_without_defect_a_chain_is_right(depth: int) -> None:
    for number in (0, 1, HIERARCHIES, 10**9):
        case = x509_svid_case(depth=depth, number=number)
        verdict = case.examine()
        assert (verdict.ok, str(verdict.spiffe_id), verdict.depth) == (True, case.spiffe_id, depth + 1)
        assert case.should_pass


def test_an_accepted_oddity_is_who_it_says() -> None:
    for oddity in ODDITIES:
        case = x509_svid_case(oddity.name)
        assert str(case.examine().spiffe_id) == case.spiffe_id


# The catalogue


def test_there_are_enough_of_them() -> None:
    assert len(DEFECTS) >= 60
    assert len(ODDITIES) >= 20


def test_every_rule_has_a_defect() -> None:
    assert {rule.name for rule in X509_SVID.rules} - {defect.rule for defect in DEFECTS} == WITHOUT_DEFECT


def test_no_two_of_them_have_the_same_name_or_sentence() -> None:
    assert len({defect.name for defect in ALL}) == len(ALL)
    assert len({defect.sentence for defect in ALL}) == len(ALL)


@pytest.mark.parametrize("defect", ALL, ids=str)
def test_a_defect_says_what_is_wrong_and_what_it_breaks(defect: Defect) -> None:
    assert defect.kind == "x509-svid"
    assert defect.sentence[0].isupper()
    assert defect.sentence.endswith(".")
    assert "\n" not in defect.sentence
    assert defect.rule in {rule.name for rule in X509_SVID.rules}
    assert defect.clause.startswith(("X509-SVID ", "SPIFFE", "RFC ", "ITU-T X.690 ", "SEC 1 "))
    assert defect.answer in ("refused", "accepted")


def test_leaves_intermediates_and_roots_have_defects_of_their_own() -> None:
    for rule in ("not_before", "not_after", "version", "serial_number", "unique_extensions", "critical_extensions"):
        places = {case_depth(defect) for defect in DEFECTS if defect.rule == rule}
        assert {0, 1} <= places, rule


def case_depth(defect: Defect) -> int | None:
    """Where the rule of a defect fails, in a chain with one intermediate: 2 is the root."""
    return x509_svid_case(defect.name, depth=1).examine().failures[0].depth


# What a case is


def test_a_case_is_a_function_of_its_arguments_whatever_was_made_before() -> None:
    assert digest(ALL) == digest(reversed(ALL))


def digest(defects: Iterable[Defect]) -> dict[str, str]:
    """A digest of the case of each defect, made in this order by hierarchies that are new."""
    hierarchies._hierarchy.cache_clear()
    cases = [x509_svid_case(defect.name, depth=1, number=3) for defect in defects]
    return {str(case.defect): hashlib.sha256(repr(bytes_of(case)).encode()).hexdigest() for case in cases}


@pytest.mark.parametrize("case", [x509_svid_case(), x509_svid_case("leaf_is_ca", depth=2, number=7)], ids=repr)
def test_the_repr_of_a_case_is_the_call_that_makes_it(case: X509SvidCase) -> None:
    for one in (case, case.repaired):
        assert bytes_of(eval(repr(one))) == bytes_of(one)
    assert repr(x509_svid_case("leaf_is_ca")) == "x509_svid_case('leaf_is_ca')"
    assert repr(case.repaired).endswith(".repaired")


def test_a_case_has_the_intermediates_that_its_defect_needs() -> None:
    assert x509_svid_case("intermediate_ended").depth == 1
    assert x509_svid_case("intermediate_ended", depth=3).depth == 3


def test_cases_of_different_numbers_are_different_chains() -> None:
    numbers = (0, 1, HIERARCHIES)
    cases = [x509_svid_case(depth=1, number=number) for number in numbers]
    assert len({case.chain_der[0] for case in cases}) == len(numbers)
    assert len({case.spiffe_id for case in cases}) == len(numbers)
    assert cases[0].bundle_der == cases[2].bundle_der != cases[1].bundle_der


def test_no_two_certificates_of_a_chain_have_the_same_key() -> None:
    for defect in (None, "cross_signed_root", "loop", "rollover_below_path_length"):
        case = x509_svid_case(defect, depth=4)
        keys = {
            (certificate.spki, certificate.subject)
            for certificate in map(read_certificate, (*case.chain_der, *case.bundle_der))
        }
        assert len({key for key, _ in keys}) == len(keys)


def test_the_bundle_of_every_case_can_be_read() -> None:
    for defect in ALL:
        assert len(x509_svid_case(defect.name).bundle.anchors.certificates) in (0, 1, 2)


# Others


def named(*shelves: object, rules: Iterable[str] = ()) -> set[str]:
    """The names of what is on some shelves, or fails some rules."""
    found = {defect.name for shelf in SHELVES if shelf in shelves for defect in shelf}
    return found | {defect.name for defect in ALL if defect.rule in set(rules)}


@pytest.mark.parametrize("depth", [0, 2])
def test_cryptography_accepts_what_is_odd_and_right(depth: int) -> None:
    # It knows no constraints on URIs, no CA with an Ed25519 key, and of algorithms only those of the Web PKI.
    unlike = named(LIMITS, KEYS) | {"rsa_without_parameters"}
    cases = [x509_svid_case(oddity.name, depth=depth) for oddity in ODDITIES if oddity.name not in unlike]
    refused = [
        case
        for case in (x509_svid_case(depth=depth), *cases)
        if not verifiers.cryptography_accepts(case.chain_der, case.bundle_der, case.now)
    ]
    assert refused == []


# Rules that it has too, or that are put around it.
SHARED_RULES = (
    "algorithms_agree",
    "critical_extensions",
    "critical_names",
    "digital_signature",
    "extended_key_usage",
    "issuer_is_ca",
    "issuer_key_cert_sign",
    "issuer_key_usage",
    "issuer_name",
    "issuer_one_uri",
    "issuer_without_path",
    "key_usage_critical",
    "key_usage_present",
    "known_authority",
    "leaf_not_ca",
    "no_crl_sign",
    "no_key_cert_sign",
    "not_after",
    "not_before",
    "one_uri",
    "path_length",
    "signature",
    "signature_algorithm",
    "spiffe_id_path",
    "unique_extensions",
    "version",
    "x509_authorities",
)


@pytest.mark.parametrize("depth", [0, 2])
def test_cryptography_refuses_what_is_wrong(depth: int) -> None:
    shared = named(ENCODING, rules=SHARED_RULES)
    cases = [x509_svid_case(defect.name, depth=depth) for defect in DEFECTS if defect.name in shared]
    accepted = [
        case
        for case in cases
        if not case.now.microsecond  # it counts whole seconds
        and verifiers.cryptography_accepts(case.chain_der, case.bundle_der, case.now)
    ]
    assert accepted == []


@pytest.mark.parametrize("depth", [0, 2])
def test_a_search_of_all_paths_finds_one_exactly_if_a_chain_is_right(depth: int) -> None:
    # What it looks at: names, signatures, validity, keyCertSign and path lengths, of certificates right in themselves.
    known = named(SHAPE, VALIDITY, SIGNATURES) & named(
        rules=("known_authority", "not_after", "not_before", "path_length", "signature")
    )
    for name in sorted(known):
        case = x509_svid_case(name, depth=depth)
        found = verifiers.exhaustive_accepts(case.chain_der, case.bundle_der, case.now)
        assert (name, found) == (name, case.should_pass)
