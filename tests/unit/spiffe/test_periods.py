"""When the same document would be accepted: what is said is held against the validator at that instant."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial
from itertools import permutations
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import Simulation, catalogue, spiffe
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.periods import periods_of
from spiffesim.spiffe.validation import examine_jwt_svid, examine_wit_svid, examine_x509_svid
from spiffesim.spiffe.verdict import Verdict
from tests.oracles import certificates as make
from tests.oracles import tokens
from tests.oracles.certificates import AT, DAY, HOUR

JWT_BUNDLE = SpiffeBundle("example.org", jwt_spki={tokens.KEY_ID: tokens.spki(tokens.ec_key())})
TICK = timedelta(microseconds=1)
ROOT = make.root()
BUNDLE = SpiffeBundle("example.org", [ROOT.der])
_FROM = re.compile(r"from (\S+Z) (to|on)")
_TO = re.compile(r"(?:to|until) (just before )?(\S+Z)")
TIMED = ("not_before", "not_after", "begun", "unexpired", "proof_lifespan")


class Examine(Protocol):
    """Examines the same document at an instant."""

    def __call__(self, *, at: datetime) -> Verdict: ...


def when(verdict: Verdict) -> str:
    return " ".join(verdict.explain().partition("\nwhen ")[2].partition("\nnext")[0].split())


def claimed(text: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last instant that a text claims."""
    first, last = _FROM.search(text), _TO.search(text)
    begin = datetime.fromisoformat(first[1]) if first else None
    end = datetime.fromisoformat(last[2]) - (TICK if last[1] else timedelta(0)) if last else None
    return begin, end


def check(examine: Examine, at: datetime) -> str:
    """What is said at an instant is true at both ends, and just outside; the text of it."""
    verdict = examine(at=at)
    text = when(verdict)
    if text.startswith("at no instant"):
        assert not verdict.ok
        return text
    for part in text.split("; it will"):
        begin, end = claimed(part)
        for inside in (begin, end):
            assert inside is None or examine(at=inside).ok, part
        for outside in (begin and begin - TICK, end and end + TICK):
            assert outside is None or not examine(at=outside).ok, part
        assert begin is not None or end is not None
        within = (begin is None or begin <= at) and (end is None or at <= end)
        assert within == verdict.ok, part
    return text


def of_case(case: Any) -> Examine:
    if case.kind == "x509-svid":
        return partial(examine_x509_svid, case.chain_der, case.bundle)
    if case.kind == "jwt-svid":
        return partial(examine_jwt_svid, case.token, case.bundles, audience=case.audience)
    return partial(examine_wit_svid, case.token, case.bundles, proof=case.proof)


# What is said is true


def timed(make_case: Any, kind: Any) -> list[Any]:
    found = (*catalogue.defects(kind), *catalogue.oddities(kind))
    return [make_case(each.name) for each in found if each.rule in TIMED]


@pytest.mark.parametrize(
    ("kind", "make_case"),
    [
        ("x509-svid", catalogue.x509_svid_case),
        ("jwt-svid", catalogue.jwt_svid_case),
        ("wit-svid", catalogue.wit_svid_case),
    ],
)
def test_what_is_said_of_every_time_defect_is_true(kind: str, make_case: Any) -> None:
    found = timed(make_case, kind)
    assert found
    texts = [check(of_case(case), case.now) for case in found]
    assert any("it was accepted" in text for text in texts)
    assert any("it will be accepted" in text for text in texts)


def _deployment() -> Simulation:
    sim = Simulation("example.org", seed=5)
    below = sim.root.nest("one").nest("two")
    below.workload("/deep")
    sim.workload("/web")
    return sim


SIM = _deployment()
BEGUN = SIM.now
AUTHORITIES = SIM.root.bundle
WEB, DEEP = (SIM.workload(path).fetch_x509_svid() for path in ("/web", "/deep"))
TOKEN = SIM.workload("/web").fetch_jwt_svid(audience="reports")
DOCUMENTS: list[Examine] = [
    partial(examine_x509_svid, WEB, AUTHORITIES),
    partial(examine_x509_svid, DEEP, AUTHORITIES),
    partial(examine_jwt_svid, TOKEN, AUTHORITIES, audience="reports"),
    partial(examine_jwt_svid, TOKEN, AUTHORITIES, audience="reports", leeway=timedelta(seconds=7)),
    partial(examine_jwt_svid, TOKEN, AUTHORITIES, audience="reports", profile="spire"),
    partial(examine_jwt_svid, TOKEN, AUTHORITIES, audience="reports", profile="go-spiffe"),
]


@given(document=st.sampled_from(range(len(DOCUMENTS))), later=st.timedeltas(-2 * DAY, 2 * DAY))
def test_what_is_said_of_documents_of_a_simulation_is_true(document: int, later: timedelta) -> None:
    check(DOCUMENTS[document], BEGUN + later)


instants = st.integers(-6, 6).map(lambda hours: AT + hours * HOUR)


@given(lives=st.lists(st.tuples(instants, instants), min_size=2, max_size=4), at=instants)
def test_what_is_said_of_any_chain_is_true(lives: list[tuple[datetime, datetime]], at: datetime) -> None:
    check(chain_of(lives), at)


def chain_of(lives: list[tuple[datetime, datetime]]) -> Examine:
    """A chain whose certificates, the leaf first, are valid from one instant to another."""
    times: list[dict[str, Any]] = [{"not_before": min(life), "not_after": max(life)} for life in reversed(lives)]
    root = issuer = make.root(**times[0])
    presented = []
    for place, time in enumerate(times[1:-1]):
        issuer = make.intermediate(issuer, f"intermediate {place}", **time)
        presented.append(issuer)
    leaf = make.leaf(issuer, **times[-1])
    return partial(examine_x509_svid, make.ders(leaf, *reversed(presented)), SpiffeBundle("example.org", [root.der]))


seconds = st.one_of(
    st.integers(-100, 100).map(lambda each: tokens.NOW + each),
    st.floats(-100, 100).map(lambda each: tokens.NOW + each),
    st.sampled_from([-(10**30), 0, 1, 1.5, 253_402_300_799, 253_402_300_800, 10**30]),
)


@given(
    begin=st.none() | seconds,
    end=seconds,
    made=st.none() | seconds,
    later=st.integers(-200, 200),
    profile=st.sampled_from(["spiffe", "spire", "go-spiffe"]),
)
def test_what_is_said_of_any_token_is_true(begin: Any, end: Any, made: Any, later: int, profile: Any) -> None:
    claims = {name: value for name, value in (("nbf", begin), ("exp", end), ("iat", made)) if value is not None}
    token = tokens.jwt_svid(claims)
    check(
        partial(examine_jwt_svid, token, JWT_BUNDLE, audience="reports", profile=profile),
        tokens.AT + timedelta(seconds=later),
    )


# By example


def test_a_chain_lives_as_long_as_all_of_it() -> None:
    examine = chain_of([(AT - 3 * HOUR, AT + 3 * HOUR), (AT - HOUR, AT + 5 * HOUR), (AT - 6 * HOUR, AT + 2 * HOUR)])
    assert check(examine, AT) == (
        "accepted from 2030-01-01T11:00:00Z to 2030-01-01T14:00:00Z; in 2:00:00 the authority ends"
    )
    assert check(examine, AT - 2 * HOUR) == (
        "it will be accepted from 2030-01-01T11:00:00Z to 2030-01-01T14:00:00Z, the first time in 1:00:00"
    )
    assert check(examine, AT + 5 * HOUR) == (
        "it was accepted from 2030-01-01T11:00:00Z to 2030-01-01T14:00:00Z, the last time 3:00:00 ago"
    )


def test_a_chain_whose_parts_never_live_together_is_accepted_at_no_instant() -> None:
    examine = chain_of([(AT - 3 * HOUR, AT - 2 * HOUR), (AT - HOUR, AT + HOUR), (AT - 6 * HOUR, AT + 6 * HOUR)])
    assert check(examine, AT) == (
        "at no instant: the leaf ends (2030-01-01T10:00:00Z) before intermediate 1 begins (2030-01-01T11:00:00Z)"
    )


def test_between_two_certificates_of_the_same_authority_both_periods_are_told() -> None:
    first, second = (make.root(not_before=AT + begin * HOUR, not_after=AT + (begin + 2) * HOUR) for begin in (-3, 1))
    leaf = make.leaf(first)
    examine = partial(examine_x509_svid, [leaf.der], SpiffeBundle("example.org", [first.der, second.der]))
    assert check(examine, AT) == (
        "it was accepted from 2030-01-01T09:00:00Z to 2030-01-01T11:00:00Z, the last time 1:00:00 ago; "
        "it will be accepted from 2030-01-01T13:00:00Z to 2030-01-01T15:00:00Z, the first time in 1:00:00"
    )
    assert check(examine, AT - 2 * HOUR).startswith("accepted from 2030-01-01T09:00:00Z to 2030-01-01T11:00:00Z; in")


def test_of_several_periods_the_nearest_are_told() -> None:
    roots = [
        make.root(not_before=AT + begin * HOUR, not_after=AT + begin * HOUR + HOUR / 2) for begin in (-5, -3, -1, 2, 4)
    ]
    bundle = SpiffeBundle("example.org", [root.der for root in roots])
    examine = partial(examine_x509_svid, [make.leaf(roots[0]).der], bundle)
    assert check(examine, AT) == (
        "it was accepted from 2030-01-01T11:00:00Z to 2030-01-01T11:30:00Z, the last time 0:30:00 ago; "
        "it will be accepted from 2030-01-01T14:00:00Z to 2030-01-01T14:30:00Z, the first time in 2:00:00"
    )
    found = periods_of(examine(at=AT))
    assert found is not None
    assert len(found) == 5


def test_two_certificates_that_follow_each_other_make_one_period() -> None:
    first = make.root(not_before=AT - 3 * HOUR, not_after=AT)
    second = make.root(not_before=AT - HOUR, not_after=AT + 3 * HOUR)
    examine = partial(examine_x509_svid, [make.leaf(first).der], SpiffeBundle("example.org", [first.der, second.der]))
    assert check(examine, AT - 2 * HOUR).startswith("accepted from 2030-01-01T09:00:00Z to 2030-01-01T15:00:00Z")


def test_another_path_may_end_for_another_reason() -> None:
    # The valid one of two authorities ends before the other one, which is no CA certificate.
    good = make.root(not_after=AT + HOUR)
    bad = make.root(usage=["crl_sign"], not_before=AT - 2 * DAY)
    examine = partial(examine_x509_svid, [make.leaf(good).der], SpiffeBundle("example.org", [good.der, bad.der]))
    assert "in 1:00:00 the authority" in check(examine, AT)


def test_a_token_ends_just_before_its_expiry() -> None:
    def examine(*, at: datetime, **claims: Any) -> Verdict:
        token = tokens.jwt_svid({"exp": tokens.NOW + 60, **claims})
        return examine_jwt_svid(token, JWT_BUNDLE, audience="reports", at=at)

    assert check(examine, tokens.AT) == "accepted until just before 2030-01-01T00:01:00Z; in 0:01:00 the token ends"
    fraction = partial(examine, exp=tokens.NOW + 0.5)
    assert check(fraction, tokens.AT + HOUR) == (
        "it was accepted until 2030-01-01T00:00:00.499999Z, the last time 0:59:59.500001 ago"
    )
    late = partial(examine, nbf=tokens.NOW + 120)
    assert check(late, tokens.AT) == "at no instant: the token ends before it begins"
    endless = partial(examine, exp=10**15)
    assert when(endless(at=tokens.AT)) == "accepted at any instant"
    begun = partial(examine, exp=10**15, nbf=tokens.NOW)
    assert when(begun(at=tokens.AT)) == "accepted from 2030-01-01T00:00:00Z on"
    assert (
        when(begun(at=tokens.AT - HOUR))
        == "it will be accepted from 2030-01-01T00:00:00Z on, the first time in 1:00:00"
    )


def test_leeway_counts_at_both_ends() -> None:
    token = tokens.jwt_svid({"nbf": tokens.NOW + 60, "exp": tokens.NOW + 120})
    examine = partial(examine_jwt_svid, token, JWT_BUNDLE, audience="reports", leeway=timedelta(seconds=10))
    assert check(examine, tokens.AT) == (
        "it will be accepted from 2030-01-01T00:00:50Z to just before 2030-01-01T00:02:10Z, the first time in 0:00:50"
    )


def test_a_proof_that_nobody_judges_does_not_count() -> None:
    token = tokens.wit_svid({"exp": tokens.NOW + 60})
    proof = spiffe.Proof(*tokens.proof_text(token), tokens.AT - HOUR)
    examine = partial(examine_wit_svid, token, tokens.wit_bundle(), proof=proof)
    assert check(partial(examine, profile="go-spiffe"), tokens.AT).endswith("the token ends")
    assert "proof" not in examine(at=tokens.AT, profile="go-spiffe").explain()
    assert "proof" in examine(at=tokens.AT).explain()


@pytest.mark.parametrize("claims", [{}, {"nbf": tokens.NOW - 60}])
def test_spire_may_never_take_a_token_from_the_future(claims: dict[str, Any]) -> None:
    token = tokens.jwt_svid({"iat": tokens.NOW + 3600, "exp": tokens.NOW + 60, **claims})
    examine = partial(examine_jwt_svid, token, JWT_BUNDLE, audience="reports", profile="spire")
    assert check(examine, tokens.AT) == "at no instant"


def test_spire_drops_even_the_fraction_that_is_nearly_a_second() -> None:
    begin, end = tokens.NOW - 0.0000005, tokens.NOW + 59.9999995
    token = tokens.jwt_svid({"iat": tokens.DROP, "nbf": begin, "exp": end})
    examine = partial(examine_jwt_svid, token, JWT_BUNDLE, audience="reports", profile="spire")
    assert check(examine, tokens.AT) == (
        "accepted from 2029-12-31T23:58:59Z to 2030-01-01T00:01:59Z; in 0:01:59 the token ends"
    )


def test_a_token_and_its_proof_live_together() -> None:
    token = tokens.wit_svid({"exp": tokens.NOW + 60})
    signed, signature = tokens.proof_text(token)

    def examine(*, at: datetime, proof_ends: int) -> Verdict:
        proof = spiffe.Proof(signed, signature, tokens.AT + timedelta(seconds=proof_ends))
        return examine_wit_svid(token, tokens.wit_bundle(), proof=proof, at=at)

    assert check(partial(examine, proof_ends=10), tokens.AT).endswith("in 0:00:10 the proof ends")
    assert check(partial(examine, proof_ends=90), tokens.AT).endswith("in 0:01:00 the token ends")
    assert "it was accepted until just before 2030-01-01T00:00:10Z" in check(
        partial(examine, proof_ends=10), tokens.AT + timedelta(seconds=30)
    )


def test_a_proof_that_ended_before_its_token_begins_is_accepted_at_no_instant() -> None:
    token = tokens.wit_svid({"nbf": tokens.NOW + 60})
    signed, signature = tokens.proof_text(token)

    def examine(*, at: datetime) -> Verdict:
        proof = spiffe.Proof(signed, signature, tokens.AT)
        return examine_wit_svid(token, tokens.wit_bundle(), proof=proof, at=at)

    assert check(examine, tokens.AT) == (
        "at no instant: the proof ends (just before 2030-01-01T00:00:00Z) before the token begins (2030-01-01T00:01:00Z)"
    )


# What takes too long


def test_of_too_many_certificates_nothing_is_said_of_other_instants() -> None:
    many = [make.root(f"root {number}").der for number in range(3)] * 90
    chain = [make.leaf(ROOT).der, *many]
    verdict = examine_x509_svid(chain, BUNDLE, at=AT)
    assert periods_of(verdict) is None
    assert when(verdict) == "not worked out, for the certificates are too many"
    assert periods_of(examine_x509_svid(chain[:200], BUNDLE, at=AT)) is not None


def test_of_a_life_with_too_many_changes_nothing_is_said_of_other_instants() -> None:
    roots = [make.root(not_before=AT - HOUR + number * timedelta(seconds=1)).der for number in range(40)]
    leaf = make.leaf(ROOT)
    verdict = examine_x509_svid([leaf.der], SpiffeBundle("example.org", roots), at=AT)
    assert periods_of(verdict) is None
    assert periods_of(examine_x509_svid([leaf.der], SpiffeBundle("example.org", roots[:10]), at=AT)) is not None


def test_where_the_search_gives_up_it_is_not_begun_again() -> None:
    # CAs of the same name that have all certified each other, from an instant on: before it there is nothing to search.
    signers = [make.root("same", key=make.key(f"signer {number}")) for number in range(14)]
    clique = [
        make.intermediate(signer, "same", key=other.key, serial=serial, not_before=AT)
        for serial, (signer, other) in enumerate(permutations(signers, 2), 1)
    ]
    examine = partial(examine_x509_svid, make.ders(make.leaf(signers[0]), *clique), BUNDLE)
    assert [each.rule for each in examine(at=AT).findings] == ["search_budget"]
    assert "search_budget" not in [each.rule for each in examine(at=AT - HOUR).findings]
    for at in (AT, AT - HOUR):
        assert when(examine(at=at)) == "not worked out, for the certificates are too many"
