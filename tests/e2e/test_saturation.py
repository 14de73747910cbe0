"""A whole gateway before an upstream that is full: who waits, in which order, for how long, and what those are told who may not."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter

import aiohttp
import openai
import pytest

from tests.support.gateway_process import GatewayProcess
from tests.support.live_server import live_server

POLICY = """\
schema: gateway.policy/v1
name: saturation
version: "1"
credentials: both
trusted_proxies: [127.0.0.0/8]
callers:
  - { id: nightly, match: { tag: nightly }, tier: nightly }
  - { id: all, match: {}, tier: standard }
tiers:
  standard:
    models: ["*"]
    limits:
      - { id: slots, count: concurrent, at_once: 500, per: account }
      - { id: rpm, count: requests, rate: 1000/minute, per: account }
  nightly: { models: ["*"], limits: [], priority: batch }
upstreams:
  - { id: eight, url: URL, models: [eight*], at_once: 8, queue: { longest: 150, wait: 20s } }
  - { id: one, url: URL, models: [one*], at_once: 1, queue: { longest: 2, wait: 20s } }
  - { id: short, url: URL, models: [short*], at_once: 1, queue: { longest: 9, wait: 150ms } }
  - { id: busy, url: URL, models: [busy*], queue: { wait: 3s } }
  - { id: found, url: URL, models: [found*], adaptive: gradient, at_once: 64 }
"""


class Model:
    """A model endpoint: `work` seconds an answer; models named `busy-N` say 429 with Retry-After N once."""

    def __init__(self):
        self.work = 0.05
        self.at_work = Counter()
        self.most = Counter()
        self.asked = []
        self.left = Counter()

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        model = json.loads(body)["model"]
        self.asked.append((time.monotonic(), model))
        if model.startswith("busy") and sum(name == model for _, name in self.asked) == 1:
            await self._say(send, 429, {"error": {"message": "slow down"}}, (b"retry-after", model.partition("-")[2].encode()))
            return
        self.at_work[model] += 1
        self.most[model] = max(self.most[model], self.at_work[model])
        try:
            left = asyncio.ensure_future(receive())
            done, _ = await asyncio.wait([left], timeout=10 if model.endswith("-stuck") else self.work)
            self.left[model] += len(done)
            left.cancel()
        finally:
            self.at_work[model] -= 1
        await self._say(send, 200, {"id": "x", "object": "chat.completion", "created": 1, "model": model, "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}]})  # fmt: skip

    @staticmethod
    async def _say(send, status, body, *headers):
        fields = [(b"content-type", b"application/json"), *headers]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


@pytest.fixture(scope="module")
def model():
    return Model()


@pytest.fixture(scope="module")
def gateway(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saturation")
    with live_server(model) as url:
        (folder / "policy.yaml").write_text(POLICY.replace("URL", url))
        with GatewayProcess(folder / "data", "--policy", str(folder / "policy.yaml")) as running:
            yield running


@pytest.fixture
async def ask(gateway):
    """`await ask(model, account, tags)`: (status, seconds, headers, body) of one request."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(name, account="someone", tags=""):
            headers = {"x-gateway-key": f"key of {account}", "x-gateway-account": account, "x-gateway-tags": tags}
            began = time.monotonic()
            body = {"model": name, "messages": [{"role": "user", "content": "hi"}]}
            async with session.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers) as answer:
                return answer.status, time.monotonic() - began, answer.headers, await answer.text()

        yield one


async def many(ask, number, *given):
    return [asyncio.ensure_future(ask(*given)) for _ in range(number)]


async def until(met):
    """Wait until something is so, five seconds at most."""
    end = time.monotonic() + 5
    while not met():
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.01)


async def test_a_noisy_tenant_of_a_hundred_requests_does_not_delay_a_quiet_one(gateway, model, ask):
    noisy = await many(ask, 100, "eight", "noisy")
    await until(lambda: model.at_work["eight"] == 8 and len([1 for _, name in model.asked if name == "eight"]) >= 8)
    quiet = [await ask("eight", "quiet") for _ in range(5)]
    noisy = await asyncio.gather(*noisy)
    assert {status for status, *_ in (*noisy, *quiet)} == {200}
    assert model.most["eight"] == 8
    longest = max(seconds for _, seconds, *_ in noisy)
    assert max(seconds for _, seconds, *_ in quiet) < longest / 2
    assert gateway.metric("gateway_queue_wait_seconds_count", upstream="eight", priority="normal") > 80
    assert gateway.metric("gateway_queue_length", upstream="eight") == 0


async def test_a_batch_yields_to_people_and_is_served_all_the_same(model, ask):
    batch = await many(ask, 60, "eight-batch", "factory", "nightly")
    await until(lambda: model.at_work["eight-batch"] > 0)
    # A batch leaves an eighth of the places free.
    people = await asyncio.gather(*[ask("eight-batch", f"person {number}") for number in range(10)])
    still_waiting = sum(not task.done() for task in batch)
    assert still_waiting >= 20
    done = await asyncio.gather(*batch)
    assert {status for status, *_ in (*people, *done)} == {200}


async def test_a_full_queue_is_a_clean_refusal_that_costs_nothing(gateway, ask):
    answers = await asyncio.gather(*[ask("one", "crowd") for _ in range(8)])
    refused = [(headers, json.loads(body)) for status, _, headers, body in answers if status == 503]
    assert 1 <= len(refused) == 8 - sum(status == 200 for status, *_ in answers) <= 5
    for headers, body in refused:
        assert 1 <= int(headers["retry-after"]) <= 60
        assert (body["error"]["type"], body["error"]["code"]) == ("server_error", "service_unavailable")
    records = [record for record in gateway.records() if record["decision"]["reason"] == "saturated.full"]
    assert len(records) == len(refused)
    assert {record["settle"] for record in records} == {"settled"}
    left = int((await ask("one", "crowd"))[2]["x-ratelimit-remaining-requests"])
    assert left == 1000 - (8 - len(refused)) - 1


async def test_who_waits_too_long_is_told_when_to_come_again_and_the_sdk_comes_again(gateway, model, ask):
    stuck = asyncio.ensure_future(ask("short-stuck", "other"))
    await until(lambda: model.at_work["short-stuck"] == 1)
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="of the sdk", max_retries=0) as client:
        asked = {"model": "short", "messages": [{"role": "user", "content": "hi"}]}
        with pytest.raises(openai.InternalServerError) as refused:
            await client.chat.completions.create(**asked)
        assert refused.value.status_code == 503
        assert refused.value.code == "service_unavailable"
        assert int(refused.value.response.headers["retry-after-ms"]) >= 1000
        before = gateway.metric("gateway_saturated_total", upstream="short", why="late")
        again = asyncio.ensure_future(client.with_options(max_retries=1).chat.completions.create(**asked))
        await until(lambda: gateway.metric("gateway_saturated_total", upstream="short", why="late") > before)
        stuck.cancel()
        assert (await again).choices[0].message.content == "ok"


async def test_an_upstream_s_retry_after_is_kept_for_everybody_and_then_they_go(model, ask):
    status, _, headers, _ = await ask("busy-1", "first")
    assert (status, headers["retry-after"]) == (429, "1")
    began = time.monotonic()
    others = await asyncio.gather(*[ask("busy-1", f"other {number}") for number in range(5)])
    assert [status for status, *_ in others] == [200] * 5
    sent = [at for at, name in model.asked if name == "busy-1"]
    assert len(sent) == 6
    assert min(sent[1:]) - sent[0] >= 1.0
    assert time.monotonic() - began >= 0.9


async def test_a_cooldown_longer_than_anyone_may_wait_is_told_truly(model, ask):
    await ask("busy-40", "first")
    status, _, headers, _ = await ask("busy-40", "second")
    assert status == 503
    assert 35 <= int(headers["retry-after"]) <= 40
    assert sum(name == "busy-40" for _, name in model.asked) == 1
    assert (await ask("busy-2", "second"))[0] == 429  # another model's requests go out as ever: that is its upstream's own word
    assert sum(name == "busy-2" for _, name in model.asked) == 1


async def test_a_client_that_leaves_the_queue_frees_its_place_in_it(gateway, model, ask):
    first = asyncio.ensure_future(ask("one-stuck", "first"))
    await until(lambda: model.at_work["one-stuck"] == 1)
    waiting = await many(ask, 2, "one-left", "second")
    await until(lambda: gateway.metric("gateway_queue_length", upstream="one") == 2)
    for task in waiting:
        task.cancel()
    await until(lambda: gateway.metric("gateway_queue_length", upstream="one") == 0)
    third = asyncio.ensure_future(ask("one-third", "third"))
    await until(lambda: gateway.metric("gateway_queue_length", upstream="one") == 1)
    first.cancel()  # a client that leaves while it is served gives its place to the next
    assert (await asyncio.wait_for(third, 5))[0] == 200
    assert model.left["one-stuck"] == 1
    assert model.most["one-left"] == 0


async def test_no_place_leaks_whatever_becomes_of_its_request(gateway, model, ask):
    for _ in range(3):
        leaving = await many(ask, 10, "eight-stuck", "leaving")
        await until(lambda: model.at_work["eight-stuck"] == 8)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        await until(lambda: model.at_work["eight-stuck"] == 0)
    served = await asyncio.gather(*[ask("eight-after", "next") for _ in range(16)])
    assert {status for status, *_ in served} == {200}
    assert model.most["eight-after"] == 8
    assert gateway.metric("gateway_in_flight") == 0


async def test_the_limit_that_was_found_is_shown(gateway, ask):
    await ask("found", "someone")
    assert gateway.metric("gateway_concurrency_limit", upstream="found") == 20
