"""The page of all rules, made of the requirements, the rulebooks and the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, get_args

from spiffesim import catalogue
from spiffesim.catalogue import Defect
from spiffesim.errors import InvalidInput
from spiffesim.spiffe.validation import Profile
from spiffesim.spiffe.verdict import Rule, rulebook
from tests.docs.pages import ROOT
from tests.docs.requirements.bundle import BUNDLE
from tests.docs.requirements.jwt_svid import JWT_SVID
from tests.docs.requirements.row import CATALOGUE, ISSUED, Row, Standard
from tests.docs.requirements.spiffe_id import SPIFFE_ID
from tests.docs.requirements.wit_svid import WIT_SVID
from tests.docs.requirements.x509_svid import X509_SVID

PAGE: Final = ROOT / "docs" / "reference" / "rules.md"
STANDARDS: Final = (SPIFFE_ID, X509_SVID, JWT_SVID, WIT_SVID, BUNDLE)

WITHOUT_DEFECT: Final = {
    ("x509-svid", "search_budget"): "tests/unit/spiffe/x509/test_path.py::"
    "test_thousands_of_decoys_end_in_an_error_and_not_in_a_wait"
}
"""Rules that no case breaks, as that would take a thousand certificates, each with a test that breaks it."""

SOURCES: Final = {
    "spire": (
        "SPIRE 1.15.3",
        "https://github.com/spiffe/spire/blob/v1.15.3/",
        {"jwt-svid": "pkg/common/jwtsvid/validate.go"},
    ),
    "go-spiffe": (
        "go-spiffe 2.8.0",
        "https://github.com/spiffe/go-spiffe/blob/v2.8.0/",
        {
            "x509-svid": "svid/x509svid/verify.go",
            "jwt-svid": "svid/jwtsvid/svid.go",
            "wit-svid": "exp/svid/witsvid/svid.go",
        },
    ),
}
"""Whose rules a profile has: the name, where its source is, and the file of each kind of document there."""

HEAD: Final = f"""\
# Rules

Every MUST and MUST NOT of the five standards that a validator or an issuer can break, and every rule that our validator
has; made of the code by `make docs`. A test fails when a requirement here has no rule, no defect or no test.

- The words of a requirement are ours; the section says where the standard has its own. *Lower case* is what a standard
  demands without a word in capitals.
- What breaks a requirement are names of `spiffesim.catalogue`: each makes a document that is wrong in this one way.
  *In italics* are oddities: documents that look wrong, and must be accepted. A defect that is *ignored* leaves the
  document right, without the part that is wrong.
- That a validator obeys is shown by [the test of the catalogue](#the-tests-of-the-catalogue), which makes every defect and
  wants exactly its rule to fail. That an issuer obeys is shown by the tests that are named, for documents of every kind
  that a root and a server nested two deep issue; those without a file are in `{ISSUED}`.

## The tests of the catalogue
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [HEAD, _catalogue(), *map(_standard, STANDARDS), _profiles(), _departures(), _unruled()],
    )


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown."""
    names = list(heads)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _catalogue() -> str:
    rows = (
        [f"`{kind}`", str(len(catalogue.defects(kind))), str(len(catalogue.oddities(kind))), f"`{CATALOGUE[kind]}`"]
        for kind in catalogue.KINDS
    )
    return _table(["Kind", "Defects", "Oddities", "Test"], rows)


# Requirements


def _standard(standard: Standard) -> str:
    heads = ["Requirement", "Section", "Level", "Who", "What it demands", "Our rule", "Broken by", "Test"]
    told = [f"## {standard.title}\n", _table(heads, map(_cells, standard.rows))]
    told += [part for kind in standard.kinds for part in _rules(kind)]
    return "\n".join(told)


def _cells(row: Row) -> Iterator[str]:
    rules = [f"`{rule}`" for rule in row.breaks] or ["none: it takes several documents"]
    broken = [", ".join(map(_named, defects)) for defects in row.defects] + ["a broken history"] * bool(row.planted)
    yield from (f"`{row.name}`", row.section, _level(row.level), row.who, row.sentence)
    yield from ("<br>".join(lines) for lines in (rules, broken, _tests(row)))


def _level(level: str) -> str:
    return level if level.isupper() else f"*{level}*"


def _named(defect: Defect) -> str:
    name = f"`{defect.name}`"
    return f"*{name}*" if defect.is_oddity else name if defect.answer == "refused" else f"{name} *(ignored)*"


def _tests(row: Row) -> Iterator[str]:
    if row.breaks:
        yield "[the catalogue's](#the-tests-of-the-catalogue)"
    yield from (f"`{test}`" for test in (*row.issued.split(), *row.planted.split()))


# Rulebooks


def _rules(kind: catalogue.Kind) -> Iterator[str]:
    """Every rule of a kind of document; those of a bundle in a map are told as those of a bundle."""
    rules = rulebook(kind).rules
    told = (
        {rule.name: (rule.clause, rule.sentence) for rule in rulebook("bundle").rules} if kind == "bundle-map" else {}
    )
    shared = [rule for rule in rules if told.get(rule.name) == (rule.clause, rule.sentence)]
    yield f"### Every rule of `{kind}`\n"
    heads = ["Rule", "Clause", "What it demands", "Defects", "One of them"]
    yield _table(heads, (_rule(kind, rule) for rule in rules if rule not in shared))
    if shared:
        counts = (f"`{rule.name}` ({len(_broken(kind, rule))})" for rule in shared)
        yield f"And those of `bundle`, with as many defects of their own: {', '.join(counts)}.\n"


def _rule(kind: catalogue.Kind, rule: Rule) -> Iterator[str]:
    defects = _broken(kind, rule)
    example = f"{_named(defects[0])}: {defects[0].sentence}" if defects else f"`{WITHOUT_DEFECT[kind, rule.name]}`"
    yield from (f"`{rule.name}`", rule.clause, rule.sentence, str(len(defects)), example)


def _broken(kind: catalogue.Kind, rule: Rule) -> list[Defect]:
    return [defect for defect in catalogue.defects(kind) if defect.rule == rule.name]


# The rest


def profiles() -> Iterator[tuple[str, str]]:
    """The kind and the name of each profile that is not ours."""
    for kind in catalogue.KINDS:
        for profile in get_args(Profile):
            try:
                rulebook(f"{kind}/{profile}")
            except InvalidInput:
                continue
            yield kind, profile


def _profiles() -> str:
    rows = []
    for kind, profile in profiles():
        name, url, files = SOURCES[profile]
        rows.append([f"`{kind}/{profile}`", f"{name}, [`{files[kind]}`]({url}{files[kind]})"])
    return (
        "## Profiles\n\nThe rulebooks of `profile=` are those of other implementations, in their order and in their words; "
        "where they differ from\nthe standard is theirs to say.\n\n" + _table(["Rulebook", "Source"], rows)
    )


def _departures() -> str:
    rows = (
        [_clause(standard, each.section), each.what, f"`{each.test}`"]
        for standard in STANDARDS
        for each in standard.departures
    )
    return "## Where we do something else\n\n" + _table(["Clause", "What we do", "Test"], rows)


def _unruled() -> str:
    rows = (
        [_clause(standard, each.section), _level(each.level), each.sentence, each.reason]
        for standard in STANDARDS
        for each in standard.unruled
    )
    return "## What there is no rule for\n\n" + _table(["Clause", "Level", "What it demands", "Why not"], rows)


def _clause(standard: Standard, section: str) -> str:
    return section if section.startswith("X509") else f"{standard.title} {section}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
