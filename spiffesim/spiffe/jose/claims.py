"""What the claims of a token say, read strictly: who, for whom, from when, until when.

Each function returns the value, or raises :class:`Broken` with a sentence for the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any, Final

from spiffesim.errors import InvalidSpiffeId
from spiffesim.instants import LAST, SECOND, Microseconds, clock_times, moment, rfc3339
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose.jsontext import kind_of

_FIRST: Final = moment(0).replace(year=1)
EARLIEST: Final = -((moment(0) - _FIRST) // timedelta(microseconds=1))
"""The first instant of the year 1."""


class Broken(Exception):
    """A claim is missing, or not what it has to be; the text says which, and why."""


def subject(claims: Mapping[str, Any]) -> SpiffeId:
    """The SPIFFE ID in ``sub``."""
    if "sub" not in claims:
        raise Broken("the token has no sub claim, so it is nobody's")
    value = claims["sub"]
    if not isinstance(value, str):
        raise Broken(f"the sub claim is {kind_of(value)}, not a SPIFFE ID")
    try:
        return SpiffeId(value)
    except InvalidSpiffeId as error:
        raise Broken(f"the sub claim is not a SPIFFE ID: {error}") from None


def audience(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of ``aud``, a string or an array of them."""
    if "aud" not in claims:
        raise Broken("the token has no aud claim, so it is for nobody")
    value = claims["aud"]
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise Broken(f"the aud claim is {kind_of(value)}, not a string or an array")
    if not value:
        raise Broken("the aud claim is an empty array")
    for index, name in enumerate(value):
        if not isinstance(name, str) or not name:
            raise Broken(f"value {index} of the aud claim is {'empty' if name == '' else kind_of(name)}, not a name")
    return tuple(value)


def instant(claims: Mapping[str, Any], name: str) -> Microseconds:
    """The instant of a NumericDate, whose fractions of microseconds count as a whole one (RFC 7519 2)."""
    if name not in claims:
        raise Broken(f"the token has no {name} claim")
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Broken(f"the {name} claim is {kind_of(value)}, not a number of seconds")
    return value * SECOND if isinstance(value, int) else ceil(Fraction(value) * SECOND)


def as_datetime(microseconds: Microseconds) -> datetime:
    """An instant as a datetime; one outside the years 1 to 9999 becomes the nearest inside."""
    return moment(min(max(microseconds, EARLIEST), LAST))


def apart(first: Microseconds, second: Microseconds) -> str:
    """How far apart two instants are, as a person says it: ``1:00:00``."""
    distance = abs(first - second)
    return str(timedelta(microseconds=distance)) if distance <= LAST else "thousands of years"


def both(first: Microseconds, second: Microseconds) -> tuple[str, str]:
    """Two instants as a person compares them."""
    if all(EARLIEST <= microseconds <= LAST for microseconds in (first, second)):
        return clock_times(first, second)
    return written(first), written(second)


def written(microseconds: Microseconds) -> str:
    """An instant of any size, as a person reads it."""
    if microseconds > LAST:
        return "after the year 9999"
    return rfc3339(microseconds) if microseconds >= EARLIEST else "before the year 1"
