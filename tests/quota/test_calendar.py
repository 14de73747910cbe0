"""Calendar windows: days, weeks and months as a time zone has them, and counters that begin anew with each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quota.calendar import CALENDAR, Spent, period_starts
from tests.support.quota import calendar

HOUR = 3_600_000_000


def us(text, zone="UTC"):
    """A local time such as `2026-03-29 00:00` in Unix microseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("period", "at", "starts"),
    [
        ("day", "2026-11-24 13:00", ["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26"]),
        ("week", "2026-11-24 13:00", ["2026-11-16", "2026-11-23", "2026-11-30", "2026-12-07"]),
        ("week", "2026-11-29 23:59", ["2026-11-16", "2026-11-23", "2026-11-30", "2026-12-07"]),
        ("month", "2026-11-24 13:00", ["2026-10-01", "2026-11-01", "2026-12-01", "2027-01-01"]),
        ("month", "2028-02-29 00:00", ["2028-01-01", "2028-02-01", "2028-03-01", "2028-04-01"]),
        ("month", "2027-01-01 00:00", ["2026-12-01", "2027-01-01", "2027-02-01", "2027-03-01"]),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
def test_periods_begin_at_midnight_of_their_zone(period, at, starts, zone):
    assert period_starts(period, zone, us(at, zone)) == tuple(us(start + " 00:00", zone) for start in starts)


def test_the_instant_before_midnight_still_belongs_to_the_day_before():
    midnight = us("2026-12-01 00:00", "America/New_York")
    assert period_starts("month", "America/New_York", midnight - 1)[2] == midnight
    assert period_starts("month", "America/New_York", midnight)[1] == midnight


def test_days_on_which_the_clocks_are_changed_are_an_hour_shorter_or_longer():
    spring = period_starts("day", "Europe/Berlin", us("2026-03-29 12:00", "Europe/Berlin"))
    autumn = period_starts("day", "Europe/Berlin", us("2026-10-25 12:00", "Europe/Berlin"))
    assert (spring[2] - spring[1], autumn[2] - autumn[1]) == (23 * HOUR, 25 * HOUR)


def test_a_day_whose_midnight_is_skipped_begins_when_it_is_skipped():
    """In Cairo clocks went from 00:00 to 01:00 on 26 April 2024: the day began at what was 22:00 UTC."""
    starts = period_starts("day", "Africa/Cairo", us("2024-04-26 12:00", "Africa/Cairo"))
    assert starts[1] == us("2024-04-25 22:00")
    assert starts[2] - starts[1] == 23 * HOUR


def test_a_day_whose_midnight_comes_twice_begins_at_the_first():
    """In Havana clocks went from 01:00 back to 00:00 on 3 November 2024."""
    starts = period_starts("day", "America/Havana", us("2024-11-03 12:00", "America/Havana"))
    assert (starts[1], starts[2] - starts[1]) == (us("2024-11-03 04:00"), 25 * HOUR)


@given(
    at=st.integers(us("1975-01-01"), us("2060-01-01")),
    period=st.sampled_from(["day", "week", "month"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia"]),
)
def test_a_moment_lies_in_its_period_and_all_moments_of_it_agree(at, period, zone):
    before, start, end, after = period_starts(period, zone, at)
    assert before <= start <= at < end <= after
    assert period_starts(period, zone, start)[1:3] == (start, end)
    assert period_starts(period, zone, end - 1)[1:3] == (start, end)
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=start)).astimezone(ZoneInfo(zone))
    assert period != "week" or local.weekday() == 0
    assert period != "month" or local.day == 1


def test_a_zone_that_is_not_known_is_told():
    with pytest.raises(ZoneInfoNotFoundError):
        period_starts("day", "Europe/Atlantis", us("2026-11-24 00:00"))


def test_the_amount_is_whole_again_at_the_next_period_and_not_before():
    noon = us("2026-11-24 12:00")
    claim = calendar(10, 10, at_us=noon)
    state, _ = CALENDAR.charge(CALENDAR.aged(CALENDAR.empty, claim, noon), claim, "a", noon)
    refused = CALENDAR.read(state, claim, False, noon)
    assert (refused.used, refused.remaining, refused.reset_us, refused.retry_us) == (10, 0, 12 * HOUR, 12 * HOUR)
    assert not CALENDAR.fits(CALENDAR.aged(state, claim, noon + 12 * HOUR - 1), claim)
    assert CALENDAR.fits(CALENDAR.aged(state, claim, noon + 12 * HOUR), claim)


def test_what_is_larger_than_the_amount_never_fits():
    claim = calendar(10, 11)
    assert CALENDAR.read(CALENDAR.empty, claim, False, claim.periods[1]).retry_us == -1


def test_what_is_settled_after_its_period_changes_nothing_in_the_next():
    evening = us("2026-11-24 23:59")
    first, second = calendar(10, 6, at_us=evening), calendar(10, 3, at_us=evening + HOUR)
    state, mark = CALENDAR.charge(CALENDAR.aged(CALENDAR.empty, first, evening), first, "a", evening)
    state, _ = CALENDAR.charge(CALENDAR.aged(state, second, evening + HOUR), second, "b", evening + HOUR)
    assert CALENDAR.settle(state, first, "a", 6, mark, 0, evening + HOUR) == Spent(second.periods[1], 3)
    assert CALENDAR.settle(state, first, "a", 6, mark, 9, evening + HOUR) == Spent(second.periods[1], 3)


def test_the_stores_clock_says_which_period_counts_not_the_arrival():
    """A gateway whose clock is an hour behind still charges the day that the store is in."""
    before_midnight, after = us("2026-11-24 23:30"), us("2026-11-25 00:30")
    claim = calendar(10, 1, at_us=before_midnight)
    assert CALENDAR.aged(Spent(claim.periods[1], 10), claim, after) == Spent(claim.periods[2], 0)


def test_a_clock_that_is_set_back_over_the_end_of_a_period_gives_nothing_away():
    claim = calendar(10, 1)
    later = Spent(claim.periods[2], 10)
    assert CALENDAR.aged(later, claim, claim.periods[2] - 1) is later


@given(days=st.integers(-5000, 5000))
def test_a_clock_that_is_far_away_still_has_a_period_with_an_end(days):
    claim, now = calendar(10, 1), us("2026-11-24 12:00") + days * 24 * HOUR
    state, _ = CALENDAR.charge(CALENDAR.aged(CALENDAR.empty, claim, now), claim, "a", now)
    assert state.start in claim.periods
    assert CALENDAR.read(state, claim, True, now).reset_us >= 1
