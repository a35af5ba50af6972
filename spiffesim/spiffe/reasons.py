"""Reasons: why a document was accepted or refused, as a short proof in words.

The verdict's face is the table of all rules; this is what one person tells another about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from spiffesim.instants import Microseconds, microseconds, rfc3339
from spiffesim.spiffe.evidence import ChainEvidence, Evidence, TokenEvidence
from spiffesim.spiffe.jose.claims import apart as distance
from spiffesim.spiffe.jose.claims import written
from spiffesim.spiffe.markup import columns, listed, printable
from spiffesim.spiffe.periods import periods_of, when
from spiffesim.spiffe.remedy import remedy, what

if TYPE_CHECKING:
    from spiffesim.spiffe.bundle import SpiffeBundle
    from spiffesim.spiffe.verdict import Finding, Rulebook, Verdict

_WIDE: Final = 120  # characters of a line
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
    found = periods_of(verdict)
    if verdict.at is not None and (evidence is not None or found == []):
        yield "when", when(verdict, found, microseconds(verdict.at))
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
    if kind.startswith("x509-svid"):
        name, keys = "X.509", [_short(each.key_id.hex()) for each in bundle.anchors.certificates]
    elif kind.startswith("wit-svid"):
        name, keys = "WIT", [repr(key_id) for key_id in bundle.wit_spki]
    else:
        name, keys = "JWT", [repr(key_id) for key_id in bundle.jwt_spki]
    count = f"{len(keys) or 'no'} {name} authorit{'y' if len(keys) == 1 else 'ies'}"
    return f"{count} (key {listed(keys, _MOST)})" if keys else count


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
            marks = f"<- {listed(failed[depth], 2)}" if depth in failed else ""
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
        yield "proof", f"until {written(evidence.proof.ends)}"


def _members(part: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [f"{name} {part[name]!r:.60}" for name in names if name in part]


# Why


def _because(verdict: Verdict, rules: Rulebook) -> Iterator[tuple[str, str]]:
    if verdict.ok:
        yield "because", _accepted(verdict)
    for place, text in enumerate(_findings(verdict, verdict.findings, rules)):
        yield "and" if place else "because", text
    for place, text in enumerate(_findings(verdict, verdict.skipped, rules)):
        yield "and" if place else "ignored", text
    unasked = list(dict.fromkeys(each.name for each in verdict.rules if each.answer == "not_reached"))
    if unasked and not verdict.ok:
        yield "unasked", listed(unasked, _MOST)


def _findings(verdict: Verdict, findings: Sequence[Finding], rules: Rulebook) -> Iterator[str]:
    """Each rule once: the first few in full."""
    groups = [(rules[name], list(same)) for name, same in groupby(findings, lambda each: each.rule)]
    for rule, same in groups[:_MOST]:
        others = [what(verdict, finding) for finding in same[1:]]
        more = f"; the same of {listed(others, _MOST)}" if others else ""
        yield f"{rule.name}, {rule.clause}: {same[0].detail}{more}"
    if groups[_MOST:]:
        yield ", ".join(f"{rule.name} ({rule.clause})" for rule, _ in groups[_MOST:])


def _accepted(verdict: Verdict) -> str:
    passed = "no rule fails"
    evidence = verdict.evidence
    if isinstance(evidence, ChainEvidence):
        return f"each is signed with the key below it, the last is an authority of the bundle; {passed}"
    if isinstance(evidence, TokenEvidence):
        kid = (evidence.parts()[0] or {}).get("kid")
        key = "a key" if kid is None else f"key {kid!r:.80}"
        return f"it is signed with {key} of the bundle; {passed}"
    return passed


# Words


def _short(digits: str) -> str:
    return digits if len(digits) <= 11 else f"{digits[:8]}..."


def _names(names: Sequence[str]) -> str:
    return listed([f"{name!r:.60}" for name in names], _MOST)
