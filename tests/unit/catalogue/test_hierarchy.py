"""Hierarchies: the keys and the root that cases are made with."""

from __future__ import annotations

import pytest

from spiffesim.catalogue.hierarchy import HIERARCHIES, Hierarchy, hierarchy
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.oracles import asn1


def test_cases_share_a_few_hierarchies() -> None:
    assert hierarchy(3) is hierarchy(3 + HIERARCHIES)
    assert len({hierarchy(number).root_der for number in range(2 * HIERARCHIES)}) == HIERARCHIES


def test_a_hierarchy_is_a_function_of_its_number() -> None:
    one, again, other = Hierarchy(1), Hierarchy(1), Hierarchy(2)
    assert (one.root_der, one.key("leaf").pkcs8) == (again.root_der, again.key("leaf").pkcs8)
    assert one.root_der != other.root_der
    assert one.key("leaf").pkcs8 != other.key("leaf").pkcs8


def test_a_key_is_known_by_its_name_and_type() -> None:
    made = Hierarchy(1)
    assert made.key("a") is made.key("a")
    assert made.key("a").spki != made.key("b").spki
    assert made.key("a", "ec-p384").type == "ec-p384"


@pytest.mark.parametrize("number", [0, 5])
def test_the_root_signed_itself_and_is_the_bundle(number: int) -> None:
    made = Hierarchy(number)
    assert [anchor.der for anchor in made.bundle.anchors.certificates] == [made.root_der]
    assert made.root_der.startswith(made.root_tbs, 4)
    signature = asn1.content(asn1.Parts.of(made.root_der).signature)[1:]
    root = read_certificate(made.root_der)
    assert root.signature == signature
    assert root.self_issued
    assert root.is_ca
    assert root.subject == made.root_subject
