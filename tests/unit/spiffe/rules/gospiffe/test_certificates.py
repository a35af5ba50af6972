"""The profile "go-spiffe" of X.509-SVIDs, over the catalogue; what is accepted is what ``x509svid.Verify`` accepts."""

from __future__ import annotations

import pickle

import pytest

from spiffesim import catalogue
from spiffesim.catalogue import Defect
from spiffesim.errors import ConstraintViolation
from spiffesim.spiffe import EdgeMemo, Verdict, examine_x509_svid, validate_x509_svid
from spiffesim.spiffe.rules.gospiffe.certificates import NOT_ASKED, X509_SVID
from spiffesim.spiffe.rules.x509 import X509_SVID as BY_THE_LETTER

DEFECTS = catalogue.defects("x509-svid")


def examine(name: str, *, depth: int = 0) -> Verdict:
    case = catalogue.x509_svid_case(name, depth=depth)
    return examine_x509_svid(case.chain_der, case.bundle, at=case.now, profile="go-spiffe")


@pytest.mark.parametrize("defect", [one for one in DEFECTS if one.rule in NOT_ASKED], ids=str)
@pytest.mark.parametrize("depth", [0, 2])
def test_what_go_spiffe_does_not_ask_is_accepted(defect: Defect, depth: int) -> None:
    verdict = examine(defect.name, depth=depth)
    assert verdict.ok
    assert {rule.answer for rule in verdict.rules} <= {"passed", "not_reached"}
    assert not catalogue.x509_svid_case(defect.name, depth=depth).examine().ok


@pytest.mark.parametrize("defect", [one for one in DEFECTS if one.rule not in NOT_ASKED], ids=str)
def test_what_it_asks_fails_the_same_rule_as_by_the_letter(defect: Defect) -> None:
    assert [failure.name for failure in examine(defect.name).failures] == [defect.rule]


@pytest.mark.parametrize("oddity", catalogue.oddities("x509-svid"), ids=str)
def test_what_is_odd_is_accepted(oddity: Defect) -> None:
    assert examine(oddity.name).ok


def test_its_rules_are_ours_without_those() -> None:
    assert {rule.name for rule in BY_THE_LETTER.rules} - {rule.name for rule in X509_SVID.rules} == NOT_ASKED
    assert not any(NOT_ASKED & {*rule.needs} for rule in X509_SVID.rules)


def test_the_verdict_says_by_whose_rules_and_can_be_explained() -> None:
    verdict = examine("leaf_ended")
    assert verdict.kind == "x509-svid/go-spiffe"
    assert "as go-spiffe judges" in verdict.explain()
    accepted = examine("id_without_path")
    assert "as go-spiffe judges" in accepted.explain()


def test_a_verdict_that_has_travelled_is_explained_by_the_same_rules() -> None:
    verdict = examine("no_key_usage")
    assert pickle.loads(pickle.dumps(verdict)).explain() == verdict.explain()


def test_what_is_no_chain_is_refused() -> None:
    case = catalogue.x509_svid_case()
    verdict = examine_x509_svid([], case.bundle, at=case.now, profile="go-spiffe")
    assert [failure.name for failure in verdict.failures] == ["chain_present"]


def test_a_memo_does_not_carry_its_leniency_to_others() -> None:
    case, memo = catalogue.x509_svid_case("intermediate_with_path", depth=1), EdgeMemo()
    for _ in range(2):
        subject = validate_x509_svid(case.chain_der, case.bundle, at=case.now, memo=memo, profile="go-spiffe")
        assert str(subject) == case.spiffe_id
        with pytest.raises(ConstraintViolation):
            validate_x509_svid(case.chain_der, case.bundle, at=case.now, memo=memo)
