"""The time: how far from now certificates begin and end, and how they write it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim.catalogue import x509_svid_case
from spiffesim.instants import moment
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.oracles import asn1

MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(("who", "place"), [("leaf", 0), ("intermediate", 1), ("root", 2)])
def test_a_microsecond_decides(who: str, place: int) -> None:
    for name, limit in (("begins_in_a_microsecond", "not_before"), ("ended_a_microsecond_ago", "not_after")):
        case = x509_svid_case(f"{who}_{name}", depth=1)
        path = (*case.chain_der, *case.bundle_der)
        off = moment(getattr(read_certificate(path[place]), limit)) - case.now
        assert off == (MICROSECOND if limit == "not_before" else -MICROSECOND)
        # The twin has the same certificates, at their last and first instant.
        assert (*case.repaired.chain_der, *case.repaired.bundle_der) == path
        assert abs(case.repaired.now - case.now) == MICROSECOND


@pytest.mark.parametrize(
    ("name", "place", "at", "written"),
    [
        ("generalized_time_in_leaf", 0, 1, "180f32"),
        ("generalized_time_in_intermediate", 1, 0, "180f32"),
        ("leaf_ends_in_1950", 0, 1, "170d3530"),
        ("fraction_of_a_second", 0, 1, "1811"),
        ("time_without_seconds", 0, 0, "170b"),
        ("time_with_offset", 0, 0, "1711"),
        ("time_without_zone", 0, 0, "170c"),
        ("no_such_day", 0, 0, "170d323030323330"),
    ],
)
def test_a_date_is_written_as_the_sentence_says(name: str, place: int, at: int, written: str) -> None:
    case = x509_svid_case(name, depth=1)
    wrong, right = (asn1.children(asn1.Parts.of(one.chain_der[place]).validity)[at] for one in (case, case.repaired))
    assert wrong.startswith(bytes.fromhex(written))
    assert right.startswith(bytes.fromhex("170d"))
    assert right[-1:] == b"Z"


def test_all_begin_or_end_at_the_instant_of_the_judgement() -> None:
    for name, limit in (("all_begin_now", "not_before"), ("all_end_now", "not_after")):
        case = x509_svid_case(name, depth=2)
        for certificate in map(read_certificate, (*case.chain_der, *case.bundle_der)):
            assert moment(getattr(certificate, limit)) == case.now
