"""A calendar window: what was charged since the day, week or month began in its time zone, plus what is wanted, is at most the amount.

Where periods begin is worked out here from a request's arrival and travels with its claims; which of them counts is said by the
store's own clock. So no store needs time zones, and no process's clock decides. A period begins with the first instant of its first
local day, whatever the clocks of the zone do in that night; with the next one the counter is as good as unused. What is settled after
its period has ended belongs to that period, and changes nothing in the next.

A store's clock that is more than a period away from that of the process counts in the nearest period that the claim knows. One that
is set back goes on counting in the later period: it errs against the caller, never for it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from gateway.model.limit import PERIOD_US, Claim, LimitState, Period
from gateway.quota.window import stated

__all__ = ["CALENDAR", "CalendarWindow", "Spent", "period_starts"]

_QUARTER_US = 900_000_000
_FIRST_US = 100 * PERIOD_US["day"]
_LAST_US = 253_000_000_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def period_starts(period: Period, zone: str, at_us: int) -> tuple[int, int, int, int]:
    """When the period before the one that `at_us` is in begins, that one, the next and the one after; Unix microseconds.

    `zone` is an IANA name; ZoneInfoNotFoundError where there is none. Moments before 1970 and after 9987 are taken for these years.
    """
    at_us = min(max(at_us, _FIRST_US), _LAST_US)
    starts = _starts(period, zone, at_us - at_us % _QUARTER_US)
    return starts if starts[1] <= at_us < starts[2] else _starts.__wrapped__(period, zone, at_us)


@lru_cache(maxsize=1024)
def _starts(period: Period, zone: str, at_us: int) -> tuple[int, int, int, int]:
    where = ZoneInfo(zone)
    first = _first_day((_EPOCH + timedelta(microseconds=at_us)).astimezone(where).date(), period)
    after = _next(first, period)
    days = (_first_day(first - timedelta(days=1), period), first, after, _next(after, period))
    before, this, following, last = (_midnight_us(day, where) for day in days)
    return before, this, following, last


def _first_day(day: date, period: Period) -> date:
    match period:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)


def _next(first: date, period: Period) -> date:
    """The first day of the period after one that begins on that day."""
    return _first_day(first + timedelta(microseconds=PERIOD_US[period]), period)


def _midnight_us(day: date, where: ZoneInfo) -> int:
    """A local day's first instant. Of a midnight that is there twice the first is meant; one that is skipped is when it is skipped."""
    return (datetime(day.year, day.month, day.day, tzinfo=where) - _EPOCH) // _MICROSECOND


class Spent(Struct, frozen=True):
    """What was charged in the period that began at `start`, Unix microseconds."""

    start: int = 0
    used: int = 0


_NOTHING = Spent()


class CalendarWindow:
    """See `WindowKind`. A mark is the start of the period that was charged; claims carry the periods around their arrival."""

    empty = _NOTHING

    def idle(self, state: Spent) -> bool:
        return state.used <= 0

    def aged(self, state: Spent, claim: Claim, now: int) -> Spent:
        """The state of the period that `now` is in, or of a later one that was charged already."""
        start = max((start for start in claim.periods if start <= now), default=claim.periods[0])
        return state if state.start >= start else Spent(start, 0)

    def fits(self, state: Spent, claim: Claim) -> bool:
        return state.used + claim.want <= claim.amount

    def charge(self, state: Spent, claim: Claim, hold_id: str, now: int) -> tuple[Spent, int]:
        return Spent(state.start, state.used + claim.want), state.start

    def settle(self, state: Spent, claim: Claim, hold_id: str, want: int, mark: int, true: int, now: int) -> Spent:
        return Spent(mark, max(0, state.used + true - want)) if state.start == mark else state

    def renew(self, state: Spent, claim: Claim, hold_id: str, mark: int, now: int) -> tuple[Spent, int]:
        return state, mark

    def read(self, state: Spent, claim: Claim, fitted: bool, now: int) -> LimitState:
        left = _left(state, claim, now)
        retry = left if claim.want <= claim.amount else -1
        return stated(claim, fitted=fitted, used=state.used, reset_us=left if state.used else 0, retry_us=retry)

    def lasting(self, claim: Claim) -> bool:
        return True

    def dump(self, state: Spent) -> list[Any]:
        return [state.start, state.used]

    def load(self, plain: Any) -> Spent:
        start, used = plain
        return Spent(int(start), int(used))


def _left(state: Spent, claim: Claim, now: int) -> int:
    """Until the state's period is over: until the next begins that the claim knows of, else as long as the last it knows."""
    last = claim.periods[-1] - claim.periods[-2]
    return max(1, next((start for start in claim.periods if start > state.start), state.start + last) - now)


CALENDAR = CalendarWindow()
