"""The faces of SVIDs, bundles and verdicts. They show what is there, and judge nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from spiffesim.errors import InvalidBundle, InvalidSvid, SpiffeSimError
from spiffesim.instants import microseconds, rfc3339
from spiffesim.spiffe.face import BAD, FAINT, GOOD, Face, Row, Span
from spiffesim.spiffe.markup import shorten
from spiffesim.spiffe.x509 import der

if TYPE_CHECKING:
    from spiffesim.spiffe.authorities import Authorities
    from spiffesim.spiffe.bundle import SpiffeBundle
    from spiffesim.spiffe.signedtoken import SignedToken
    from spiffesim.spiffe.verdict import Answer, Rulebook, Verdict
    from spiffesim.spiffe.x509.certificate import Certificate
    from spiffesim.spiffe.x509svid import X509Svid

_MANY: Final = 40  # certificates or keys: what a screen holds
_WIDE: Final = 100  # characters
_ID: Final = 13  # characters of what nobody reads to its end
_MARKS: Final = {"passed": "✓ passed", "failed": "✗ failed", "not_reached": "· not reached", "ignored": "○ ignored"}
_MOODS: Final = {"passed": GOOD, "failed": BAD, "not_reached": FAINT, "ignored": ""}
_ATTRIBUTES: Final = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.45": "x500UniqueIdentifier",
}


# Chains


def of_x509_svid(svid: X509Svid) -> Face:
    """A chain: from the leaf up to the authority that signed it all and is not presented."""
    try:
        chain = svid.parsed
    except InvalidSvid as error:
        return _unreadable("An X509Svid", error)
    period = _period(chain)
    rows = [partial(_certificate_row, _place(depth), certificate, period) for depth, certificate in enumerate(chain)]
    if not chain[-1].self_issued:
        rows.append(partial(_authority_above, _place(len(chain)), chain[-1].authority_key_id))
    shown = _abridged(rows)
    return Face(
        f"X509Svid of {shown[0].cells[1] or 'nobody, for its leaf has no URI'}",
        facts=(_count(len(chain), "certificate"), f"until {rfc3339(chain[0].not_after)}", *_hints(svid.hint)),
        head=("", "SPIFFE ID", "not before", "not after", "key", "serial number", "subject"),
        rows=shown,
    )


def _place(depth: int) -> str:
    return f"{'  ' * min(depth - 1, 8)}└ signed by" if depth else "leaf"


def _certificate_row(place: str, certificate: Certificate, period: Span) -> Row:
    start, length = period
    begin = (certificate.not_before - start) / length
    span = begin, max(begin, (certificate.not_after - start) / length)
    return Row(
        (
            place,
            shorten(", ".join(certificate.uris), _WIDE),
            rfc3339(certificate.not_before),
            rfc3339(certificate.not_after),
            _key(lambda: certificate.public_key),
            shorten(f"{certificate.serial:x}", _ID),
            name_text(certificate.subject),
        ),
        span=span,
    )


def _authority_above(place: str, key_id: bytes | None) -> Row:
    key = f", key {shorten(key_id.hex(), _ID)}" if key_id is not None else ""
    return Row((place, f"an authority of the bundle{key}", "", "", "", "", ""), FAINT)


def _period(certificates: Sequence[Certificate]) -> Span:
    """When the first of them begins, and how long it takes until the last one ends."""
    start = min((certificate.not_before for certificate in certificates), default=0)
    return start, max(1, max((certificate.not_after for certificate in certificates), default=0) - start)


def name_text(name: bytes) -> str:
    """The Name of a certificate as a person reads it, such as ``C=US, O=SPIFFE``."""
    pairs = []
    for _, _, start, end in der.values(name, *der.whole(name, der.SEQUENCE)):
        for _, _, inside, stop in der.values(name, start, end):
            (_, _, oid, oid_end), (_, _, value, value_end) = der.values(name, inside, stop)
            kind = der.dotted(name[oid:oid_end])
            text = name[value:value_end].decode("utf-8", "replace")
            pairs.append(f"{_ATTRIBUTES.get(kind, kind)}={shorten(text, 2 * _ID)}")
    return shorten(", ".join(pairs), _WIDE)


def _key(load: Callable[[], Any]) -> str:
    """A public key in a word."""
    from spiffesim.spiffe import jose

    try:
        return jose.describe(load()).partition(" ")[2].removesuffix(" key")
    except (InvalidSvid, InvalidBundle):
        return "unusable"


# Bundles


def of_bundle(bundle: SpiffeBundle) -> Face:
    """The authorities of a trust domain."""
    notes: tuple[str, ...] = ()
    try:
        certificates = bundle.anchors.certificates
    except InvalidBundle as error:
        certificates, notes = (), (str(error),)
    period = _period(certificates)
    rows = [partial(_authority_row, certificate, period) for certificate in certificates]
    for use, authorities in (("jwt-svid", bundle.jwt_authorities), ("wit-svid", bundle.wit_authorities)):
        rows += [partial(_key_row, use, key_id, authorities) for key_id in authorities]
    return Face(
        f"SpiffeBundle of {bundle.trust_domain}",
        facts=tuple(_bundle_facts(bundle)),
        notes=notes,
        head=("use", "key ID", "not before", "not after", "key", "subject"),
        rows=_abridged(rows),
    )


def _authority_row(certificate: Certificate, period: Span) -> Row:
    row = _certificate_row("", certificate, period)
    _, _, not_before, not_after, key, _, subject = row.cells
    return Row(("x509-svid", certificate.key_id.hex(), not_before, not_after, key, subject), span=row.span)


def _key_row(use: str, key_id: str, authorities: Authorities) -> Row:
    return Row((use, key_id, "", "", _key(partial(authorities.__getitem__, key_id)), ""))


def _bundle_facts(bundle: SpiffeBundle) -> Iterator[str]:
    yield f"{len(bundle.x509_der)} X.509, {len(bundle.jwt_spki)} JWT, {len(bundle.wit_spki)} WIT authorities"
    if bundle.sequence_number is not None:
        yield f"sequence number {bundle.sequence_number}"
    if bundle.refresh_hint is not None:
        yield f"refreshed every {bundle.refresh_hint}"


# Tokens


def of_token(svid: SignedToken) -> Face:
    """A token: its header and its claims."""
    kind = type(svid).__name__
    try:
        parts = {"header": svid.header, "claim": svid.claims}
    except InvalidSvid as error:
        return _unreadable(f"A {kind}", error)
    rows = [
        partial(_member_row, part, name, value) for part, members in parts.items() for name, value in members.items()
    ]
    return Face(f"{kind} of {parts['claim'].get('sub')!s:.100}", head=("", "name", "value"), rows=_abridged(rows))


def _member_row(part: str, name: str, value: object) -> Row:
    return Row((part, name, shorten(json.dumps(value, ensure_ascii=False), _WIDE)))


# Verdicts


def of_verdict(verdict: Verdict, rules: Rulebook) -> Face:
    """Every rule with its clause and its answer.

    Args:
        verdict: The verdict.
        rules: The rulebook of its kind.
    """
    rows = [
        Row((_MARKS[answer], name, clause, _ranges(depths), detail or rules[name].sentence), _MOODS[answer])
        for (name, clause, answer, detail), depths in _grouped(verdict.rules)
    ]
    return Face(
        _whose(verdict),
        facts=tuple(_verdict_facts(verdict, rules)),
        badge="accepted" if verdict.ok else "refused",
        mood=GOOD if verdict.ok else BAD,
        head=("answer", "rule", "clause", "certificate", "what it demands, or what it found"),
        rows=tuple(sorted(rows, key=lambda row: row.mood != BAD)),  # why first
    )


def _whose(verdict: Verdict) -> str:
    """What was judged: an SVID is somebody's, and a bundle does not say whose it is."""
    if verdict.spiffe_id is None and verdict.at is None:
        return verdict.kind
    return f"{verdict.kind} of {verdict.spiffe_id or 'an unreadable subject'}"


def _verdict_facts(verdict: Verdict, rules: Rulebook) -> Iterator[str]:
    if verdict.at is not None:
        yield f"judged at {rfc3339(microseconds(verdict.at))}"
    yield f"{len(verdict.findings)} of {len(rules.rules)} rules failed"
    if verdict.skipped:
        yield f"{_count(len(verdict.skipped), 'thing')} ignored"


def _grouped(answers: Iterable[Answer]) -> Iterator[tuple[tuple[str, str, str, str | None], list[int]]]:
    """The answers with the certificates that got them, one an answer of a rule."""

    def key(answer: Answer) -> tuple[str, str, str, str | None]:
        return answer.name, answer.clause, answer.answer, answer.detail

    for same, group in groupby(answers, key):
        yield same, [answer.depth for answer in group if answer.depth is not None]


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers without a gap, the leaf's by its name."""
    if not numbers:
        return ""
    first = str(numbers[0]) if numbers[0] else "leaf"
    return first if len(numbers) == 1 else f"{first} to {numbers[-1]}"


# All of them


def _unreadable(what: str, error: SpiffeSimError) -> Face:
    return Face(f"{what} that cannot be read", badge=error.code, mood=BAD, notes=(str(error),))


def _hints(hint: str) -> tuple[str, ...]:
    return (f"for {hint}",) if hint else ()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _abridged(rows: Sequence[Callable[[], Row]]) -> tuple[Row, ...]:
    """The rows, if they are not too many; else the first and the last ones, and how many are left out."""
    if len(rows) <= _MANY:
        return tuple(row() for row in rows)
    first, last = rows[: _MANY - 5], rows[-5:]
    shown = [row() for row in first]
    gap = Row(("…", f"{len(rows) - _MANY:,} more", *("" for _ in shown[0].cells[2:])), FAINT)
    return (*shown, gap, *(row() for row in last))
