"""The values of a registration entry, read from what Python has for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from spiffesim.entries.selectors import read_items
from spiffesim.errors import InvalidEntry
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

TtlLike: TypeAlias = timedelta | int | None
ExpiryLike: TypeAlias = datetime | int | None

_SECOND: Final = timedelta(seconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INT32: Final = 2**31 - 1


def read_ttl(ttl: TtlLike, name: str = "ttl") -> timedelta | None:
    """A lifetime in whole seconds; None and 0 both mean the default of the server.

    Raises:
        InvalidEntry: If it is no span of whole seconds that fits 32 bits.
    """
    if ttl is None:
        return None
    if isinstance(ttl, timedelta):
        seconds, rest = divmod(ttl, _SECOND)
    elif isinstance(ttl, int) and not isinstance(ttl, bool):
        seconds, rest = ttl, timedelta()
    else:
        raise _wrong_type(name, "a timedelta or whole seconds", ttl)
    if rest or not -_INT32 - 1 <= seconds <= _INT32:
        problem = f"is not whole seconds but {ttl}" if rest else f"has {seconds} seconds, which 32 bits do not hold"
        raise InvalidEntry(f"{name} {problem}", code="ttl", field=name)
    return timedelta(seconds=seconds) if seconds else None


def read_expiry(expiry: ExpiryLike, name: str = "expires_at") -> datetime | None:
    """An instant in whole seconds (the fraction is cut off), or seconds since 1970; None and 0 mean never.

    Raises:
        InvalidEntry: If it is no instant, has no time zone, or lies outside the years 1 to 9999.
    """
    if expiry is None:
        return None
    if isinstance(expiry, datetime):
        if expiry.tzinfo is None:
            raise InvalidEntry(f"{name} {expiry.isoformat()} has no time zone; give an aware datetime", code="expiry")
        seconds = (expiry - _EPOCH) // _SECOND
    elif isinstance(expiry, int) and not isinstance(expiry, bool):
        seconds = expiry
    else:
        raise _wrong_type(name, "an aware datetime or seconds since 1970", expiry)
    try:
        return _EPOCH + timedelta(seconds=seconds) if seconds else None
    except OverflowError:
        raise InvalidEntry(f"{name} {seconds} lies outside the years 1 to 9999", code="expiry", field=name) from None


def read_text(text: str, name: str) -> str:
    """A text that can be written as UTF-8, as every text in a message of SPIRE is.

    Raises:
        InvalidEntry: If it is not.
    """
    if not isinstance(text, str):
        raise _wrong_type(name, "a text", text)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidEntry(f"{name} {text!r} is not Unicode text: {error.reason}", code="field_type") from None
    return text


def read_flag(flag: bool, name: str) -> bool:
    """A bool, and nothing that merely acts like one.

    Raises:
        InvalidEntry: If it is not.
    """
    if flag is not True and flag is not False:
        raise _wrong_type(name, "a bool", flag)
    return flag


def read_spiffe_id(spiffe_id: SpiffeId | str) -> SpiffeId:
    """A SPIFFE ID from itself or its text.

    Raises:
        InvalidEntry: If it is neither.
        InvalidSpiffeId: If the text is none.
    """
    if not isinstance(spiffe_id, SpiffeId | str):
        raise _wrong_type("a SPIFFE ID", "a SpiffeId or a text", spiffe_id)
    return SpiffeId.parse(spiffe_id)


def read_trust_domain(name: TrustDomain | SpiffeId | str) -> TrustDomain:
    """A trust domain from its name or any ID of it.

    Raises:
        InvalidEntry: If it is neither.
        InvalidTrustDomain: If the text is no name of a trust domain.
        InvalidSpiffeId: If the text begins as an ID and is none.
    """
    if not isinstance(name, TrustDomain | SpiffeId | str):
        raise _wrong_type("a trust domain", "a TrustDomain or a text", name)
    return TrustDomain.parse(name)


def read_dns_names(names: Iterable[str] | None) -> tuple[str, ...]:
    """DNS names in the order given, unchecked.

    Raises:
        InvalidEntry: If they are no collection of texts.
    """
    return tuple(read_text(name, "a DNS name") for name in read_items(names, "dns_names", "db.example.org"))


def read_trust_domains(names: Iterable[TrustDomain | SpiffeId | str] | None) -> tuple[TrustDomain, ...]:
    """Trust domains from their names or IDs.

    Raises:
        InvalidEntry: If they are no collection.
        InvalidTrustDomain: If one is not the name of a trust domain.
        InvalidSpiffeId: If one begins as an ID and is none.
    """
    return tuple(read_trust_domain(name) for name in read_items(names, "federates_with", "example.com"))


def _wrong_type(name: str, wanted: str, value: object) -> InvalidEntry:
    return InvalidEntry(f"{name} is {wanted}, not a {type(value).__name__}", code="field_type", field=name)


def seconds_of(ttl: timedelta | None) -> int:
    """A lifetime in seconds, 0 for the default of the server."""
    return 0 if ttl is None else ttl // _SECOND


def seconds_at(instant: datetime | None) -> int:
    """An instant in seconds since 1970, 0 for never."""
    return 0 if instant is None else (instant - _EPOCH) // _SECOND
