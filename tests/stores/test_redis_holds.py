"""Quota on a real Redis with its real clock: pitfalls that only several processes, a slow server or a dead one can show."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import OutcomeUnknown, StoreError, StoreUnavailable
from gateway.model.limit import Amounts, Hold
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from tests.support.quota import LUA_CLOCK, bucket, calendar, lifetime, sliding, slots

ROOT = Path(__file__).resolve().parents[2]
ALL = sliding(10, 2), bucket(100, 20), slots(3)

RACER = """
import asyncio, sys
from gateway.model.limit import Hold
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import RedisHolds
from tests.support.quota import bucket, sliding, slots

async def race(url, name):
    line = line_to(url + "?deadline_ms=20000")
    holds, claims = RedisHolds(line), (sliding(100, window_us=3_600_000_000), bucket(1_000, 2, window_us=3_600_000_000), slots(128))
    await line.call("PING")
    print("ready", flush=True)
    sys.stdin.readline()
    async def client(n):
        await asyncio.sleep(n / 1000)  # spread out, so that the two processes are in each other's way and not one before the other
        return [(await holds.take(Hold(f"{name}-{n}-{turn}", claims, 0))).held for turn in range(3)]
    answers = await asyncio.gather(*[client(n) for n in range(64)])
    print(sum(map(sum, answers)), flush=True)
    await line.aclose()

asyncio.run(race(sys.argv[1], sys.argv[2]))
"""


def test_two_processes_with_64_clients_each_let_exactly_100_through(redis_url):
    """Pitfalls 1 and 4: limits count per deployment, not per process, whatever happens at once."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, redis_url, name], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    let_through = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(let_through) == 100


async def test_a_take_is_one_round_trip_and_so_is_a_settle(line):
    """Pitfall 11."""
    holds, hold = RedisHolds(line), Hold("a", ALL, 0)
    await holds.take(Hold("warm", ALL, 0))
    await holds.settle(Hold("warm", ALL, 0), Amounts(1, 1, 0, 0))
    await line.call("CONFIG", "RESETSTAT")
    await holds.take(hold)
    await holds.settle(hold, Amounts(1, 1, 0, 0))
    stats = (await line.call("INFO", "commandstats")).decode()
    assert "cmdstat_evalsha:calls=2," in stats
    assert "cmdstat_eval:" not in stats


async def test_the_servers_clock_counts(line):
    """Pitfall 13: what the processes believe about the time does not matter."""
    holds = RedisHolds(line)
    assert (await holds.take(Hold("a", ALL, at_us=1))).held
    (seconds, micros), (_, end) = await line.call("TIME"), await line.call("ZRANGE", "azg:{acme}:c:" + ALL[2].key, 0, 0, "WITHSCORES")
    now = int(seconds) * 1_000_000 + int(micros)
    assert 0 <= now - (int(end) - ALL[2].limit.window_us) < 10_000_000


async def test_slots_leak_nothing_once_their_lease_is_over(line):
    """Pitfall 3, in real time."""
    holds, short = RedisHolds(line), slots(2, lease_us=120_000)
    assert [(await holds.take(Hold(f"h{n}", (short,), 0))).held for n in range(3)] == [True, True, False]
    await asyncio.sleep(0.13)
    assert [(await holds.take(Hold(f"i{n}", (short,), 0))).held for n in range(3)] == [True, True, False]


async def test_everything_kept_in_redis_expires_by_itself(line):
    """Pitfall 18: memory is bounded without anybody sweeping."""
    holds = RedisHolds(line)
    await holds.take(Hold("open", ALL, 0))
    await holds.take(Hold("done", ALL, 0))
    await holds.settle(Hold("done", ALL, 0), Amounts(1, 3, 0, 0))
    await holds.settle(Hold("never", ALL, 0), Amounts(1, 3, 0, 0))
    await holds.renew(Hold("open", ALL, 0))
    kept = {key.decode(): await line.call("PTTL", key) for key in await line.call("KEYS", "*")}
    assert all(key.startswith("azg:{acme}:") for key in kept)
    assert len(kept) == 6
    assert {key: ms for key, ms in kept.items() if not 0 < ms <= 4_000_000} == {}
    assert kept["azg:{acme}:h:never"] > 3_590_000


async def test_a_calendar_counter_expires_with_its_period_and_a_lifetime_never(line):
    """The period's end in real time; a budget that could expire would come back."""
    seconds, _ = await line.call("TIME")
    now = int(seconds) * 1_000_000
    holds, claims = RedisHolds(line), (calendar(10, 2, at_us=now), lifetime(10, 2))
    await holds.take(Hold("a", claims, 0))
    left_ms = (claims[0].periods[2] - now) // 1000
    month, budget = [await line.call("PTTL", "azg:{acme}:c:" + claim.key) for claim in claims]
    assert left_ms - 60_000 <= month <= left_ms + 1_001
    assert budget == -1
    await holds.settle(Hold("a", claims, 0), Amounts(1, 0, 0, 0))
    assert await line.call("EXISTS", *("azg:{acme}:c:" + claim.key for claim in claims)) == 0


async def test_a_whole_counter_leaves_no_key(line):
    holds, hold = RedisHolds(line), Hold("a", ALL, 0)
    await holds.take(hold)
    await holds.settle(hold, Amounts(0, 0, 0, 0))
    assert await line.call("KEYS", "*:c:*") == []


@pytest.mark.parametrize("slot", ["", "acme}{x", "ac me", "ü" * 500, "a:b"])
async def test_an_account_of_any_name_has_its_counters(line, slot):
    holds, claim = RedisHolds(line), sliding(3, slot=slot)
    assert (await holds.take(Hold("a", (claim,), 0))).held
    assert (await holds.look([claim]))[0].used == 1
    assert all(len(key) < 1_500 and key.startswith(b"azg:{") for key in await line.call("KEYS", "*"))


async def test_a_redis_that_stands_still_ends_a_take_within_its_deadline_and_settles_later(own_redis):
    """Pitfall 11. The take went out, so it may have been done: the settle that follows refuses it or gives it back, either way once."""
    line = line_to(own_redis.url + "?deadline_ms=60")
    holds, hold = RedisHolds(line), Hold("a", ALL, 0)
    await line.call("PING", deadline_s=5)
    own_redis.pause()
    with pytest.raises(OutcomeUnknown):
        await holds.take(hold)
    with pytest.raises(StoreError):
        await holds.settle(hold, Amounts(0, 0, 0, 0))
    own_redis.resume()
    patient = line_to(own_redis.url + "?deadline_ms=5000")
    await RedisHolds(patient).settle(hold, Amounts(0, 0, 0, 0))
    assert [state.used for state in await RedisHolds(patient).look(ALL)] == [0, 0, 0]
    await line.aclose()
    await patient.aclose()


async def test_a_killed_redis_is_told_and_a_restarted_one_serves_again(own_redis):
    line = line_to(own_redis.url + "?deadline_ms=5000")
    holds = RedisHolds(line)
    assert (await holds.take(Hold("a", ALL, 0))).held
    own_redis.kill()
    for n in range(3):
        with pytest.raises((StoreUnavailable, OutcomeUnknown)):
            await holds.take(Hold(f"b{n}", ALL, 0))
    own_redis.restart()
    assert (await holds.take(Hold("c", ALL, 0))).held
    assert (await holds.settle(Hold("a", ALL, 0), Amounts(1, 1, 0, 0))).outcome == "unknown_id"
    await line.aclose()


async def test_a_redis_without_memory_charges_nothing(own_redis):
    line = line_to(own_redis.url + "?deadline_ms=5000")
    holds = RedisHolds(line)
    assert (await holds.take(Hold("a", ALL, 0))).held
    await line.call("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StoreUnavailable):
        await holds.take(Hold("b", ALL, 0))
    await line.call("CONFIG", "SET", "maxmemory", "0")
    assert [state.used for state in await holds.look(ALL)] == [2, 20, 1]
    await line.aclose()


def test_the_scripts_read_the_servers_clock_unless_a_test_says_otherwise():
    ours, theirs = HoldScripts.load(), HoldScripts.load(LUA_CLOCK)
    for name in ("take", "settle", "renew", "look"):
        assert "redis.call('TIME')" in getattr(ours, name).text
        assert "test:now" not in getattr(ours, name).text
        assert "redis.call('TIME')" not in getattr(theirs, name).text


@pytest.mark.parametrize("kind", [sliding, bucket, slots], ids=["sliding", "bucket", "slots"])
async def test_a_clock_of_redis_that_is_set_back_lets_nothing_more_through_and_heals_itself(line, kind):
    """A real server's clock can't be set here, so the scripts read one that can."""
    await line.call("SET", "test:now", 1_790_000_000_000_000)
    holds, claim = RedisHolds(line, scripts=HoldScripts.load(LUA_CLOCK)), kind(4)
    for n in range(4):
        assert (await holds.take(Hold(f"{n}", (claim,), 0))).held
    for step in (-1, -3_600_000_000, 30_000_000, 3_569_999_000):
        await line.call("INCRBY", "test:now", step)
        assert not (await holds.take(Hold(f"x{step}", (claim,), 0))).held
    await line.call("INCRBY", "test:now", 61_001_001)
    assert (await holds.look([claim]))[0].used == 0
    assert (await holds.take(Hold("y", (claim,), 0))).held


@pytest.mark.parametrize("kind", [sliding, bucket, slots], ids=["sliding", "bucket", "slots"])
async def test_a_clock_of_redis_that_jumps_ahead_opens_one_window_and_no_more(line, kind):
    await line.call("SET", "test:now", 1_790_000_000_000_000)
    holds, claim = RedisHolds(line, scripts=HoldScripts.load(LUA_CLOCK)), kind(4)
    taken = []
    for step in (0, 86_400_000_000, 1, -86_400_000_000, 1):
        await line.call("INCRBY", "test:now", step)
        taken.append(sum([(await holds.take(Hold(f"{step}-{n}-{len(taken)}", (claim,), 0))).held for n in range(6)]))
    assert taken == [4, 4, 0, 0, 0]


async def test_scripts_that_redis_forgot_are_brought_along_with_the_next_take(line):
    holds = RedisHolds(line)
    for n in range(3):
        await line.call("SCRIPT", "FLUSH")
        assert (await holds.take(Hold(f"{n}", ALL, 0))).held
        await line.call("SCRIPT", "FLUSH")
        assert (await holds.settle(Hold(f"{n}", ALL, 0), Amounts(1, 1, 0, 0))).outcome == "settled"
    assert [state.used for state in await holds.look(ALL)] == [3, 3, 0]
