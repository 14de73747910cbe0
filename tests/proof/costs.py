"""What shared limits cost a Redis and a gateway, measured on a real redis-server; `scaling` computes from it.

Script calls, commands, CPU and bytes on the wire per request (a take and a settle), and the memory of each kind of counter. Redis is on
the first core and this process on the second, where there are two.
"""

from __future__ import annotations

import asyncio
import os
import platform
import re
import time
from datetime import date

from gateway.model.caller import KeyRecord
from gateway.model.limit import Amounts, Count, Hold
from gateway.model.value import replace
from gateway.stores.leases import LeasedHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import HoldScripts, RedisHolds
from gateway.stores.redis_keys import RedisKeys
from gateway.stores.redis_leases import RedisLeases
from tests.support.quota import LUA_CLOCK, START_US, bucket, calendar, lifetime, sliding, slots
from tests.support.redis_server import RedisServer

__all__ = ["measured"]

DAY_US = 86_400_000_000
AT_ONCE = 64
EXPIRY_BYTES = 48
"""An entry in Redis's table of expiries, and the slots of both tables."""


def five(key, now, **more):
    return (
        sliding(10**6, count=Count.REQUESTS, name="rpm", slot=key, **more),
        bucket(10**9, 500, name="tpm", slot=key),
        sliding(10**9, 500, count=Count.OUTPUT_TOKENS, name="otpm", slot=key),
        replace(calendar(10**9, 500, period="month", at_us=now, name="month", slot=key), key=f"month:{key}"),
        slots(1_000, name="inflight", slot=key),
    )


def one(key, now):
    return five(key, now)[:1]


def hot(key, now):
    """An account's four exact limits, and one that everybody shares, leased."""
    shared = sliding(10**6, count=Count.REQUESTS, name="all", slot="*", shared="leased")
    return (*five(key, now)[1:], shared)


class Redis:
    """A redis-server and how busy it has been."""

    def __init__(self, line):
        self.line = line

    async def info(self):
        rows = (await self.line.call("INFO", "everything", deadline_s=10)).decode().splitlines()
        return dict(row.split(":", 1) for row in rows if ":" in row)

    async def spent(self):
        info = await self.info()
        calls = {name[8:]: int(re.match(r"calls=(\d+)", told)[1]) for name, told in info.items() if name.startswith("cmdstat_")}
        scripts = calls.get("evalsha", 0) + calls.get("eval", 0)
        return {
            "scripts": scripts,
            "commands": sum(calls.values()) - calls.get("info", 0) - scripts,
            "cpu_us": 1e6 * (float(info["used_cpu_user"]) + float(info["used_cpu_sys"])),
            "bytes_in": int(info["total_net_input_bytes"]),
            "bytes_out": int(info["total_net_output_bytes"]),
        }


async def per_request(redis, store, claims_of, count, keys=1_000):
    """What one request costs: Redis's side, and the gateway's CPU for it, in microseconds and bytes."""
    numbers = iter(range(count))
    now = time.time_ns() // 1000

    async def client():
        for number in numbers:
            hold = Hold(f"{claims_of.__name__}{number}", claims_of(f"account-{number % keys}", now), 0)
            if (await store.take(hold)).held:
                await store.settle(hold, Amounts(1, 200, 200, 1_000))

    await redis.line.call("FLUSHALL")
    before, began = await redis.spent(), time.process_time()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    took, after = time.process_time() - began, await redis.spent()
    cost = {name: (after[name] - before[name]) / count for name in before}
    return {name: round(value, 2) for name, value in {**cost, "gateway_cpu_us": took / count * 1e6}.items()}


async def per_counter(redis, count):
    """Bytes of Redis's memory for one counter of each kind, for a hold and for what is left of it: what MEMORY USAGE says of each, and
    its part of the table of expiries."""
    store, now = RedisHolds(redis.line, scripts=HoldScripts.load(LUA_CLOCK)), START_US
    kinds = {
        "sliding, one slice": lambda key: sliding(10**6, window_us=DAY_US, name="s", slot=key),
        "bucket": lambda key: bucket(10**6, 500, window_us=DAY_US, name="b", slot=key),
        "calendar": lambda key: replace(calendar(10**6, 5, at_us=START_US, name="c", slot=key), key=f"c:{key}"),
        "lifetime": lambda key: lifetime(10**6, 5, name="l", slot=key),
        "slots, one open": lambda key: slots(100, name="q", lease_us=DAY_US, slot=key),
    }

    async def emptied():
        await redis.line.call("FLUSHALL")
        await redis.line.call("SET", "test:now", now)

    async def average(pattern):
        names = await redis.line.call("KEYS", pattern, deadline_s=10)
        sizes = await asyncio.gather(*(redis.line.call("MEMORY", "USAGE", name, "SAMPLES", 0) for name in names))
        return round(sum(sizes) / len(sizes)) + EXPIRY_BYTES

    async def take(make, name, many):
        await asyncio.gather(*(store.take(Hold(f"{name}{n}", (make(f"account-{n:08}"),), 0)) for n in range(many)))

    found = {}
    for name, make in kinds.items():
        await emptied()
        await take(make, "h", count)
        found[name] = await average("azg:*:c:*")
    await emptied()
    for turn in range(60):
        now += DAY_US // 60
        await redis.line.call("SET", "test:now", now)
        await take(kinds["sliding, one slice"], f"f{turn}:", max(10, count // 50))
    found["sliding, all slices"] = await average("azg:*:c:*")
    await emptied()
    holds = [Hold(f"hold-{n:021}", five(f"account-{n:08}", START_US), 0) for n in range(count)]
    await asyncio.gather(*(store.take(hold) for hold in holds))
    found["a hold of five limits, open"] = await average("azg:*:h:*")
    await asyncio.gather(*(store.settle(hold, Amounts(1, 200, 200, 1_000)) for hold in holds))
    found["a settled hold, for ten minutes"] = await average("azg:*:h:*")
    await emptied()
    keys = RedisKeys(redis.line)
    for n in range(count):
        await keys.put(KeyRecord(f"{n:032x}", f"account-{n:08}", "standard", frozenset({"paid"}), START_US))
    found["an issued key"] = await average("azg:k:*")
    return found


async def measured(count=20_000, counters=1_000, *, pinned=True):
    """All that is measured, as JSON. Takes a redis-server of its own; `pinned` gives each a core."""
    server = RedisServer().start()
    if pinned and os.cpu_count() > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(server.pid, {0})
        os.sched_setaffinity(0, {1})
    try:
        line = line_to(server.url + "?deadline_ms=20000")
        redis, exact = Redis(line), RedisHolds(line)
        leased = LeasedHolds(exact, RedisLeases(line), spread=False)
        costs = {
            "one limit": await per_request(redis, exact, one, count),
            "five limits": await per_request(redis, exact, five, count),
            "five limits, one of them everybody's and leased": await per_request(redis, leased, hot, count),
        }
        memory = await per_counter(redis, counters)
        version = (await redis.info())["redis_version"]
        await leased.aclose()
        await line.aclose()
    finally:
        server.stop()
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}, Redis {version}"
    return {"date": f"{date.today():%Y-%m-%d}", "where": where, "requests": count, "per_request": costs, "bytes": memory}
