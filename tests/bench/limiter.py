"""What limits alone cost, beside the `limits` package on the same work: `python -m tests.bench.limiter [SECONDS] [REDIS_PORT]`.

A request here takes one or five limits and settles them; of `limits`, which cannot settle, it hits one or five (so it does half of the
work: no refund, no all or none). All variants run in one process, in turns, 64 at once; per request the CPU of this process is told,
without that of Redis. Then the reserve call alone at half of what the Redis variant gave: requests come evenly, p50 and p99 are told.
Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time

import uvloop
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter

from gateway.model.limit import Amounts, Count, Hold
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import RedisHolds
from tests.support.quota import bucket, sliding, slots
from tests.support.quota import calendar as a_calendar

__all__ = ["table"]

AT_ONCE = 64
KEYS = 1_000
TURNS = 5
OURS, FIXED, SLIDING = "ours: taken and settled", "limits: fixed window, hit", "limits: sliding window counter, hit"


class SystemClock:
    def now(self):
        return time.time_ns() // 1000


def five(key, now):
    return (
        sliding(10**8, count=Count.REQUESTS, name="rpm", slot=key),
        bucket(10**11, 700, name="tpm", slot=key),
        sliding(10**11, 500, count=Count.INPUT_TOKENS, name="itpm", slot=key),
        a_calendar(10**11, 200, count=Count.OUTPUT_TOKENS, period="month", at_us=now, name=f"otpm:{key}", slot=key),
        slots(10**5, name="inflight", slot=key),
    )


def ours(store, many):
    """Claims are made beforehand: making them is the road's work, not the store's."""
    claims = [five(f"key-{n}", SystemClock().now())[:many] for n in range(KEYS)]

    async def request(number):
        hold = Hold(f"{time.perf_counter_ns()}:{number}", claims[number % KEYS], 0)
        taken = await store.take(hold)
        assert taken.held
        await store.settle(hold, Amounts(1, 400, 150, 2_000))

    return request


def theirs(strategy, many):
    rates = [RateLimitItemPerMinute(10**8, n + 1) for n in range(many)]

    async def request(number):
        for place, rate in enumerate(rates):
            assert await strategy.hit(rate, f"key-{number % KEYS}", str(place))

    return request


async def run_for(request, seconds):
    """(CPU of this process in microseconds a request, requests a second)."""
    done, end = 0, time.perf_counter() + seconds
    cpu, began = time.process_time(), time.perf_counter()

    async def client(number):
        nonlocal done
        while time.perf_counter() < end:
            await request(number)
            number += AT_ONCE
            done += 1
            if not done % 256:
                await asyncio.sleep(0)

    await asyncio.gather(*(client(number) for number in range(AT_ONCE)))
    return (time.process_time() - cpu) / done * 1e6, done / (time.perf_counter() - began)


async def reserve_at(store, rate, seconds):
    """(p50, p99) in microseconds of a take, where requests come evenly at `rate` a second; each is settled after."""
    loop, took, tasks = asyncio.get_running_loop(), [], set()
    claims = [five(f"key-{n}", SystemClock().now()) for n in range(KEYS)]

    async def request(number):
        hold = Hold(f"late{time.perf_counter_ns()}:{number}", claims[number % KEYS], 0)
        began = time.perf_counter()
        await store.take(hold)
        took.append(time.perf_counter() - began)
        await store.settle(hold, Amounts(1, 400, 150, 2_000))

    began, number = loop.time(), 0
    while (now := loop.time()) < began + seconds:
        while number < (now - began) * rate:
            task = loop.create_task(request(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(0.0002)
    await asyncio.gather(*tasks)
    took.sort()
    return took[len(took) // 2] * 1e6, took[len(took) * 99 // 100] * 1e6


async def main(seconds, port):
    line = line_to(f"redis://127.0.0.1:{port}/0?deadline_ms=5000")
    memory, redis = MemoryHolds(SystemClock()), RedisHolds(line)
    apart, shared = MemoryStorage(), RedisStorage(f"async+redis://127.0.0.1:{port}/1", implementation="redispy")
    variants = {}
    for where, store, storage in (("memory", memory, apart), ("Redis", redis, shared)):
        for many in (1, 5):
            variants[f"{where}|{many}|{OURS}"] = ours(store, many)
            variants[f"{where}|{many}|{FIXED}"] = theirs(FixedWindowRateLimiter(storage), many)
            variants[f"{where}|{many}|{SLIDING}"] = theirs(SlidingWindowCounterRateLimiter(storage), many)
    figures = {name: [] for name in variants}
    for _ in range(TURNS):
        for name, request in variants.items():
            figures[name].append(await run_for(request, seconds))
    told = {name: [statistics.median(one) for one in zip(*turns, strict=True)] for name, turns in figures.items()}
    saturation = told[f"Redis|5|{OURS}"][1]
    p50, p99 = await reserve_at(redis, saturation / 2, 10 * seconds)
    print(json.dumps({"cpu_us": told, "saturation": saturation, "p50_us": p50, "p99_us": p99}))
    await line.aclose()


def table(told):
    """The section of docs/performance.md."""
    cpu = {name: one[0] for name, one in told["cpu_us"].items()}
    lines = ["\n### Limits alone, and the `limits` package\n"]
    lines.append("CPU us a request, and how many times that of ours; 64 at once, Redis on the other core and not counted.\n")
    lines += ["| | memory, 1 limit | memory, 5 limits | Redis, 1 limit | Redis, 5 limits |", "|---|---|---|---|---|"]
    for kind in (OURS, FIXED, SLIDING):
        cells = []
        for where in ("memory", "Redis"):
            for many in (1, 5):
                own, one = cpu[f"{where}|{many}|{OURS}"], cpu[f"{where}|{many}|{kind}"]
                cells.append(f"{one:.1f}" if kind == OURS else f"{one:.1f} ({one / own:.1f} x)")
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    lines.append(
        f"\nThe reserve call (five limits, Redis) at half of saturation ({told['saturation'] / 2:,.0f} requests a second): "
        f"p50 {told['p50_us'] / 1000:.2f} ms, p99 {told['p99_us'] / 1000:.2f} ms."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]), int(sys.argv[2])))
