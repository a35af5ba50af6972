"""The front door of the catalogue: what it lists, and what it makes by name."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis.vendor.pretty import pretty

from spiffesim import catalogue
from spiffesim.catalogue import KINDS, Kind
from spiffesim.errors import InvalidInput


def test_every_kind_has_defects_and_oddities_and_these_are_all() -> None:
    for kind in KINDS:
        assert {one.kind for one in (*catalogue.defects(kind), *catalogue.oddities(kind))} == {kind}
    assert len(catalogue.defects()) == sum(len(catalogue.defects(kind)) for kind in KINDS)
    assert len(catalogue.oddities()) == sum(len(catalogue.oddities(kind)) for kind in KINDS)
    assert not any(one.is_oddity for one in catalogue.defects())
    assert all(one.is_oddity for one in catalogue.oddities())


def test_a_defect_is_found_by_its_name() -> None:
    assert catalogue.defect("leaf_is_ca").clause == "X509-SVID 4.1"
    assert str(catalogue.defect("expired", "wit-svid")) == "expired"
    with pytest.raises(InvalidInput, match="there is a defect 'expired' of 'jwt-svid' and 'wit-svid': say of which"):
        catalogue.defect("expired")
    with pytest.raises(InvalidInput, match=r"there is no defect 'x' of 'bundle'; catalogue.defects\(\) lists them"):
        catalogue.defect("x", "bundle")
    with pytest.raises(InvalidInput, match=r"there is no defect 'x'; catalogue"):
        catalogue.defect("x")


@pytest.mark.parametrize("listed", [catalogue.defects, catalogue.oddities])
def test_a_kind_that_there_is_not_is_told(listed: Any) -> None:
    with pytest.raises(InvalidInput, match="there is no kind 'x509' of document, only spiffe-id, x509-svid"):
        listed("x509")
    assert listed("x509-svid")


MAKERS: list[tuple[Kind, Any]] = [(kind, getattr(catalogue, f"{kind.replace('-', '_')}_case")) for kind in KINDS]


@pytest.mark.parametrize(("kind", "make"), MAKERS)
def test_a_case_is_made_by_name_and_shows_the_call_that_makes_it(kind: Kind, make: Any) -> None:
    name = catalogue.defects(kind)[0].name
    case = make(name, number=3)
    assert (case.kind, case.defect.name, case.number, case.twin, case.repaired.twin) == (kind, name, 3, False, True)
    assert eval(repr(case), vars(catalogue).copy()) == case
    assert eval(repr(case.repaired), vars(catalogue).copy()) == case.repaired
    assert repr(make()) == f"{make.__name__}()"


@pytest.mark.parametrize(("kind", "make"), MAKERS)
def test_equal_calls_make_equal_cases_and_others_do_not(kind: Kind, make: Any) -> None:
    name = catalogue.defects(kind)[0].name
    case = make(name)
    assert case == make(name)
    assert hash(case) == hash(make(name))
    assert pickle.loads(pickle.dumps(case)) == case
    assert len({case, make(name), make(name, number=1), make(), case.repaired}) == 4
    assert case != repr(case)
    assert pretty(case) == repr(case)


@pytest.mark.parametrize(("kind", "make"), MAKERS)
@pytest.mark.parametrize("number", [-1, 1 << 63, "1"])
def test_a_number_that_is_none_is_told(kind: Kind, make: Any, number: Any) -> None:
    with pytest.raises(InvalidInput, match=r"the number of a case is one from 0 to .*63 - 1, not "):
        make(number=number)
    assert make(number=(1 << 63) - 1).kind == kind
