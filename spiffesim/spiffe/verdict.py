"""Verdicts: every rule of a kind of document, its clause, and its answer for one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from spiffesim.errors import InvalidBundle, InvalidInput, InvalidSpiffeId, ValidationError
from spiffesim.spiffe.face import Face, Shown
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.markup import pretty_fields

if TYPE_CHECKING:
    from spiffesim.spiffe.evidence import Evidence

Scope: TypeAlias = Literal["document", "leaf", "issuer", "signed", "certificate", "value", "part"]
"""Whom a rule is asked of.

The document as a whole; certificate 0; certificates 1 and up; those that have an issuer on the
path (all but the last); all certificates; or each JSON value, or each part (the segments of an ID, the entries
of a bundle, the bundles of a map), of which those behind the first one that is wrong are not looked at.
"""

Refusal: TypeAlias = ValidationError | InvalidBundle | InvalidSpiffeId
"""What is raised for a document that is refused: the latter two where it is read, not judged at an instant."""

PASSED: Final = "passed"
FAILED: Final = "failed"
NOT_REACHED: Final = "not_reached"
IGNORED: Final = "ignored"

_PARTS: Final = ("value", "part")


@attrs.frozen
class Rule:
    """One requirement.

    Attributes:
        name: Our stable name for it; the ``code`` of the error that it raises.
        clause: Where it stands, such as ``"X509-SVID 5.2"``.
        sentence: What it demands, as a person would say it.
        error: What ``validate_*``, or the reader of such a document, raises when it is the first to fail.
        scope: Whom it is asked of.
        needs: The rules without which it has no answer.
    """

    name: str
    clause: str
    sentence: str
    error: type[Refusal]
    scope: Scope = "document"
    needs: tuple[str, ...] = ()


def _copy(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict(facts)


@attrs.frozen
class Finding:
    """A rule that failed, where, and why.

    Attributes:
        rule: The name of the rule.
        detail: The whole sentence: who, what, by how much.
        depth: Which certificate of the chain, 0 being the leaf; None for the document.
        facts: What the sentence was made of; they become attributes of the error.
    """

    rule: str
    detail: str
    depth: int | None = None
    facts: Mapping[str, Any] = attrs.field(factory=dict, converter=_copy, hash=False)

    _repr_pretty_ = pretty_fields


@attrs.frozen
class Answer:
    """What one rule answered.

    ``passed``, ``failed``, ``not_reached``, or ``ignored``: something is there that breaks it, and the standard tells
    validators to go on as if it were not.
    """

    name: str
    clause: str
    answer: str
    detail: str | None = None
    depth: int | None = None

    _repr_pretty_ = pretty_fields


class Rulebook:
    """The rules of one kind of document, in the order in which they are told."""

    def __init__(self, kind: str, rules: Sequence[Rule]) -> None:
        self.kind = kind
        self.rules = tuple(rules)
        self._by_name = {rule.name: rule for rule in self.rules}

    @classmethod
    def in_turn(cls, kind: str, rules: Sequence[Rule]) -> Rulebook:
        """The rules of a reader that stops at the first one that fails: each needs those before it."""
        before = ((), *((rule.name,) for rule in rules))
        return cls(kind, [attrs.evolve(rule, needs=needs) for rule, needs in zip(rules, before, strict=False)])

    def __getitem__(self, name: str) -> Rule:
        return self._by_name[name]

    @cached_property
    def _order(self) -> Mapping[str, int]:
        return {rule.name: place for place, rule in enumerate(self.rules)}

    @cached_property
    def _foundations(self) -> Mapping[str, frozenset[tuple[str, bool]]]:
        """Each rule with everything that it needs, directly or not, and whether it needs it of the leaf alone."""
        found: dict[str, frozenset[tuple[str, bool]]] = {}
        for rule in self.rules:
            needed = {(name, False) for name in rule.needs}
            for name in rule.needs:
                of_leaf = self[name].scope == "leaf"
                needed |= {(foundation, of_leaf or leaf) for foundation, leaf in found[name]}
            if rule.scope in _PARTS:  # what comes behind the part that breaks another one is not looked at
                needed |= {(each.name, False) for each in self.rules if each.scope == rule.scope and each is not rule}
            found[rule.name] = frozenset(needed)
        return found

    def in_order(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Findings without those that hang on another one: by the order of the rules, then leaf first."""
        failed = _failed(findings)
        kept = [finding for finding in findings if not self._blocked(finding.rule, finding.depth, failed)]
        return tuple(sorted(kept, key=lambda finding: (self._order[finding.rule], finding.depth or 0)))

    def _blocked(self, name: str, depth: int | None, failed: _Failed) -> bool:
        """Whether a rule has no answer: one that it needs failed for the document, or for the same certificate."""
        for foundation, of_leaf in self._foundations[name]:
            depths = failed.get(foundation)
            place = 0 if of_leaf else depth
            if depths and (place is None or place in depths or None in depths):
                return True
        return False

    def answers(self, findings: Sequence[Finding], depth: int, skipped: Sequence[Finding] = ()) -> tuple[Answer, ...]:
        """Every rule with its answer, for a document whose chain has ``depth`` issuers above the leaf.

        Where a rule has several findings in one place, the first is told.
        """
        failed, ignored = _failed(findings), _failed(skipped)
        answers = []
        for rule in self.rules:
            places = _places(rule.scope, depth)
            if not places:
                answers.append(Answer(rule.name, rule.clause, NOT_REACHED))
            for place in places:
                finding = failed.get(rule.name, {}).get(place)
                if finding is not None:
                    answer = FAILED
                elif self._blocked(rule.name, place, failed):
                    answer = NOT_REACHED
                else:
                    finding = ignored.get(rule.name, {}).get(place)
                    answer = PASSED if finding is None else IGNORED
                detail = finding.detail if finding is not None else None
                answers.append(Answer(rule.name, rule.clause, answer, detail, place))
        return tuple(answers)


_Failed: TypeAlias = Mapping[str, Mapping[int | None, Finding]]


def _failed(findings: Sequence[Finding]) -> _Failed:
    """The findings by rule and depth; the first one where there are several."""
    failed: dict[str, dict[int | None, Finding]] = {}
    for finding in findings:
        failed.setdefault(finding.rule, {}).setdefault(finding.depth, finding)
    return failed


def _places(scope: Scope, depth: int) -> Sequence[int | None]:
    if scope == "document" or scope in _PARTS:
        return (None,)
    if scope == "leaf":
        return (0,)
    if scope == "issuer":
        return range(1, depth + 1)
    return range(depth) if scope == "signed" else range(depth + 1)


@attrs.frozen(slots=False)  # not slotted: the answers are worked out when somebody looks
class Verdict(Shown):
    """The judgement of one document at one instant; it never changes.

    Attributes:
        kind: ``"x509-svid"``, ``"jwt-svid"`` or ``"wit-svid"``, with the profile where it is not ours; or
            ``"spiffe-id"``, ``"bundle"`` or ``"bundle-map"``.
        spiffe_id: Whose document it is, as far as it could be read; trust it only when ``ok``.
        at: The instant of the judgement; None for a document that is right or wrong at all times.
        findings: The rules that failed, first things first.
        depth: How many issuers stand above the leaf on the path that was judged.
        evidence: What was judged, for :meth:`explain`: certificates, a token, a bundle, but no private key.
            Verdicts are equal without it.
        skipped: What is wrong in a document that is accepted nonetheless, because the standard says to ignore it.
    """

    kind: str
    spiffe_id: SpiffeId | None
    at: datetime | None
    findings: tuple[Finding, ...]
    depth: int = 0
    evidence: Evidence | None = attrs.field(default=None, repr=False, eq=False)
    skipped: tuple[Finding, ...] = ()

    @classmethod
    def of(
        cls,
        kind: str,
        spiffe_id: SpiffeId | None,
        at: datetime,
        findings: Sequence[Finding],
        depth: int = 0,
        *,
        evidence: Evidence | None = None,
    ) -> Verdict:
        """A verdict whose findings are put in order, without those that hang on another."""
        return cls(kind, spiffe_id, at, rulebook(kind).in_order(findings) if findings else (), depth, evidence)

    @property
    def ok(self) -> bool:
        """Whether the document is accepted."""
        return not self.findings

    @cached_property
    def rules(self) -> tuple[Answer, ...]:
        """Every rule with its answer."""
        return rulebook(self.kind).answers(self.findings, self.depth, self.skipped)

    @property
    def failures(self) -> tuple[Answer, ...]:
        """The answers of the rules that failed."""
        return self._told(FAILED, self.findings)

    @property
    def ignored(self) -> tuple[Answer, ...]:
        """What an accepted document has that the standard says to ignore: the rule that it breaks, where, and why."""
        return self._told(IGNORED, self.skipped)

    def _told(self, answer: str, findings: Sequence[Finding]) -> tuple[Answer, ...]:
        rules = rulebook(self.kind)
        return tuple(
            Answer(finding.rule, rules[finding.rule].clause, answer, finding.detail, finding.depth)
            for finding in findings
        )

    @property
    def first(self) -> Refusal | None:
        """What ``validate_*``, or the reader of such a document, raises: the first rule that failed, or None."""
        if not self.findings:
            return None
        finding = self.findings[0]
        rule = rulebook(self.kind)[finding.rule]
        facts = {"depth": finding.depth, **finding.facts}
        return rule.error(
            finding.detail, code=rule.name, clause=rule.clause, verdict=self, spiffe_id=self.spiffe_id, **facts
        )

    def explain(self) -> str:
        """Why it was accepted or refused, as a short proof in words.

        Which certificate, which bundle and which version of it, which instant, which rule and clause, when the same
        document would be accepted, and what to do next. A few lines of ASCII, worked out only now.
        """
        from spiffesim.spiffe import reasons

        return reasons.of_verdict(self, rulebook(self.kind))

    def __bool__(self) -> bool:
        return self.ok

    def _face(self) -> Face:
        from spiffesim.spiffe import faces

        return faces.of_verdict(self, rulebook(self.kind))

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in attrs.fields(Verdict)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def rulebook(kind: str) -> Rulebook:
    """The rules of a kind of document.

    Args:
        kind: ``"x509-svid"``, ``"jwt-svid"``, ``"wit-svid"``, ``"spiffe-id"``, ``"bundle"`` or ``"bundle-map"``, with
            its profile where that is not ours: ``"jwt-svid/spire"``, ``"jwt-svid/go-spiffe"``.

    Raises:
        InvalidInput: If there is no such kind.
    """
    # Imported when asked: the rulebooks are made of the rules above, and a verdict travels without them.
    if kind == "x509-svid":
        from spiffesim.spiffe.rules.x509 import X509_SVID

        return X509_SVID
    if kind == "jwt-svid":
        from spiffesim.spiffe.rules.jwt import JWT_SVID

        return JWT_SVID
    if kind == "wit-svid":
        from spiffesim.spiffe.rules.wit import WIT_SVID

        return WIT_SVID
    if kind == "jwt-svid/spire":
        from spiffesim.spiffe.rules.spire import SPIRE

        return SPIRE
    if kind in ("jwt-svid/go-spiffe", "wit-svid/go-spiffe"):
        from spiffesim.spiffe.rules.gospiffe import tokens

        return tokens.JWT_SVID if kind.startswith("jwt") else tokens.WIT_SVID
    if kind == "x509-svid/go-spiffe":
        from spiffesim.spiffe.rules.gospiffe import certificates

        return certificates.X509_SVID
    if kind == "spiffe-id":
        from spiffesim.spiffe.rules.identifier import SPIFFE_ID

        return SPIFFE_ID
    if kind in ("bundle", "bundle-map"):
        from spiffesim.spiffe.rules.bundle import BUNDLE, BUNDLE_MAP

        return BUNDLE if kind == "bundle" else BUNDLE_MAP
    raise InvalidInput(f"there is no kind of document {kind!r:.80}", code="kind")
