"""Periods: when the very same document would be accepted by the same validator.

Nothing is concluded here: the document is judged again, once in each stretch of time in which the answer cannot change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from spiffesim.instants import SECOND, Microseconds
from spiffesim.spiffe.evidence import Evidence, Life
from spiffesim.spiffe.jose.claims import apart, written
from spiffesim.spiffe.markup import listed
from spiffesim.spiffe.remedy import TIMES, what

if TYPE_CHECKING:
    from spiffesim.spiffe.verdict import Verdict


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
        verdict = evidence.again(evidence, asked)
        if _gave_up(verdict):
            return None
        accepted = verdict.ok
        if accepted and before:
            found[-1] = found[-1]._replace(last=last)
        elif accepted:
            found.append(Period(first, last))
        before = accepted
    return found


def periods_of(verdict: Verdict) -> list[Period] | None:
    """When the document is accepted; None if that is not known, or takes too long to find out."""
    if verdict.evidence is None:
        return None if verdict.ok or any(each.rule in TIMES for each in verdict.findings) else []
    return None if _gave_up(verdict) else periods(verdict.evidence)


def _gave_up(verdict: Verdict) -> bool:
    """Whether the search for a path took too long; it will not be begun again and again."""
    return any(each.rule == "search_budget" for each in verdict.findings)


# In words


def when(verdict: Verdict, found: list[Period] | None, at: Microseconds) -> str:
    """When a document was, is and will be accepted, in words.

    Args:
        verdict: The verdict.
        found: The periods in which it is accepted; None if they are too many to be known.
        at: The instant of the verdict.
    """
    if found is None:
        return "not worked out, for the certificates are too many"
    if not found:
        return _never(verdict)
    if verdict.ok:
        now = next(period for period in found if _within(period, at))
        return f"accepted {_span(now)}{_end(verdict.evidence, now, at)}"
    told = []
    past = [period for period in found if period.last is not None and period.last < at]
    future = [period for period in found if period.first is not None and period.first > at]
    if past:
        told.append(f"it was accepted {_span(past[-1])}, the last time {_away(past[-1], at)} ago")
    if future:
        told.append(f"it will be accepted {_span(future[0])}, the first time in {apart(future[0].first or 0, at)}")
    return "; ".join(told)


def _within(period: Period, at: Microseconds) -> bool:
    return (period.first is None or period.first <= at) and (period.last is None or at <= period.last)


def _span(period: Period) -> str:
    if period.last is None:
        return "at any instant" if period.first is None else f"from {written(period.first)} on"
    end = _ending(period.last)
    return f"until {end}" if period.first is None else f"from {written(period.first)} to {end}"


def _end(evidence: Evidence | None, period: Period, at: Microseconds) -> str:
    """How an acceptance ends, and because of whom."""
    if evidence is None or period.last is None:
        return ""
    after = evidence.again(evidence, period.last + 1)
    finding = after.findings[0]
    return f"; in {_away(period, at)} {what(after, finding)} {TIMES.get(finding.rule, f'fails {finding.rule}')}"


def _away(period: Period, at: Microseconds) -> str:
    """How far away the end of a period is."""
    return apart(_until(period.last or 0), at)


def _until(last: Microseconds) -> Microseconds:
    """An end as a person tells it. A token ends just before its exp; nobody wants to read the microsecond before it."""
    return last + (last % SECOND == SECOND - 1)


def _ending(last: Microseconds) -> str:
    end = _until(last)
    return written(end) if end == last else f"just before {written(end)}"


def _never(verdict: Verdict) -> str:
    others = list(dict.fromkeys(each.rule for each in verdict.findings if each.rule not in TIMES))
    if others:
        return f"at no instant, as long as {listed(others, 4)} fail{'s' if len(others) == 1 else ''}"
    disjoint = _apart(verdict.evidence.lives()) if verdict.evidence is not None else None
    if disjoint is None:
        return "at no instant"
    ends, begins = disjoint
    if ends == begins:
        return f"at no instant: {ends.whose} ends before it begins"
    return (
        f"at no instant: {ends.whose} ends ({_ending(ends.last or 0)}) before {begins.whose} begins "
        f"({written(begins.first or 0)})"
    )


def _apart(lives: list[Life]) -> tuple[Life, Life] | None:
    """Of what a document hangs on, the one that ends first and the one that begins last, if that is later."""
    ending = [life for life in lives if life.last is not None]
    beginning = [life for life in lives if life.first is not None]
    if not ending or not beginning:
        return None
    ends, begins = min(ending, key=lambda life: life.last or 0), max(beginning, key=lambda life: life.first or 0)
    return (ends, begins) if (ends.last or 0) < (begins.first or 0) else None
