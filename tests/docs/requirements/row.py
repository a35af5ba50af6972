"""Rows: a requirement of a standard, the rules that hold documents to it, what breaks it, and the tests that show both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from spiffesim import catalogue
from spiffesim.catalogue import Defect

Who: TypeAlias = Literal["validator", "issuer", "both"]
Level: TypeAlias = Literal["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "lower case"]

MUST: Final = "MUST"
MUST_NOT: Final = "MUST NOT"
SHOULD: Final = "SHOULD"
SHOULD_NOT: Final = "SHOULD NOT"
LOWER: Final = "lower case"
"""A sentence that demands something without one of the words in capitals."""

ISSUER: Final = "issuer"
VALIDATOR: Final = "validator"
BOTH: Final = "both"

CATALOGUE: Final = {
    "spiffe-id": "tests/unit/catalogue/identifiers/test_case.py::test_an_id_with_one_defect_breaks_exactly_its_rule",
    "x509-svid": "tests/unit/catalogue/certificates/test_case.py::test_one_defect_fails_one_rule",
    "jwt-svid": "tests/unit/catalogue/tokens/test_case.py::test_a_token_with_one_defect_breaks_exactly_its_rule",
    "wit-svid": "tests/unit/catalogue/tokens/test_case.py::test_a_token_with_one_defect_breaks_exactly_its_rule",
    "bundle": "tests/unit/catalogue/documents/test_case.py::test_a_document_with_one_defect_breaks_exactly_its_rule",
    "bundle-map": "tests/unit/catalogue/documents/test_case.py::test_a_document_with_one_defect_breaks_exactly_its_rule",
}
"""The test of each kind of document that makes every defect of the catalogue, and holds the validator to its rule."""

ISSUED: Final = "tests/integration/test_what_is_issued.py"
"""Where a test without a file is."""


@attrs.frozen
class Row:
    """One requirement.

    Attributes:
        name: Our name for it.
        section: Where it stands in its document.
        level: How strongly it is said.
        who: Who can break it.
        sentence: What it demands, in our words.
        breaks: The rules that hold documents to it, as ``"kind: rule"``, each with the defects that fail it; or with
            the oddities that must not, where the requirement is to accept them.
        issued: The tests that show that what our servers issue obeys it; in ``ISSUED`` where they name no file.
        planted: Where no single document can break it: the test that shows a broken history to the same check.
    """

    name: str
    section: str
    level: Level
    who: Who
    sentence: str
    breaks: Mapping[str, str]
    issued: str = ""
    planted: str = ""

    @property
    def rules(self) -> list[tuple[catalogue.Kind, str]]:
        """The kind and the name of each rule."""
        found: Any = [tuple(place.split(": ", 1)) for place in self.breaks]
        return list(found)

    @property
    def defects(self) -> list[list[Defect]]:
        """What breaks it, rule by rule.

        Raises:
            InvalidInput: If a defect does not exist.
        """
        names = zip(self.rules, self.breaks.values(), strict=True)
        return [[catalogue.defect(name, kind) for name in breaking.split()] for (kind, _), breaking in names]

    @property
    def tests(self) -> list[str]:
        """The full names of its tests."""
        own = [full_name(test) for test in (*self.issued.split(), *self.planted.split())]
        return [*dict.fromkeys(CATALOGUE[kind] for kind, _ in self.rules if kind in CATALOGUE), *own]


def full_name(test: str) -> str:
    """The name of a test with its file."""
    return test if "::" in test else f"{ISSUED}::{test}"


@attrs.frozen
class Unruled:
    """A requirement that no document can break, and why.

    Attributes:
        section: Where it stands in its document.
        level: How strongly it is said.
        sentence: What it demands, in our words.
        reason: Why there is no rule for it.
    """

    section: str
    level: Level
    sentence: str
    reason: str


@attrs.frozen
class Departure:
    """Where we do something else than a requirement says.

    Attributes:
        section: Where it stands in its document.
        what: What we do, and why.
        test: A test that shows it.
    """

    section: str
    what: str
    test: str


@attrs.frozen
class Standard:
    """One of the five documents.

    Attributes:
        title: How clauses of it begin.
        kinds: Whose rulebooks are told below its table.
        rows: What it demands.
        unruled: What it demands of others than validators and issuers.
        departures: Where we do something else.
    """

    title: str
    kinds: tuple[catalogue.Kind, ...]
    rows: tuple[Row, ...]
    unruled: tuple[Unruled, ...] = ()
    departures: tuple[Departure, ...] = ()
