"""The profile ``go-spiffe``: tokens judged as go-spiffe 2.8 judges them, in its order and in its words.

It reads tokens with the same library as SPIRE's agent, and as leniently: see :mod:`spiffesim.spiffe.rules.spire`. Other
than that one, it looks at ``typ``, and it judges WIT-SVIDs, whose proof of possession it leaves to its caller.

go-spiffe: svid/jwtsvid/svid.go, exp/svid/witsvid/svid.go
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeAlias

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
from spiffesim.golang import quoted
from spiffesim.spiffe import jose
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import bundle_for
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose import PublicKey, gojose
from spiffesim.spiffe.jose.gojose import ALGORITHMS, Failed
from spiffesim.spiffe.rules.jwt import Question
from spiffesim.spiffe.rules.spire import check_audience, check_times
from spiffesim.spiffe.rules.wit import TYPE
from spiffesim.spiffe.verdict import Finding, Rule, Rulebook

_Checks: TypeAlias = tuple[tuple[str, str, str, type[ValidationError]], ...]

_JWT_SOURCE: Final = "go-spiffe svid/jwtsvid/svid.go"
_WIT_SOURCE: Final = "go-spiffe exp/svid/witsvid/svid.go"
_ONE_OF: Final = f"alg is one of {', '.join(ALGORITHMS)}."

_JWT: Final[_Checks] = (
    ("compact", "JWT-SVID 5.1", "The token is a JWS in compact serialization, as Go decodes it.", Malformed),
    ("header", "RFC 7515 4", "The header is one JSON object, with alg and kid strings.", Malformed),
    ("algorithm", "JWT-SVID 2.1", _ONE_OF, ConstraintViolation),
    ("embedded_key", "RFC 7515 4.1.3", "jwk in the header, if there, is a public key.", ConstraintViolation),
    ("type", "JWT-SVID 2.3", "typ, if there, is JWT or JOSE.", ConstraintViolation),
    ("payload", "RFC 7519 7.2", "The payload is one JSON object whose registered claims have their types.", Malformed),
    ("subject_claim", "JWT-SVID 3.1", "sub is there, and not empty.", Malformed),
    ("expiry", "JWT-SVID 3.3", "exp is there.", Malformed),
    ("subject", "JWT-SVID 3.1", "sub is a SPIFFE ID.", Malformed),
    ("key_id", _JWT_SOURCE, "kid is there, and not empty.", ConstraintViolation),
    ("trust_domain", "SPIFFE Trust Domain and Bundle 3", "A bundle is held for the trust domain.", UntrustedDomain),
    ("authority", "JWT-SVID 6.2", "The bundle holds the key that the token names.", UnknownAuthority),
    ("critical", "RFC 7515 4.1.11", "crit, if there, names no extension but b64.", ConstraintViolation),
    ("signature", "JWT-SVID 4", "The signature verifies under the key.", BadSignature),
    ("intended", "JWT-SVID 3.2", "aud holds the audience that the validator goes by.", WrongAudience),
    ("begun", "RFC 7519 4.1.5", "The instant is at most a minute before nbf.", NotYetValid),
    ("unexpired", "JWT-SVID 3.3", "The instant is at most a minute after exp.", Expired),
    ("issued", _JWT_SOURCE, "The instant is at most a minute before iat.", NotYetValid),
)

_WIT: Final[_Checks] = (
    ("compact", "WIT-SVID 1", "The token is a JWS in compact serialization, as Go decodes it.", Malformed),
    ("header", "RFC 7515 4", "The header is one JSON object, with alg and kid strings.", Malformed),
    ("algorithm", "WIT-SVID 2.3", _ONE_OF, ConstraintViolation),
    ("embedded_key", "RFC 7515 4.1.3", "jwk in the header, if there, is a public key.", ConstraintViolation),
    ("type", "WIT-SVID 2.2", f"typ is {TYPE}.", ConstraintViolation),
    ("key_id", "WIT-SVID 2.1", "kid is there, and not empty.", ConstraintViolation),
    ("payload", "RFC 7519 7.2", "The payload is one JSON object whose registered claims have their types.", Malformed),
    ("subject_claim", "WIT-SVID 3.1", "sub is there, and not empty.", Malformed),
    ("expiry", "WIT-SVID 3.4", "exp is there.", Malformed),
    ("no_audience", "WIT-SVID 3.8", "aud, if there, is empty.", ConstraintViolation),
    ("subject", "WIT-SVID 3.1", "sub is a SPIFFE ID.", Malformed),
    ("confirmation", "WIT-SVID 3.2", "cnf holds a jwk.", Malformed),
    ("confirmation_algorithm", "WIT-SVID 3.2", f"cnf.jwk.{_ONE_OF}", ConstraintViolation),
    ("confirmation_key", "WIT-SVID 3.2", "cnf.jwk is a public key.", ConstraintViolation),
    ("begun", "WIT-SVID 3.5", "The instant is at most a minute before nbf.", NotYetValid),
    ("unexpired", "WIT-SVID 3.4", "The instant is at most a minute after exp.", Expired),
    ("issued", _WIT_SOURCE, "The instant is at most a minute before iat.", NotYetValid),
    ("trust_domain", "SPIFFE Trust Domain and Bundle 3", "A bundle is held for the trust domain.", UntrustedDomain),
    ("authority", "WIT-SVID 6.2", "The bundle holds the key that the token names.", UnknownAuthority),
    ("critical", "RFC 7515 4.1.11", "crit, if there, names no extension but b64.", ConstraintViolation),
    ("signature", "WIT-SVID 4", "The signature verifies under the key.", BadSignature),
)


JWT_SVID: Final = Rulebook.in_turn("jwt-svid/go-spiffe", [Rule(*check) for check in _JWT])
WIT_SVID: Final = Rulebook.in_turn("wit-svid/go-spiffe", [Rule(*check) for check in _WIT])


def judge_jwt(token: object, question: Question) -> tuple[SpiffeId | None, list[Finding]]:
    """The subject of a JWT-SVID, as far as go-spiffe gets to read it, and the check that failed, if one did.

    Args:
        token: The token.
        question: What it is asked; the leeway is always go-spiffe's own.
    """
    return _JwtSvid(question).judge(token)


def judge_wit(token: object, question: Question) -> tuple[SpiffeId | None, list[Finding]]:
    """The same of a WIT-SVID; whether its holder has the key in it, go-spiffe does not ask."""
    return _WitSvid(question).judge(token)


class _Svid(ABC):
    """One run through the checks; the first that fails leaves it as :class:`Failed`."""

    package: ClassVar[str]
    unreadable: ClassVar[str]
    handed_on: ClassVar[tuple[str, ...]] = ()

    def __init__(self, question: Question) -> None:
        self.question = question
        self.spiffe_id: SpiffeId | None = None

    def judge(self, token: object) -> tuple[SpiffeId | None, list[Finding]]:
        try:
            self.run(self._parse(token))
        except Failed as failed:
            # What go-jose says of the times it hands on as it is.
            text = str(failed) if failed.rule in self.handed_on else f"{self.package}: {failed}"
            return self.spiffe_id, [Finding(failed.rule, text, facts=failed.facts)]
        return self.spiffe_id, []

    @abstractmethod
    def run(self, parsed: gojose.Token) -> None:
        """The checks after the token has been taken apart."""

    @abstractmethod
    def authorities(self, bundle: SpiffeBundle) -> Mapping[str, PublicKey]:
        """The keys of a bundle that sign such tokens."""

    def _parse(self, token: object) -> gojose.Token:
        try:
            return gojose.parse_signed(token)
        except Failed as failed:
            raise Failed(failed.rule, self.unreadable, reason=str(failed), **failed.facts) from None

    def _claims(self, parsed: gojose.Token, what: str) -> dict[str, Any]:
        try:
            claims = gojose.read_claims(parsed.payload)
        except Failed as failed:
            raise Failed(failed.rule, f"{what}: {failed}") from None
        if not claims.get("sub"):
            raise Failed("subject_claim", "token missing subject claim")
        if claims.get("exp") is None:
            raise Failed("expiry", "token missing exp claim")
        return claims

    def _subject(self, claims: Mapping[str, Any]) -> None:
        # Not go-spiffe: it has no limit to the length of an ID.
        try:
            self.spiffe_id = SpiffeId(claims["sub"])
        except InvalidSpiffeId as error:
            raise Failed("subject", f"token has an invalid subject claim: {error.reason}") from None

    def _verify(self, parsed: gojose.Token, kind: str, failure: str) -> None:
        """Find the key that the token names, and verify the signature under it."""
        assert self.spiffe_id is not None  # read before any key is looked for
        trust_domain, key_id = self.spiffe_id.trust_domain, parsed.header["kid"]
        shown = quoted(trust_domain.name)
        bundle = bundle_for(self.question.bundles, trust_domain)
        if bundle is None:
            raise Failed("trust_domain", f"no {kind}bundle found for trust domain {shown}", trust_domain=trust_domain)
        authorities = self.authorities(bundle)
        if key_id not in authorities:
            text = f"no {kind or 'JWT '}authority {quoted(key_id)} found for trust domain {shown}"
            raise Failed("authority", text, trust_domain=trust_domain, key_id=key_id)
        try:
            gojose.verify(parsed, authorities[key_id])
        except Failed as failed:
            raise Failed(failed.rule, f"{failure}: {failed}", **failed.facts) from None


class _JwtSvid(_Svid):
    package = "jwtsvid"
    unreadable = "unable to parse JWT token"
    handed_on = ("begun", "issued")

    def run(self, parsed: gojose.Token) -> None:
        # go-jose leaves a typ that is null out.
        if parsed.header.get("typ") not in (None, "JWT", "JOSE"):
            raise Failed("type", "token header type not equal to either JWT or JOSE")
        claims = self._claims(parsed, "unable to get claims from token")
        self._subject(claims)
        if not parsed.header.get("kid"):
            raise Failed("key_id", "token header missing key id")
        self._verify(parsed, "", "unable to get claims from token")
        check_audience(claims, self.question.audience)
        check_times(claims, self.question.at)

    def authorities(self, bundle: SpiffeBundle) -> Mapping[str, PublicKey]:
        return bundle.jwt_authorities


class _WitSvid(_Svid):
    package = "witsvid"
    unreadable = "unable to parse WIT-SVID token"

    def run(self, parsed: gojose.Token) -> None:
        found = parsed.header.get("typ")
        if found != TYPE:
            shown = quoted(found if isinstance(found, str) else "")
            raise Failed("type", f"token header type must be {quoted(TYPE)}, got {shown}")
        if not parsed.header.get("kid"):
            raise Failed("key_id", "token header missing key id")
        claims = self._claims(parsed, "unable to parse standard claims")
        if "aud" in claims and claims["aud"] != []:
            raise Failed("no_audience", "WIT-SVID must not contain aud claim")
        self._subject(claims)
        _check_confirmation(claims)
        self._check_times(claims)
        self._verify(parsed, "WIT ", "signature verification failed")

    def authorities(self, bundle: SpiffeBundle) -> Mapping[str, PublicKey]:
        return bundle.wit_authorities

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        try:
            check_times(claims, self.question.at)
        except Failed as failed:
            if failed.rule != "begun":
                raise
            raise Failed("begun", "token is not yet valid", **failed.facts) from None


def _check_confirmation(claims: Mapping[str, Any]) -> None:
    """Whether ``cnf.jwk`` is a public key with an algorithm that may be used; nobody asks whether they fit."""
    if "cnf" not in claims:
        raise Failed("confirmation", "token missing cnf claim")
    cnf = claims["cnf"]
    if not isinstance(cnf, dict):
        raise Failed("confirmation", "cnf claim is not an object")
    if "jwk" not in cnf:
        raise Failed("confirmation", "cnf claim missing jwk field")
    jwk = cnf["jwk"]
    if not isinstance(jwk, dict):
        raise Failed("confirmation", "cnf.jwk is not an object")
    if "alg" not in jwk:
        raise Failed("confirmation_algorithm", "cnf.jwk missing alg field")
    algorithm = jwk["alg"]
    if not isinstance(algorithm, str):
        raise Failed("confirmation_algorithm", "cnf.jwk alg field is not a string")
    if algorithm not in ALGORITHMS:
        raise Failed("confirmation_algorithm", f"cnf.jwk alg {quoted(algorithm)} is not supported")
    try:
        jose.check_public(jwk)
    except ValueError:
        raise Failed("confirmation_key", "cnf.jwk must be a public key") from None
    # Not go-spiffe: it takes Ed25519 keys here, too, and tells in its own words why a key cannot be read.
    try:
        jose.key_of(jwk)
    except ValueError as error:
        raise Failed("confirmation_key", f"unable to parse cnf.jwk: {error}") from None
