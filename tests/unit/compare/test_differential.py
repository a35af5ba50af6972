"""Other validators against the catalogue: whoever differs from us does so for a reason that is known."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import islice

import pytest

from spiffesim import catalogue, compare
from spiffesim.catalogue import KINDS, Kind
from tests.oracles import go_spiffe
from tests.oracles.differential import LENIENT, LIMITS, STRICT, explanation, unexplained
from tests.oracles.verifiers import OPENSSL

IN_PROCESS = [compare.ours(), compare.cryptography_verifier(), compare.pyjwt()]


@pytest.mark.parametrize("kind", KINDS)
def test_ours_is_right_and_every_other_answer_has_a_reason(kind: Kind) -> None:
    found = compare.disagreements(IN_PROCESS, compare.cases(700, kinds=[kind]))
    ours = found.tallies[0]
    assert (ours.name, ours.skipped, ours.wrong) == ("spiffesim", 0, 0)
    assert unexplained(found) == []


@pytest.mark.skipif(OPENSSL is None, reason="needs the openssl command")
def test_openssl_differs_only_where_it_knows_no_better() -> None:
    every_seventh = islice(compare.cases(kinds=["x509-svid"], max_depth=1), 0, 700, 7)
    assert unexplained(compare.disagreements([compare.openssl()], every_seventh)) == []


def test_a_difference_without_a_reason_is_found() -> None:
    credulous = compare.validator("x509-svid", name="cryptography")(lambda case: True)
    found = compare.disagreements([credulous], [catalogue.x509_svid_case("leaf_is_ca")])
    assert [explanation(row, "cryptography") for row in found.rows] == [None]
    assert len(unexplained(found)) == 1


def test_every_reason_is_about_a_rule_or_a_defect_that_there_is() -> None:
    known = {name for defect in catalogue.defects() + catalogue.oddities() for name in (defect.name, defect.rule)}
    named = {name for reasons in (*LENIENT.values(), *STRICT.values(), LIMITS) for name in reasons}
    assert named - known == set()


def answered_by_go_spiffe(answers: dict[str, str]) -> compare.Validator:
    """go-spiffe by its answers on file."""

    def judge(case: catalogue.Case) -> compare.Outcome:
        answer = answers[repr(case)]
        assert answer in ("accepted", "refused", "skipped")
        return compare.Outcome(answer)  # type: ignore[arg-type]

    return compare.validator(*go_spiffe.KINDS, name="go-spiffe")(judge)


def test_the_answers_of_go_spiffe_on_file_differ_for_known_reasons() -> None:
    answers = go_spiffe.recorded()
    cases = [case for case in go_spiffe.questions() if repr(case) in answers]
    found = compare.disagreements([answered_by_go_spiffe(answers)], cases)
    assert len(cases) > 500
    assert found.tallies[0].wrong > 20
    assert unexplained(found) == []


def test_go_spiffe_answers_as_on_file() -> None:
    answers = go_spiffe.recorded()
    with ExitStack() as stack:
        program = go_spiffe.build(stack)
        if program is None:
            pytest.skip("needs a Go toolchain that can have the modules of go-spiffe")
        live = stack.enter_context(compare.process([program], name="go-spiffe", kinds=go_spiffe.KINDS))
        cases = [case for case in go_spiffe.questions() if repr(case) in answers]
        assert {repr(case): live(case).answer for case in cases} == {repr(case): answers[repr(case)] for case in cases}
