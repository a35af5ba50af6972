"""Tokens as go-jose 4.1 reads and verifies them, in its words; SPIRE's profile is made of it.

It takes every spelling of base64url that Go decodes, and verifies what it would have encoded
itself; its reader of JSON is nearly as strict as ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from spiffesim import golang
from spiffesim.errors import InvalidSvid
from spiffesim.spiffe import jose
from spiffesim.spiffe.jose import PublicKey, compact

ALGORITHMS: Final = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
"""The algorithms that SPIRE lets it take, in the order in which it names them."""

SMALLEST_RSA_KEY: Final = 1024
"""The smallest RSA key, in bits, with which Go verifies."""

_ECDSA: Final = {"ES256": (hashes.SHA256(), 32), "ES384": (hashes.SHA384(), 48), "ES512": (hashes.SHA512(), 66)}


class Failed(Exception):
    """A check failed.

    Attributes:
        rule: Which one, by its name among the rules of SPIRE's profile.
        facts: What the text was made of.
    """

    def __init__(self, rule: str, text: str, **facts: Any) -> None:
        super().__init__(text)
        self.rule = rule
        self.facts = facts


class Token(NamedTuple):
    """A token, taken apart; nothing about it has been verified.

    Attributes:
        header: The members of the header; ``alg`` is one of ``ALGORITHMS``, ``kid`` a text or None.
        payload: The bytes of the payload.
        signed: The bytes under the signature.
        signature: The raw signature.
    """

    header: dict[str, Any]
    payload: bytes
    signed: bytes
    signature: bytes


def parse_signed(token: object) -> Token:
    """Take a compact JWS apart (``jwt.ParseSigned``).

    Raises:
        Failed: By the rules ``compact``, ``header``, ``algorithm`` or ``embedded_key``.
    """
    raw_header, payload, signature = _parts(token)
    header = _object("header", raw_header) if raw_header else {}
    for name, what in (("alg", "algorithm"), ("kid", "key ID")):
        if not isinstance(header.get(name), str | None):
            shown = golang.quoted(json.dumps(header[name], ensure_ascii=False, separators=(",", ":")))
            raise Failed("header", f"failed to unmarshal {what}: {_cannot(header[name], 'string')}: {shown}")
    algorithm = header.get("alg") or ""
    if algorithm not in ALGORITHMS:
        text = f"unexpected signature algorithm {golang.quoted(algorithm)}; expected {golang.quoted_list(ALGORITHMS)}"
        raise Failed("algorithm", text, algorithm=algorithm)
    if header.get("jwk") is not None:
        _check_embedded(header["jwk"])
    # It encodes anew what it has decoded, and knows RFC 7797.
    content = payload if header.get("b64") is False else compact.b64url_bytes(payload)
    return Token(header, payload, compact.b64url_bytes(raw_header) + b"." + content, signature)


def _parts(token: object) -> list[bytes]:
    if not isinstance(token, str | bytes):
        raise Failed("compact", f"a token is a text, not a {type(token).__name__}")
    # Not SPIRE: gRPC would carry 4 MiB.
    if len(token) > compact.MAX_TOKEN:
        raise Failed("compact", f"the token has {len(token)} characters, more than {compact.MAX_TOKEN}")
    text = token.encode("utf-8", "replace") if isinstance(token, str) else token
    parts = text.split(b".")
    if len(parts) != 3:
        raise Failed("compact", "go-jose/go-jose: compact JWS format must have three parts")
    try:
        return [golang.raw_url_decoded(part) for part in parts]
    except ValueError as error:
        raise Failed("compact", str(error)) from None


def _check_embedded(jwk: object) -> None:
    if not isinstance(jwk, dict):
        raise Failed("embedded_key", f"failed to unmarshal JWK: {_cannot(jwk, 'jose.rawJSONWebKey')}")
    try:
        jose.check_public(jwk)
    except ValueError:
        raise Failed("embedded_key", "go-jose/go-jose: invalid embedded jwk, must be public key") from None
    # Not SPIRE: go-jose takes Ed25519 keys here, too, and tells in its own words why a key cannot be read.
    try:
        jose.key_of(jwk)
    except ValueError as error:
        raise Failed("embedded_key", f"failed to unmarshal JWK: {error}") from None


def read_claims(payload: bytes) -> dict[str, Any]:
    """The claims, the registered ones of the right types or null (``UnsafeClaimsWithoutVerification``).

    Raises:
        Failed: By the rule ``payload``.
    """
    if not payload:
        raise Failed("payload", "unexpected end of JSON input")
    claims = _object("payload", payload)
    problems = [problem for name, value in claims.items() if (problem := _problem(name, value))]
    if problems:
        # Some problems end its reading at once; of the others it tells the first.
        raise Failed("payload", next((problem for problem in problems if problem in _AT_ONCE), problems[0]))
    return claims


_NO_AUDIENCE: Final = "go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience"
_NO_DATE: Final = "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate"
_AT_ONCE: Final = (_NO_AUDIENCE, _NO_DATE, "json: cannot unmarshal number into Go value of type string")


def _problem(name: str, value: object) -> str | None:
    """What is wrong with a claim, by its type alone."""
    if name == "aud":
        return None if _is_audience(value) else _NO_AUDIENCE
    if value is None:
        return None
    if name in ("exp", "nbf", "iat"):
        return None if _is_date(value) else _NO_DATE
    return _cannot(value, "string") if name in ("iss", "sub", "jti") and not isinstance(value, str) else None


def _object(name: str, data: bytes) -> dict[str, Any]:
    """The members of a part; null counts as an empty object."""
    if data.strip(b" \t\r\n") == b"null":
        return {}
    # Not SPIRE: what is wrong with JSON is told in our words, deep nesting is refused, and so is broken
    # Unicode, where Go puts U+FFFD.
    try:
        return compact.read_part(name, data)
    except InvalidSvid as error:
        raise Failed(name, str(error)) from None


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


def verify(token: Token, key: PublicKey) -> None:
    """Verify the signature (``DetachedVerify``).

    Raises:
        Failed: By the rules ``critical`` or ``signature``.
    """
    _check_critical(token.header.get("crit"))
    if not _verifies(token, key):
        raise Failed("signature", "go-jose/go-jose: error in cryptographic primitive", key_id=token.header["kid"])


def _check_critical(names: object) -> None:
    if not isinstance(names, list | None):
        raise Failed("critical", _cannot(names, "[]string"))
    for name in names or ():
        if not isinstance(name, str | None):
            raise Failed("critical", _cannot(name, "string"))
    if any(name != "b64" for name in names or ()):
        raise Failed("critical", "go-jose/go-jose: unsupported critical header")


def _verifies(token: Token, key: PublicKey) -> bool:
    """Whether the signature verifies; nobody asks whether an ECDSA key's curve is the algorithm's."""
    algorithm = token.header["alg"]
    if not isinstance(key, EllipticCurvePublicKey):
        return jose.check_signature(algorithm, key, token.signed, token.signature, smallest=SMALLEST_RSA_KEY)
    digest, size = _ECDSA.get(algorithm, (None, 0))
    if digest is None or len(token.signature) != 2 * size:
        return False
    r, s = (int.from_bytes(half, "big") for half in (token.signature[:size], token.signature[size:]))
    try:
        key.verify(encode_dss_signature(r, s), token.signed, ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _cannot(value: object, go_type: str) -> str:
    """What Go says of a JSON value that is of another type than it wants."""
    kinds: Mapping[type, str] = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}
    return f"json: cannot unmarshal {kinds.get(type(value), 'object')} into Go value of type {go_type}"
