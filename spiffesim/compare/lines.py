"""The line protocol: a case a line on standard input, an answer a line on standard output.

``python -m spiffesim.compare`` is our own validator behind it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO, Any, Final

from spiffesim.catalogue import Case
from spiffesim.compare.outcome import ACCEPTED, SKIPPED, Outcome, broken, refused
from spiffesim.compare.record import case_of, question
from spiffesim.compare.validator import Validator
from spiffesim.errors import InvalidInput
from spiffesim.spiffe.jose.jsontext import JsonError, read_object

LONGEST: Final = 1 << 20
"""How many bytes an answer may have."""


def question_line(case: Case, number: int) -> bytes:
    """The line that puts a case to a validator.

    Args:
        case: The case.
        number: What the answer has to repeat, so that one that comes too late is not taken for the next.
    """
    return json.dumps({"id": number, **question(case)}, separators=(",", ":")).encode() + b"\n"


def answer_line(number: object, outcome: Outcome) -> str:
    """The line that answers it.

    Args:
        number: That of the question.
        outcome: The answer.
    """
    told = {"id": number, "accepted": outcome.accepted, "reason": outcome.reason}
    return json.dumps({**told, "broken": True} if outcome.answer == "broken" else told) + "\n"


def read_answer(line: bytes, number: int) -> Outcome:
    """What an answer says.

    Args:
        line: The line.
        number: That of the question.

    Returns:
        The outcome; that the validator is broken, if the line is no answer to the question.
    """
    if not line.endswith(b"\n"):
        return broken(
            f"its answer has more than {LONGEST} bytes" if len(line) > LONGEST else "its answer ends too soon"
        )
    try:
        found = read_object(line)
    except JsonError as error:
        return broken(f"its answer {line[:80]!r} {error}")
    if repr(found.get("id")) != repr(number):  # true is 1, but not here
        return broken(f"it answered question {found.get('id')!r:.40} when {number} was asked")
    reason = found.get("reason", "")
    accepted = found.get("accepted", "missing")
    if not isinstance(reason, str) or not (accepted is None or isinstance(accepted, bool)):
        return broken(
            f"its answer {line[:80]!r} needs an 'accepted' that is true, false or null, and a text as 'reason'"
        )
    if accepted is None:
        return broken(reason) if found.get("broken") is True else Outcome(SKIPPED.answer, reason)
    return Outcome(ACCEPTED.answer, reason) if accepted else refused(reason)


def serve(validator: Validator, questions: Iterable[bytes], answers: IO[str]) -> None:
    """Answer questions until there are no more.

    Args:
        validator: Who answers.
        questions: Lines, such as ``sys.stdin.buffer``.
        answers: Where to write, such as ``sys.stdout``.
    """
    for line in questions:
        number: Any = None
        try:
            found = read_object(line)
            number = found.get("id")
            outcome = validator(case_of(found))
        except (JsonError, InvalidInput) as error:
            outcome = broken(f"the question {error}" if isinstance(error, JsonError) else error)
        answers.write(answer_line(number, outcome))
        answers.flush()
