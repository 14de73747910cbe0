"""What breaks in every peer, by number, where many share: round trips, lost state, noisy neighbours, memory, other routes, shadow."""

from __future__ import annotations

import asyncio
import json
import re
import time

import aiohttp
import pytest

from gateway.asgi.door import Door
from gateway.metrics import MAX_SERIES, Metrics
from gateway.model.evidence import Verdict
from gateway.model.limit import Amounts, Hold
from gateway.model.policy import DoorRules
from gateway.stores.keycache import KeyCache
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.verdicts import MemoryVerdicts
from tests.pitfalls.asking import HI, ask, policy, until, whole
from tests.support.live_server import live_server
from tests.support.quota import HandClock, lifetime, sliding
from tests.support.redis_server import RedisServer
from tests.support.zoo import Zoo

FIVE = (
    "{ id: rpm, count: requests, rate: 1000/hour, per: key }",
    "{ id: tpm, count: tokens, rate: 1000000/hour, per: account }",
    "{ id: otpm, count: output_tokens, rate: 1000000/hour, per: everyone }",
    "{ id: month, count: tokens, rate: 9000000/month, per: account }",
    "{ id: busy, count: concurrent, at_once: 50, per: key }",
)


@pytest.fixture
def own_redis():
    server = RedisServer().start()
    yield server
    server.resume()
    server.stop()


def script_calls(server):
    stats = server.command("INFO", "commandstats").decode()
    return sum(map(int, re.findall(r"cmdstat_eval(?:sha)?:calls=(\d+)", stats)))


def test_11_a_request_with_five_limits_makes_two_script_calls_and_they_share_a_connection(start, zoo, own_redis):
    gateway = start(zoo, *FIVE, arguments=("--state", own_redis.url + "?deadline_ms=3000"))
    assert whole(gateway)[0] == 200
    before = script_calls(own_redis)
    assert [whole(gateway)[0] for _ in range(10)] == [200] * 10
    assert script_calls(own_redis) - before == 20
    clients = own_redis.command("CLIENT", "LIST").count(b"\nid=") + 1
    assert clients <= 6, "four lanes at most, and the test's own"


def test_11_a_redis_that_stands_still_is_waited_for_no_longer_than_the_deadline(start, zoo, own_redis):
    modes = [limit.replace(" }", ", when_state_is_lost: allow }") for limit in FIVE[:2]]
    gateway = start(zoo, *modes, arguments=("--state", own_redis.url + "?deadline_ms=100"))
    assert whole(gateway)[0] == 200
    own_redis.pause()
    began = time.monotonic()
    assert [whole(gateway)[0] for _ in range(12)] == [200] * 12
    # A take's deadline and a settle's fourfold one, twelve times, were the breaker not to spare most of them.
    assert time.monotonic() - began < 12 * 0.5 + 4


@pytest.mark.parametrize(("mode", "status"), [("allow", 200), ("degrade", 200), ("refuse", 503)])
def test_12_what_becomes_of_requests_without_the_state_is_said_and_seen(start, zoo, own_redis, mode, status):
    limit = f"{{ id: rpm, count: requests, rate: 100/hour, per: key, when_state_is_lost: {mode} }}"
    gateway = start(zoo, limit, arguments=("--state", own_redis.url + "?deadline_ms=3000"))
    assert whole(gateway)[0] == 200
    assert gateway.metric("gateway_state_up") == 1.0
    own_redis.kill()
    told, headers, body = whole(gateway)
    assert told == status
    assert gateway.metric("gateway_state_up") == 0.0
    assert gateway.metric("gateway_state_lost_total", mode=mode) >= 1
    if status == 503:
        assert json.loads(body)["error"]["code"] == "service_unavailable", "in the dialect's words, never a bare 500"
        assert int(headers["retry-after"]) >= 1
    own_redis.restart()
    assert until(lambda: whole(gateway)[0] == 200 and gateway.metric("gateway_state_up") == 1.0)


class Slow(Zoo):
    """An upstream that needs a while for each answer."""

    async def at_chat_completions(self, scope, body, receive, send):
        await asyncio.sleep(0.15)
        await super().at_chat_completions(scope, body, receive, send)


def test_16_a_noisy_tenant_starves_nobody(start):
    with live_server(Slow()) as url:
        slow = Zoo()
        slow.url = url
        rest = f"upstreams: [{{ id: up, url: '{url}', at_once: 2, queue: {{ longest: 60, wait: 20s }} }}]"
        gateway = start(slow, rest=rest)

        async def both():
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

                async def one(key):
                    body = {"model": "m", "messages": HI}
                    async with session.post(
                        gateway.url + "/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
                    ) as answer:
                        await answer.read()
                        ended.append(key)
                        return answer.status

                ended = []
                noisy = [asyncio.ensure_future(one("sk-noisy")) for _ in range(40)]
                await asyncio.sleep(0.05)
                quiet = [await one("sk-quiet") for _ in range(3)]
                before = ended.count("sk-noisy")
                return quiet, before, await asyncio.gather(*noisy)

        quiet, before, noisy = asyncio.run(both())
        assert quiet == [200] * 3
        assert before < 25, "the quiet one did not wait for the noisy one's whole line"
        assert set(noisy) <= {200, 503}


async def test_18_no_map_grows_with_keys_ids_routes_or_labels():
    holds = MemoryHolds(HandClock(), capacity=500, tombstones=400)
    verdicts, metrics = MemoryVerdicts(capacity=300), Metrics()
    cache, door = KeyCache(capacity=200), Door(DoorRules(), capacity=100)
    for n in range(3_000):
        hold = Hold(f"h{n}", (sliding(10, slot=f"key-{n}"), lifetime(10, name=f"life-{n}")), 0)
        assert (await holds.take(hold)).held
        await holds.settle(hold, Amounts(1, 1, 0, 0))
        verdicts.put(f"key-{n}", Verdict(score=float(n)))
        metrics.count("gateway_refusals_total", (f"made up {n}",))
        cache.put(f"key-{n}", None, cache.began())
        door.failed(f"198.51.{n // 250}.{n % 250}")
    assert len(holds._counters) <= 500
    assert len(holds._hand) <= 2_000
    assert len(holds._closed) <= 400
    assert metrics.render().count(b"gateway_refusals_total{") <= MAX_SERIES + 1
    assert len(verdicts._verdicts) <= 300
    assert len(cache._answers) <= 200
    assert len(door._counts) <= 100


class Embedding(Zoo):
    """The zoo with embeddings of 40 tokens."""

    async def at_embeddings(self, scope, body, receive, send):
        found = {"object": "list", "model": "m", "data": [], "usage": {"prompt_tokens": 40, "total_tokens": 40}}
        await self._answer(send, 200, found)


@pytest.fixture
def embedding():
    app = Embedding()
    with live_server(app) as url:
        app.url = url
        yield app


def post(gateway, path, key="sk-a", **body):
    connection, answer = ask(gateway, path, key, **body)
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def test_19_a_budget_is_one_whatever_the_route(start, embedding):
    gateway = start(embedding, "{ id: life, count: tokens, rate: 100/lifetime, per: key }")
    assert [post(gateway, "/v1/embeddings", input="x")[0] for _ in range(2)] == [200, 200]
    status, body = post(gateway, "/v1/chat/completions", max_tokens=30)
    assert status == 429
    assert json.loads(body)["error"]["code"] == "insufficient_quota"
    assert post(gateway, "/embeddings", input="x" * 400)[0] == 429, "without /v1 it is the same"


def test_19_a_route_that_is_not_parsed_counts_as_a_request_too(start, zoo):
    gateway = start(zoo, "{ id: rpm, count: requests, rate: 3/hour, per: key }")
    assert [post(gateway, "/v1/echo")[0], post(gateway, "/v1/files")[0], whole(gateway)[0]] == [200, 200, 200]
    assert [post(gateway, path)[0] for path in ("/v1/echo", "/v1/files", "/v1/chat/completions")] == [429] * 3


def test_19_with_the_gateway_s_own_credentials_only_listed_routes_are_open(start, zoo, monkeypatch):
    monkeypatch.setenv("UPSTREAM_KEY", "sk-of-the-house")
    rest = f"upstreams: [{{ id: up, url: '{zoo.url}', credential_env: UPSTREAM_KEY }}]"
    gateway = start(zoo, "{ id: rpm, count: requests, rate: 30/hour, per: key }", rest=rest, credentials="issued")
    key = gateway.create_key("--account", "acme")
    assert post(gateway, "/v1/chat/completions", key=key)[0] == 200
    for path in ("/v1/files", "/v1/batches", "/v1/audio/speech", "/v1/fine_tuning/jobs"):
        assert post(gateway, path, key=key)[0] in {403, 404}, path
    assert [request[1] for request in zoo.requests] == [b"/v1/chat/completions"]


def test_20_a_limit_in_shadow_neither_refuses_nor_keeps_another_from_it(start, zoo):
    watched = "{ id: watched, count: requests, rate: 1/hour, per: key, shadow: true }"
    gateway = start(zoo, watched, "{ id: real, count: requests, rate: 3/hour, per: key }")
    assert [whole(gateway)[0] for _ in range(4)] == [200, 200, 200, 429]
    assert gateway.metric("gateway_shadow_total", what="limit.watched") >= 2


def test_20_a_refusal_does_not_stick_to_a_limit_that_was_edited(start, zoo):
    gateway = start(zoo, "{ id: rpm, count: requests, rate: 1/hour, per: key }")
    assert [whole(gateway)[0] for _ in range(3)] == [200, 429, 429]
    gateway.policy_file.write_text(policy("{ id: rpm, count: requests, rate: 2/hour, per: key }"))
    assert gateway.ask_admin("/api/policy/reload", method="POST")[0] == 200
    assert [whole(gateway)[0] for _ in range(2)] == [200, 429]


def test_20_a_field_that_is_not_known_is_not_ignored(start, zoo):
    gateway = start(zoo, "{ id: rpm, count: requests, rate: 1/hour, per: key }")
    gateway.policy_file.write_text(policy("{ id: rpm, count: requests, rate: 9/hour, per: key, shadw: true }"))
    status, told = gateway.ask_admin("/api/policy/reload", method="POST")[:2]
    assert status == 422
    assert "shadw" in str(told)
    assert [whole(gateway)[0] for _ in range(2)] == [200, 429]
