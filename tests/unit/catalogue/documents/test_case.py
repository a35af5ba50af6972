"""Bundles and maps that are right, or wrong in exactly one way: what the validator answers, and what is read of them."""

from __future__ import annotations

import json
import pickle
from typing import TypeAlias

import jwt
import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import catalogue
from spiffesim.catalogue import BundleCase, BundleMapCase, Defect, Kind
from spiffesim.errors import InvalidBundle, InvalidInput
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.verdict import PASSED, rulebook

DocumentCase: TypeAlias = BundleCase | BundleMapCase
KINDS: tuple[Kind, ...] = ("bundle", "bundle-map")
NUMBERS = st.integers(0, 10**6)
# A document of 16 MiB takes a while; it is checked once.
LARGE = "document_too_large"


def everything(*kinds: Kind) -> list[Defect]:
    return [found for kind in kinds or KINDS for found in (*catalogue.defects(kind), *catalogue.oddities(kind))]


def with_answer(answer: str) -> list[Defect]:
    return [found for found in everything() if found.answer == answer]


def ids_of(defects: list[Defect]) -> list[str]:
    return [f"{found.kind} {found.name}" for found in defects]


def make(kind: Kind, name: str | None = None, number: int = 0) -> DocumentCase:
    if kind == "bundle":
        return catalogue.bundle_case(name, number=number)
    return catalogue.bundle_map_case(name, number=number)


def read(case: DocumentCase) -> list[SpiffeBundle]:
    """The bundles that are read of it."""
    if isinstance(case, BundleCase):
        return [SpiffeBundle.parse(case.trust_domain, case.document)]
    return list(BundleMap.parse(case.document))


def check(found: Defect, number: int) -> None:
    """One defect breaks exactly its rule, or is ignored under it; its right twin is another document, and passes."""
    case = make(found.kind, found.name, number)
    verdict = case.examine()
    assert [answer.name for answer in verdict.failures] == ([found.rule] if found.answer == "refused" else [])
    assert [answer.name for answer in verdict.ignored] == ([found.rule] if found.answer == "ignored" else [])
    assert case.should_pass == verdict.ok
    twin = case.repaired
    assert twin.should_pass
    assert twin.examine().ok
    assert twin.document != case.document


@pytest.mark.parametrize("found", everything(), ids=ids_of(everything()))
def test_a_document_with_one_defect_breaks_exactly_its_rule(found: Defect) -> None:
    check(found, 0)


@given(st.sampled_from([found for found in everything() if found.name != LARGE]), NUMBERS)
def test_whatever_the_number_a_defect_breaks_exactly_its_rule(found: Defect, number: int) -> None:
    check(found, number)


@given(st.sampled_from(KINDS), NUMBERS)
def test_a_case_without_a_defect_is_right(kind: Kind, number: int) -> None:
    case = make(kind, None, number)
    verdict = case.examine()
    assert {answer.answer for answer in verdict.rules} == {PASSED}
    assert (verdict.spiffe_id, verdict.at, verdict.ignored) == (None, None, ())
    assert case.repaired.document == case.document
    assert case.document != make(kind, None, number + 1).document


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_has_a_defect(kind: Kind) -> None:
    assert {found.rule for found in catalogue.defects(kind)} == {rule.name for rule in rulebook(kind).rules}


def test_there_are_enough_and_each_has_a_sentence_of_its_own() -> None:
    own = [found for found in catalogue.defects("bundle-map") if not found.sentence.startswith("In a bundle")]
    assert (len(catalogue.defects("bundle")) >= 55, len(own) >= 20) == (True, True)
    assert len({found.sentence for found in everything()}) == len(everything())


@pytest.mark.parametrize("found", with_answer("refused"), ids=ids_of(with_answer("refused")))
def test_what_the_reader_raises_is_what_the_verdict_says(found: Defect) -> None:
    case = make(found.kind, found.name)
    first = case.examine().first
    with pytest.raises(InvalidBundle) as caught:
        read(case)
    assert type(first) is InvalidBundle
    rule = rulebook(found.kind)[found.rule]
    assert (first.code, first.clause, str(first)) == (rule.name, rule.clause, str(caught.value))
    assert (caught.value.code, caught.value.clause) == (rule.name, rule.clause)
    assert {name: value for name, value in vars(first).items() if name in vars(caught.value)} == vars(caught.value)


@pytest.mark.parametrize("found", with_answer("ignored"), ids=ids_of(with_answer("ignored")))
def test_of_what_is_ignored_nothing_is_read_and_all_else_is(found: Defect) -> None:
    case = make(found.kind, found.name)
    lost = 0
    for wrong, right in zip(read(case), read(case.repaired), strict=True):
        assert (wrong.trust_domain, wrong.sequence_number) == (right.trust_domain, right.sequence_number)
        assert wrong.refresh_hint == right.refresh_hint
        assert set(wrong.x509_der) <= set(right.x509_der)
        assert wrong.jwt_spki.items() <= right.jwt_spki.items()
        assert wrong.wit_spki.items() <= right.wit_spki.items()
        lost += sum(
            len(of_right) - len(of_wrong)
            for of_wrong, of_right in (
                (wrong.x509_der, right.x509_der),
                (wrong.jwt_spki, right.jwt_spki),
                (wrong.wit_spki, right.wit_spki),
            )
        )
    assert lost == (found.rule in ("kty", "use", "x5c_present"))


@pytest.mark.parametrize("found", with_answer("ignored"), ids=ids_of(with_answer("ignored")))
def test_the_verdict_says_what_it_ignored_and_where(found: Defect) -> None:
    verdict = make(found.kind, found.name).examine()
    (ignored,) = verdict.ignored
    assert (ignored.answer, ignored.clause) == ("ignored", rulebook(found.kind)[found.rule].clause)
    assert ignored in verdict.rules
    (finding,) = verdict.skipped
    if found.rule not in ("members", "inner_refresh_hint"):
        assert f"entry {finding.facts['index']} of the bundle" in (ignored.detail or "")


@pytest.mark.parametrize("number", range(16))
def test_the_right_bundle_holds_what_other_libraries_read_of_it(number: int) -> None:
    case = catalogue.bundle_case(number=number)
    (bundle,) = read(case)
    x509_entry, jwt_entry, wit_entry = json.loads(case.document)["keys"]
    assert bundle.jwt_authorities[jwt_entry["kid"]] == jwt.PyJWK({**jwt_entry, "alg": "ES256"}).key
    assert bundle.wit_authorities[wit_entry["kid"]] == jwt.PyJWK({**wit_entry, "alg": "ES256"}).key
    root = x509.load_der_x509_certificate(bundle.x509_der[0])
    root.verify_directly_issued_by(root)
    assert root.public_key() == jwt.PyJWK({**x509_entry, "alg": "ES256"}).key
    assert len({jwt_entry["x"], wit_entry["x"], x509_entry["x"]}) == 3


def test_a_broken_bundle_refuses_the_whole_map() -> None:
    assert len(read(catalogue.bundle_map_case())) == 2
    with pytest.raises(InvalidBundle, match=r"^in the bundle of example\.org: jwt-svid entry 1") as caught:
        read(catalogue.bundle_map_case("jwt_entry_without_key_id"))
    assert (caught.value.trust_domain, caught.value.index) == ("example.org", 1)


@pytest.mark.parametrize(
    ("name", "curve"), [("padded_x", "P-256"), ("short_x", "P-256"), ("point_off_the_curve", "P-256")]
)
def test_what_is_wrong_with_a_key_is_in_its_bytes(name: str, curve: str) -> None:
    wrong, right = (json.loads(each.document)["keys"][1] for each in _pair(name))
    assert wrong["crv"] == right["crv"] == curve
    assert (wrong["x"], wrong["y"]) != (right["x"], right["y"])


def _pair(name: str) -> tuple[BundleCase, BundleCase]:
    case = catalogue.bundle_case(name)
    return case, case.repaired


def test_a_case_shows_the_call_that_makes_it_and_travels() -> None:
    case = catalogue.bundle_map_case("no_kty", number=3)
    assert repr(case) == "bundle_map_case('no_kty', number=3)"
    assert repr(catalogue.bundle_case("no_kty").repaired) == "bundle_case('no_kty').repaired"
    copy = pickle.loads(pickle.dumps(case))
    assert (copy.document, copy.defect) == (case.document, case.defect)
    assert (case.kind, catalogue.bundle_case().kind) == ("bundle-map", "bundle")


def test_there_is_no_case_of_an_unknown_defect() -> None:
    with pytest.raises(InvalidInput, match="there is no defect 'leaf_is_ca' of 'bundle'"):
        catalogue.bundle_case("leaf_is_ca")
    with pytest.raises(InvalidInput, match="there is no defect 'leaf_is_ca' of 'bundle-map'"):
        catalogue.bundle_map_case("leaf_is_ca")
    with pytest.raises(InvalidInput, match="there is a defect 'no_kty' of 'bundle' and 'bundle-map'"):
        catalogue.defect("no_kty")
