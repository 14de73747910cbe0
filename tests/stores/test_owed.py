"""Settles that a lost store still owes reach it once, however it was lost, and nothing that was held before leaks."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import StoreError
from gateway.metrics import Metrics
from gateway.model.limit import Amounts, Hold
from gateway.stores.owed import OwedHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import RedisHolds
from tests.support.quota import sliding, slots

CLAIMS = sliding(100, 10), slots(50)


@pytest.fixture
async def line(own_redis):
    line = line_to(own_redis.url + "?deadline_ms=60")
    await line.call("PING", deadline_s=5)
    yield line
    await line.aclose()


async def used(url):
    patient = line_to(url + "?deadline_ms=5000")
    try:
        return [state.used for state in await RedisHolds(patient).look(CLAIMS)]
    finally:
        await patient.aclose()


async def paid(holds):
    for _ in range(1_000):
        if not len(holds):
            return
        await asyncio.sleep(0.01)
    pytest.fail("what was owed was not paid")


async def lost(holds, names, tokens=3):
    """Settle, and see it fail."""
    for outcome in await asyncio.gather(
        *[holds.settle(Hold(name, CLAIMS, 0), Amounts(1, tokens, 0, 0)) for name in names], return_exceptions=True
    ):
        assert isinstance(outcome, StoreError)


async def stand_still(server):
    server.pause()
    return server.resume


async def stop_writes(server):
    server.command("CLIENT", "PAUSE", "100000", "WRITE")
    return lambda: server.command("CLIENT", "UNPAUSE")


async def fill_up(server):
    server.command("CONFIG", "SET", "maxmemory", "1")
    return lambda: server.command("CONFIG", "SET", "maxmemory", "0")


async def follow_nobody(server):
    server.command("REPLICAOF", "127.0.0.1", "1")
    return lambda: server.command("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize("lose", [stand_still, stop_writes, fill_up, follow_nobody])
async def test_what_could_not_be_settled_is_settled_once_when_redis_is_back(own_redis, line, lose):
    holds = OwedHolds(RedisHolds(line))
    for n in range(5):
        assert (await holds.take(Hold(f"{n}", CLAIMS, 0))).held
    back = await lose(own_redis)
    await lost(holds, "01234")
    await lost(holds, "01")
    assert len(holds) == 5
    own_redis.command("SCRIPT", "FLUSH") if lose is fill_up else None
    back()
    await paid(holds)
    assert await used(own_redis.url) == [15, 0]
    await holds.aclose()


async def test_a_redis_that_lost_everything_is_owed_nothing_that_it_could_count(own_redis, line):
    holds = OwedHolds(RedisHolds(line))
    assert (await holds.take(Hold("a", CLAIMS, 0))).held
    own_redis.kill()
    await lost(holds, "a")
    own_redis.restart()
    await paid(holds)
    assert await used(own_redis.url) == [0, 0]
    assert (await holds.take(Hold("a", CLAIMS, 0))).settled
    await holds.aclose()


async def test_a_take_of_unknown_outcome_that_was_settled_meanwhile_holds_nothing(own_redis, line):
    holds = OwedHolds(RedisHolds(line))
    own_redis.pause()
    with pytest.raises(StoreError):
        await holds.take(Hold("late", CLAIMS, 0))
    await lost(holds, ["late"], tokens=0)
    own_redis.resume()
    await paid(holds)
    assert await used(own_redis.url) == [0, 0]
    await holds.aclose()


async def test_what_is_owed_is_bounded_and_the_oldest_gives_way(own_redis, line):
    holds = OwedHolds(RedisHolds(line), capacity=3)
    own_redis.kill()
    await lost(holds, "abcde")
    assert list(holds._owed) == ["c", "d", "e"]
    own_redis.restart()
    await paid(holds)
    await holds.aclose()


async def test_how_much_is_owed_is_on_the_metrics_page(own_redis, line):
    holds, metrics = OwedHolds(RedisHolds(line)), Metrics()
    holds.measure(metrics)
    own_redis.kill()
    await lost(holds, "abc")
    assert b"gateway_settles_owed 3.0" in metrics.render()
    own_redis.restart()
    await paid(holds)
    assert b"gateway_settles_owed 0.0" in metrics.render()
    await holds.aclose()


async def test_a_redis_that_is_gone_is_not_asked_by_every_take(own_redis, line):
    """The breaker: while nothing answers, callers hear so at once, and few calls go out."""
    holds = OwedHolds(RedisHolds(line))
    own_redis.pause()
    loop = asyncio.get_running_loop()
    while not line.breaker.open:
        await asyncio.gather(*[holds.take(Hold(f"{n}", CLAIMS, 0)) for n in range(4)], return_exceptions=True)
    began, tries = loop.time(), 0
    while tries < 200:
        answers = await asyncio.gather(holds.take(Hold("x", CLAIMS, 0)), return_exceptions=True)
        assert isinstance(answers[0], StoreError)
        tries += 1
    assert loop.time() - began < 200 * 0.06 / 2
    own_redis.resume()
    while line.breaker.open:
        await asyncio.gather(holds.look(CLAIMS), return_exceptions=True)
        await asyncio.sleep(0.01)
    await holds.aclose()
