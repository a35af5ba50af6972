"""Outcomes: what one validator makes of one case."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import attrs

from spiffesim.spiffe.markup import pretty_fields

Answer: TypeAlias = Literal["accepted", "refused", "skipped", "broken"]
"""What a validator does with a document.

``"skipped"``: it does not judge documents of this kind. ``"broken"``: it gave no answer at all: it crashed, or an
exception came out of it that it does not name among those it refuses with, or it took too long.
"""


@attrs.frozen
class Outcome:
    """What one validator makes of one case.

    Attributes:
        answer: What it did.
        reason: Why, in its own words; may be empty.
    """

    answer: Answer
    reason: str = ""

    @property
    def accepted(self) -> bool | None:
        """Whether it accepted the document; None if it did not answer that."""
        return {"accepted": True, "refused": False}.get(self.answer)

    _repr_pretty_ = pretty_fields


ACCEPTED: Final = Outcome("accepted")
SKIPPED: Final = Outcome("skipped")


def refused(reason: object = "") -> Outcome:
    """The outcome of a validator that said no.

    Args:
        reason: Why: a text, or the exception.
    """
    return Outcome("refused", str(reason))


def broken(error: object) -> Outcome:
    """The outcome of a validator that gave no answer.

    Args:
        error: What came instead: a text, or the exception.
    """
    return Outcome("broken", f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error))
