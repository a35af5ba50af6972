"""Validation: is this document right, at this instant, for those who hold these bundles?

``validate_*`` returns the SPIFFE ID or raises the first rule that fails; ``examine_*`` returns the
whole :class:`Verdict`. They are pure functions: they take an instant, never a clock, and keep
nothing but what the caller's :class:`EdgeMemo` remembers.

The bundle is always the one of the SVID's own trust domain; there is no merged pool of roots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, TypeAlias

from spiffesim.errors import InvalidInput, InvalidSvid
from spiffesim.instants import Microseconds, microseconds, span
from spiffesim.spiffe.bundle import Bundles, bundle_for
from spiffesim.spiffe.certificate import Certificate, read_certificate
from spiffesim.spiffe.explanation import Explanation, explain_leaf, explain_path
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.path import BudgetSpentError, EdgeMemo, Search, straight
from spiffesim.spiffe.verdict import Finding, Verdict
from spiffesim.spiffe.x509_rules import leaf_problems
from spiffesim.spiffe.x509svid import X509Svid

if TYPE_CHECKING:
    from spiffesim.spiffe.jwt_rules import Question
    from spiffesim.spiffe.jwtsvid import JwtSvid
    from spiffesim.spiffe.proof import Proof
    from spiffesim.spiffe.witsvid import WitSvid

X509: Final = "x509-svid"

Chain: TypeAlias = X509Svid | Sequence[bytes]
Profile: TypeAlias = Literal["spiffe", "spire"]


def validate_x509_svid(chain: Chain, bundles: Bundles, *, at: datetime, memo: EdgeMemo | None = None) -> SpiffeId:
    """Validate an X.509-SVID.

    Args:
        chain: The SVID, or its certificates as DER: the leaf first, the others in any order.
        bundles: What the validator trusts; the bundle of the SVID's trust domain is used, no other.
        at: The instant of the judgement, with a time zone.
        memo: Remembers signatures that have verified, across calls.

    Returns:
        The SPIFFE ID that the holder of the key has proved.

    Raises:
        ValidationError: The first rule that fails, with the whole verdict.
        ClockError: If the instant has no time zone.
        InvalidInput: If an argument is not what it has to be.

    Spec: X509-SVID 5
    """
    answer = _judge(chain, bundles, at, memo)
    if isinstance(answer, Verdict):
        _raise(answer)
    return answer[0]


def examine_x509_svid(chain: Chain, bundles: Bundles, *, at: datetime, memo: EdgeMemo | None = None) -> Verdict:
    """Examine an X.509-SVID: every rule, its clause, and its answer.

    Takes what :func:`validate_x509_svid` takes, and decides the same.

    Raises:
        ClockError: If the instant has no time zone.
        InvalidInput: If an argument is not what it has to be.
    """
    answer = _judge(chain, bundles, at, memo)
    return answer if isinstance(answer, Verdict) else Verdict(X509, answer[0], _utc(at), (), answer[1])


def _judge(chain: Chain, bundles: Bundles, at: datetime, memo: EdgeMemo | None) -> tuple[SpiffeId, int] | Verdict:
    """Whose SVID it is and how many issuers stand above it, or the verdict that refuses it."""
    instant = _instant(at)
    certificates = _read(chain)
    if isinstance(certificates, Finding):
        return Verdict.of(X509, None, _utc(at), (certificates,))
    leaf = certificates[0]
    spiffe_id = leaf.readable_spiffe_id
    if spiffe_id is None or leaf.version != 3:
        return Verdict.of(X509, spiffe_id, _utc(at), explain_leaf(leaf, instant))
    answer = _judge_path(certificates, spiffe_id, bundles, instant, memo)
    if isinstance(answer, Explanation):
        return Verdict.of(X509, spiffe_id, _utc(at), answer.findings, answer.depth)
    return spiffe_id, answer


def _judge_path(
    certificates: Sequence[Certificate],
    spiffe_id: SpiffeId,
    bundles: Bundles,
    at: Microseconds,
    memo: EdgeMemo | None,
) -> int | Explanation:
    """How many issuers stand above a leaf that is accepted, or why it is not."""
    leaf, trust_domain = certificates[0], spiffe_id.trust_domain
    bundle = bundle_for(bundles, trust_domain)
    if bundle is None:
        text = f"no bundle is held for trust domain {trust_domain}, to which {spiffe_id} belongs"
        finding = Finding("trust_domain", text, None, {"trust_domain": trust_domain})
        return Explanation((*explain_leaf(leaf, at), finding))
    anchors = bundle.anchors
    if not anchors.certificates:
        text = f"the bundle of {trust_domain} has no X.509 authorities, so nothing of it is trusted"
        finding = Finding("x509_authorities", text, None, {"trust_domain": trust_domain})
        return Explanation((*explain_leaf(leaf, at), finding))
    depth, anchor = straight(certificates, anchors, at, memo)
    if anchor is None:
        search = Search(certificates, anchors, at, memo, depth)
        try:
            path = search.find(clean=True)
        except BudgetSpentError:
            return explain_path(search, trust_domain, spent=True)
        if path is None:
            return explain_path(search, trust_domain, spent=False)
        depth = len(path) - 1
    if leaf_problems(leaf) or not leaf.not_before <= at <= leaf.not_after:
        return Explanation(explain_leaf(leaf, at), depth)
    return depth


def _read(chain: object) -> Sequence[Certificate] | Finding:
    """The certificates of a chain, or what is wrong with it."""
    if isinstance(chain, X509Svid):
        try:
            return chain.parsed
        except InvalidSvid:
            chain = chain.chain
    elif not isinstance(chain, Sequence) or isinstance(chain, bytes | bytearray | memoryview | str):
        raise InvalidInput(
            f"a chain is an X509Svid, or certificates as DER in a list, not {type(chain).__name__}; "
            "read_chain takes PEM, and DER in one piece",
            code="chain",
        )
    if not chain:
        return Finding("chain_present", "no certificate is presented")
    certificates = []
    for index, data in enumerate(chain):
        try:
            certificates.append(read_certificate(data))
        except InvalidSvid as error:
            return Finding(
                "certificate_encoding", f"in certificate {index} of the chain, {error}", None, {"index": index}
            )
    return certificates


# Tokens


def validate_jwt_svid(
    token: str | bytes | JwtSvid,
    bundles: Bundles,
    *,
    audience: str | Iterable[str],
    at: datetime,
    leeway: timedelta = timedelta(0),
    profile: Profile = "spiffe",
) -> SpiffeId:
    """Validate a JWT-SVID.

    Args:
        token: The token.
        bundles: What the validator trusts; the bundle of the subject's trust domain is used, no other.
        audience: Whom the validator goes by; one of these names has to be in the token.
        at: The instant of the judgement, with a time zone.
        leeway: How wrong the clocks may be.
        profile: ``"spiffe"``, to the letter of the standard, or ``"spire"``, what a SPIRE agent takes
            (with a leeway of its own).

    Returns:
        The SPIFFE ID of the subject.

    Raises:
        ValidationError: The first rule that fails, with the whole verdict.
        ClockError: If the instant has no time zone.
        InvalidInput: If an argument is not what it has to be.

    Spec: JWT-SVID 5
    """
    return _subject(examine_jwt_svid(token, bundles, audience=audience, at=at, leeway=leeway, profile=profile))


def examine_jwt_svid(
    token: str | bytes | JwtSvid,
    bundles: Bundles,
    *,
    audience: str | Iterable[str],
    at: datetime,
    leeway: timedelta = timedelta(0),
    profile: Profile = "spiffe",
) -> Verdict:
    """Examine a JWT-SVID: every rule, its clause, and its answer.

    Takes what :func:`validate_jwt_svid` takes, and decides the same.

    Raises:
        ClockError: If the instant has no time zone.
        InvalidInput: If an argument is not what it has to be.
    """
    question = _question(bundles, _audience(audience), at, leeway)
    if profile == "spiffe":
        from spiffesim.spiffe import jwt_rules

        return Verdict.of("jwt-svid", *_answer(at, jwt_rules.judge(_token(token), question)))
    if profile != "spire":
        raise InvalidInput(f'there is no profile {profile!r:.80}, only "spiffe" and "spire"', code="profile")
    if leeway:
        raise InvalidInput('the profile "spire" has a leeway of its own; leave it out', code="leeway", leeway=leeway)
    from spiffesim.spiffe import spire_rules

    return Verdict.of("jwt-svid/spire", *_answer(at, spire_rules.judge(_token(token), question)))


def validate_wit_svid(
    token: str | bytes | WitSvid,
    bundles: Bundles,
    *,
    proof: Proof | None,
    at: datetime,
    leeway: timedelta = timedelta(0),
) -> SpiffeId:
    """Validate a WIT-SVID, and the proof that its holder has the key in it.

    Args:
        token: The token.
        bundles: What the validator trusts; the bundle of the subject's trust domain is used, no other.
        proof: What came with the token; without one it is refused.
        at: The instant of the judgement, with a time zone.
        leeway: How wrong the clock of the token's issuer may be; the proof has none.

    Returns:
        The SPIFFE ID of the subject.

    Raises:
        ValidationError: The first rule that fails, with the whole verdict.
        ClockError: If an instant has no time zone.
        InvalidInput: If an argument is not what it has to be.

    Spec: WIT-SVID 4 and 5
    """
    return _subject(examine_wit_svid(token, bundles, proof=proof, at=at, leeway=leeway))


def examine_wit_svid(
    token: str | bytes | WitSvid,
    bundles: Bundles,
    *,
    proof: Proof | None,
    at: datetime,
    leeway: timedelta = timedelta(0),
) -> Verdict:
    """Examine a WIT-SVID and its proof: every rule, its clause, and its answer.

    Takes what :func:`validate_wit_svid` takes, and decides the same.

    Raises:
        ClockError: If an instant has no time zone.
        InvalidInput: If an argument is not what it has to be.
    """
    from spiffesim.spiffe import wit_rules

    question = _question(bundles, (), at, leeway)
    return Verdict.of("wit-svid", *_answer(at, wit_rules.judge(_token(token), proof, question)))


def _raise(verdict: Verdict) -> NoReturn:
    assert verdict.first is not None  # called for verdicts that refuse
    raise verdict.first


def _subject(verdict: Verdict) -> SpiffeId:
    if verdict.spiffe_id is None or not verdict.ok:
        _raise(verdict)
    return verdict.spiffe_id


def _question(bundles: Bundles, audience: tuple[str, ...], at: datetime, leeway: object) -> Question:
    from spiffesim.spiffe.jwt_rules import Question

    if not isinstance(leeway, timedelta) or leeway < timedelta(0):
        raise InvalidInput(f"a leeway is a timedelta of 0 or more, not {leeway!r:.80}", code="leeway", leeway=leeway)
    return Question(_instant(at), span(leeway), audience, bundles)


def _answer(
    at: datetime, judged: tuple[SpiffeId | None, list[Finding]]
) -> tuple[SpiffeId | None, datetime, list[Finding]]:
    spiffe_id, findings = judged
    return spiffe_id, _utc(at), findings


def _audience(expected: Any) -> tuple[str, ...]:
    names = (expected,) if isinstance(expected, str) else tuple(expected)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise InvalidInput(
            f"a validator goes by at least one name, and none that is empty, not {names!r:.80}: "
            "without one it would take tokens that were made for others",
            code="audience",
            clause="JWT-SVID 3.2",
        )
    return names


def _token(token: object) -> object:
    """The text of a token, given as such or as a value that has it."""
    return token if isinstance(token, str | bytes) else getattr(token, "token", token)


# Instants


def _instant(at: object) -> Microseconds:
    if not isinstance(at, datetime):
        raise InvalidInput(f"an instant is a datetime with a time zone, not {type(at).__name__}", code="at")
    return microseconds(at)


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
