"""Leasing on a real Redis: one lease serves many requests, what is not needed goes back, and nobody who leaves keeps anything."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.errors import StoreError, StoreUnavailable
from gateway.stores.pools import Ask, Pools
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import RedisHolds
from gateway.stores.redis_leases import RedisLeases
from tests.support.quota import bucket, sliding, slots

HOUR = 3_600_000_000
WIDE = sliding(10_000, window_us=HOUR)


@pytest.fixture
def seconds():
    return [0.0]


def made(line, seconds):
    """Pools whose time the test sets, and which only the test minds."""
    pools = Pools(RedisLeases(line), lease_us=300_000_000, now=lambda: seconds[0], expire=lambda: None)
    pools._start_minding = lambda: None
    return pools


@pytest.fixture
async def pools(line, seconds):
    pools = made(line, seconds)
    yield pools
    await pools.aclose()


async def take(pools, *claims, want=1, refuses=True):
    return await pools.take([Ask(claim, want, refuses) for claim in claims])


async def used(line, claim):
    return (await RedisHolds(line).look([claim]))[0].used


async def scripts_run(line):
    for row in (await line.call("INFO", "commandstats")).decode().splitlines():
        if row.startswith("cmdstat_evalsha:calls="):
            return int(row.split("=")[1].split(",")[0])
    return 0


async def test_requests_one_after_the_other_cost_ever_fewer_commands(pools, line):
    await take(pools, WIDE)
    await line.call("CONFIG", "RESETSTAT")
    for _ in range(1000):
        assert (await take(pools, WIDE))[0].fitted
    assert await scripts_run(line) <= 12
    assert await used(line, WIDE) >= 1001


async def test_requests_at_once_are_served_by_few_leases(pools, line):
    await take(pools, WIDE)
    await line.call("CONFIG", "RESETSTAT")
    answers = await asyncio.gather(*[take(pools, WIDE) for _ in range(500)])
    assert all(answer[0].parts for answer in answers)
    assert await scripts_run(line) <= 25


async def test_what_is_idle_goes_back_when_its_time_is_over(pools, line, seconds):
    for _ in range(20):
        (spent,) = await take(pools, WIDE)
        pools.settle(spent.pool, spent.parts, 1, 1)
    assert await used(line, WIDE) > 20
    seconds[0] = 2.0
    await pools.mind()
    assert await used(line, WIDE) == 20


async def test_the_truth_of_a_request_that_outlived_its_slice_reaches_the_store(pools, line, seconds):
    (spent,) = await take(pools, WIDE, want=500)
    seconds[0] = 3.0
    await pools.mind()
    pools.settle(spent.pool, spent.parts, 500, 120)
    await pools.mind()
    assert await used(line, WIDE) == 120
    assert spent.pool.slices == []


async def test_debt_reaches_the_store_though_nobody_asks_any_more(pools, line):
    (spent,) = await take(pools, sliding(100, window_us=HOUR), want=10)
    pools.settle(spent.pool, spent.parts, 10, 250)
    await pools.mind()
    assert await used(line, sliding(100, window_us=HOUR)) == 250
    assert (await take(pools, sliding(100, window_us=HOUR)))[0].parts is None


async def test_what_must_be_charged_is_charged_beyond_the_limit(pools, line):
    tight = sliding(5, window_us=HOUR)
    assert (await take(pools, tight, want=5))[0].fitted
    (spent,) = await take(pools, tight, want=3, refuses=False)
    assert (spent.fitted, spent.parts is not None) == (False, True)
    assert await used(line, tight) == 8


async def test_all_or_none_gives_back_what_the_others_had(pools, line, seconds):
    tight = bucket(2, window_us=HOUR)
    answers = [await take(pools, WIDE, tight) for _ in range(4)]
    assert [spent[1].parts is not None for spent in answers] == [True, True, False, False]
    seconds[0] = 3.0
    await pools.mind()
    assert await used(line, WIDE) == 4 - 2


async def test_somebody_who_leaves_while_waiting_keeps_nothing(pools, line, seconds):
    waiting = [asyncio.ensure_future(take(pools, WIDE, want=10)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for task in waiting[1::2]:
        (spent,) = task.result()
        pools.settle(spent.pool, spent.parts, 10, 0)
    for _ in range(50):
        await asyncio.sleep(0.002)
        seconds[0] += 3.0
        await pools.mind()
    assert await used(line, WIDE) == 0


async def test_a_slot_goes_from_request_to_request_and_back_when_nobody_needs_it(pools, line, seconds):
    two = slots(2)
    held = [(await take(pools, two))[0] for _ in range(3)]
    assert [spent.parts is not None for spent in held] == [True, True, False]
    pools.settle(held[0].pool, held[0].parts, 1, 0)
    await line.call("CONFIG", "RESETSTAT")
    held[0] = (await take(pools, two))[0]
    assert (held[0].fitted, await scripts_run(line)) == (True, 0)
    seconds[0] = 2.0
    for spent in held[:2]:
        pools.settle(spent.pool, spent.parts, 1, 0)
    await pools.mind()
    assert await used(line, two) == 0


async def test_a_lease_without_an_answer_is_given_back_when_redis_answers_again(own_redis, seconds):
    line = line_to(own_redis.url + "?deadline_ms=60")
    pools = made(line, seconds)
    await line.call("PING", deadline_s=5)
    own_redis.pause()
    with pytest.raises(StoreUnavailable):
        await take(pools, WIDE, want=40)
    own_redis.resume()
    await line.call("PING", deadline_s=5)
    for _ in range(100):
        seconds[0] += 1.0
        await pools.mind()
        await asyncio.sleep(0.005)
        if not pools.pool(WIDE).slices:
            break
    assert await used(line, WIDE) == 0
    await pools.aclose()
    await line.aclose()


async def test_a_request_that_redis_leaves_halfway_keeps_no_part_of_what_it_had(pools, monkeypatch):
    lease, asked = pools._lease, []

    async def half_then_none(pool, ask, least, most, own):
        asked.append(least)
        if len(asked) > 1:
            raise StoreUnavailable("nobody there")
        answer = await lease(pool, ask, least, most, own)
        answer.part.slice.keep -= 10  # of 40, others were quicker to have 10
        answer.part.amount -= 10
        pool.spend(answer.part.slice.idle(0.0), 0.0)
        return answer

    monkeypatch.setattr(pools, "_lease", half_then_none)
    with pytest.raises(StoreUnavailable):
        await take(pools, WIDE, want=40)
    others = sum(piece.open for piece in pools.pool(WIDE).slices) - 1
    assert (asked, others, pools.pool(WIDE).idle(0.0)) == ([40, 10], 0, 30)


async def test_while_redis_is_away_what_was_leased_is_given_out_until_it_ends(own_redis, seconds):
    line = line_to(own_redis.url + "?deadline_ms=60")
    pools = made(line, seconds)
    await line.call("PING", deadline_s=5)
    for _ in range(4):
        await take(pools, WIDE)
    own_redis.kill()
    assert (await take(pools, WIDE))[0].fitted
    seconds[0] = 2.0
    with pytest.raises(StoreError):
        await take(pools, WIDE)
    await pools.aclose()
    await line.aclose()


async def test_counters_that_nobody_uses_any_more_are_forgotten(pools, seconds):
    for n in range(200):
        (spent,) = await take(pools, sliding(10, slot=f"s{n}", window_us=HOUR))
        pools.settle(spent.pool, spent.parts, 1, 1)
    for _ in range(3):
        seconds[0] += 40.0
        await pools.mind()
    assert (pools._pools, pools._events) == ({}, [])


async def test_closing_gives_back_what_is_idle(line):
    pools = made(line, [0.0])
    for _ in range(20):
        await take(pools, WIDE)
    assert await used(line, WIDE) > 20
    await pools.aclose()
    assert await used(line, WIDE) == 20


async def test_it_minds_by_itself_for_as_long_as_there_is_anything(line, monkeypatch):
    monkeypatch.setattr("gateway.stores.pools._FORGET_S", 0.0)
    pools = Pools(RedisLeases(line), lease_us=300_000_000, now=time.monotonic, expire=lambda: None)
    brief = sliding(10_000, window_us=1_500_000)
    for _ in range(20):
        (spent,) = await take(pools, brief)
        pools.settle(spent.pool, spent.parts, 1, 1)
    await asyncio.wait_for(pools._minder, 10)
    assert pools._pools == {}
    await pools.aclose()
