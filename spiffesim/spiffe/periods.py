"""Periods: when the very same document would be accepted by the same validator.

Nothing is concluded here: the document is judged again, once in each stretch of time in which the answer cannot change.
"""

from __future__ import annotations

from typing import NamedTuple

from spiffesim.instants import Microseconds
from spiffesim.spiffe.evidence import Evidence, Life


class Period(NamedTuple):
    """A time in which a document is accepted, and before and after which it is not.

    Attributes:
        first: The first instant; None if there is none.
        last: The last instant; None if there is none.
    """

    first: Microseconds | None
    last: Microseconds | None


def periods(evidence: Evidence) -> list[Period] | None:
    """When a document is accepted, in order; None if it takes too long to find out.

    Args:
        evidence: What is known of it.
    """
    stretches = evidence.stretches()
    if stretches is None:
        return None
    found: list[Period] = []
    before = False
    for first, last in stretches:
        asked = first if first is not None else last or 0
        accepted = evidence.again(evidence, asked).ok
        if accepted and before:
            found[-1] = found[-1]._replace(last=last)
        elif accepted:
            found.append(Period(first, last))
        before = accepted
    return found


def apart(lives: list[Life]) -> tuple[Life, Life] | None:
    """Of what a document hangs on, the one that ends first and the one that begins last, if that is later."""
    ending = [life for life in lives if life.last is not None]
    beginning = [life for life in lives if life.first is not None]
    if not ending or not beginning:
        return None
    ends, begins = min(ending, key=lambda life: life.last or 0), max(beginning, key=lambda life: life.first or 0)
    return (ends, begins) if (ends.last or 0) < (begins.first or 0) else None
