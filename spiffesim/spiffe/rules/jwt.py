"""The rules of a JWT-SVID.

Spec: JWT-SVID 2 to 4 and 6.2
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

import attrs

from spiffesim.errors import ConstraintViolation, Expired, InvalidSvid, Malformed, NotYetValid, WrongAudience
from spiffesim.instants import Microseconds
from spiffesim.spiffe import jose
from spiffesim.spiffe.bundlemap import Bundles
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose import claims as read
from spiffesim.spiffe.jose import compact
from spiffesim.spiffe.rules import signatures
from spiffesim.spiffe.verdict import Finding, Rule, Rulebook

_T = TypeVar("_T")

_COMPACT: Final = Rule(
    "compact",
    "JWT-SVID 5.1",
    f"The token is a JWS in compact serialization: three parts in base64url, at most {compact.MAX_TOKEN} characters.",
    Malformed,
)
_HEADER: Final = Rule(
    "header", "RFC 7515 4", "The header is one JSON object in UTF-8, no member twice.", Malformed, needs=("compact",)
)
_PAYLOAD: Final = Rule(
    "payload",
    "RFC 7519 7.2",
    "The payload is one JSON object in UTF-8, no member twice.",
    Malformed,
    needs=("compact",),
)
_EXPIRY: Final = Rule("expiry", "JWT-SVID 3.3", "exp is there, a finite number.", Malformed, needs=("payload",))
_BEGINNING: Final = Rule("beginning", "RFC 7519 4.1.5", "nbf, if there, is a number.", Malformed, needs=("payload",))
_SUBJECT: Final = Rule("subject", "JWT-SVID 3.1", "sub is a SPIFFE ID.", Malformed, needs=("payload",))

JWT_SVID: Final = Rulebook(
    "jwt-svid",
    (
        _COMPACT,
        _HEADER,
        Rule(
            "algorithm",
            "JWT-SVID 2.1",
            f"alg is one of {', '.join(jose.ALGORITHMS)}.",
            ConstraintViolation,
            needs=("header",),
        ),
        Rule(
            "header_members",
            "JWT-SVID 2",
            "The header has no members but alg, kid and typ.",
            ConstraintViolation,
            needs=("header",),
        ),
        Rule("key_id", "JWT-SVID 2.2", "kid, if there, is a string.", ConstraintViolation, needs=("header",)),
        Rule("type", "JWT-SVID 2.3", "typ, if there, is JWT or JOSE.", ConstraintViolation, needs=("header",)),
        _PAYLOAD,
        _SUBJECT,
        Rule(
            "audience",
            "JWT-SVID 3.2",
            "aud is a string, or an array of at least one, none of them empty.",
            Malformed,
            needs=("payload",),
        ),
        _EXPIRY,
        _BEGINNING,
        *signatures.rules("JWT-SVID"),
        Rule(
            "intended",
            "JWT-SVID 3.2",
            "aud holds a value that the validator goes by.",
            WrongAudience,
            needs=("audience",),
        ),
        Rule("begun", "RFC 7519 4.1.5", "The instant is not before nbf.", NotYetValid, needs=("beginning",)),
        Rule("unexpired", "JWT-SVID 3.3", "The instant is before exp.", Expired, needs=("expiry",)),
    ),
)


class Question(NamedTuple):
    """What a token is asked.

    Attributes:
        at: The instant.
        leeway: How wrong the clocks may be.
        audience: Whom the validator goes by.
        bundles: What it trusts.
    """

    at: Microseconds
    leeway: Microseconds
    audience: tuple[str, ...]
    bundles: Bundles


def judge(token: object, question: Question) -> tuple[SpiffeId | None, list[Finding]]:
    """The subject of a token, as far as it can be read, and the rules that it breaks."""
    findings: list[Finding] = []
    try:
        raw_header, raw_payload, signed, signature = compact.segments(token)
    except InvalidSvid as error:
        return None, [Finding("compact", str(error))]
    header, objections = (_header_seen if len(raw_header) <= _SHORT else _read_header)(raw_header)
    findings.extend(map(attrs.evolve, objections))  # copies: whoever gets them may change their facts
    claims = part(findings, "payload", raw_payload)
    spiffe_id = None
    if claims is not None:
        spiffe_id = ask(findings, "subject", read.subject, claims)
        _judge_audience(findings, claims, spiffe_id, question.audience)
        judge_times(findings, claims, spiffe_id, question)
    content = signed, signature
    judge_signature("jwt-svid", findings, spiffe_id, header, content=content, bundles=question.bundles)
    return spiffe_id, findings


def judge_signature(
    kind: str,
    findings: list[Finding],
    spiffe_id: SpiffeId | None,
    header: Mapping[str, Any] | None,
    *,
    content: tuple[bytes, bytes],
    bundles: Bundles,
) -> None:
    """The signature, as far as subject, alg and kid let it be judged."""
    if spiffe_id is None:
        return
    if any(finding.rule in ("algorithm", "key_id") for finding in findings):
        header = None
    finding = signatures.judge(kind, spiffe_id, header, content, bundles)
    if finding is not None:
        findings.append(finding)


def part(findings: list[Finding], name: str, data: bytes) -> dict[str, Any] | None:
    """The header or the payload, or None and one more finding."""
    try:
        return compact.read_part(name, data)
    except InvalidSvid as error:
        findings.append(Finding(name, str(error)))
        return None


def ask(
    findings: list[Finding], rule: str, reader: Callable[[Mapping[str, Any]], _T], claims: Mapping[str, Any]
) -> _T | None:
    """A claim, or None and one more finding."""
    try:
        return reader(claims)
    except read.Broken as error:
        findings.append(Finding(rule, str(error)))
        return None


def _read_header(data: bytes) -> tuple[Mapping[str, Any] | None, tuple[Finding, ...]]:
    """The header, if it can be read, and the rules that it breaks."""
    findings: list[Finding] = []
    header = part(findings, "header", data)
    if header is not None:
        _judge_header(findings, header)
    return header, tuple(findings)


# A key signs thousands of tokens under the same header, so each short one is read once.
_SHORT: Final = 512
_header_seen = lru_cache(maxsize=1024)(_read_header)


def judge_algorithm(findings: list[Finding], header: Mapping[str, Any]) -> None:
    """Whether alg is one that may be used, before anything is done with it."""
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in jose.ALGORITHMS:
        found = f"is {algorithm!r:.80}" if "alg" in header else "is missing"
        findings.append(
            Finding(
                "algorithm",
                f"alg {found}; it must be one of {', '.join(jose.ALGORITHMS)}",
                facts={"algorithm": algorithm if isinstance(algorithm, str) else None},
            )
        )


def _judge_header(findings: list[Finding], header: Mapping[str, Any]) -> None:
    judge_algorithm(findings, header)
    others = [name for name in header if name not in ("alg", "kid", "typ")]
    if others:
        findings.append(
            Finding(
                "header_members",
                f"the header has {', '.join(map(repr, others)):.200}, but may have alg, kid and typ only",
                facts={"members": tuple(others)},
            )
        )
    if not isinstance(header.get("kid", ""), str):
        findings.append(Finding("key_id", f"kid is {header['kid']!r:.80}, not a string"))
    if "typ" in header and header["typ"] not in ("JWT", "JOSE"):
        findings.append(Finding("type", f"typ is {header['typ']!r:.80}, not JWT or JOSE"))


def _judge_audience(
    findings: list[Finding], claims: Mapping[str, Any], spiffe_id: SpiffeId | None, wanted: tuple[str, ...]
) -> None:
    audience = ask(findings, "audience", read.audience, claims)
    if audience is None or not set(wanted).isdisjoint(audience):
        return
    findings.append(
        Finding(
            "intended",
            f"{_of(spiffe_id)} is for {_names(audience)}, not for {_names(wanted)}",
            facts={"audience": audience, "expected": wanted},
        )
    )


def judge_times(
    findings: list[Finding], claims: Mapping[str, Any], spiffe_id: SpiffeId | None, question: Question
) -> None:
    """Whether the token has begun and has not ended: valid from nbf on, until just before exp."""
    at, leeway = question.at, question.leeway
    exp = ask(findings, "expiry", lambda found: read.instant(found, "exp"), claims)
    nbf = ask(findings, "beginning", lambda found: read.instant(found, "nbf"), claims) if "nbf" in claims else None
    lenient = f", with {read.apart(leeway, 0)} of leeway" if leeway else ""
    if nbf is not None and at + leeway < nbf:
        begins, now = read.both(nbf, at)
        findings.append(
            Finding(
                "begun",
                f"{_of(spiffe_id)} begins in {read.apart(nbf, at)} (not before {begins}, now {now}{lenient})",
                facts={"not_before": read.as_datetime(nbf), "at": read.as_datetime(at)},
            )
        )
    if exp is not None and at >= exp + leeway:
        ends, now = read.both(exp, at)
        findings.append(
            Finding(
                "unexpired",
                f"{_of(spiffe_id)} expired {read.apart(exp, at)} ago (valid until {ends}, now {now}{lenient})",
                facts={"not_after": read.as_datetime(exp), "at": read.as_datetime(at)},
            )
        )


def _of(spiffe_id: SpiffeId | None) -> str:
    return f"the token of {spiffe_id}" if spiffe_id is not None else "the token"


def _names(audience: tuple[str, ...]) -> str:
    shown = ", ".join(repr(name) for name in audience[:4])
    return shown if len(audience) <= 4 else f"{shown} and {len(audience) - 4} more"
