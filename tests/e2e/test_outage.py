"""A gateway whose shared state is lost and comes back: each limit as the policy says, told in metrics, and nothing leaks."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from tests.support.redis_server import RedisServer

CHAT = {"model": "demo", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}


async def fire(urls, key, clients, each, pause_s=0.0):
    """Statuses of `clients` concurrent clients that send `each` requests in turn, spread over the gateways."""
    statuses = []

    async def client(number):
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as session:
            for turn in range(each):
                async with session.post(urls[(number + turn) % len(urls)] + "/v1/chat/completions", json=CHAT) as answer:
                    await answer.read()
                    statuses.append(answer.status)
                await asyncio.sleep(pause_s)

    await asyncio.gather(*(client(number) for number in range(clients)))
    return statuses


def asked(gateways, key, clients=1, each=1, pause_s=0.0):
    return asyncio.run(fire([gateway.url for gateway in gateways], key, clients, each, pause_s))


@pytest.fixture
def own_redis():
    server = RedisServer().start()
    yield server
    server.resume()
    server.stop()


@pytest.mark.parametrize(("mode", "while_lost"), [("allow", 200), ("refuse", 503), ("degrade", 200)])
def test_issued_keys_that_were_seen_go_on_through_an_outage_that_outlasts_their_look_up(start, policy_of, own_redis, mode, while_lost):
    limit = f"{{ id: rpm, count: requests, rate: 50/hour, per: key, when_state_is_lost: {mode} }}"
    gateway = start("--demo", "--state", own_redis.url, policy=policy_of(limit))
    assert asked([gateway], gateway.demo_key) == [200]
    own_redis.pause()
    time.sleep(0.6)  # longer than a look-up is kept
    assert asked([gateway], gateway.demo_key, 2, 2) == [while_lost] * 4
    assert asked([gateway], "azg_nobody_has_ever_seen_this_one") == [503]
    assert gateway.metric("gateway_state_up") == 0.0


@pytest.mark.parametrize(("mode", "while_lost"), [("allow", 200), ("refuse", 503), ("degrade", 200)])
def test_a_redis_that_stands_still_is_what_the_policy_says_and_nothing_leaks(start, policy_of, own_redis, mode, while_lost):
    limits = (
        f"{{ id: rpm, count: requests, rate: 50/hour, per: everyone, when_state_is_lost: {mode}, share_when_lost: 0.2 }}",
        f"{{ id: busy, count: concurrent, at_once: 8, per: everyone, when_state_is_lost: {mode}, share_when_lost: 1.0 }}",
    )
    gateway = start("--demo", "--state", own_redis.url + "?deadline_ms=400", policy=policy_of(*limits, rest="credentials: client"))
    key = gateway.demo_key or "anything"
    before = asked([gateway], key, 4, 2)
    assert before == [200] * 8
    own_redis.pause()
    during = asked([gateway], key, 6, 5)
    own_redis.resume()
    if mode == "degrade":
        assert (during.count(200), during.count(429)) == (10, 20), "a fifth of fifty"
    else:
        assert set(during) == {while_lost}
    assert gateway.metric("gateway_state_up") == 0.0
    assert gateway.metric("gateway_state_lost_total", mode=mode) > 0
    end = time.monotonic() + 15
    while gateway.metric("gateway_state_up") != 1.0:
        assert time.monotonic() < end
        asked([gateway], key)
        time.sleep(0.1)
    after = asked([gateway], key, 8, 10)
    assert set(after) <= {200, 429}
    assert 8 < after.count(200) + 8 <= 50, "what was held before and in the outage is neither leaked nor counted twice"
    slots = [name for name in own_redis.command("KEYS", "*:c:busy:*").split(b"\r\n") if name.startswith(b"azg")]
    end = time.monotonic() + 15
    while any(own_redis.command("ZCOUNT", name.decode(), str(int(time.time() * 1e6)), "+inf") != b":0\r\n" for name in slots):
        assert time.monotonic() < end, "takes that came through late are settled as soon as what is owed is sent"
        time.sleep(0.1)
