"""Rules, findings and answers, with a rulebook of our own and with the real ones."""

from __future__ import annotations

import pickle
from types import MappingProxyType

import attrs
import pytest

from spiffesim import errors
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.validation import examine_x509_svid
from spiffesim.spiffe.verdict import Finding, Rule, Rulebook, Verdict, rulebook
from tests.oracles import certificates as make
from tests.oracles.certificates import AT, DAY

ROOT = make.root()
INTERMEDIATE = make.intermediate(ROOT)
CHAIN = make.ders(make.leaf(INTERMEDIATE), INTERMEDIATE)
BUNDLE = SpiffeBundle("example.org", [ROOT.der])
WEB = SpiffeId("spiffe://example.org/web")


def rule(name: str, scope: str = "document", *needs: str) -> Rule:
    return Rule(name, "RFC 1", f"{name}.", errors.Malformed, scope, needs)  # type: ignore[arg-type]  # a literal


BOOK = Rulebook(
    "thing",
    [
        rule("read"),
        rule("sound", "certificate", "read"),
        rule("leaf", "leaf", "sound"),
        rule("found", "document", "leaf"),
        rule("signed", "signed", "found"),
        rule("issuer", "issuer", "sound"),
        rule("late", "certificate", "read"),
    ],
)


def told(depth: int, *findings: Finding) -> str:
    """The answers in short: the first letter of each, with its depth."""
    letters = {"passed": "+", "failed": "-", "not_reached": "?"}
    answers = BOOK.answers(findings, depth)
    return " ".join(f"{each.name}{'' if each.depth is None else each.depth}{letters[each.answer]}" for each in answers)


def test_every_rule_is_answered_for_all_that_it_is_asked_of() -> None:
    assert told(2) == (
        "read+ sound0+ sound1+ sound2+ leaf0+ found+ signed0+ signed1+ issuer1+ issuer2+ late0+ late1+ late2+"
    )
    assert told(0) == "read+ sound0+ leaf0+ found+ signed? issuer? late0+"


def test_what_hangs_on_a_failed_rule_is_not_reached() -> None:
    assert told(1, Finding("read", "no")) == "read- sound0? sound1? leaf0? found? signed0? issuer1? late0? late1?"
    assert told(1, Finding("leaf", "no", 0)) == "read+ sound0+ sound1+ leaf0- found? signed0? issuer1+ late0+ late1+"


def test_a_rule_of_one_certificate_hangs_on_that_certificate_only() -> None:
    findings = Finding("sound", "no", 1)
    assert told(2, findings) == (
        "read+ sound0+ sound1- sound2+ leaf0+ found+ signed0+ signed1+ issuer1? issuer2+ late0+ late1+ late2+"
    )


def test_findings_are_told_by_rule_and_then_leaf_first() -> None:
    late, sound, issuer = Finding("late", "b", 2), Finding("sound", "a", 2), Finding("issuer", "c", 2)
    other = Finding("late", "d", 0)
    assert BOOK.in_order([late, other, issuer, sound]) == (sound, other, late)
    assert BOOK.in_order([late, issuer]) == (issuer, late)


def test_of_several_findings_in_one_place_all_are_kept_and_the_first_is_the_answer() -> None:
    first, second = Finding("late", "first", 0), Finding("late", "second", 0)
    assert BOOK.in_order([first, second]) == (first, second)
    (answer,) = (each for each in BOOK.answers([first, second], 0) if each.name == "late")
    assert (answer.answer, answer.detail, answer.clause) == ("failed", "first", "RFC 1")


def test_a_finding_keeps_a_copy_of_its_facts() -> None:
    facts = {"a": 1}
    finding = Finding("late", "no", 0, MappingProxyType(facts))
    facts["a"] = 2
    assert finding.facts == {"a": 1}
    assert pickle.loads(pickle.dumps(finding)) == finding


def test_a_finding_hashes_whatever_its_facts_are() -> None:
    findings = [Finding("a", "text", None, {"uris": uris}) for uris in (["x"], ["x"], ["y"])]
    assert findings[0] == findings[1] != findings[2]
    assert hash(findings[0]) == hash(findings[1])


def test_a_verdict_that_accepts() -> None:
    verdict = examine_x509_svid(CHAIN, BUNDLE, at=AT)
    assert verdict == Verdict("x509-svid", WEB, AT, (), 2)
    assert verdict
    assert verdict.ok
    assert verdict.first is None
    assert verdict.failures == ()
    assert {answer.answer for answer in verdict.rules} == {"passed"}
    assert [answer.name for answer in verdict.rules if answer.name == "signature"] == ["signature"] * 2


def test_a_verdict_that_refuses() -> None:
    verdict = examine_x509_svid(CHAIN, BUNDLE, at=AT + 2 * DAY)
    assert not verdict
    assert [(failure.name, failure.clause, failure.depth) for failure in verdict.failures] == [
        ("not_after", "RFC 5280 6.1.3", depth) for depth in range(3)
    ]
    assert [answer for answer in verdict.rules if answer.answer == "failed"] == list(verdict.failures)
    first = verdict.first
    assert isinstance(first, errors.Expired)
    assert (first.code, first.clause, first.depth, first.spiffe_id) == ("not_after", "RFC 5280 6.1.3", 0, WEB)
    assert (first.not_after, first.at) == (AT + DAY, AT + 2 * DAY)
    assert first.verdict is verdict
    assert str(first) == verdict.failures[0].detail


def test_verdicts_never_change_and_travel() -> None:
    for at in (AT, AT + 2 * DAY):
        verdict = examine_x509_svid(CHAIN, BUNDLE, at=at)
        _ = verdict.rules
        copy = pickle.loads(pickle.dumps(verdict))
        assert copy == verdict
        assert copy.rules == verdict.rules
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            verdict.depth = 9  # type: ignore[misc]  # the point


def test_what_is_raised_travels_with_its_verdict() -> None:
    bundle = SpiffeBundle("example.org", [make.root("another").der])
    for chain in (CHAIN, [], [make.leaf(ROOT, usage=["crl_sign"]).der], CHAIN[:1]):
        error = examine_x509_svid(chain, bundle, at=AT).first
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert vars(copy) == vars(error)
        assert str(copy) == str(error)


@pytest.mark.parametrize(
    "kind", ["x509-svid", "jwt-svid", "jwt-svid/spire", "wit-svid", "spiffe-id", "bundle", "bundle-map"]
)
def test_every_kind_of_document_has_its_rules(kind: str) -> None:
    book = rulebook(kind)
    assert book.kind == kind
    names = [each.name for each in book.rules]
    assert len(set(names)) == len(names)
    for place, each in enumerate(book.rules):
        assert book[each.name] is each
        assert set(each.needs) <= set(names[:place]), f"{each.name} needs what is told after it"


def test_there_is_no_other_kind() -> None:
    with pytest.raises(errors.InvalidInput, match="there is no kind of document 'x509'"):
        rulebook("x509")
    assert rulebook("x509-svid") is X509_SVID


# Readers that stop at the first rule that fails

TURNS = Rulebook.in_turn(
    "thing",
    [
        rule("open"),
        rule("first", "part"),
        rule("second", "part"),
        rule("third", "part"),
        rule("word", "value"),
        rule("end"),
    ],
)


def in_turn(*findings: Finding, skipped: tuple[Finding, ...] = ()) -> str:
    letters = {"passed": "+", "failed": "-", "not_reached": "?", "ignored": "o"}
    return " ".join(f"{each.name}{letters[each.answer]}" for each in TURNS.answers(findings, 0, skipped))


def test_what_a_reader_has_not_come_to_is_not_reached() -> None:
    assert in_turn() == "open+ first+ second+ third+ word+ end+"
    assert in_turn(Finding("open", "no")) == "open- first? second? third? word? end?"
    assert in_turn(Finding("end", "no")) == "open+ first+ second+ third+ word+ end-"


def test_a_part_may_break_what_those_before_it_did_not() -> None:
    assert in_turn(Finding("second", "no")) == "open+ first? second- third? word? end?"
    assert in_turn(Finding("word", "no")) == "open+ first+ second+ third+ word- end?"


def test_what_is_ignored_is_neither_passed_nor_failed() -> None:
    ignored = (Finding("second", "one"), Finding("second", "two"))
    assert in_turn(skipped=ignored) == "open+ first+ secondo third+ word+ end+"
    (answer,) = (each for each in TURNS.answers((), 0, ignored) if each.answer == "ignored")
    assert (answer.detail, answer.clause) == ("one", "RFC 1")
    assert in_turn(Finding("second", "no"), skipped=ignored) == "open+ first? second- third? word? end?"
    assert in_turn(Finding("first", "no"), skipped=ignored) == "open+ first- second? third? word? end?"
