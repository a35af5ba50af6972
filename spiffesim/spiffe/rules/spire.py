"""The profile ``spire``: a JWT-SVID judged as SPIRE's agent judges it, in its order and in its words.

SPIRE stops at the first check that fails. It wants a ``kid``, looks at neither ``typ`` nor at
members of the header that it does not know, takes every spelling of base64url that Go decodes, and
allows clocks to be wrong by a minute.

SPIRE: pkg/common/jwtsvid/validate.go
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spiffesim.errors import (
    BadSignature,
    ConstraintViolation,
    Expired,
    InvalidSpiffeId,
    Malformed,
    NotYetValid,
    UnknownAuthority,
    UntrustedDomain,
    ValidationError,
    WrongAudience,
)
from spiffesim.golang import quoted, quoted_list, unix_time
from spiffesim.instants import SECOND, Microseconds
from spiffesim.spiffe.bundlemap import bundle_for
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.jose import PublicKey, gojose
from spiffesim.spiffe.jose import claims as read
from spiffesim.spiffe.jose.gojose import ALGORITHMS, Failed
from spiffesim.spiffe.rules.jwt import Question
from spiffesim.spiffe.verdict import Finding, Rule, Rulebook

KIND: Final = "jwt-svid/spire"

LEEWAY: Final = 60 * SECOND
"""How wrong SPIRE allows clocks to be; the end itself still counts."""

_SOURCE: Final = "SPIRE pkg/common/jwtsvid/validate.go"

_CHECKS: Final[tuple[tuple[str, str, str, type[ValidationError]], ...]] = (
    ("compact", "JWT-SVID 5.1", "The token is a JWS in compact serialization, as Go decodes it.", Malformed),
    ("header", "RFC 7515 4", "The header is one JSON object, with alg and kid strings.", Malformed),
    ("algorithm", "JWT-SVID 2.1", f"alg is one of {', '.join(ALGORITHMS)}.", ConstraintViolation),
    ("embedded_key", "RFC 7515 4.1.3", "jwk in the header, if there, is a public key.", ConstraintViolation),
    ("key_id", _SOURCE, "kid is there, and not empty.", ConstraintViolation),
    ("payload", "RFC 7519 7.2", "The payload is one JSON object whose registered claims have their types.", Malformed),
    ("subject_claim", "JWT-SVID 3.1", "sub is there, and not empty.", Malformed),
    ("expiry", "JWT-SVID 3.3", "exp is there.", Malformed),
    ("subject", "JWT-SVID 3.1", "sub is a SPIFFE ID.", Malformed),
    ("trust_domain", "SPIFFE Trust Domain and Bundle 3", "A bundle is held for the trust domain.", UntrustedDomain),
    ("authority", "JWT-SVID 6.2", "The bundle holds the key that the token names.", UnknownAuthority),
    ("critical", "RFC 7515 4.1.11", "crit, if there, names no extension but b64.", ConstraintViolation),
    ("signature", "JWT-SVID 4", "The signature verifies under the key.", BadSignature),
    ("intended", "JWT-SVID 3.2", "aud holds the audience that the validator goes by.", WrongAudience),
    ("begun", "RFC 7519 4.1.5", "The instant is at most a minute before nbf.", NotYetValid),
    ("unexpired", "JWT-SVID 3.3", "The instant is at most a minute after exp.", Expired),
    ("issued", _SOURCE, "The instant is at most a minute before iat.", NotYetValid),
)

SPIRE: Final = Rulebook.in_turn(KIND, [Rule(*check) for check in _CHECKS])


def judge(token: object, question: Question) -> tuple[SpiffeId | None, list[Finding]]:
    """The subject of a token, as far as SPIRE gets to read it, and the check that failed, if one did.

    Args:
        token: The token.
        question: What it is asked; the leeway is always SPIRE's own.
    """
    judgement = _Judgement(question)
    try:
        judgement.run(token)
    except Failed as failed:
        return judgement.spiffe_id, [Finding(failed.rule, str(failed), facts=failed.facts)]
    return judgement.spiffe_id, []


class _Judgement:
    """One run through the checks; the first that fails leaves it as :class:`Failed`."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.spiffe_id: SpiffeId | None = None

    def run(self, token: object) -> None:
        parsed = self._parse(token)
        key_id = parsed.header.get("kid")
        if not key_id:
            raise Failed("key_id", "token header missing key id")
        claims = gojose.read_claims(parsed.payload)
        self.spiffe_id = _subject(claims)
        gojose.verify(parsed, self._key(self.spiffe_id.trust_domain, key_id))
        check_audience(claims, self.question.audience)
        check_times(claims, self.question.at)

    def _parse(self, token: object) -> gojose.Token:
        try:
            return gojose.parse_signed(token)
        except Failed as failed:
            raise Failed(failed.rule, f"unable to parse JWT token: {failed}", **failed.facts) from None

    def _key(self, trust_domain: TrustDomain, key_id: str) -> PublicKey:
        bundle = bundle_for(self.question.bundles, trust_domain)
        if bundle is None:
            text = f"no keys found for trust domain {quoted(trust_domain.name)}"
            raise Failed("trust_domain", text, trust_domain=trust_domain)
        if key_id not in bundle.jwt_authorities:
            text = f"public key {quoted(key_id)} not found in trust domain {quoted(trust_domain.name)}"
            raise Failed("authority", text, trust_domain=trust_domain, key_id=key_id)
        return bundle.jwt_authorities[key_id]


def check_audience(claims: Mapping[str, Any], expected: tuple[str, ...]) -> None:
    """Whether ``aud`` holds one of the names that the validator goes by.

    Raises:
        Failed: By the rule ``intended``.
    """
    found = claims.get("aud", ())
    audience = (found,) if isinstance(found, str) else tuple(found)
    if set(expected).isdisjoint(audience):
        text = f"expected audience in {quoted_list(expected)} (audience={quoted_list(audience)})"
        raise Failed("intended", text, audience=audience, expected=expected)


def check_times(claims: Mapping[str, Any], at: Microseconds) -> None:
    """Whether it has begun, has not ended, and is not from the future, with a minute of leeway.

    Raises:
        Failed: By the rule ``begun``, ``unexpired`` or ``issued``.
    """
    begins, ends, made = (_instant(claims.get(name)) for name in ("nbf", "exp", "iat"))
    if begins is not None and at + LEEWAY < begins:
        text = "go-jose/go-jose/jwt: validation failed, token not valid yet (nbf)"
        raise Failed("begun", text, not_before=read.as_datetime(begins), at=read.as_datetime(at))
    if ends is not None and at - LEEWAY > ends:
        raise Failed("unexpired", "token has expired", not_after=read.as_datetime(ends), at=read.as_datetime(at))
    if made is not None and at + LEEWAY < made:
        text = "go-jose/go-jose/jwt: validation field, token issued in the future (iat)"
        raise Failed("issued", text, not_before=read.as_datetime(made), at=read.as_datetime(at))


def _subject(claims: Mapping[str, Any]) -> SpiffeId:
    if not claims.get("sub"):
        raise Failed("subject_claim", "token missing subject claim")
    if claims.get("exp") is None:
        raise Failed("expiry", "token missing exp claim")
    # Not SPIRE: it has no limit to the length of an ID.
    try:
        return SpiffeId(claims["sub"])
    except InvalidSpiffeId as error:
        raise Failed("subject", f"token has in invalid subject claim: {error.reason}") from None  # SPIRE: sic


def _instant(seconds: float | None) -> Microseconds | None:
    return None if seconds is None else unix_time(float(seconds))
