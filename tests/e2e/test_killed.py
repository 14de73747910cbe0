"""A killed process: at most the last second of charges is gone, and what was in flight counts as spent."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import aiohttp

from gateway.model.value import replace
from gateway.stores.memory import open_memory
from tests.support.quota import lifetime, sliding, slots

ROOT = Path(__file__).resolve().parents[2]
CHAT = {"model": "demo", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
HOUR_US = 3_600_000_000

HOURLY = sliding(10**9, name="hourly", window_us=HOUR_US)
BUDGET = lifetime(10**9, name="budget")
KEYS = 40

LOAD = """
import asyncio, os, sys, time
from gateway.model.value import replace
from pathlib import Path
from gateway.app import _WallClock
from gateway.model.limit import Amounts, Hold
from gateway.stores.memory import open_memory
from tests.e2e.test_killed import BUDGET, HOURLY, KEYS
from tests.support.quota import slots

def claims(n, want):
    return tuple(replace(claim, key=f"{claim.key}:{n % KEYS}", want=want) for claim in (HOURLY, BUDGET))

async def main():
    state = await open_memory(sys.argv[1], Path(sys.argv[2]), secret=None, clock=_WallClock(), exclusive=True)
    # In flight for good: held at 1000 each, never settled, each with a slot.
    for n in range(5):
        await state.holds.take(Hold(f"open{n}", (*claims(n, 1000), slots(5, name="once", lease_us=10**12)), 0))
    n, out = 0, sys.stdout
    while True:
        for _ in range(20):
            hold = Hold(f"h{n}", claims(n, 50), 0)
            await state.holds.take(hold)
            await state.holds.settle(hold, Amounts(1, 7, 0, 0))
            n += 1
        out.write(f"{time.time_ns()} {n}\\n")
        out.flush()
        await asyncio.sleep(0.005)

asyncio.run(main())
"""


def keyed(claim, n):
    return replace(claim, key=f"{claim.key}:{n}")


async def found(state, data):
    class Clock:
        def now(self):
            return time.time_ns() // 1000

    opened = await open_memory(state, data, secret=None, clock=Clock(), exclusive=True)
    try:
        sums = [
            sum(limit.used for limit in await opened.holds.look([keyed(claim, n) for n in range(KEYS)])) for claim in (HOURLY, BUDGET)
        ]
        return sums, (await opened.holds.look([slots(5, name="once", lease_us=10**12)]))[0].used
    finally:
        await opened.aclose()


def test_a_kill_under_load_loses_a_second_at_most_and_what_was_in_flight_is_spent(tmp_path):
    state = f"sqlite:{tmp_path / 'state.db'}"
    process = subprocess.Popen([sys.executable, "-c", LOAD, state, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    lines, end = [], None
    for line in process.stdout:
        lines.append(tuple(map(int, line.split())))
        end = end or lines[0][0] + 2_500_000_000
        if lines[-1][0] > end:
            break
    process.kill()
    killed_ns = time.time_ns()
    lines += [tuple(map(int, line.split())) for line in process.communicate()[0].splitlines() if len(line.split()) == 2]
    sums, slots_used = asyncio.run(found(state, tmp_path))
    before = max(done for told_ns, done in lines if told_ns < killed_ns - 1_000_000_000)
    in_flight = 5 * 1000
    assert before > 1_000
    for used in sums:
        # The last line may be cut off; nothing runs beyond one batch of twenty, of which one may be held at its estimate.
        assert in_flight + 7 * before <= used <= in_flight + 7 * (lines[-1][1] + 20) + 50
    assert slots_used == 0


async def ask(gateway, key):
    async with aiohttp.ClientSession() as session:
        headers = {"authorization": f"Bearer {key}"}
        async with session.post(gateway.url + "/v1/chat/completions", json=CHAT, headers=headers) as answer:
            await answer.read()
            return answer.status


def test_a_gateway_that_was_killed_remembers_who_has_used_what(start, policy_of):
    policy = policy_of("{ id: five, count: requests, rate: 5/hour, per: key }")
    first = start("--demo", policy=policy)
    key = first.create_key("--account", "acme")
    assert [asyncio.run(ask(first, key)) for _ in range(3)] == [200, 200, 200]
    time.sleep(1.0)
    first.kill()
    second = start("--demo", policy=policy)
    assert [asyncio.run(ask(second, key)) for _ in range(3)] == [200, 200, 429]
    assert second.metric("gateway_state_writes_total", outcome="failed") == 0
    second.terminate()
    third = start("--demo", policy=policy)
    assert asyncio.run(ask(third, key)) == 429
