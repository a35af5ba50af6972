"""The virtual clock of a simulation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, TypedDict

from spiffesim.errors import ClockError
from spiffesim.instants import FIRST, LAST, Microseconds, microseconds, moment, rfc3339, span, whole_second

EPOCH: Final = datetime(2030, 1, 1, tzinfo=UTC)
"""When a simulation with a seed begins."""


class Spans(TypedDict, total=False):
    """A span of time, in the words of ``timedelta``."""

    weeks: float
    days: float
    hours: float
    minutes: float
    seconds: float
    milliseconds: float
    microseconds: float


def present() -> datetime:
    """The real present, in whole seconds: where a simulation without a seed begins."""
    # The only reading of the wall clock; everything after it is virtual.
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the one door to real time


class Clock:
    """Virtual time: it moves when told to, and only forward.

    Args:
        start: Where it begins, an aware datetime, taken down to the whole second.

    Raises:
        ClockError: If the start is outside 1970-01-01T00:00:00Z ... 9999-12-31T23:59:59Z.
    """

    def __init__(self, start: datetime) -> None:
        began = whole_second(microseconds(start))
        if not FIRST <= began <= LAST:
            raise ClockError(f"a clock cannot begin at {start.isoformat()}; it lives from 1970 to 9999", at=start)
        self.start: Microseconds = began
        self.instant: Microseconds = began

    @property
    def now(self) -> datetime:
        """The present instant, an aware-UTC datetime."""
        return moment(self.instant)

    def after(self, duration: timedelta) -> Microseconds:
        """The instant that lies so far ahead.

        Args:
            duration: How far; zero is now.

        Raises:
            ClockError: If the duration is negative or leads past the year 9999.
        """
        step = span(duration)
        if step < 0:
            raise ClockError(
                f"time does not go backwards: asked for {duration} from {rfc3339(self.instant)}", duration=duration
            )
        if self.instant + step > LAST:
            raise ClockError(
                f"{rfc3339(self.instant)} plus {duration} is past the end of time, 9999-12-31T23:59:59Z",
                duration=duration,
            )
        return self.instant + step

    def until(self, instant: datetime) -> Microseconds:
        """The instant of a datetime that is still to come, or now.

        Raises:
            ClockError: If it is past, beyond the year 9999, has no time zone, or is no datetime.
        """
        if not isinstance(instant, datetime):
            raise ClockError(f"an instant is an aware datetime, not {instant!r:.80}", instant=instant)
        arrival = microseconds(instant)
        return self.after(timedelta(microseconds=arrival - self.instant))

    def limit(self, limit: timedelta | datetime) -> Microseconds:
        """The instant that is meant by a limit: a span from now, or a datetime.

        Raises:
            ClockError: As ``after`` and ``until``.
        """
        return self.after(limit) if isinstance(limit, timedelta) else self.until(limit)

    def move(self, instant: Microseconds) -> None:
        """Move to an instant that is not past."""
        assert instant >= self.instant
        self.instant = instant

    def __repr__(self) -> str:
        return f"<Clock {rfc3339(self.instant)}>"


def step_of(duration: object, spans: Spans) -> timedelta:
    """One step of time out of what a user says: a timedelta, and more in the words of one.

    Raises:
        ClockError: If it is not a timedelta, or longer than one can be.
    """
    if not isinstance(duration, timedelta):
        raise ClockError(
            f"a step of time is a timedelta, or a number with its unit, such as advance(seconds=60), not {duration!r}",
            duration=duration,
        )
    try:
        return duration + timedelta(**spans)
    except (OverflowError, ValueError) as error:  # ValueError: not a number
        raise ClockError(f"{duration} and {dict(spans)} are no step of time: {error}", duration=duration) from None
