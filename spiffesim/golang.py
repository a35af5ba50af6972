"""Texts, bytes and numbers as Go's standard library has them, where SPIRE lets them show."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterable
from typing import Final

from spiffesim.instants import SECOND, Microseconds

_ESCAPES: Final = {
    **dict(zip("\a\b\f\n\r\t\v", ("\\a", "\\b", "\\f", "\\n", "\\r", "\\t", "\\v"), strict=True)),
    '"': '\\"',
    "\\": "\\\\",
}


def quoted(text: str) -> str:
    """A text as the verb ``%q`` of Go's ``fmt`` shows it."""
    return f'"{"".join(map(_escaped, text))}"'


def valid_string(text: object) -> bool:
    """Whether a text can be written as UTF-8, as ``utf8.ValidString`` asks: whether no half of a character is in it."""
    return isinstance(text, str) and (
        text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
    )


def quoted_list(texts: Iterable[str]) -> str:
    """A slice of texts as ``%q`` shows it."""
    return f"[{' '.join(map(quoted, texts))}]"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def raw_url_decoded(text: bytes) -> bytes:
    """What ``base64.RawURLEncoding`` makes of a text: it skips line breaks, and bits that mean nothing.

    Raises:
        ValueError: With Go's text, if it is not base64url without padding.
    """
    kept = text.translate(None, b"\r\n")
    foreign = kept.translate(None, _ALPHABET)
    if foreign or len(kept) % 4 == 1:
        place = text.index(foreign[:1]) if foreign else len(text) - 1
        raise ValueError(f"illegal base64 data at input byte {place}")
    return urlsafe_b64decode(kept + b"=" * (-len(kept) % 4))


_YEAR_1: Final = 62_135_596_800


def unix_time(seconds: float) -> Microseconds:
    """The instant that ``time.Unix(int64(seconds), 0)`` is, with its overflows.

    A float that fits no ``int64`` becomes the smallest one (on amd64), and ``time.Time`` counts from the
    year 1, which turns the largest ones over: both are long past.
    """
    whole = int(seconds)
    return whole * SECOND if -(2**63) <= whole < 2**63 - _YEAR_1 else -(2**63) * SECOND
