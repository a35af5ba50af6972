"""Verdicts on SPIFFE IDs, bundles and maps: they decide what the readers decide, and whoever sends what gets an answer."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import spiffe
from spiffesim.errors import InvalidBundle, InvalidInput, InvalidSpiffeId, InvalidTrustDomain
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.documents import MAX_IGNORED, examine_bundle, examine_bundle_map, examine_spiffe_id
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.requirements import MAX_DOCUMENT
from spiffesim.spiffe.verdict import Verdict
from tests.oracles.tokens import ec_key, jwk
from tests.unit.spiffe.test_bundle import FULL
from tests.unit.spiffe.test_jwks import ENTRIES, JSON, JWT_ENTRY, ROOT, WIT_ENTRY, X509_ENTRY, x5c

SEVERAL: dict[str, Any] = {
    "keys": [
        {**X509_ENTRY, "x5c": [x5c(ROOT.der), "second"], "x5t": "t"},
        {"use": "jwt-svid"},
        {**WIT_ENTRY, "use": "sig"},
        {"use": "x509-svid", "kty": "EC"},
    ],
    "extra": 1,
    "Extra": 2,
}


def examine(document: object, trust_domain: str = "example.org") -> Verdict:
    return examine_bundle(trust_domain, json.dumps(document))


def told(verdict: Verdict) -> list[str]:
    return [f"{answer.name}: {answer.detail}" for answer in (*verdict.failures, *verdict.ignored)]


# What is said


def test_a_right_id_has_a_verdict_with_the_id_and_without_an_instant() -> None:
    verdict = examine_spiffe_id("spiffe://example.org/web")
    assert verdict == Verdict("spiffe-id", SpiffeId("spiffe://example.org/web"), None, ())
    assert (verdict.ok, verdict.first, verdict.ignored) == (True, None, ())
    assert {answer.answer for answer in verdict.rules} == {"passed"}


def test_a_wrong_id_has_a_verdict_with_the_error_of_the_parser() -> None:
    verdict = examine_spiffe_id("spiffe://example.org/web?x")
    assert (verdict.ok, verdict.spiffe_id, verdict.at) == (False, None, None)
    first = verdict.first
    assert isinstance(first, InvalidSpiffeId)
    assert (first.code, first.clause, first.text) == ("query", "SPIFFE-ID 2", "spiffe://example.org/web?x")
    assert first.verdict is verdict
    assert isinstance(pickle.loads(pickle.dumps(first)), InvalidSpiffeId)


def test_a_bundle_that_is_written_passes() -> None:
    verdict = examine_bundle(FULL.trust_domain, FULL.marshal())
    assert verdict == Verdict("bundle", None, None, ())
    assert {answer.answer for answer in verdict.rules} == {"passed"}
    in_a_map = examine_bundle_map(BundleMap([FULL]).marshal())
    assert in_a_map == Verdict("bundle-map", None, None, ())
    assert {answer.answer for answer in in_a_map.rules} == {"passed"}


def test_what_is_ignored_is_told_in_its_order() -> None:
    assert told(examine(SEVERAL)) == [
        "members: the bundle has a member 'extra' and 1 more, which means nothing here",
        "x5c_single: of x509-svid entry 0 of the bundle only the first certificate counts; 1 more are ignored",
        "entry_members: x509-svid entry 0 of the bundle has a member 'x5t', which means nothing here",
        "kty: entry 1 of the bundle is ignored: its kty is missing, not EC or RSA",
        "use: entry 2 of the bundle is ignored: its use is 'sig', not x509-svid, jwt-svid, wit-svid",
        "x5c_present: x509-svid entry 3 of the bundle is ignored: its x5c is missing",
    ]
    verdict = examine(SEVERAL)
    assert verdict.ok
    assert verdict
    assert verdict.first is None
    assert [finding.facts for finding in verdict.skipped] == [{}, *({"index": index} for index in (0, 0, 1, 2, 3))]
    assert pickle.loads(pickle.dumps(verdict)) == verdict != attrs.evolve(verdict, skipped=())


def test_what_is_ignored_in_a_map_names_its_bundle() -> None:
    right = {"keys": [JWT_ENTRY]}
    document = {"trust_domains": {"a.org": right, "b.org": {"keys": [{}], "spiffe_refresh_hint": 5}}, "v": 1}
    verdict = examine_bundle_map(json.dumps(document))
    assert told(verdict) == [
        "members: the bundle map has a member 'v', which means nothing here",
        "inner_refresh_hint: in the bundle of b.org: the bundle has a refresh hint, which means nothing in a map",
        "kty: in the bundle of b.org: entry 0 of the bundle is ignored: its kty is missing, not EC or RSA",
    ]
    assert verdict.skipped[2].facts == {"index": 0, "trust_domain": "b.org"}


def test_of_a_document_that_is_refused_nothing_is_said_to_be_ignored() -> None:
    verdict = examine({**SEVERAL, "spiffe_sequence": -1})
    assert told(verdict) == ["spiffe_sequence: the bundle's spiffe_sequence is -1, not a whole number from 0"]
    answers = {answer.name: answer.answer for answer in verdict.rules}
    assert (answers["kty"], answers["spiffe_refresh_hint"], answers["members"]) == (
        "passed",
        "not_reached",
        "not_reached",
    )


def test_entries_behind_a_broken_one_are_not_looked_at() -> None:
    verdict = examine({"keys": [X509_ENTRY, {**JWT_ENTRY, "kid": 7}, 7]})
    answers = {answer.name: answer.answer for answer in verdict.rules}
    assert verdict.failures[0].name == "key_id_string"
    assert (answers["keys_array"], answers["entry_object"], answers["is_ca"]) == (
        "passed",
        "not_reached",
        "not_reached",
    )


# Who calls it wrongly


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: examine_spiffe_id(b"spiffe://a"), InvalidSpiffeId),  # type: ignore[arg-type]  # the point
        (lambda: examine_spiffe_id(None), InvalidSpiffeId),  # type: ignore[arg-type]  # as above
        (lambda: examine_bundle("Example.org", b"{}"), InvalidTrustDomain),
        (lambda: examine_bundle("http://example.org", b"{}"), InvalidSpiffeId),
        (lambda: examine_bundle("example.org", {"keys": []}), InvalidBundle),  # type: ignore[arg-type]  # as above
        (lambda: examine_bundle_map(None), InvalidBundle),  # type: ignore[arg-type]  # as above
    ],
)
def test_only_callers_are_told_by_an_error(call: Callable[[], object], error: type[InvalidInput]) -> None:
    with pytest.raises(error):
        call()
    assert examine_bundle(TrustDomain("example.org"), b"{}").failures[0].name == "keys"


def test_the_front_door_has_them() -> None:
    assert spiffe.examine_spiffe_id is examine_spiffe_id
    assert spiffe.examine_bundle is examine_bundle
    assert spiffe.examine_bundle_map is examine_bundle_map


# The readers decide the same


@given(st.one_of(st.text(), st.from_regex(r"\A(spiffe://)?[a-zA-Z0-9.%?#@:/-]{0,12}\Z")))
def test_an_id_is_accepted_if_and_only_if_it_can_be_read(text: str) -> None:
    verdict = examine_spiffe_id(text)
    try:
        assert verdict.spiffe_id == SpiffeId(text)
    except InvalidSpiffeId as error:
        assert [(one.name, one.clause) for one in verdict.failures] == [(error.code, error.clause)]  # noqa: PT017  # raised or not
    assert sum(answer.answer == "failed" for answer in verdict.rules) == len(verdict.failures)


DOCUMENTS = st.one_of(
    st.binary(),
    st.text(),
    JSON.map(json.dumps),
    st.builds(
        lambda keys, members: json.dumps({"keys": keys, **members}),
        st.lists(ENTRIES, max_size=3),
        st.dictionaries(st.sampled_from(["spiffe_sequence", "spiffe_refresh_hint", "x"]), JSON),
    ),
)


@given(DOCUMENTS)
def test_a_bundle_is_accepted_if_and_only_if_it_can_be_read(data: str | bytes) -> None:
    verdict = examine_bundle("example.org", data)
    try:
        SpiffeBundle.parse("example.org", data)
    except InvalidBundle as error:
        assert [(one.name, one.clause) for one in verdict.failures] == [(error.code, error.clause)]  # noqa: PT017  # raised or not
        assert str(verdict.first) == str(error)  # noqa: PT017  # as above
    else:
        assert verdict.ok
    assert "bundle: " in str(verdict)


@given(DOCUMENTS.filter(lambda data: isinstance(data, str)), st.text(max_size=3) | st.just("a.org"))
def test_a_map_is_accepted_if_and_only_if_it_can_be_read(bundle: str, name: str) -> None:
    data = f'{{"trust_domains":{{{json.dumps(name)}:{bundle}}}}}'
    verdict = examine_bundle_map(data)
    try:
        BundleMap.parse(data)
    except InvalidBundle as error:
        assert [(one.name, one.clause) for one in verdict.failures] == [(error.code, error.clause)]  # noqa: PT017  # raised or not
    else:
        assert verdict.ok
    assert "bundle-map: " in str(verdict)


# Whatever is sent


def test_a_document_may_be_as_large_as_the_limit_and_no_larger() -> None:
    document = FULL.marshal()
    assert examine_bundle("example.org", document.ljust(MAX_DOCUMENT)).ok
    assert examine_bundle("example.org", document.decode().ljust(MAX_DOCUMENT)).ok
    for data in (document.ljust(MAX_DOCUMENT + 1), document.decode().ljust(MAX_DOCUMENT + 1)):
        with pytest.raises(InvalidBundle, match=r"is 4194305 long, 1 more than 4194304") as caught:
            SpiffeBundle.parse("example.org", data)
        assert (caught.value.code, caught.value.clause) == ("size", "RFC 8259 9")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b'{"keys": [], "spiffe_sequence": ' + b"9" * 1_000_000 + b"}", "number_range"),
        (b'{"keys": [], "spiffe_sequence": 1.' + b"9" * 1_000_000 + b"}", "spiffe_sequence"),
        (b"[" * 100_000 + b"]" * 100_000, "nesting"),
        (b'{"a":' * 100_000, "nesting"),
        (b'{"keys": [' + b"[" * 100_000 + b"]", "nesting"),
        (b'"' + b'\\"' * 1_000_000, "json"),
        (b"{" + b'"keys": [],' * 20_000 + b'"a": 1}', "unique_members"),
        (json.dumps({"keys": [{**JWT_ENTRY, "kid": "k" * 2_000_000}] * 2}), "unique_key_id"),
        (json.dumps({"keys": [{**JWT_ENTRY, "crv": "k" * 4_000_000}]}), "curve"),
        (json.dumps({"keys": [{**X509_ENTRY, "x5c": ["A" * 4_000_000]}]}), "certificate_encoding"),
        (json.dumps({"keys": [], "spiffe_refresh_hint": "k" * 4_000_000}), "spiffe_refresh_hint"),
    ],
    ids=lambda value: value if len(value) < 30 else "",
)
def test_whatever_is_sent_is_answered_in_a_sentence(data: bytes | str, rule: str) -> None:
    (failure,) = examine_bundle("example.org", data).failures
    assert failure.name == rule
    assert len(failure.detail or "") < 400


def test_a_bundle_of_four_megabytes_is_read_to_its_end() -> None:
    key = jwk(ec_key())
    entries = [{**key, "use": "other", "kid": f"{index:080}"} for index in range(17_000)]
    document = json.dumps({"keys": entries})
    assert 4_000_000 < len(document) < MAX_DOCUMENT
    verdict = examine_bundle("example.org", document)
    assert (verdict.ok, len(verdict.ignored)) == (True, MAX_IGNORED)
    assert (verdict.ignored[-1].detail or "").startswith("entry 1023 of the bundle is ignored: its use is 'other'")
    assert "1,024 things ignored" in str(verdict)


def test_a_map_of_thousands_of_bundles_is_read_to_its_end() -> None:
    names = ",".join(f'"t{number}": {{"keys": []}}' for number in range(5_000))
    assert examine_bundle_map(f'{{"trust_domains": {{{names}}}}}').ok
    (failure,) = examine_bundle_map(f'{{"trust_domains": {{{names}, {names}}}}}').failures
    assert (failure.name, failure.clause) == ("unique_trust_domains", "SPIFFE Trust Domain and Bundle 5.1.1")


# What it shows


def test_a_verdict_shows_what_it_ignored() -> None:
    lines = str(examine(SEVERAL)).splitlines()
    assert lines[:2] == ["bundle: accepted", "  0 of 43 rules failed, 6 things ignored"]
    (use,) = (line for line in lines if " use " in line)
    assert use.split("  ")[0] == "○ ignored"
    assert use.endswith("entry 2 of the bundle is ignored: its use is 'sig', not x509-svid, jwt-svid, wit-svid")
    assert "1 thing ignored" in str(examine({"keys": [{}]}))


def test_a_verdict_on_an_id_shows_the_id() -> None:
    assert str(examine_spiffe_id("spiffe://a.org/b")).splitlines()[:2] == [
        "spiffe-id of spiffe://a.org/b: accepted",
        "  0 of 17 rules failed",
    ]
    refused = examine_spiffe_id("spiffe://a.org/b/")
    assert str(refused).startswith("spiffe-id: refused\n  1 of 17 rules failed\n")
    assert "✗ failed" in refused._repr_html_()
