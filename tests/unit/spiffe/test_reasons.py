"""Why, in words: texts that are kept, and what holds of the text of every verdict."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta
from typing import Any

import pytest

from spiffesim import Simulation, catalogue, spiffe
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.evidence import ChainEvidence, TokenEvidence
from spiffesim.spiffe.validation import examine_jwt_svid, examine_wit_svid, examine_x509_svid
from spiffesim.spiffe.verdict import Finding, Verdict
from tests.golden import explanations
from tests.oracles import certificates as make
from tests.oracles import tokens
from tests.oracles.certificates import AT, DAY, HOUR

CASES = explanations.cases()
KEPT = explanations.kept()
ROOT = make.root()
BUNDLE = SpiffeBundle("example.org", [ROOT.der], sequence_number=7)
JWT_BUNDLE = SpiffeBundle("example.org", jwt_spki={tokens.KEY_ID: tokens.spki(tokens.ec_key())})
WEB = spiffe.SpiffeId("spiffe://example.org/web")


def lines_of(text: str) -> dict[str, str]:
    """The lines of an explanation by their labels, each on one line; of those with the same label, all of them."""
    told: dict[str, str] = {}
    label = ""
    for line in text.splitlines():
        label = line[:10].strip() or label
        told[label] = f"{told.get(label, '')} {line[10:]}".strip()
    return told


def told(verdict: Verdict) -> dict[str, str]:
    return lines_of(verdict.explain())


MAKERS: dict[Any, Any] = {
    "x509-svid": catalogue.x509_svid_case,
    "jwt-svid": catalogue.jwt_svid_case,
    "wit-svid": catalogue.wit_svid_case,
}


# The texts


@pytest.mark.parametrize("name", CASES)
def test_an_explanation_reads_as_it_is_kept(name: str) -> None:
    assert CASES[name]().explain() == KEPT[name], "if it is meant: python -m tests.golden.explanations, and read it"


def test_what_is_kept_is_what_there_is() -> None:
    assert list(KEPT) == list(CASES)
    refused = [text for text in KEPT.values() if text.startswith("refused")]
    assert len(refused) >= 25
    assert len(KEPT) - len(refused) >= 3


# What holds of all of them


@pytest.mark.parametrize("kind", MAKERS)
def test_every_verdict_of_the_catalogue_tells_its_clauses_in_a_few_lines_of_ascii(kind: Any) -> None:
    for defect in (*catalogue.defects(kind), *catalogue.oddities(kind)):
        case = MAKERS[kind](defect.name)
        verdict = case.examine()
        text = verdict.explain()
        one_line = " ".join(text.split())
        for failure in verdict.failures:
            assert failure.clause in one_line, case
            assert failure.name in one_line, case
        assert text.isascii(), case
        assert all(char.isprintable() for line in text.splitlines() for char in line), case
        assert len(text.splitlines()) <= 17, case
        assert ("next" in told(verdict)) == (not verdict.ok), case
        assert text.startswith("accepted" if verdict.ok else "refused"), case


def test_a_chain_is_told_certificate_by_certificate() -> None:
    case = catalogue.x509_svid_case("topmost_intermediate_ended", depth=3)
    rows = case.examine().explain().splitlines()[3:8]
    assert [row[10:26].strip() for row in rows] == [
        "the leaf",
        "intermediate 1",
        "intermediate 2",
        "intermediate 3",
        "the authority",
    ]
    assert ["<- not_after" in row for row in rows] == [False, False, False, True, False]


def test_a_long_chain_is_told_in_a_few_rows() -> None:
    text = catalogue.x509_svid_case(depth=40).examine().explain()
    assert "35 more" in text
    assert "intermediate 40" in text
    assert "intermediate 20" not in text
    assert len(text.splitlines()) == 13


def test_certificates_that_nobody_has_put_in_order_are_numbered() -> None:
    chain = make.ders(make.leaf(ROOT), make.intermediate(ROOT))
    unknown = told(examine_x509_svid(chain, [], at=AT))
    assert unknown["bundle"] == "none of example.org is held"
    assert "certificate 1" in unknown["chain"]
    assert "certificate 1" not in told(examine_x509_svid(chain, BUNDLE, at=AT))["chain"]


def test_a_bundle_is_told_with_its_number_and_its_keys() -> None:
    many = SpiffeBundle("example.org", [make.root(f"root {number}").der for number in range(9)] + [ROOT.der])
    chain = make.ders(make.leaf(ROOT))
    assert told(examine_x509_svid(chain, BUNDLE, at=AT))["bundle"].endswith("sequence number 7")
    assert "10 X.509 authorities (key" in told(examine_x509_svid(chain, many, at=AT))["bundle"]
    assert "and 6 more), without a sequence number" in told(examine_x509_svid(chain, many, at=AT))["bundle"]


def test_who_signed_but_is_not_there_has_a_row() -> None:
    lost = make.intermediate(ROOT)
    refused = told(examine_x509_svid(make.ders(make.leaf(lost)), BUNDLE, at=AT))
    assert (
        f"missing             key {lost.key_id.hex()[:8]}...  neither presented nor in the bundle" in refused["chain"]
    )
    unnamed = make.leaf(lost, authority_key_id=None)
    assert "missing" not in told(examine_x509_svid(make.ders(unnamed), BUNDLE, at=AT))["chain"]


def test_many_failures_are_told_in_full_up_to_four_rules() -> None:
    leaf = make.leaf(
        ROOT, usage=["crl_sign", "key_cert_sign"], constraints=(True, None), usage_critical=False, not_after=AT - HOUR
    )
    refused = examine_x509_svid(make.ders(leaf), BUNDLE, at=AT)
    assert len(refused.findings) >= 6
    last = refused.explain().splitlines()
    assert any(line.startswith("and       ") and "not_after (RFC 5280 6.1.3)" in line for line in last)


def test_of_certificates_with_the_same_defect_the_first_is_told_in_full() -> None:
    chain = make.ders(make.leaf(middle := make.intermediate(ROOT)), middle)
    refused = told(examine_x509_svid(chain, BUNDLE, at=AT + 2 * DAY))
    assert refused["because"].endswith("; the same of intermediate 1, the authority")


def test_what_could_not_be_asked_is_named() -> None:
    assert told(examine_x509_svid([], BUNDLE, at=AT))["unasked"].count(",") == 3
    assert "unasked" not in told(examine_x509_svid(make.ders(make.leaf(ROOT)), BUNDLE, at=AT))


def test_what_is_ignored_is_told() -> None:
    verdict = CASES["accepted: a bundle with an entry of a future kind"]()
    assert told(verdict)["ignored"].startswith("kty, SPIFFE Trust Domain and Bundle")
    assert "when" not in told(verdict)


# Tokens


def test_a_token_is_told_by_what_a_verdict_may_hang_on() -> None:
    token = tokens.jwt_svid({"iat": None, "nbf": "soon", "exp": tokens.NOW + 60})
    refused = told(examine_jwt_svid(token, JWT_BUNDLE, audience=["a", "b"], at=tokens.AT))
    assert "by a validator that goes by 'a', 'b'" in refused["at"]
    assert "nbf 'soon', exp 2030-01-01T00:01:00Z" in refused["claims"]
    assert "header" in refused


@pytest.mark.parametrize("token", ["a.b", "", b"\xff", "a..", 7, None, "x" * 300_000])
def test_what_is_no_token_is_explained_without_one(token: Any) -> None:
    verdict = examine_jwt_svid(token, JWT_BUNDLE, audience="a", at=tokens.AT)
    assert list(told(verdict)) == ["refused", "at", "because", "unasked", "when", "next"]
    assert told(verdict)["refused"] == "JWT-SVID whose subject cannot be told"
    assert told(verdict)["when"] == "at no instant, as long as compact fails"


def test_a_token_without_anything_says_so() -> None:
    empty = told(examine_jwt_svid(tokens.compact({"x": 1}, {"y": 1}), JWT_BUNDLE, audience="a", at=tokens.AT))
    assert (empty["header"], empty["claims"]) == ("nothing of note", "nothing of note")


@pytest.mark.parametrize("profile", ["spire", "go-spiffe"])
def test_another_profile_is_told_with_its_leeway(profile: Any) -> None:
    bundle = JWT_BUNDLE
    for token in (tokens.jwt_svid(), tokens.jwt_svid(header={"kid": None}), "nonsense", "e30.e30."):
        verdict = examine_jwt_svid(token, bundle, audience="a", at=tokens.AT, profile=profile)
        names = {"spire": "SPIRE", "go-spiffe": "go-spiffe"}
        assert told(verdict)["at"].endswith(f"with 0:01:00 of leeway, as {names[profile]} judges")


def test_hostile_texts_do_nothing_to_a_terminal() -> None:
    evil = "\x1b[2J\u202e\u00fc\U0001f525" * 9
    token = tokens.jwt_svid({"aud": [evil], "nbf": evil}, header={"kid": evil, "typ": evil})
    verdict = examine_jwt_svid(
        token, SpiffeBundle("example.org", jwt_spki={evil: tokens.spki(tokens.ec_key())}), audience=evil, at=tokens.AT
    )
    assert verdict.explain().isascii()
    assert "\x1b" not in verdict.explain()
    assert "\\x1b" in verdict.explain()  # it is there to be seen
    leaf = make.leaf(ROOT, "https://\x1b[2J")
    assert "\x1b" not in examine_x509_svid(make.ders(leaf), BUNDLE, at=AT).explain()


# What a verdict carries


def test_a_verdict_that_travels_explains_the_same() -> None:
    for case in (
        catalogue.x509_svid_case("leaf_ended"),
        catalogue.jwt_svid_case("aud_other"),
        catalogue.wit_svid_case(),
    ):
        verdict = case.examine()
        assert pickle.loads(pickle.dumps(verdict)).explain() == verdict.explain()
        assert pickle.loads(pickle.dumps(verdict)) == verdict


def test_a_verdict_carries_no_private_key() -> None:
    sim = Simulation("example.org", seed=1)
    svid = sim.workload("/web").fetch_x509_svid()
    verdict = examine_x509_svid(svid, sim.root.bundle, at=sim.now)
    carried = pickle.dumps(verdict)
    assert svid.chain[0] in carried  # the positive control
    assert svid.private_key_der not in carried


def test_verdicts_are_equal_whatever_they_were_given_on() -> None:
    first = examine_x509_svid(make.ders(make.leaf(ROOT)), BUNDLE, at=AT)
    other = examine_x509_svid(make.ders(make.leaf(ROOT, serial=2)), SpiffeBundle("example.org", [ROOT.der]), at=AT)
    assert first == other
    assert hash(first) == hash(other)
    assert first.explain() != other.explain()
    assert "evidence" not in repr(first)


def test_bundles_that_can_be_read_once_are_enough() -> None:
    verdict = examine_jwt_svid(tokens.jwt_svid(), iter([JWT_BUNDLE]), audience="x", at=tokens.AT)
    assert isinstance(verdict.evidence, TokenEvidence)
    assert verdict.evidence.bundle == JWT_BUNDLE
    chain = make.ders(make.leaf(ROOT))
    found = examine_x509_svid(chain, iter([BUNDLE]), at=AT).evidence
    assert isinstance(found, ChainEvidence)
    assert found.bundle == BUNDLE


def test_a_verdict_without_evidence_tells_what_it_knows() -> None:
    late = Finding("not_after", "it is late", 0)
    shape = Finding("leaf_not_ca", "it is a CA certificate", 0)
    assert list(told(Verdict("x509-svid", WEB, AT, ()))) == ["accepted", "at", "because"]
    assert told(Verdict("x509-svid", WEB, AT, ()))["because"] == "no rule fails"
    assert list(told(Verdict("x509-svid", WEB, AT, (late,)))) == ["refused", "at", "because", "unasked", "next"]
    assert told(Verdict("x509-svid", WEB, AT, (shape,)))["when"] == "at no instant, as long as leaf_not_ca fails"


@pytest.mark.parametrize("kind", ["x509-svid", "jwt-svid", "jwt-svid/spire", "jwt-svid/go-spiffe", "wit-svid"])
def test_every_rule_of_every_kind_can_be_explained(kind: str) -> None:
    from spiffesim.spiffe.verdict import rulebook

    for rule in rulebook(kind).rules:
        verdict = Verdict(kind, None, AT, (Finding(rule.name, "something is wrong", 0),))
        assert told(verdict)["next"], rule.name
        assert rule.clause in told(verdict)["because"]


# Advice


def advice(verdict: Verdict) -> str:
    return told(verdict)["next"]


def test_the_advice_names_the_bundle_after_the_one_that_was_asked() -> None:
    chain = make.ders(make.leaf(make.intermediate(ROOT)))
    assert advice(examine_x509_svid(chain, BUNDLE, at=AT)).endswith(
        "fetch a bundle of example.org after sequence number 7 that holds it"
    )
    unnumbered = SpiffeBundle("example.org", [ROOT.der])
    assert advice(examine_x509_svid(chain, unnumbered, at=AT)).endswith(
        "fetch a newer bundle of example.org that holds it"
    )


def test_the_advice_on_time_is_for_whom_it_is_about() -> None:
    def after(leaf: datetime, middle: datetime, root: datetime) -> str:
        authority = make.root(not_after=root)
        issuer = make.intermediate(authority, not_after=middle)
        chain = make.ders(make.leaf(issuer, not_after=leaf), issuer)
        return advice(examine_x509_svid(chain, SpiffeBundle("example.org", [authority.der]), at=AT))

    past, future = AT - HOUR, AT + HOUR
    assert after(past, future, future).startswith("fetch it anew; if it is still this one")
    assert after(future, past, future).startswith("fetch the chain anew; if intermediate 1 is still this one")
    assert after(future, future, past).endswith("what hangs on this authority has to be issued anew")


def test_the_advice_on_a_proof_is_for_its_holder() -> None:
    token = tokens.wit_svid()
    for seconds, wanted in ((0, "have the holder of the key in cnf prove it anew, over this very token"),):
        signed, signature = tokens.proof_text(token)
        proof = spiffe.Proof(signed, signature, tokens.AT + timedelta(seconds=seconds))
        verdict = examine_wit_svid(token, tokens.wit_bundle(), proof=proof, at=tokens.AT)
        assert advice(verdict) == wanted
