"""The line to Redis: what a fault leaves behind is told truthfully, within the deadline, and the line recovers by itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.errors import OutcomeUnknown, StoreUnavailable
from gateway.stores.redis import line_to
from gateway.stores.redis_line import Script

HALF_DONE = Script("redis.call('SET', KEYS[1], 'x') return redis.call('NOSUCH')")
WRITE = Script("redis.call('SET', KEYS[1], ARGV[1]) return 1")


async def test_calls_of_one_tick_travel_together(line):
    await line.call("PING")
    own = {await line.call("CLIENT", "ID")}
    own.update(await asyncio.gather(*[line.call("CLIENT", "ID") for _ in range(50)]))
    assert len(own) == 1


async def test_replies_go_to_their_callers_and_an_error_to_its_own(line):
    async def refused():
        with pytest.raises(StoreUnavailable):
            await line.call("NOSUCH")

    answers = await asyncio.gather(line.call("ECHO", "a"), refused(), line.call("ECHO", "b"), line.call("ECHO", "ü\n"))
    assert answers == [b"a", None, b"b", "ü\n".encode()]


async def test_a_caller_that_leaves_takes_nobodys_reply(line):
    leaving = asyncio.ensure_future(line.call("ECHO", "gone"))
    staying = asyncio.ensure_future(line.call("ECHO", "here"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == b"here"
    assert await line.call("ECHO", "again") == b"again"


async def test_more_calls_than_travel_at_once_are_all_answered(line):
    answers = await asyncio.gather(*[line.call("ECHO", n) for n in range(2_000)])
    assert answers == [str(n).encode() for n in range(2_000)]


async def test_a_script_is_sent_whole_only_when_redis_does_not_know_it(line):
    await line.call("SCRIPT", "FLUSH")
    await line.call("CONFIG", "RESETSTAT")
    assert await line.run(WRITE, ["k"], ["1"]) == 1
    assert await line.run(WRITE, ["k"], ["2"]) == 1
    stats = (await line.call("INFO", "commandstats")).decode()
    assert "cmdstat_eval:calls=1," in stats
    assert "cmdstat_evalsha:calls=2," in stats


async def test_a_script_that_breaks_off_half_way_is_of_unknown_outcome(line):
    with pytest.raises(OutcomeUnknown):
        await line.run(HALF_DONE, ["k"], [])
    assert await line.call("GET", "k") == b"x"


async def test_nobody_listening_means_surely_nothing_was_done(own_redis):
    line = line_to(own_redis.url)
    own_redis.kill()
    with pytest.raises(StoreUnavailable):
        await line.call("PING")
    await line.aclose()


async def test_a_redis_that_stands_still_ends_within_the_deadline(own_redis):
    """Pitfall 11: no unbounded wait on a slow Redis. Sent and unanswered is unknown; what could not be sent was surely not done."""
    line = line_to(own_redis.url + "?deadline_ms=60")
    await line.call("PING", deadline_s=5)
    own_redis.pause()
    began = time.monotonic()
    outcomes = await asyncio.gather(*[line.run(WRITE, ["k"], [n]) for n in range(3)], return_exceptions=True)
    later = await asyncio.gather(line.call("PING"), return_exceptions=True)
    assert time.monotonic() - began < 5
    own_redis.resume()
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 3
    assert type(later[0]) is StoreUnavailable
    assert await line.call("PING", deadline_s=5) == b"PONG"
    await line.aclose()


async def test_a_connection_that_breaks_under_a_call_is_of_unknown_outcome(own_redis):
    line = line_to(own_redis.url + "?deadline_ms=5000")
    await line.call("PING")
    own_redis.pause()
    call = asyncio.ensure_future(line.run(WRITE, ["k"], ["1"]))
    await asyncio.sleep(0.05)
    own_redis.kill()
    with pytest.raises(OutcomeUnknown):
        await call
    own_redis.restart()
    await line.aclose()


async def test_after_a_restart_the_line_recovers_and_brings_its_scripts_along(own_redis):
    line = line_to(own_redis.url + "?deadline_ms=5000")
    assert await line.run(WRITE, ["k"], ["1"]) == 1
    own_redis.kill()
    with pytest.raises((StoreUnavailable, OutcomeUnknown)):
        await line.run(WRITE, ["k"], ["1"])
    own_redis.restart()
    assert await line.run(WRITE, ["k"], ["1"]) == 1
    await line.aclose()


@pytest.mark.parametrize("refusal", [("CONFIG", "SET", "maxmemory", "1"), ("REPLICAOF", "127.0.0.1", "1")])
async def test_a_redis_that_refuses_to_write_has_done_nothing(own_redis, refusal):
    line = line_to(own_redis.url + "?deadline_ms=5000")
    await line.call(*refusal)
    with pytest.raises(StoreUnavailable):
        await line.run(WRITE, ["k"], ["1"])
    await line.aclose()


async def test_a_stalled_loop_does_not_lose_an_answer_that_is_there(redis_url):
    line = line_to(redis_url + "?deadline_ms=60")
    await line.call("PING", deadline_s=5)
    call = asyncio.ensure_future(line.call("ECHO", "there"))
    while line._waiting:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    time.sleep(0.15)
    assert await call == b"there"
    await line.aclose()


async def test_a_loop_whose_turns_are_long_does_not_make_redis_look_slow(redis_url):
    """A saturated gateway: each turn of its loop takes most of the deadline, and an answer needs several."""
    line = line_to(redis_url + "?deadline_ms=30")
    await line.call("PING")
    done = False

    async def busy():
        while not done:
            time.sleep(0.045)
            await asyncio.sleep(0)

    working = asyncio.ensure_future(busy())
    for number in range(4):
        assert await line.call("ECHO", number) == b"%d" % number
    done = True
    await working
    await line.aclose()


async def test_a_closed_line_says_so(line):
    await line.call("PING")
    await line.aclose()
    with pytest.raises(StoreUnavailable, match="closed"):
        await line.call("PING")


async def test_closing_ends_what_is_under_way(own_redis):
    line = line_to(own_redis.url + "?deadline_ms=5000")
    await line.call("PING")
    own_redis.pause()
    call = asyncio.ensure_future(line.call("PING"))
    await asyncio.sleep(0.02)
    await line.aclose()
    with pytest.raises(OutcomeUnknown):
        await call
