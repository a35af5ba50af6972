"""The requirements of bundles and maps, and where they stand."""

from __future__ import annotations

import re

import pytest

from spiffesim.errors import InvalidBundle, InvalidSpiffeId
from spiffesim.spiffe.ids import CLAUSES
from spiffesim.spiffe.requirements import clause_of
from spiffesim.spiffe.rules.bundle import BUNDLE, BUNDLE_MAP
from spiffesim.spiffe.rules.identifier import SPIFFE_ID
from spiffesim.spiffe.verdict import Rulebook

BOOKS = (SPIFFE_ID, BUNDLE, BUNDLE_MAP)
CLAUSE = re.compile(r"(SPIFFE-ID|SPIFFE Trust Domain and Bundle|(X509|JWT|WIT)-SVID|RFC \d{4}|SEC 1) \d+(\.\d+)*")


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.kind)
def test_every_requirement_stands_somewhere_and_is_a_sentence(book: Rulebook) -> None:
    for rule in book.rules:
        assert CLAUSE.fullmatch(rule.clause), rule.name
        assert re.fullmatch(r"[A-Za-z].*\.", rule.sentence), rule.name
        assert rule.error is (InvalidSpiffeId if book is SPIFFE_ID else InvalidBundle)
        assert rule.clause == (CLAUSES[rule.name] if book is SPIFFE_ID else clause_of(rule.name))
    assert len({rule.sentence for rule in book.rules}) == len(book.rules)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.kind)
def test_each_rule_is_reached_only_when_those_before_it_hold(book: Rulebook) -> None:
    assert [rule.needs for rule in book.rules] == [(), *((rule.name,) for rule in book.rules[:-1])]


def test_a_map_demands_of_its_bundles_all_that_a_bundle_has_to_be() -> None:
    of_map = {rule.name for rule in BUNDLE_MAP.rules}
    assert {rule.name for rule in BUNDLE.rules} - of_map == {"jwk_set"}
    assert of_map - {rule.name for rule in BUNDLE.rules} == {
        "unique_trust_domains",
        "map_object",
        "trust_domains",
        "trust_domains_object",
        "trust_domain_missing",
        "trust_domain_characters",
        "trust_domain_too_long",
        "bundle_object",
        "inner_refresh_hint",
    }


def test_every_code_of_an_id_but_that_of_what_is_no_text_is_a_rule() -> None:
    assert set(CLAUSES) - {rule.name for rule in SPIFFE_ID.rules} == {"not_text"}
