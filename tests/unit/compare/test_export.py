"""Cases leave as JSON, and come back as what they were."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import takewhile
from typing import Any

import attrs
import pytest

from spiffesim import catalogue, compare
from spiffesim.catalogue import KINDS, Case
from spiffesim.compare.record import question, record
from spiffesim.errors import InvalidInput, SpiffeSimError

LEAF_IS_CA = catalogue.x509_svid_case("leaf_is_ca", depth=1, number=3)


def first_round(kind: catalogue.Kind) -> list[Case]:
    return list(takewhile(lambda case: case.number == 0, compare.cases(kinds=[kind], max_depth=0)))


def answer(case: Case) -> tuple[bool, list[str]]:
    verdict = case.examine()
    return verdict.ok, [failure.name for failure in verdict.failures]


def through_json(document: object) -> Any:
    return json.loads(json.dumps(document))


@pytest.mark.parametrize("kind", KINDS)
def test_every_case_comes_back_and_is_judged_as_before(kind: catalogue.Kind) -> None:
    cases = first_round(kind)[::3]  # wrong ones and twins, turn and turn about
    loaded = compare.load(json.dumps(compare.export(cases)))
    assert len(loaded) == len(cases) > 0
    for before, after in zip(cases, loaded, strict=True):
        assert (repr(after), after.defect, after.should_pass) == (repr(before), before.defect, before.should_pass)
        assert answer(after) == answer(before)


def test_a_record_has_the_question_the_right_answer_and_what_is_wrong() -> None:
    found = through_json(record(LEAF_IS_CA))
    assert found["defect"] == {
        "name": "leaf_is_ca",
        "clause": "X509-SVID 4.1",
        "sentence": "The leaf is a CA certificate.",
        "rule": "leaf_not_ca",
        "answer": "refused",
        "depth": 0,
    }
    assert (found["right"], found["repaired"], found["number"], found["depth"]) == ("refused", False, 3, 1)
    assert (found["now"], found["trust_domain"], len(found["chain_der"])) == ("2030-01-01T12:00:00Z", "example.org", 2)
    assert record(catalogue.x509_svid_case())["defect"] is None


def test_a_question_does_not_tell_the_answer() -> None:
    assert question(LEAF_IS_CA).keys() == {"kind", "chain_der", "bundle_der", "trust_domain", "now"}
    assert question(catalogue.jwt_svid_case()).keys() == {"kind", "token", "audience", "bundles", "now"}
    assert question(catalogue.wit_svid_case()).keys() == {"kind", "token", "proof", "bundles", "now"}


def test_a_question_alone_is_a_case_of_which_nothing_is_known() -> None:
    ((case,), (answered,)) = (compare.load({"version": 1, "cases": [made(LEAF_IS_CA)]}) for made in (question, record))
    assert (case.defect, case.number, case.twin) == (None, 0, False)
    assert answer(case) == answer(answered) == answer(LEAF_IS_CA)


def test_the_defect_of_somebody_else_keeps_its_name_and_its_right_answer() -> None:
    found = through_json(record(LEAF_IS_CA))
    for right, passes in (("refused", False), ("ignored", True), ("accepted", True)):
        found["defect"] = {"name": "of_theirs", "sentence": "It is too blue.", "answer": right}
        (case,) = compare.load({"version": 1, "cases": [found]})
        assert case.defect is not None
        assert (case.defect.name, case.defect.sentence, case.should_pass) == ("of_theirs", "It is too blue.", passes)


def test_a_wit_svid_without_proof_comes_back_without() -> None:
    case = attrs.evolve(catalogue.wit_svid_case(), proof=None)
    (loaded,) = compare.load(json.dumps(compare.export([case])))
    assert loaded.proof is None  # type: ignore[attr-defined]
    assert answer(loaded) == answer(case)


def put(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda found: found.__setitem__(name, value)


BROKEN_RECORDS: dict[str, Callable[[dict[str, Any]], None]] = {
    "a kind that there is not": put("kind", "x509"),
    "a kind that is no text": put("kind", ["x509-svid"]),
    "no chain": lambda found: found.pop("chain_der"),
    "a chain that is no list": put("chain_der", "AAAA"),
    "a certificate that is no text": put("chain_der", [1]),
    "a certificate that is not base64": put("chain_der", ["*"]),
    "an instant that is none": put("now", "noon"),
    "an instant without a time zone": put("now", "2030-01-01T12:00:00"),
    "an instant outside of all calendars": put("now", "0001-01-01T00:00:00+23:00"),
    "a trust domain that is none": put("trust_domain", "Example.org"),
    "a number that is a text": put("number", "3"),
    "a number that is true": put("number", True),
    "repaired, and not true or false": put("repaired", 1),
    "a defect that is a text": put("defect", "leaf_is_ca"),
    "a defect without a name": put("defect", {"clause": "X509-SVID 4.1"}),
    "a defect with a sentence that is no text": put("defect", {"name": "x", "sentence": 1}),
    "a defect with a right answer that there is not": put("defect", {"name": "x", "answer": "maybe"}),
}


@pytest.mark.parametrize("break_it", BROKEN_RECORDS.values(), ids=BROKEN_RECORDS)
def test_a_record_that_is_broken_is_refused(break_it: Callable[[dict[str, Any]], None]) -> None:
    found = through_json(record(LEAF_IS_CA))
    assert compare.load({"version": 1, "cases": [found]})
    break_it(found)
    with pytest.raises(InvalidInput) as caught:
        compare.load({"version": 1, "cases": [found]})
    assert caught.value.code == "case"


@pytest.mark.parametrize("value", [None, [], {}, [{}], [{"trust_domain": "example.org"}], 1, "example.org"])
def test_bundles_that_are_broken_are_refused(value: object) -> None:
    found = through_json(record(catalogue.jwt_svid_case()))
    assert compare.load({"version": 1, "cases": [found]})
    found["bundles"] = value
    if value == []:
        assert not compare.load({"version": 1, "cases": [found]})[0].examine().ok
        return
    with pytest.raises(InvalidInput, match="'bundles'"):
        compare.load({"version": 1, "cases": [found]})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("[]", "not a JSON object"),
        (b"\xff", "UTF-8"),
        ({"version": 2, "cases": []}, "version 1, not 2"),
        ({"version": 1}, "has a list 'cases'"),
        ({"version": 1, "cases": {}}, "has a list 'cases'"),
        ({"version": 1, "cases": ["x"]}, "a case is a JSON object"),
        ("[" * 100_000, "nest"),
    ],
)
def test_what_is_no_document_with_cases_is_refused(document: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        compare.load(document)
    assert compare.load({"version": 1, "cases": []}) == ()


# x509-limbo

# What its schema requires of a testcase, and the types of all that it knows; https://github.com/C2SP/x509-limbo.
LIMBO = {
    "id": str,
    "conflicts_with": list,
    "features": list,
    "importance": str,
    "description": str,
    "validation_kind": str,
    "trusted_certs": list,
    "untrusted_intermediates": list,
    "peer_certificate": str,
    "peer_certificate_key": type(None),
    "validation_time": str,
    "signature_algorithms": list,
    "key_usage": list,
    "extended_key_usage": list,
    "expected_result": str,
    "expected_peer_name": type(None),
    "expected_peer_names": list,
    "max_chain_depth": type(None),
    "crls": list,
}
LIMBO_ID = r"([A-Za-z][A-Za-z0-9-.]+::)*([A-Za-z][A-Za-z0-9-.]+)"


@pytest.fixture(scope="module")
def chains() -> list[Case]:
    return first_round("x509-svid")[::3]


def test_a_testcase_has_what_the_schema_of_x509_limbo_knows(chains: list[Case]) -> None:
    suite = through_json(compare.limbo(chains))
    assert suite["version"] == 1
    for testcase in suite["testcases"]:
        assert {name: type(value) for name, value in testcase.items()} == LIMBO
        assert re.fullmatch(LIMBO_ID, testcase["id"])
        assert testcase["validation_time"].endswith("+00:00")
        assert testcase["expected_result"] in ("SUCCESS", "FAILURE")
        for certificate in (testcase["peer_certificate"], *testcase["trusted_certs"]):
            assert certificate.startswith("-----BEGIN CERTIFICATE-----\n")
    ids = [testcase["id"] for testcase in suite["testcases"]]
    assert len(set(ids)) == len(ids)


def test_nearly_every_chain_fits_and_comes_back_as_what_it_was(chains: list[Case]) -> None:
    loaded = {repr(case): case for case in compare.load(json.dumps(compare.limbo(chains)))}
    assert len(loaded) > 0.9 * len(chains)
    for before in chains:
        after = loaded.get(repr(before))
        if after is not None:
            assert (after.defect, after.should_pass) == (before.defect, before.should_pass)
            assert answer(after) == answer(before)


def test_what_x509_limbo_cannot_say_is_left_out() -> None:
    right = catalogue.x509_svid_case()
    between = attrs.evolve(right, now=right.now + timedelta(microseconds=1))
    late = attrs.evolve(right, now=right.now + timedelta(milliseconds=1))
    elsewhere = attrs.evolve(right, trust_domain=type(right.trust_domain)("other.test"))
    nothing = attrs.evolve(right, chain_der=())
    cases = [right, between, late, elsewhere, nothing, catalogue.jwt_svid_case()]
    testcases = compare.limbo(cases)["testcases"]
    assert [found["validation_time"] for found in testcases] == [
        "2030-01-01T12:00:00+00:00",
        "2030-01-01T12:00:00.001+00:00",
    ]


def test_the_description_is_the_sentence_with_its_clause() -> None:
    suite = compare.limbo([catalogue.x509_svid_case(), LEAF_IS_CA, LEAF_IS_CA.repaired])
    assert [found["description"] for found in suite["testcases"]] == [
        "A right X.509-SVID, of spiffe://example.org/workload/0.",
        "The leaf is a CA certificate. (X509-SVID 4.1)",
        "Nothing is wrong; it lacks this: The leaf is a CA certificate. (X509-SVID 4.1)",
    ]
    assert suite["testcases"][1]["id"] == "spiffesim::leaf-is-ca::depth-1.number-3"


def test_a_testcase_of_somebody_else_is_a_case_too() -> None:
    (testcase,) = through_json(compare.limbo([LEAF_IS_CA]))["testcases"]
    testcase |= {"id": "rfc5280::ca-as-leaf", "description": "A CA as a leaf."}
    passing = {**testcase, "expected_result": "SUCCESS"}
    renamed = {**testcase, "id": "spiffesim::of-a-later-version::depth-1.number-3"}
    refused, accepted, later = compare.load({"version": 1, "testcases": [testcase, passing, renamed]})
    assert refused.defect is not None
    assert (refused.defect.name, refused.defect.sentence) == ("rfc5280::ca-as-leaf", "A CA as a leaf.")
    assert (refused.should_pass, accepted.should_pass, later.should_pass) == (False, True, False)
    assert answer(refused) == answer(LEAF_IS_CA)


def test_a_leaf_that_cannot_be_read_is_anybodys() -> None:
    broken = attrs.evolve(LEAF_IS_CA, chain_der=(b"\x30\x00",))
    (loaded,) = compare.load(compare.limbo([broken]))
    assert answer(loaded) == answer(broken) == (False, ["certificate_encoding"])


BROKEN_TESTCASES: dict[str, Callable[[dict[str, Any]], None]] = {
    "an id that is no text": put("id", 1),
    "no instant": put("validation_time", None),
    "an instant that is none": put("validation_time", "noon"),
    "no peer": lambda found: found.pop("peer_certificate"),
    "a peer that is not in PEM": put("peer_certificate", "MIIC"),
    "a peer with what is not base64": put(
        "peer_certificate", "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"
    ),
    "no trusted certificates": lambda found: found.pop("trusted_certs"),
    "intermediates that are no list": put("untrusted_intermediates", "MIIC"),
    "a description that is no text": put("description", 1),
}


@pytest.mark.parametrize("break_it", BROKEN_TESTCASES.values(), ids=BROKEN_TESTCASES)
def test_a_testcase_that_is_broken_is_refused(break_it: Callable[[dict[str, Any]], None]) -> None:
    suite = through_json(compare.limbo([LEAF_IS_CA]))
    suite["testcases"][0]["id"] = "theirs::leaf-is-ca"
    assert compare.load(copy.deepcopy(suite))
    break_it(suite["testcases"][0])
    with pytest.raises(SpiffeSimError):
        compare.load(suite)


def test_a_testcase_is_a_json_object() -> None:
    with pytest.raises(InvalidInput, match="not a JSON object"):
        compare.load({"version": 1, "testcases": ["x"]})
