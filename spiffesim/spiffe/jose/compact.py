"""The JWS compact serialization, taken apart strictly; no signature is verified here."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import Any, Final, NamedTuple

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.jose.jsontext import JsonError, read_object

MAX_TOKEN: Final = 262_144
"""How many characters a token may have (256 KiB); what carries tokens, an HTTP header, takes far fewer."""

_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
_TO_URL = bytes.maketrans(b"+/", b"-_")


class Jws(NamedTuple):
    """A JWS in compact serialization, taken apart; nothing about it has been verified.

    Attributes:
        header: The JOSE header.
        payload: The payload, a JSON object (a JWT's claims).
        signed: The bytes under the signature.
        signature: The raw signature.
    """

    header: dict[str, Any]
    payload: dict[str, Any]
    signed: bytes
    signature: bytes


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 2)."""
    return b64url_bytes(data).decode("ascii")


def unb64url(text: str | bytes) -> bytes:
    """Decode base64url strictly: no padding, no other character, and no other spelling of the same bytes.

    Raises:
        ValueError: With the reason.
    """
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
        standard = raw.translate(_TO_STANDARD)
        data = a2b_base64(standard + b"=" * (-len(standard) % 4), strict_mode=True)
    except (UnicodeEncodeError, Base64Error):
        raise ValueError("is not base64url without padding") from None
    if b2a_base64(data, newline=False).rstrip(b"=") != standard:
        raise ValueError("ends in bits that mean nothing, so the same bytes have another spelling")
    return data


def b64url_bytes(data: bytes) -> bytes:
    """Base64url without padding, still as bytes."""
    return b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL)


def segments(token: object) -> tuple[bytes, bytes, bytes, bytes]:
    """The decoded header and payload of a compact JWS, the bytes that are signed, and the signature.

    Raises:
        InvalidSvid: Code ``compact``, if it is not three parts of base64url.

    Spec: RFC 7515 3.1 and 7.1
    """
    text = _ascii(token)
    parts = text.split(b".")
    if len(parts) != 3:
        raise _not_compact(_not_three(text, len(parts)))
    decoded = []
    for name, part in zip(("header", "payload", "signature"), parts, strict=True):
        try:
            decoded.append(unb64url(part))
        except ValueError as error:
            raise _not_compact(f"its {name} {error}") from None
    header, payload, signature = decoded
    return header, payload, text[: text.rindex(b".")], signature


def read_jws(token: object) -> Jws:
    """Take a compact JWS apart, strictly; no signature is verified.

    Args:
        token: A str, or its ASCII bytes, of at most ``MAX_TOKEN`` characters.

    Raises:
        InvalidSvid: Code ``compact``, ``header`` or ``payload``, after the part that cannot be read.

    Spec: RFC 7515 5.2
    """
    header, payload, signed, signature = segments(token)
    return Jws(read_part("header", header), read_part("payload", payload), signed, signature)


def read_part(name: str, data: bytes) -> dict[str, Any]:
    """The header or the payload of a token, one strict JSON object.

    Raises:
        InvalidSvid: With the name as its code.
    """
    try:
        return read_object(data)
    except JsonError as error:
        clause = "RFC 7515 4" if name == "header" else "RFC 7519 7.2"
        raise InvalidSvid(f"the token's {name} {error}", code=name, clause=clause) from None


def _ascii(token: object) -> bytes:
    if not isinstance(token, str | bytes):
        raise _not_compact(f"a token is a text, not a {type(token).__name__}")
    if len(token) > MAX_TOKEN:
        raise _not_compact(f"it has {len(token)} characters, {len(token) - MAX_TOKEN} more than {MAX_TOKEN}")
    try:
        return token.encode("ascii") if isinstance(token, str) else token
    except UnicodeEncodeError as error:
        raise _not_compact(f"character {error.start} is not ASCII") from None


def _not_three(text: bytes, parts: int) -> str:
    if text.lstrip().startswith(b"{"):
        return "it is in JSON serialization; JWT-SVID 1 allows compact serialization only"
    return f"it has {parts} part{'s' * (parts != 1)} between dots, not three"


def _not_compact(reason: str) -> InvalidSvid:
    return InvalidSvid(
        f"the token is not a JWS in compact serialization: {reason}", code="compact", clause="RFC 7515 3.1"
    )
