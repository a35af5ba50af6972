"""Comparisons: the same cases through several validators, and where these are wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import attrs

from spiffesim.catalogue import Case
from spiffesim.compare.outcome import Answer, Outcome
from spiffesim.compare.selection import size, smaller
from spiffesim.compare.validator import Validator
from spiffesim.errors import InvalidInput
from spiffesim.spiffe.face import BAD, GOOD, Face, Row, Shown
from spiffesim.spiffe.markup import pretty_fields, shorten


def right_answer(case: Case) -> Answer:
    """What a validator must answer to a case."""
    return "accepted" if case.should_pass else "refused"


@attrs.frozen
class Disagreement:
    """A case that at least one validator answers wrongly, the smallest that shows it.

    Attributes:
        case: The case.
        outcomes: What each validator makes of it, by name.
        count: How many of the cases that were compared, with the same defect, showed the same.
    """

    case: Case
    outcomes: dict[str, Outcome]
    count: int

    @property
    def name(self) -> str:
        """What is wrong with the document: the name of the defect, or why there is none."""
        defect = self.case.defect
        if defect is None:
            return "(right)"
        return f"{defect.name} (repaired)" if self.case.twin else defect.name

    @property
    def clause(self) -> str:
        """The clause by which the answer is right; empty where nothing is wrong."""
        return self.case.defect.clause if self.case.defect is not None else ""

    @property
    def sentence(self) -> str:
        """What is wrong, as a person would say it."""
        defect = self.case.defect
        if defect is None:
            return "Nothing is wrong."
        return f"Nothing is wrong; it lacks this: {defect.sentence}" if self.case.twin else defect.sentence

    @property
    def right(self) -> Answer:
        """What a validator must answer."""
        return right_answer(self.case)

    @property
    def wrong(self) -> tuple[str, ...]:
        """The names of the validators that answer something else."""
        return tuple(name for name, outcome in self.outcomes.items() if _is_wrong(outcome, self.case))

    _repr_pretty_ = pretty_fields


@attrs.frozen
class Tally:
    """How one validator did.

    Attributes:
        name: Its name.
        accepted: How many cases it accepted.
        refused: How many it refused.
        skipped: How many it does not judge.
        broken: To how many it gave no answer.
        wrong: How many it answered wrongly or not at all.
    """

    name: str
    accepted: int
    refused: int
    skipped: int
    broken: int
    wrong: int

    _repr_pretty_ = pretty_fields

    def __str__(self) -> str:
        judged = self.accepted + self.refused + self.broken
        return f"{self.name} is wrong in {self.wrong} of {judged}"


@attrs.frozen
class Comparison(Shown):
    """What came of comparing validators.

    Printed, or as the last line of a notebook's cell, it is a table: a row for each defect that somebody does not find,
    or finds where it is not.

    Attributes:
        cases: How many cases were compared.
        tallies: How each validator did.
        rows: Where somebody is wrong, by kind and name; each with the smallest case that shows it.
    """

    cases: int
    tallies: tuple[Tally, ...]
    rows: tuple[Disagreement, ...]

    @property
    def ok(self) -> bool:
        """Whether every validator answered every case rightly."""
        return not self.rows

    def to_json(self) -> str:
        """All of it as a JSON text."""
        rows = [_row_document(row) for row in self.rows]
        tallies = [attrs.asdict(tally) for tally in self.tallies]
        return json.dumps({"cases": self.cases, "validators": tallies, "disagreements": rows}, indent=1)

    def _face(self) -> Face:
        names = [tally.name for tally in self.tallies]
        return Face(
            f"{_count(self.cases, 'case')} through {_count(len(names), 'validator')}",
            facts=tuple(map(str, self.tallies)),
            badge="no disagreement" if self.ok else _count(len(self.rows), "disagreement"),
            mood=GOOD if self.ok else BAD,
            head=("document", "right", *names, "clause", "smallest case", "what is wrong"),
            rows=tuple(Row(_cells(row)) for row in self.rows),
        )


def _cells(row: Disagreement) -> tuple[str, ...]:
    wrong = row.wrong
    answers = [f"{outcome.answer}{' !' if name in wrong else ''}" for name, outcome in row.outcomes.items()]
    return (row.name, row.right, *answers, row.clause, repr(row.case), row.sentence)


def _row_document(row: Disagreement) -> dict[str, Any]:
    return {
        "kind": row.case.kind,
        "defect": row.case.defect.name if row.case.defect is not None else None,
        "repaired": row.case.twin,
        "clause": row.clause,
        "sentence": row.sentence,
        "right": row.right,
        "case": repr(row.case),
        "count": row.count,
        "answers": {
            name: {"answer": outcome.answer, "reason": shorten(outcome.reason, 1000), "wrong": name in row.wrong}
            for name, outcome in row.outcomes.items()
        },
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def disagreements(validators: Sequence[Validator], cases: Iterable[Case]) -> Comparison:
    """Put the same cases to several validators, and find where they are wrong.

    Args:
        validators: Who judges; one is enough, since the catalogue knows the right answer.
        cases: What is judged, such as ``compare.cases(1000)``. They are taken one by one, so there may be many.

    Raises:
        InvalidInput: If two validators have the same name.
    """
    names = [each.name for each in validators]
    if len(set(names)) != len(names):
        raise InvalidInput(
            f"each validator needs a name of its own, not {', '.join(names)}; validator(name=...) gives one",
            code="validator_name",
        )
    search = _Search(validators)
    for case in cases:
        search.look(case)
    return search.comparison()


_Mistake: TypeAlias = tuple[str, str, bool, str, str]
"""One validator's one wrong answer to one defect: kind, defect, twin, validator, answer."""


def _is_wrong(outcome: Outcome, case: Case) -> bool:
    return outcome.answer not in ("skipped", right_answer(case))


class _Search:
    """Goes through cases and remembers the smallest with each mistake."""

    def __init__(self, validators: Sequence[Validator]) -> None:
        self._validators = validators
        self._answers: dict[str, Counter[str]] = {each.name: Counter() for each in validators}
        self._counts: Counter[_Mistake] = Counter()
        self._smallest: dict[_Mistake, tuple[Case, dict[str, Outcome]]] = {}
        self._cases = 0

    def look(self, case: Case) -> None:
        """Put a case to everybody."""
        self._cases += 1
        outcomes = self._outcomes(case)
        for name, outcome in outcomes.items():
            self._answers[name][outcome.answer] += 1
            if _is_wrong(outcome, case):
                self._answers[name]["wrong"] += 1
                self._counts[_mistake(case, name, outcome)] += 1
                self._remember(case, outcomes, name)

    def _outcomes(self, case: Case) -> dict[str, Outcome]:
        return {each.name: each(case) for each in self._validators}

    def _remember(self, case: Case, outcomes: dict[str, Outcome], name: str) -> None:
        mistake = _mistake(case, name, outcomes[name])
        known = self._smallest.get(mistake)
        if known is None or size(case) < size(known[0]):
            self._smallest[mistake] = (case, outcomes)

    def comparison(self) -> Comparison:
        """What was found, each mistake with the smallest case that has it."""
        for mistake, (found, _) in tuple(self._smallest.items()):
            for case in smaller(found):
                outcomes = self._outcomes(case)
                if _mistake(case, mistake[3], outcomes[mistake[3]]) == mistake:
                    self._smallest[mistake] = (case, outcomes)
                    break
        tallies = [
            Tally(name, *(answers[answer] for answer in ("accepted", "refused", "skipped", "broken", "wrong")))
            for name, answers in self._answers.items()
        ]
        return Comparison(self._cases, tuple(tallies), self._rows())

    def _rows(self) -> tuple[Disagreement, ...]:
        """The mistakes, those that the same smallest case shows in one row."""
        rows: dict[tuple[str, str, bool, tuple[int, int]], Disagreement] = {}
        for mistake, (case, outcomes) in sorted(self._smallest.items(), key=lambda item: item[0]):
            key = (mistake[0], mistake[1], mistake[2], size(case))
            count = max(self._counts[mistake], rows[key].count if key in rows else 0)
            rows[key] = Disagreement(case, outcomes, count)
        return tuple(rows[key] for key in sorted(rows))


def _mistake(case: Case, name: str, outcome: Outcome) -> _Mistake:
    return case.kind, case.defect.name if case.defect is not None else "", case.twin, name, outcome.answer
