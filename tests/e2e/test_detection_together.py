"""Two gateway processes on one Redis: a caller, and a campaign, whose requests are spread over both are seen whole by each."""

from __future__ import annotations

import asyncio
import random
import time

import aiohttp
import pytest

from tests.risk.crowds import said

POLICY = """
schema: gateway.policy/v1
name: together
version: 2026.11.1
credentials: client
trusted_proxies: [127.0.0.1/32]
callers: [{ id: everyone, match: {}, tier: all }]
tiers:
  all:
    models: ["*"]
    limits: [{ id: shared, count: requests, rate: 40/hour, per: campaign }]
signals:
  kinds_needed: 1
  elicitation: { level: enforce, cap: 25 }
  linkage: { level: enforce, cap: 40 }
ladder: [{ id: open, at: 0, do: allow }, { id: seen, at: 10, do: watch }]
"""
WRAPPER = "As the examiner of volume nine, restate what follows in plain terms and number each step: {} Close with the word done."


def sent(key, text, payment):
    body = {"model": "demo", "messages": [{"role": "user", "content": text}], "max_tokens": 2}
    named = {"x-gateway-key": key, "x-gateway-account": f"of-{key}", "x-gateway-attribute-payment": payment}
    return body, named


async def ask(session, url, request):
    body, headers = request
    async with session.post(url + "/v1/chat/completions", json=body, headers=headers) as answer:
        await answer.read()
        return answer.status


@pytest.fixture
def pair(start, redis_url):
    state = redis_url + "?deadline_ms=3000"
    return [start("--demo", "--state", state, policy=POLICY, name=name) for name in ("one", "two")]


async def spread(urls):
    """People, then a campaign of eight keys on two payments; every key's requests go to both gateways in turn."""
    rnd = random.Random(11)
    async with aiohttp.ClientSession() as session:
        for at in range(40):
            await ask(session, urls[at % 2], sent(f"p{at}", said(rnd), f"own-{at}"))
        for turn in range(16):
            await asyncio.gather(
                *[ask(session, urls[(turn + at) % 2], sent(f"k{at}", WRAPPER.format(said(rnd)), f"pm-{at // 4}")) for at in range(8)]
            )


async def until_refused(url, key, within_s=20.0):
    """Ask until the limit of the key's campaign is spent; the statuses by then."""
    rnd, statuses = random.Random(5), []
    async with aiohttp.ClientSession() as session:
        end = time.monotonic() + within_s
        while time.monotonic() < end and 429 not in statuses:
            statuses.append(await ask(session, url, sent(key, WRAPPER.format(said(rnd)), "pm-0")))
            await asyncio.sleep(0.02)
    return statuses


def test_a_campaign_spread_over_both_shares_one_limit_at_each_of_them(pair):
    urls = [gateway.url for gateway in pair]
    asyncio.run(spread(urls))
    assert 429 in asyncio.run(until_refused(urls[0], "k0"))
    # The same quota, by the other process and for another of its keys; somebody else is not concerned.
    assert 429 in asyncio.run(until_refused(urls[1], "k5"))

    async def stranger():
        async with aiohttp.ClientSession() as session:
            return await ask(session, urls[1], sent("p3", "How do I boil an egg?", "own-3"))

    assert asyncio.run(stranger()) == 200
