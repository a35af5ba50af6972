"""Reasons: why a document was accepted or refused, as a short proof in words.

The verdict's face is the table of all rules; this is what one person tells another about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from spiffesim.instants import SECOND, Microseconds, microseconds, rfc3339
from spiffesim.spiffe.evidence import ChainEvidence, Evidence, TokenEvidence
from spiffesim.spiffe.jose.claims import apart as distance
from spiffesim.spiffe.jose.claims import written
from spiffesim.spiffe.markup import columns, printable
from spiffesim.spiffe.periods import Period, apart, periods
from spiffesim.spiffe.remedy import TIMES, remedy, what

if TYPE_CHECKING:
    from spiffesim.spiffe.bundle import SpiffeBundle
    from spiffesim.spiffe.verdict import Finding, Rulebook, Verdict

_WIDE: Final = 110  # characters of a line
_LABEL: Final = 10  # characters before its text
_MOST: Final = 4  # rules told in full, names of keys, names of skipped rules
_ROWS: Final = 8  # certificates
_KINDS: Final = {
    "x509-svid": "X.509-SVID",
    "jwt-svid": "JWT-SVID",
    "wit-svid": "WIT-SVID",
    "spiffe-id": "SPIFFE ID",
    "bundle": "bundle",
    "bundle-map": "bundle map",
}
_PROFILES: Final = {"spire": "SPIRE", "go-spiffe": "go-spiffe"}


def of_verdict(verdict: Verdict, rules: Rulebook) -> str:
    """Why a document was accepted or refused.

    Args:
        verdict: The verdict.
        rules: The rulebook of its kind.
    """
    lines: list[str] = []
    for label, text in _told(verdict, rules):
        lines += _line(label, text)
    return "\n".join(lines)


def _told(verdict: Verdict, rules: Rulebook) -> Iterator[tuple[str, str | list[str]]]:
    """Each line: its label, and a text, or the rows of a table."""
    yield "accepted" if verdict.ok else "refused", _what(verdict)
    if verdict.at is not None:
        yield "at", _asked(verdict, microseconds(verdict.at))
    evidence = verdict.evidence
    if evidence is not None:
        if verdict.spiffe_id is not None:
            yield "bundle", _bundle(verdict, evidence)
        if isinstance(evidence, ChainEvidence):
            yield "chain", _chain(evidence, verdict.findings)
        elif evidence.token is not None:
            yield from _token(evidence)
    yield from _because(verdict, rules)
    found = _periods(verdict)
    if verdict.at is not None:
        yield "when", _when(verdict, found, microseconds(verdict.at))
    if not verdict.ok:
        yield "next", remedy(verdict, rules[verdict.findings[0].rule], ever=found != [])


def _line(label: str, text: str | list[str]) -> list[str]:
    rows = (
        text
        if isinstance(text, list)
        else wrap(_ascii(text), _WIDE - _LABEL, break_long_words=False, break_on_hyphens=False)
    )
    return [f"{label if not number else '':<{_LABEL}}{row}".rstrip() for number, row in enumerate(rows)]


def _ascii(text: object) -> str:
    return printable(text).encode("ascii", "backslashreplace").decode("ascii")


# What was asked


def _what(verdict: Verdict) -> str:
    kind = _KINDS[verdict.kind.partition("/")[0]]
    if verdict.spiffe_id is not None:
        return f"{kind} of {verdict.spiffe_id}"
    return kind if verdict.at is None else f"{kind} whose subject cannot be told"


def _asked(verdict: Verdict, at: Microseconds) -> str:
    asked = [rfc3339(at)]
    evidence = verdict.evidence
    if isinstance(evidence, TokenEvidence):
        if evidence.audience:
            asked.append(f"by a validator that goes by {_names(evidence.audience)}")
        if evidence.leeway:
            asked.append(f"with {distance(evidence.leeway, 0)} of leeway")
        profile = verdict.kind.partition("/")[2]
        if profile:
            asked.append(f"as {_PROFILES[profile]} judges")
    return ", ".join(asked)


def _bundle(verdict: Verdict, evidence: Evidence) -> str:
    bundle = evidence.bundle
    if bundle is None:
        return f"none of {verdict.spiffe_id.trust_domain} is held" if verdict.spiffe_id is not None else "not asked"
    number = bundle.sequence_number
    return f"{bundle.trust_domain}, {_authorities(verdict.kind, bundle)}, " + (
        "without a sequence number" if number is None else f"sequence number {number}"
    )


def _authorities(kind: str, bundle: SpiffeBundle) -> str:
    if kind == "x509-svid":
        name, keys = "X.509", [_short(each.key_id.hex()) for each in bundle.anchors.certificates]
    elif kind == "wit-svid":
        name, keys = "WIT", [repr(key_id) for key_id in bundle.wit_spki]
    else:
        name, keys = "JWT", [repr(key_id) for key_id in bundle.jwt_spki]
    count = f"{len(keys) or 'no'} {name} authorit{'y' if len(keys) == 1 else 'ies'}"
    return f"{count} (key {_listed(keys)})" if keys else count


def _chain(evidence: ChainEvidence, findings: Sequence[Finding]) -> list[str]:
    """The certificates, one a row, the leaf first; what each of them fails stands behind it."""
    failed: dict[int, list[str]] = {}
    for finding in findings:
        if finding.depth is not None:
            failed.setdefault(finding.depth, []).append(finding.rule)
    named = evidence.named()
    rows = []
    for depth, (name, each) in enumerate(named):
        if len(named) <= _ROWS or not _ROWS - 3 <= depth < len(named) - 2:
            marks = f"<- {_listed(failed[depth], 2)}" if depth in failed else ""
            period = f"{rfc3339(each.not_before)} to {rfc3339(each.not_after)}"
            rows.append(
                (name, f"serial {_short(f'{each.serial:x}')}", f"key {_short(each.key_id.hex())}", period, marks)
            )
        elif depth == _ROWS - 3:
            rows.append((f"{len(named) - _ROWS + 1} more", "", "", "", ""))
    missing = evidence.path[-1].authority_key_id if evidence.path and not evidence.anchored else None
    if missing is not None:
        rows.append(("missing", "", f"key {_short(missing.hex())}", "neither presented nor in the bundle", ""))
    return columns(rows)


def _token(evidence: TokenEvidence) -> Iterator[tuple[str, str]]:
    """What of a token a verdict may hang on, as far as it can be read."""
    header, claims = evidence.parts()
    if header:
        yield "header", ", ".join(_members(header, ("alg", "kid", "typ"))) or "nothing of note"
    if claims:
        told = _members(claims, ("aud",))
        for name in ("iat", "nbf", "exp"):
            instant = evidence.instant(claims, name)
            told += [f"{name} {written(instant)}"] if instant is not None else _members(claims, (name,))
        yield "claims", ", ".join(told) or "nothing of note"
    if evidence.proof is not None:
        yield "proof", f"until {written(microseconds(evidence.proof.not_after))}"


def _members(part: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [f"{name} {part[name]!r:.60}" for name in names if name in part]


# Why


def _because(verdict: Verdict, rules: Rulebook) -> Iterator[tuple[str, str]]:
    if verdict.ok:
        yield "because", _accepted(verdict, rules)
    for place, text in enumerate(_findings(verdict, verdict.findings, rules)):
        yield "and" if place else "because", text
    for place, text in enumerate(_findings(verdict, verdict.skipped, rules)):
        yield "and" if place else "ignored", text
    unasked = list(dict.fromkeys(each.name for each in verdict.rules if each.answer == "not_reached"))
    if unasked and not verdict.ok:
        yield "unasked", f"{len(unasked)} of {len(rules.rules)} rules, which need what failed: {_listed(unasked, 3)}"


def _findings(verdict: Verdict, findings: Sequence[Finding], rules: Rulebook) -> Iterator[str]:
    """Each rule once: the first few in full."""
    groups = [(rules[name], list(same)) for name, same in groupby(findings, lambda each: each.rule)]
    for rule, same in groups[:_MOST]:
        others = [what(verdict, finding) for finding in same[1:]]
        more = f"; the same of {_listed(others)}" if others else ""
        yield f"{rule.name}, {rule.clause}: {same[0].detail}{more}"
    if groups[_MOST:]:
        yield ", ".join(f"{rule.name} ({rule.clause})" for rule, _ in groups[_MOST:])


def _accepted(verdict: Verdict, rules: Rulebook) -> str:
    passed = f"all {len(rules.rules)} rules pass"
    evidence = verdict.evidence
    if isinstance(evidence, ChainEvidence):
        return f"each is signed with the key below it, the last is an authority of the bundle; {passed}"
    if isinstance(evidence, TokenEvidence):
        kid = (evidence.parts()[0] or {}).get("kid")
        key = "a key" if kid is None else f"key {kid!r:.80}"
        return f"it is signed with {key} of the bundle; {passed}"
    return passed


# When


def _periods(verdict: Verdict) -> list[Period] | None:
    """When the document is accepted; None if it takes too long to find out."""
    if verdict.evidence is None:
        return [Period(None, None)] if verdict.ok else []
    return None if any(each.rule == "search_budget" for each in verdict.findings) else periods(verdict.evidence)


def _when(verdict: Verdict, found: list[Period] | None, at: Microseconds) -> str:
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
        told.append(f"it will be accepted {_span(future[0])}, the first time in {distance(future[0].first or 0, at)}")
    return "; ".join(told)


def _within(period: Period, at: Microseconds) -> bool:
    return (period.first is None or period.first <= at) and (period.last is None or at <= period.last)


def _span(period: Period) -> str:
    if period.last is None:
        return "at any instant" if period.first is None else f"from {written(period.first)} on"
    just, last = _until(period.last)
    end = f"{just}{written(last)}"
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
    return distance(_until(period.last or 0)[1], at)


def _until(last: Microseconds) -> tuple[str, Microseconds]:
    """An end as a person tells it. A token ends just before its exp; nobody wants to read the microsecond before it."""
    whole = last % SECOND == SECOND - 1
    return ("just before ", last + 1) if whole else ("", last)


def _never(verdict: Verdict) -> str:
    others = list(dict.fromkeys(each.rule for each in verdict.findings if each.rule not in TIMES))
    if others:
        return f"at no instant, as long as {_listed(others)} fail{'s' if len(others) == 1 else ''}"
    disjoint = apart(verdict.evidence.lives()) if verdict.evidence is not None else None
    if disjoint is None:
        return "at no instant"
    ends, begins = disjoint
    if ends == begins:
        return f"at no instant: {ends.whose} ends before it begins"
    return (
        f"at no instant: {ends.whose} ends ({written(ends.last or 0)}) before {begins.whose} begins "
        f"({written(begins.first or 0)})"
    )


# Words


def _short(digits: str) -> str:
    return digits if len(digits) <= 11 else f"{digits[:8]}..."


def _names(names: Sequence[str]) -> str:
    return _listed([f"{name!r:.60}" for name in names])


def _listed(texts: Sequence[str], most: int = _MOST) -> str:
    shown = ", ".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most} more"
