"""Two gateway processes on one Redis: what one lets through the other knows."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

CHAT = {"model": "demo", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}


async def fire(urls, key, clients, each):
    """Statuses of `clients` concurrent clients that send `each` requests in turn, spread over the gateways."""
    statuses = []

    async def client(number):
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as session:
            for turn in range(each):
                async with session.post(urls[(number + turn) % len(urls)] + "/v1/chat/completions", json=CHAT) as answer:
                    await answer.read()
                    statuses.append(answer.status)

    await asyncio.gather(*(client(number) for number in range(clients)))
    return statuses


@pytest.fixture
def pair(start, policy_of, redis_url):
    policy = policy_of("{ id: hundred, count: requests, rate: 100/hour, per: key }")
    # Two gateways, 64 clients and Redis on the two cores of a test machine: what is asked here is exactness, not haste.
    state = redis_url + "?deadline_ms=3000"
    return [start("--demo", "--state", state, policy=policy, name=name) for name in ("one", "two")]


def test_two_processes_with_64_clients_and_a_limit_of_100_let_exactly_100_through(pair):
    statuses = asyncio.run(fire([gateway.url for gateway in pair], pair[0].demo_key, 64, 4))
    assert statuses.count(200) == 100
    assert statuses.count(429) == 64 * 4 - 100


def test_a_key_revoked_in_one_process_is_refused_by_the_other_within_a_second(pair, redis_url):
    one, two = pair
    key = one.create_key("--state", redis_url, "--account", "acme")
    assert asyncio.run(fire([two.url], key, 1, 1)) == [200]
    listed = one.command("keys", "list", "--state", redis_url).stdout
    told = next(line.split()[0] for line in listed.splitlines() if "account acme" in line)
    one.command("keys", "revoke", told, "--state", redis_url)

    async def until_refused():
        for _ in range(20):
            if await fire([two.url], key, 1, 1) == [401]:
                return True
            await asyncio.sleep(0.1)
        return False

    assert asyncio.run(until_refused())
