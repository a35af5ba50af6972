"""Strict DER: the few types that certificates are made of, written and read.

Spec: ITU-T X.690 10 and 11
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Final

from spiffesim.instants import SECOND, Microseconds, moment, whole_second
from spiffesim.spiffe.x509.limits import MAX_OID

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OID: Final = 0x06
UTF8_STRING: Final = 0x0C
PRINTABLE_STRING: Final = 0x13
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

_FIRST_GENERALIZED: Final = 2_524_608_000 * SECOND  # 2050-01-01T00:00:00Z
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_PRINTABLE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")


class DerError(ValueError):
    """Bytes are not DER, or not the DER that was expected; callers turn it into one of our errors."""


# Writing


@lru_cache(maxsize=4096)  # certificates of one kind differ in length by a few bytes
def head(tag: int, length: int) -> bytes:
    """What stands before a content of this length: the tag, and the length."""
    if length < 0x80:
        return bytes((tag, length))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets


def tlv(tag: int, *content: bytes) -> bytes:
    """One value: its tag, its length, its content."""
    body = content[0] if len(content) == 1 else b"".join(content)
    return head(tag, len(body)) + body


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of values."""
    return tlv(SEQUENCE, *parts)


def integer(number: int) -> bytes:
    """An INTEGER, in as few octets as it needs."""
    size = ((number + 1 if number < 0 else number).bit_length() // 8) + 1
    return tlv(INTEGER, number.to_bytes(size, "big", signed=True))


def boolean(value: bool) -> bytes:
    """A BOOLEAN."""
    return b"\x01\x01\xff" if value else b"\x01\x01\x00"


@lru_cache(maxsize=256)
def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER, such as ``"2.5.29.15"``."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(OID, b"".join(_arc(arc) for arc in (40 * first + second, *rest)))


def _arc(number: int) -> bytes:
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.append(0x80 | number & 0x7F)
    return bytes(reversed(octets))


def bit_string(octets: bytes, unused: int = 0) -> bytes:
    """A BIT STRING whose last ``unused`` bits do not count."""
    return tlv(BIT_STRING, bytes((unused,)), octets)


def octet_string(octets: bytes) -> bytes:
    """An OCTET STRING."""
    return tlv(OCTET_STRING, octets)


def printable_or_utf8(text: str) -> bytes:
    """A PrintableString where the characters allow it, else a UTF8String: the choice of Go's ``encoding/asn1``."""
    octets = text.encode()
    return tlv(PRINTABLE_STRING if _PRINTABLE.issuperset(octets) else UTF8_STRING, octets)


def time(instant: Microseconds) -> bytes:
    """A Time of a certificate, floored to the second: UTCTime from 1950 through 2049, else GeneralizedTime.

    Spec: RFC 5280 4.1.2.5
    """
    written = moment(whole_second(instant))
    octets = b"%04d%02d%02d%02d%02d%02dZ" % written.timetuple()[:6]
    if 1950 <= written.year < 2050:
        return tlv(UTC_TIME, octets[2:])
    return tlv(GENERALIZED_TIME, octets)


# Reading: a value is (tag, where its content starts, where it ends); nothing is copied


def value_at(data: bytes, at: int, limit: int) -> tuple[int, int, int]:
    """The tag, and the start and the end of the content, of the value that begins here.

    Raises:
        DerError: If no well-formed value begins here, or it goes beyond the limit.
    """
    start = at + 2
    if start > limit:
        raise DerError(f"a value is cut off at byte {at}")
    tag = data[at]
    end = data[at + 1]
    if end > 0x7F:
        start, end = _long_length(data, start, end, limit)
    end += start
    if end > limit:
        raise DerError(f"the value at byte {at} goes {end - limit} bytes beyond its place")
    if tag & 0x1F == 0x1F:
        raise DerError(f"the value at byte {at} has a tag of several bytes")
    return tag, start, end


def _long_length(data: bytes, start: int, first: int, limit: int) -> tuple[int, int]:
    size = first & 0x7F
    stop = start + size
    if not size or size > 4 or stop > limit:
        raise DerError(f"the length before byte {start} is indefinite, absurd or cut off")
    length = int.from_bytes(data[start:stop], "big")
    if length < 0x80 or not data[start]:
        raise DerError(f"the length before byte {start} is longer than it has to be")
    return stop, length


def content_at(data: bytes, at: int, limit: int, tag: int) -> tuple[int, int]:
    """The start and the end of the content of the value that begins here, which has this tag."""
    start = at + 2
    # The common case by hand: a certificate is some fifty of these.
    if start <= limit and data[at] == tag and data[at + 1] < 0x80 and (end := start + data[at + 1]) <= limit:
        return start, end
    found, start, end = value_at(data, at, limit)
    if found != tag:
        raise DerError(f"expected tag 0x{tag:02x} at byte {at}, found 0x{found:02x}")
    return start, end


def whole(data: bytes, tag: int) -> tuple[int, int]:
    """The start and the end of the content of the one value that these bytes are."""
    start, end = content_at(data, 0, len(data), tag)
    if end != len(data):
        raise DerError(f"{len(data) - end} bytes follow the value")
    return start, end


def values(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """The values in a stretch of bytes: tag, begin, content start, content end."""
    while start < end:
        tag, inside, stop = value_at(data, start, end)
        yield tag, start, inside, stop
        start = stop


def integer_of(data: bytes, start: int, end: int) -> int:
    """The number whose INTEGER content lies here."""
    if start == end:
        raise DerError(f"the integer at byte {start} is empty")
    if end - start > 1 and (
        (data[start] == 0 and data[start + 1] < 0x80) or (data[start] == 0xFF and data[start + 1] > 0x7F)
    ):
        raise DerError(f"the integer at byte {start} is longer than it has to be")
    return int.from_bytes(data[start:end], "big", signed=True)


def true_of(data: bytes, start: int, end: int) -> bool:
    """The truth whose BOOLEAN content lies here, where false is the default and therefore must be left out."""
    if data[start:end] != b"\xff":
        raise DerError(f"the boolean at byte {start} is not TRUE (a default value is left out)")
    return True


def bits_of(data: bytes, start: int, end: int) -> tuple[int, bytes]:
    """The number of unused bits, and the octets, of the BIT STRING whose content lies here."""
    if start == end:
        raise DerError(f"the bit string at byte {start} is empty")
    unused, octets = data[start], data[start + 1 : end]
    if unused > 7 or (unused and (not octets or octets[-1] & ((1 << unused) - 1))):
        raise DerError(f"the bit string at byte {start} has wrong unused bits")
    return unused, octets


def dotted(octets: bytes) -> str:
    """The text of an OBJECT IDENTIFIER's content, such as ``2.5.29.15``."""
    if len(octets) > MAX_OID:
        raise DerError(f"an object identifier has {len(octets)} octets, more than {MAX_OID}")
    arcs: list[int] = []
    number, fresh = 0, True
    for octet in octets:
        if fresh and octet == 0x80:
            raise DerError("an arc of an object identifier is longer than it has to be")
        number = number << 7 | octet & 0x7F
        fresh = octet < 0x80
        if fresh:
            arcs.append(number)
            number = 0
    if not fresh or not arcs:
        raise DerError("an object identifier is cut off")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def time_of(tag: int, octets: bytes) -> Microseconds:
    """The instant that a Time of a certificate says.

    Spec: RFC 5280 4.1.2.5
    """
    digits = octets[:-1]
    if octets[-1:] != b"Z" or not digits.isdigit():
        raise DerError(f"{octets!r:.80} is not a time in UTC")
    if tag == UTC_TIME and len(digits) == 12:
        rest = int(digits)
        rest += 19_000_000_000_000 if rest >= 500_000_000_000 else 20_000_000_000_000
    elif tag == GENERALIZED_TIME and len(digits) == 14:
        rest = int(digits)
    else:
        raise DerError(f"{octets!r:.80} is not a time of a certificate")
    day, clock = divmod(rest, 1_000_000)
    hours, clock = divmod(clock, 10_000)
    minutes, seconds = divmod(clock, 100)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise DerError(f"{octets!r:.80} is no time of day")
    try:
        days = date(day // 10_000, day // 100 % 100, day % 100).toordinal() - _EPOCH_DAY
    except ValueError:
        raise DerError(f"{octets!r:.80} is no day") from None
    return ((days * 24 + hours) * 60 + minutes) * 60 * SECOND + seconds * SECOND


def needs_generalized(instant: Microseconds) -> bool:
    """Whether a certificate writes this instant as GeneralizedTime (2050 and later)."""
    return instant >= _FIRST_GENERALIZED
