"""Validation: is this document right, at this instant, for those who hold these bundles?

``validate_*`` returns the SPIFFE ID or raises the first rule that fails; ``examine_*`` returns the
whole :class:`Verdict`. They are pure functions: they take an instant, never a clock, and keep
nothing but what the caller's :class:`EdgeMemo` remembers.

The bundle is always the one of the SVID's own trust domain; there is no merged pool of roots.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from spiffesim.errors import InvalidInput
from spiffesim.instants import Microseconds, moment, span
from spiffesim.spiffe.bundlemap import Bundles, bundle_for
from spiffesim.spiffe.evidence import TokenEvidence, text_of
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.judgement import X509, Chain, accepted, instant_of, judge
from spiffesim.spiffe.verdict import Verdict
from spiffesim.spiffe.x509.edges import EdgeMemo

if TYPE_CHECKING:
    from spiffesim.spiffe.jwtsvid import JwtSvid
    from spiffesim.spiffe.proof import Proof
    from spiffesim.spiffe.rules.jwt import Question
    from spiffesim.spiffe.witsvid import WitSvid

Profile: TypeAlias = Literal["spiffe", "spire", "go-spiffe"]
"""To the letter of the standards; as SPIRE's agent judges (JWT-SVIDs only); or as go-spiffe judges.

The two others have their own rules, with their sources, and a minute of leeway of their own.
"""


def validate_x509_svid(
    chain: Chain, bundles: Bundles, *, at: datetime, memo: EdgeMemo | None = None, profile: Profile = "spiffe"
) -> SpiffeId:
    """Validate an X.509-SVID.

    Args:
        chain: The SVID, or its certificates as DER: the leaf first, the others in any order.
        bundles: What the validator trusts; the bundle of the SVID's trust domain is used, no other.
        at: The instant of the judgement, with a time zone.
        memo: Remembers signatures that have verified, across calls; the profile ``"go-spiffe"`` has no use for it.
        profile: By whose rules: ``"spiffe"`` or ``"go-spiffe"``.

    Returns:
        The SPIFFE ID that the holder of the key has proved.

    Raises:
        ValidationError: The first rule that fails, with the whole verdict.
        ClockError: If the instant has no time zone.
        InvalidInput: If an argument is not what it has to be.

    Spec: X509-SVID 5
    """
    kind = X509 if profile == "spiffe" else _kind(X509, profile, ("spiffe", "go-spiffe"))
    answer = judge(chain, bundles, at, memo, kind)
    return _subject(answer) if isinstance(answer, Verdict) else answer[0]


def examine_x509_svid(
    chain: Chain, bundles: Bundles, *, at: datetime, memo: EdgeMemo | None = None, profile: Profile = "spiffe"
) -> Verdict:
    """Examine an X.509-SVID: every rule, its clause, and its answer.

    Takes what :func:`validate_x509_svid` takes, and decides the same.

    Raises:
        ClockError: If the instant has no time zone.
        InvalidInput: If an argument is not what it has to be.
    """
    kind = X509 if profile == "spiffe" else _kind(X509, profile, ("spiffe", "go-spiffe"))
    answer = judge(chain, bundles, at, memo, kind)
    return answer if isinstance(answer, Verdict) else accepted(*answer, instant_of(at), kind)


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
        profile: By whose rules: ``"spiffe"``, ``"spire"`` or ``"go-spiffe"``, of which the last two have a leeway
            of their own.

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
    kind = _kind("jwt-svid", profile, ("spiffe", "spire", "go-spiffe"), leeway)
    return _judge(kind, _token(token), _question(bundles, _audience(audience), at, leeway))


def validate_wit_svid(
    token: str | bytes | WitSvid,
    bundles: Bundles,
    *,
    proof: Proof | None,
    at: datetime,
    leeway: timedelta = timedelta(0),
    profile: Profile = "spiffe",
) -> SpiffeId:
    """Validate a WIT-SVID, and the proof that its holder has the key in it.

    Args:
        token: The token.
        bundles: What the validator trusts; the bundle of the subject's trust domain is used, no other.
        proof: What came with the token; without one it is refused.
        at: The instant of the judgement, with a time zone.
        leeway: How wrong the clock of the token's issuer may be; the proof has none.
        profile: By whose rules: ``"spiffe"`` or ``"go-spiffe"``, which has a leeway of its own and leaves the proof to
            its caller.

    Returns:
        The SPIFFE ID of the subject.

    Raises:
        ValidationError: The first rule that fails, with the whole verdict.
        ClockError: If an instant has no time zone.
        InvalidInput: If an argument is not what it has to be.

    Spec: WIT-SVID 4 and 5
    """
    return _subject(examine_wit_svid(token, bundles, proof=proof, at=at, leeway=leeway, profile=profile))


def examine_wit_svid(
    token: str | bytes | WitSvid,
    bundles: Bundles,
    *,
    proof: Proof | None,
    at: datetime,
    leeway: timedelta = timedelta(0),
    profile: Profile = "spiffe",
) -> Verdict:
    """Examine a WIT-SVID and its proof: every rule, its clause, and its answer.

    Takes what :func:`validate_wit_svid` takes, and decides the same.

    Raises:
        ClockError: If an instant has no time zone.
        InvalidInput: If an argument is not what it has to be.
    """
    kind = _kind("wit-svid", profile, ("spiffe", "go-spiffe"), leeway)
    return _judge(kind, _token(token), _question(bundles, (), at, leeway), proof)


def _kind(kind: str, profile: object, known: Sequence[str], leeway: timedelta = timedelta(0)) -> str:
    """The kind of document that has the rules of a profile."""
    if profile not in known:
        names = ", ".join(f'"{name}"' for name in known)
        raise InvalidInput(f"there is no profile {profile!r:.80} of {kind}s, only {names}", code="profile")
    if profile == "spiffe":
        return kind
    if leeway:
        raise InvalidInput(
            f'the profile "{profile}" has a leeway of its own; leave it out', code="leeway", leeway=leeway
        )
    return f"{kind}/{profile}"


def _judge(kind: str, token: object, question: Question, proof: Proof | None = None) -> Verdict:
    """The verdict on a token, with what it takes to give it once more."""
    leeway = question.leeway
    if kind == "jwt-svid":
        from spiffesim.spiffe.rules import jwt as jwt_rules

        spiffe_id, findings = jwt_rules.judge(token, question)
    elif kind == "wit-svid":
        from spiffesim.spiffe.rules import wit as wit_rules

        spiffe_id, findings = wit_rules.judge(token, proof, question)
    else:
        from spiffesim.spiffe.rules import spire
        from spiffesim.spiffe.rules.gospiffe import tokens

        judges = {"jwt-svid/spire": spire.judge, "jwt-svid/go-spiffe": tokens.judge_jwt}
        spiffe_id, findings = judges.get(kind, tokens.judge_wit)(token, question)
        leeway = spire.LEEWAY
    bundle = None if spiffe_id is None else bundle_for(question.bundles, spiffe_id.trust_domain)
    judged = proof if kind == "wit-svid" else None  # go-spiffe leaves it to its caller
    evidence = TokenEvidence(_again, kind, text_of(token), bundle, question.audience, leeway, judged)
    return Verdict.of(kind, spiffe_id, moment(question.at), findings, evidence=evidence)


def _again(evidence: TokenEvidence, at: Microseconds) -> Verdict:
    """The same token and the same bundle, at another instant."""
    from spiffesim.spiffe.rules.jwt import Question

    bundles = () if evidence.bundle is None else evidence.bundle
    question = Question(at, evidence.leeway, evidence.audience, bundles)
    return _judge(evidence.kind, evidence.token, question, evidence.proof)


def _subject(verdict: Verdict) -> SpiffeId:
    error = verdict.first
    if error is not None:
        raise error
    assert verdict.spiffe_id is not None  # a document without one is never accepted
    return verdict.spiffe_id


def _question(bundles: Bundles, audience: tuple[str, ...], at: datetime, leeway: object) -> Question:
    from spiffesim.spiffe.rules import jwt as jwt_rules

    if not isinstance(leeway, timedelta) or leeway < timedelta(0):
        raise InvalidInput(f"a leeway is a timedelta of 0 or more, not {leeway!r:.80}", code="leeway", leeway=leeway)
    return jwt_rules.Question(instant_of(at), span(leeway), audience, _kept(bundles))


def _kept(bundles: Bundles) -> Bundles:
    """Bundles that can be looked through more than once."""
    return tuple(bundles) if isinstance(bundles, Iterator) else bundles


def _audience(expected: object) -> tuple[str, ...]:
    names = tuple(expected) if isinstance(expected, Iterable) and not isinstance(expected, str) else (expected,)
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
