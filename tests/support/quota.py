"""What tests of quota start from: claims in one line, a clock that is set by hand, and the Lua that reads the same clock."""

from __future__ import annotations

from gateway.model.limit import PERIOD_US, Claim, Count, Limit
from gateway.model.value import replace
from gateway.quota.calendar import period_starts

__all__ = ["LUA_CLOCK", "START_US", "HandClock", "bucket", "calendar", "claim", "lifetime", "sliding", "slots"]

START_US = 1_790_000_000_000_000
MINUTE_US = 60_000_000

LUA_CLOCK = "local function clock() return tonumber(redis.call('GET', 'test:now')) end\n"
"""In the place of `now.lua` only where a test must set the time; what the server's own clock does is tested apart."""


class HandClock:
    """A Clock that stands still until it is told."""

    def __init__(self, now_us=START_US):
        self.now_us = now_us

    def now(self):
        return self.now_us


def claim(name, window, count, amount, want, window_us, *, burst=0, shadow=False, slot="acme", per=("key",), **more):
    """A claim on a limit of its own name. `more` goes to the limit."""
    limit = Limit(name, count, window, amount, window_us, per, burst, shadow, **more)
    return Claim(limit, f"{name}:{window}:{window_us}:{slot}", slot, amount, burst, want)


def sliding(amount, want=1, *, name="rpm", count=Count.TOKENS, window_us=MINUTE_US, **more) -> Claim:
    return claim(name, "sliding", count, amount, want, window_us, **more)


def bucket(amount, want=1, *, burst=None, name="tpm", count=Count.TOKENS, window_us=MINUTE_US, **more) -> Claim:
    return claim(name, "bucket", count, amount, want, window_us, burst=amount if burst is None else burst, **more)


def slots(amount, *, name="inflight", lease_us=MINUTE_US, **more) -> Claim:
    return claim(name, "slots", Count.CONCURRENT, amount, 1, lease_us, **more)


def calendar(amount, want=1, *, period="day", zone="UTC", at_us=START_US, name="monthly", count=Count.TOKENS, **more) -> Claim:
    """A claim of a request that arrived at `at_us`."""
    made = claim(name, "calendar", count, amount, want, PERIOD_US[period], period=period, zone=zone, **more)
    return replace(made, key=f"{name}:calendar:{period}@{zone}", periods=period_starts(period, zone, at_us))


def lifetime(amount, want=1, *, name="budget", count=Count.TOKENS, **more) -> Claim:
    return claim(name, "lifetime", count, amount, want, 0, **more)
