"""The cases of the catalogue, one after the other."""

from __future__ import annotations

from itertools import takewhile

import attrs
import pytest

from spiffesim import catalogue, compare
from spiffesim.catalogue import KINDS
from spiffesim.compare.selection import smaller
from spiffesim.errors import InvalidInput


def test_the_first_round_has_everything_once_and_every_twin() -> None:
    first = list(takewhile(lambda case: case.number == 0, compare.cases(max_depth=0)))
    wrong = catalogue.defects() + catalogue.oddities()
    assert [case.defect for case in first if case.defect is None] == [None] * len(KINDS)
    assert {case.defect for case in first if case.defect and not case.twin} == set(wrong)
    assert len(first) == len(KINDS) + 2 * len(wrong)


def test_chains_come_in_every_depth_but_none_shorter_than_its_defect_needs() -> None:
    round_ = takewhile(lambda case: case.number == 0, compare.cases(kinds=["x509-svid"], max_depth=2))
    depths: dict[str | None, list[int]] = {}
    for case in round_:
        if not case.twin:
            name = case.defect.name if case.defect else None
            depths.setdefault(name, []).append(case.depth)  # type: ignore[attr-defined]
    assert depths[None] == depths["leaf_is_ca"] == [0, 1, 2]
    for name, found in depths.items():
        least = catalogue.defect(name, "x509-svid").depth if name else 0
        assert found == list(range(least, max(least, 2) + 1))


def test_rounds_go_on_with_the_next_number() -> None:
    (case,) = compare.cases(1, first=7)
    assert case.number == 7
    assert {case.number for case in compare.cases(10_000, kinds=["spiffe-id"])} >= {0, 1, 2}


def test_of_no_kind_there_are_no_cases() -> None:
    assert len(list(compare.cases(3, kinds=["bundle"]))) == 3
    for kinds in ((), ("x509",)):
        with pytest.raises(InvalidInput, match="the kinds are"):
            compare.cases(kinds=kinds)  # type: ignore[arg-type]


def test_the_same_call_gives_the_same_cases() -> None:
    assert list(map(repr, compare.cases(50))) == list(map(repr, compare.cases(50)))


def test_smaller_cases_have_the_same_defect_and_come_smallest_first() -> None:
    found = list(smaller(catalogue.x509_svid_case("leaf_is_ca", depth=1, number=3).repaired))
    assert list(map(repr, found)) == [
        "x509_svid_case('leaf_is_ca').repaired",
        "x509_svid_case('leaf_is_ca', number=3).repaired",
        "x509_svid_case('leaf_is_ca', depth=1).repaired",
    ]
    assert list(map(repr, smaller(catalogue.jwt_svid_case(number=5)))) == ["jwt_svid_case()"]
    assert not list(smaller(catalogue.x509_svid_case()))


def test_a_defect_of_somebody_else_has_no_smaller_cases() -> None:
    case = catalogue.x509_svid_case("leaf_is_ca", number=3)
    assert case.defect is not None
    assert list(smaller(case))
    assert not list(smaller(attrs.evolve(case, defect=attrs.evolve(case.defect, name="of_theirs"))))


@pytest.mark.parametrize("wrong", [{"count": -1}, {"max_depth": -5}, {"first": -3}])
def test_a_number_below_0_is_told(wrong: dict[str, int]) -> None:
    (name, value) = next(iter(wrong.items()))
    with pytest.raises(InvalidInput, match=f"{name} is {value}, less than 0"):
        compare.cases(**wrong)  # type: ignore[arg-type]  # one of its numbers
    assert next(compare.cases(1, max_depth=0)).number == 0
