"""Instants: aware-UTC datetimes outside, integer microseconds since 1970 inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from spiffesim.errors import ClockError

Microseconds: TypeAlias = int

SECOND: Microseconds = 1_000_000
FIRST: Microseconds = 0
LAST: Microseconds = 253_402_300_799 * SECOND  # 9999-12-31T23:59:59Z

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(instant: datetime) -> Microseconds:
    """The integer microseconds since 1970 of an aware datetime.

    Raises:
        ClockError: If the datetime is naive.
    """
    if instant.utcoffset() is None:
        raise ClockError(
            f"{instant.isoformat()} has no time zone; give an aware datetime, such as datetime(2030, 1, 1, tzinfo=UTC)",
            instant=instant,
        )
    return (instant - _EPOCH) // _MICROSECOND


def moment(instant: Microseconds) -> datetime:
    """The aware-UTC datetime of integer microseconds since 1970.

    Raises:
        ClockError: If it is beyond the years 1 to 9999, where something begun at the end of time would end.
    """
    try:
        return _EPOCH + timedelta(microseconds=instant)
    except OverflowError:
        raise ClockError(
            f"{instant // SECOND} seconds since 1970 are beyond the years 1 to 9999", instant=instant
        ) from None


def whole_second(instant: Microseconds) -> Microseconds:
    """The instant without its fraction: X.509, JWT and SPIRE's datastore know whole seconds only."""
    return instant - instant % SECOND


def span(duration: timedelta) -> Microseconds:
    """A timedelta in integer microseconds."""
    return duration // _MICROSECOND


def rfc3339(instant: Microseconds) -> str:
    """``2030-01-01T00:00:00Z``, with a fraction only where there is one."""
    return moment(instant).isoformat().replace("+00:00", "Z")


def clock_times(first: Microseconds, second: Microseconds) -> tuple[str, str]:
    """Two instants as a person compares them: without the date when they share it."""
    texts = rfc3339(first), rfc3339(second)
    if texts[0][:11] == texts[1][:11]:
        return texts[0][11:], texts[1][11:]
    return texts
