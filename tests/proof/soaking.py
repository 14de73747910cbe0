"""Many requests over many keys, and what is left of them: `python -m tests.proof.soaking STORE REQUESTS KEYS [URL]`.

STORE is memory, sqlite or redis. Each request takes three limits of its key (requests and tokens a minute, one slot) and is settled.
Prints one JSON object: bytes a key that was lately active (of the process, of Redis, of the file), what is remembered at most, and what
is left once the windows have passed. Embedded stores run on a virtual clock; Redis on its own, so there the wait is for its windows.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from pathlib import Path

from gateway.model.limit import Amounts, Count, Hold
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import RedisHolds
from tests.support.embedded import Embedded
from tests.support.quota import HandClock, bucket, sliding, slots

WINDOW_US = 60_000_000
GOING = 64
_PAGE = 4096


def claims_of(key, window_us):
    named = {"slot": key}
    return (
        sliding(1_000, count=Count.REQUESTS, window_us=window_us, name="rpm", **named),
        bucket(100_000, 500, window_us=window_us, name="tpm", **named),
        slots(32, lease_us=window_us, name="inflight", **named),
    )


async def requests(store, first, count, keys, window_us, each=None):
    """`count` requests, numbered from `first`, by keys in turn; 64 are under way at once. Every 50th is never settled."""
    numbers = iter(range(first, first + count))

    async def client():
        for number in numbers:
            hold = Hold(f"r{number}", claims_of(f"key-{number % keys}", window_us), 0)
            if (await store.take(hold)).held and number % 50:
                await store.settle(hold, Amounts(1, 300 + number % 400, 0, 0))
            if each is not None:
                await each(number)

    await asyncio.gather(*(client() for _ in range(GOING)))


def resident():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


async def embedded(store, clock, number, keys, flush=None, size=None):
    """Of a store in memory, `flush` and `size` where a file stands behind it."""

    async def each(done):
        clock.now_us += 100  # ten thousand requests a second
        if flush is not None and done % 5_000 == 0:
            await flush()

    before, began = resident(), time.process_time()
    await requests(store, 0, number, keys, WINDOW_US, each)
    took = time.process_time() - began
    if flush is not None:
        await flush()
    active = resident() - before
    told = {
        "cpu_us": took / number * 1e6,
        "bytes_per_key": active / keys,
        "counters": len(store._counters),
        "open": len(store._open),
        "tombstones": len(store._closed),
        "file_bytes_per_key": size() / keys if size else None,
    }
    clock.now_us += 4_000_000_000  # beyond every window, lease and tombstone
    await requests(store, number, number, 997, WINDOW_US, each)
    if flush is not None:
        await flush()
    left = {"counters": len(store._counters), "open": len(store._open), "tombstones": len(store._closed)}
    return {**told, "left": left, "bytes_left": resident() - before}


async def forgotten(line, seconds):
    """(counters, records of holds) that Redis still has once all windows have passed: it looks through what has expired at its leisure,
    and leaves up to a tenth of all its keys for later."""
    await asyncio.sleep(seconds)
    for _ in range(60):
        total, records = await line.call("DBSIZE"), len(await line.call("KEYS", "azg:*:h:*"))
        if total - records <= total // 8:
            break
        await asyncio.sleep(1)
    return total - records, records


async def in_redis(url, number, keys, window_us=1_000_000):
    line = line_to(url + "?deadline_ms=20000")

    async def info(section):
        rows = (await line.call("INFO", section)).decode().splitlines()
        return dict(row.split(":", 1) for row in rows if ":" in row)

    async def memory():
        return int((await info("memory"))["used_memory"])

    await line.call("FLUSHALL")
    before = await memory()
    store = RedisHolds(line)
    await requests(store, 0, keys, keys, 600_000_000)  # long windows: what a key takes while it is remembered
    tombstones = await line.call("KEYS", "azg:*:h:*")
    held = await memory()
    for at in range(0, len(tombstones), 1_000):
        await line.call("DEL", *tombstones[at : at + 1_000])
    counters = await memory()
    await line.call("FLUSHALL")
    cpu = {name: float(value) for name, value in (await info("cpu")).items() if name in ("used_cpu_user", "used_cpu_sys")}
    await requests(store, 0, number, keys, window_us)
    after = {name: float(value) for name, value in (await info("cpu")).items() if name in cpu}
    left, records = await forgotten(line, 2 * window_us / 1e6 + 2)
    await line.aclose()
    return {
        "cpu_us": (sum(after.values()) - sum(cpu.values())) / number * 1e6,
        "bytes_per_key": (counters - before) / keys,
        "bytes_per_tombstone": (held - counters) / max(1, len(tombstones)),
        "left": {"counters": left, "tombstones": records},
    }


async def main(kind, number, keys, url=""):
    if kind == "redis":
        return await in_redis(url, number, keys)
    clock = HandClock()
    if kind == "memory":
        return await embedded(MemoryHolds(clock), clock, number, keys)
    with tempfile.TemporaryDirectory(prefix="azg-soak-") as folder:
        opened = await Embedded.open(Path(folder) / "gateway.db", clock)

        def size():
            return sum(path.stat().st_size for path in Path(folder).glob("gateway.db*"))

        told = await embedded(opened.holds, clock, number, keys, opened.flush, size)
        told["left"]["rows"] = await opened.rows()
        await opened.end()
        return told


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))))
