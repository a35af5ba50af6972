"""The profile ``spire``: a JWT-SVID judged as SPIRE's agent judges it, in its order and in its words.

SPIRE stops at the first check that fails. It wants a ``kid``, looks at neither ``typ`` nor at
members of the header that it does not know, takes every spelling of base64url that Go decodes, and
allows clocks to be wrong by a minute.

SPIRE: pkg/common/jwtsvid/validate.go
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from spiffesim.errors import (
    BadSignature,
    ConstraintViolation,
    Expired,
    InvalidSpiffeId,
    InvalidSvid,
    Malformed,
    NotYetValid,
    UnknownAuthority,
    UntrustedDomain,
    ValidationError,
    WrongAudience,
)
from spiffesim.instants import SECOND, Microseconds
from spiffesim.spiffe import claims as read
from spiffesim.spiffe import compact, golang, jose
from spiffesim.spiffe.bundle import bundle_for
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose import PublicKey
from spiffesim.spiffe.jwt_rules import Question
from spiffesim.spiffe.verdict import Finding, Rule, Rulebook

KIND: Final = "jwt-svid/spire"

LEEWAY: Final = 60 * SECOND
"""How wrong SPIRE allows clocks to be; the end itself still counts."""

SMALLEST_RSA_KEY: Final = 1024
"""The smallest RSA key, in bits, with which Go verifies."""

ALGORITHMS: Final = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
"""The algorithms that SPIRE takes, in the order in which it names them."""

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

SPIRE: Final = Rulebook(
    KIND,
    [
        # SPIRE stops at the first failure, so each rule needs the one before.
        Rule(name, clause, sentence, error, needs=tuple(before[0] for before in _CHECKS[max(place - 1, 0) : place]))
        for place, (name, clause, sentence, error) in enumerate(_CHECKS)
    ],
)


class _Failed(Exception):
    """The check that failed."""

    def __init__(self, rule: str, text: str, **facts: Any) -> None:
        super().__init__(text)
        self.finding = Finding(rule, text, facts=facts)


def judge(token: object, question: Question) -> tuple[SpiffeId | None, list[Finding]]:
    """The subject of a token, as far as SPIRE gets to read it, and the check that failed, if one did.

    Args:
        token: The token.
        question: What it is asked; the leeway is always SPIRE's own.
    """
    judgement = _Judgement(question)
    try:
        judgement.run(token)
    except _Failed as failed:
        return judgement.spiffe_id, [failed.finding]
    return judgement.spiffe_id, []


class _Judgement:
    """One run through the checks; the first that fails leaves it as :class:`_Failed`."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.spiffe_id: SpiffeId | None = None

    def run(self, token: object) -> None:
        header, payload, signature = _parts(token)
        members = _header(header)
        key_id = members.get("kid")
        if not key_id:
            raise _Failed("key_id", "token header missing key id")
        claims = _claims(payload)
        spiffe_id = self.spiffe_id = _subject(claims)
        key = self._key(spiffe_id, key_id)
        _check_critical(members.get("crit"))
        signed = _signed(members, header, payload)
        if not _verifies(members["alg"], key, signed, signature):
            raise _Failed("signature", "go-jose/go-jose: error in cryptographic primitive", key_id=key_id)
        self._check_audience(claims)
        self._check_times(claims)

    def _key(self, spiffe_id: SpiffeId, key_id: str) -> PublicKey:
        trust_domain = spiffe_id.trust_domain
        bundle = bundle_for(self.question.bundles, trust_domain)
        if bundle is None:
            text = f"no keys found for trust domain {golang.quoted(trust_domain.name)}"
            raise _Failed("trust_domain", text, trust_domain=trust_domain)
        if key_id not in bundle.jwt_authorities:
            text = f"public key {golang.quoted(key_id)} not found in trust domain {golang.quoted(trust_domain.name)}"
            raise _Failed("authority", text, trust_domain=trust_domain, key_id=key_id)
        return bundle.jwt_authorities[key_id]

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        expected = self.question.audience
        audience = claims.get("aud", [])
        audience = (audience,) if isinstance(audience, str) else tuple(audience)
        if set(expected).isdisjoint(audience):
            text = f"expected audience in {golang.quoted_list(expected)} (audience={golang.quoted_list(audience)})"
            raise _Failed("intended", text, audience=audience, expected=expected)

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        at = self.question.at
        begins, ends, made = (_instant(claims.get(name)) for name in ("nbf", "exp", "iat"))
        if begins is not None and at + LEEWAY < begins:
            raise _Failed(
                "begun",
                "go-jose/go-jose/jwt: validation failed, token not valid yet (nbf)",
                not_before=read.as_datetime(begins),
                at=read.as_datetime(at),
            )
        if ends is not None and at - LEEWAY > ends:
            facts = {"not_after": read.as_datetime(ends), "at": read.as_datetime(at)}
            raise _Failed("unexpired", "token has expired", **facts)
        if made is not None and at + LEEWAY < made:
            raise _Failed(
                "issued",
                "go-jose/go-jose/jwt: validation field, token issued in the future (iat)",
                not_before=read.as_datetime(made),
                at=read.as_datetime(at),
            )


# The token


def _parts(token: object) -> tuple[bytes, bytes, bytes]:
    """Header, payload and signature, decoded as go-jose decodes them."""
    if not isinstance(token, str | bytes):
        _unparsed("compact", f"a token is a text, not a {type(token).__name__}")
    # Not SPIRE: gRPC would carry 4 MiB.
    if len(token) > compact.MAX_TOKEN:
        _unparsed("compact", f"the token has {len(token)} characters, more than {compact.MAX_TOKEN}")
    text = token.encode("utf-8", "replace") if isinstance(token, str) else token
    parts = text.split(b".")
    if len(parts) != 3:
        _unparsed("compact", "go-jose/go-jose: compact JWS format must have three parts")
    try:
        header, payload, signature = map(golang.raw_url_decoded, parts)
    except ValueError as error:
        _unparsed("compact", str(error))
    return header, payload, signature


def _header(data: bytes) -> dict[str, Any]:
    members = _object("header", data) if data else {}
    for name, what in (("alg", "algorithm"), ("kid", "key ID")):
        if not isinstance(members.get(name, ""), str | None):
            _unparsed("header", f"failed to unmarshal {what}: {_not_a_string(members[name])}")
    algorithm = members.get("alg") or ""
    if algorithm not in ALGORITHMS:
        text = f"unexpected signature algorithm {golang.quoted(algorithm)}; expected {golang.quoted_list(ALGORITHMS)}"
        _unparsed("algorithm", text, algorithm=algorithm)
    if members.get("jwk") is not None:
        _check_embedded(members["jwk"])
    return members


def _check_embedded(jwk: object) -> None:
    # Not SPIRE: go-jose takes Ed25519 keys here, too; no SVID is signed with one.
    try:
        if isinstance(jwk, dict):
            jose.key_of(jwk)
            return
    except ValueError:
        pass
    _unparsed("embedded_key", "go-jose/go-jose: invalid embedded jwk, must be public key")


def _claims(data: bytes) -> dict[str, Any]:
    """The payload, with registered claims of the types that go-jose wants."""
    claims = _object("payload", data)
    for name, value in claims.items():
        if name == "aud" and not _is_audience(value):
            raise _Failed("payload", "go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience")
        if name in ("exp", "nbf", "iat") and value is not None and not _is_date(value):
            raise _Failed("payload", "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate")
    for name in ("iss", "sub", "jti"):
        if not isinstance(claims.get(name), str | None):
            raise _Failed("payload", _not_a_string(claims[name]))
    return claims


def _object(name: str, data: bytes) -> dict[str, Any]:
    # Not SPIRE: JSON is read as strictly as everywhere here; Go reads deeper nesting and mends broken Unicode.
    try:
        return compact.read_part(name, data)
    except InvalidSvid as error:
        if name == "header":
            _unparsed(name, str(error))
        raise _Failed(name, str(error)) from None


def _is_audience(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(name, str) for name in value))


def _is_date(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _subject(claims: Mapping[str, Any]) -> SpiffeId:
    if not claims.get("sub"):
        raise _Failed("subject_claim", "token missing subject claim")
    if claims.get("exp") is None:
        raise _Failed("expiry", "token missing exp claim")
    try:
        return SpiffeId(claims["sub"])
    except InvalidSpiffeId as error:
        raise _Failed("subject", f"token has in invalid subject claim: {error.reason}") from None  # SPIRE: sic


# The signature


def _check_critical(names: object) -> None:
    if names is None:
        return
    if not isinstance(names, list) or any(name != "b64" for name in names):
        raise _Failed("critical", "go-jose/go-jose: unsupported critical header")


def _signed(members: Mapping[str, Any], header: bytes, payload: bytes) -> bytes:
    """The bytes under the signature; go-jose encodes anew what it has decoded (and knows RFC 7797)."""
    content = payload if members.get("b64") is False else compact.b64url_bytes(payload)
    return compact.b64url_bytes(header) + b"." + content


def _verifies(algorithm: str, key: PublicKey, signed: bytes, signature: bytes) -> bool:
    """Whether go-jose takes a signature; it does not ask whether an ECDSA key's curve is the algorithm's."""
    if isinstance(key, EllipticCurvePublicKey):
        digest, size = _ECDSA.get(algorithm, (None, 0))
        return digest is not None and len(signature) == 2 * size and _verifies_ecdsa(key, digest, signed, signature)
    return jose.check_signature(algorithm, key, signed, signature, smallest=SMALLEST_RSA_KEY)


_ECDSA: Final = {"ES256": (hashes.SHA256(), 32), "ES384": (hashes.SHA384(), 48), "ES512": (hashes.SHA512(), 66)}


def _verifies_ecdsa(key: EllipticCurvePublicKey, digest: hashes.HashAlgorithm, signed: bytes, signature: bytes) -> bool:
    size = len(signature) // 2
    r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
    try:
        key.verify(encode_dss_signature(r, s), signed, ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _not_a_string(value: object) -> str:
    kinds = {bool: "bool", int: "number", float: "number", list: "array"}
    return f"json: cannot unmarshal {kinds.get(type(value), 'object')} into Go value of type string"


def _instant(value: float | None) -> Microseconds | None:
    return None if value is None else golang.unix_time(float(value))


def _unparsed(rule: str, reason: str, **facts: Any) -> NoReturn:
    raise _Failed(rule, f"unable to parse JWT token: {reason}", **facts)
