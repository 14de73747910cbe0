"""What breaks in every peer, by number: the clock, the window's edge, the round trips."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from gateway.model.limit import Amounts, Claim, Count, Hold, Limit
from gateway.registry import resolve


class Clock:
    """A clock of one machine, as wrong as a test needs it."""

    def __init__(self, now_us):
        self.at = now_us

    def now(self):
        return self.at


def hold(hold_id, amount, *, want=1, window="sliding", count=Count.REQUESTS, at_us=0):
    limit = Limit("l", count, window, amount, 60_000_000, ("key",), burst=amount)
    return Hold(hold_id, (Claim(limit, "l:k", "acme", amount, amount, want),), at_us)


@contextlib.asynccontextmanager
async def opened(state, tmp_path, clock, name="data"):
    store = await resolve("stores", state.partition(":")[0])(state, tmp_path / name, secret=b"s" * 32, clock=clock, exclusive=True)
    try:
        yield store.holds
    finally:
        await store.aclose()


@pytest.mark.parametrize("window", ["sliding", "bucket"])
async def test_13_gateways_whose_clocks_differ_by_hours_share_one_limit(tmp_path, redis_url, window):
    async with opened(redis_url, tmp_path, Clock(0), "a") as early, opened(redis_url, tmp_path, Clock(10**16), "b") as late:
        takes = [
            await store.take(hold(f"{name}{n}", 10, window=window)) for n in range(10) for name, store in (("e", early), ("l", late))
        ]
    held = sum(taken.held for taken in takes)
    assert held <= 11  # a bucket drains one in six seconds
    assert held >= 10


async def test_14_a_window_s_edge_does_not_give_twice_the_limit(tmp_path):
    clock = Clock(59_000_000)
    async with opened("memory", tmp_path, clock) as holds:
        assert all([(await holds.take(hold(f"a{n}", 10))).held for n in range(10)])
        clock.at = 60_000_001
        assert not any([(await holds.take(hold(f"b{n}", 10))).held for n in range(10)])
        clock.at = 59_000_000 + 62_000_000
        assert (await holds.take(hold("c", 10))).held


async def test_04_two_stores_on_one_redis_count_together(tmp_path, redis_url):
    async with opened(redis_url, tmp_path, Clock(0), "a") as one, opened(redis_url, tmp_path, Clock(0), "b") as two:
        takes = await asyncio.gather(*(store.take(hold(f"{n}{store is one}", 100)) for n in range(100) for store in (one, two)))
    assert sum(taken.held for taken in takes) == 100


async def test_06_an_estimate_of_nothing_is_still_settled_by_the_truth(tmp_path):
    async with opened("memory", tmp_path, Clock(0)) as holds:
        first = hold("a", 100, want=0, count=Count.TOKENS)
        assert (await holds.take(first)).held
        await holds.settle(first, Amounts(requests=1, input=60, output=60, bytes=0))
        assert not (await holds.take(hold("b", 100, count=Count.TOKENS))).held
