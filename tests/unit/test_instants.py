"""Instants: aware-UTC datetimes outside, integer microseconds inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import ClockError
from spiffesim.instants import FIRST, LAST, SECOND, clock_times, microseconds, moment, rfc3339, span, whole_second

NEW_YEAR = 1_893_456_000_000_000  # `date -u -d 2030-01-01 +%s`, in microseconds


def test_a_datetime_is_counted_in_microseconds_since_1970() -> None:
    assert microseconds(datetime(2030, 1, 1, tzinfo=UTC)) == NEW_YEAR
    assert microseconds(datetime(2030, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == NEW_YEAR
    assert microseconds(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1
    assert moment(NEW_YEAR + 1) == datetime(2030, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert moment(NEW_YEAR).tzinfo is UTC


def test_a_whole_second_is_the_one_that_has_begun() -> None:
    assert [whole_second(instant) for instant in (-1, 0, 999_999, 1_000_000)] == [-1_000_000, 0, 0, 1_000_000]


def test_the_first_and_the_last_instant_are_those_of_the_clock() -> None:
    assert moment(FIRST) == datetime(1970, 1, 1, tzinfo=UTC)
    assert moment(LAST) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class Nowhere(tzinfo):
    """A time zone that does not know how far it is from UTC."""

    def utcoffset(self, moment: datetime | None) -> None:
        return None

    def dst(self, moment: datetime | None) -> None:
        return None

    def tzname(self, moment: datetime | None) -> None:
        return None


@pytest.mark.parametrize("zone", [None, Nowhere()])
def test_a_datetime_without_a_time_zone_is_refused(zone: tzinfo | None) -> None:
    naive = datetime(2030, 1, 1, tzinfo=zone)
    with pytest.raises(ClockError, match="2030-01-01T00:00:00 has no time zone; give an aware datetime") as caught:
        microseconds(naive)
    assert caught.value.instant == naive


@pytest.mark.parametrize("instant", [LAST + SECOND, -62_135_596_801 * SECOND, 10**30])
def test_an_instant_that_no_calendar_has_is_refused(instant: int) -> None:
    with pytest.raises(ClockError, match="seconds since 1970 are beyond the years 1 to 9999") as caught:
        moment(instant)
    assert caught.value.instant == instant
    assert moment(-62_135_596_800 * SECOND) == datetime(1, 1, 1, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_every_datetime_comes_back(instant: datetime) -> None:
    assert moment(microseconds(instant)) == instant


@given(st.timedeltas())
def test_a_span_counts_the_microseconds_of_a_timedelta(duration: timedelta) -> None:
    assert span(duration) == duration.days * 86_400 * SECOND + duration.seconds * SECOND + duration.microseconds


def test_an_instant_is_written_as_rfc_3339_with_a_fraction_where_there_is_one() -> None:
    assert rfc3339(NEW_YEAR) == "2030-01-01T00:00:00Z"
    assert rfc3339(NEW_YEAR + 1) == "2030-01-01T00:00:00.000001Z"
    assert rfc3339(-1) == "1969-12-31T23:59:59.999999Z"


def test_two_instants_of_a_day_are_shown_without_the_date() -> None:
    assert clock_times(NEW_YEAR, NEW_YEAR + 3600 * SECOND) == ("00:00:00Z", "01:00:00Z")
    assert clock_times(NEW_YEAR - SECOND, NEW_YEAR) == ("2029-12-31T23:59:59Z", "2030-01-01T00:00:00Z")
