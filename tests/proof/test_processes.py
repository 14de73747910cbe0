"""Several processes, many clients each, five limits at once, one real Redis: what is let through is exact to the last unit."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

import aiohttp
import pytest

from gateway.stores.redis import line_to
from gateway.stores.redis_holds import RedisHolds
from tests.proof.taking import LIMITS, ROUNDS, WANT, claims_of
from tests.support.gateway_process import GatewayProcess

UNITS = dict(zip(LIMITS, (1, WANT, WANT, WANT, 1), strict=True))


def take_in(processes, url, root, clients, each, narrow, at_us):
    """What each process tells, all having begun together."""
    command = [sys.executable, "-m", "tests.proof.taking", url]
    numbers = [str(number) for number in (clients, each, narrow, at_us)]
    running = [
        subprocess.Popen([*command, f"p{n}", *numbers], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(processes)
    ]
    try:
        assert [process.stdout.readline().strip() for process in running] == ["ready"] * processes
        for process in running:
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(process.communicate(timeout=600)[0]) for process in running]
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("processes", "clients", "each", "narrow"),
    [(2, 16, 3, 41), pytest.param(4, 64, 20, 1_000, marks=[pytest.mark.proof, pytest.mark.timeout(1200)])],
)
def test_five_limits_let_through_exactly_what_they_say(root, redis_url, processes, clients, each, narrow):
    at_us = time.time_ns() // 1000
    # All processes and Redis share the cores of a test machine: what is asked here is exactness, not haste.
    url = redis_url + "?deadline_ms=20000"
    told = take_in(processes, url, root, clients, each, narrow, at_us)
    tries = processes * clients * each
    used = asyncio.run(standing(url, narrow, at_us))
    for turn in ROUNDS:
        held = sum(one[turn]["held"] for one in told)
        assert held + sum(one[turn]["refused"] for one in told) == tries
        left = [sum(one[turn]["left"][place] for one in told) for place in range(len(LIMITS))]
        assert used[turn] == left, f"{turn}: the counters are not what was let through"
        if turn in LIMITS:
            assert held == narrow, f"{turn} let {held} of {narrow} through"
        for place, name in enumerate(LIMITS):
            if turn in (name, "all"):
                assert max(one[turn]["most"][place] for one in told) <= narrow * UNITS[name], f"{turn}: {name} was above its limit"
    print(f"{processes} processes x {clients} clients x {each} requests x 5 limits x {len(ROUNDS)} rounds: exact, 0 over, 0 short")


async def standing(url, narrow, at_us):
    line = line_to(url)
    store = RedisHolds(line)
    found = {turn: [state.used for state in await store.look(claims_of(turn, narrow, at_us))] for turn in ROUNDS}
    await line.aclose()
    return found


POLICY = """\
schema: gateway.policy/v1
name: proof
version: "1"
credentials: client
callers: [{ id: all, match: {}, tier: t }]
tiers:
  t:
    models: ["*"]
    limits:
      - { id: rpm, count: requests, rate: 700/hour, per: key }
      - { id: tpm, count: tokens, rate: 100000000/hour, per: account }
      - { id: otpm, count: output_tokens, rate: 100000000/hour, per: [account, model] }
      - { id: month, count: requests, rate: 800/month, per: everyone }
      - { id: busy, count: concurrent, at_once: 500, per: account }
"""


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_four_gateways_and_64_clients_on_five_limits_let_exactly_as_many_through(tmp_path, redis_url):
    """Two keys: of the first 700 by its own limit, of the second the 100 that are left for everyone."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    words = ("--demo", "--policy", str(tmp_path / "policy.yaml"), "--state", redis_url + "?deadline_ms=20000")
    gateways = []
    try:
        for number in range(4):
            gateways.append(GatewayProcess(tmp_path / f"g{number}", *words))
        first = asyncio.run(ask_all(gateways, "sk-first"))
        second = asyncio.run(ask_all(gateways, "sk-second"))
    finally:
        for gateway in gateways:
            gateway.__exit__()
    assert (first.count(200), first.count(429)) == (700, 64 * 16 - 700)
    assert (second.count(200), second.count(429)) == (100, 64 * 16 - 100)


async def ask_all(gateways, key, clients=64, each=16):
    statuses = []

    async def client(number):
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as session:
            for turn in range(each):
                body = {"model": "demo", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
                url = gateways[(number + turn) % len(gateways)].url + "/v1/chat/completions"
                async with session.post(url, json=body) as answer:
                    await answer.read()
                    statuses.append(answer.status)

    await asyncio.gather(*(client(number) for number in range(clients)))
    return statuses
