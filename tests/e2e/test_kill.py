"""Killed under load, a gateway has the record of each request that was answered, and the next one closes what was left open."""

from __future__ import annotations

import asyncio
import json
import os

import aiohttp

HI = [{"role": "user", "content": "Tell me about rivers."}]
CLIENTS = 32


class Load:
    """Clients that ask until their gateway is gone. `answered` are decisions whose answer came whole, `begun` those cut in between."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.answered = []
        self.begun = set()

    async def client(self, session, stream):
        body = {"model": "demo", "messages": HI, "stream": stream, "max_tokens": 200 if stream else 20}
        while True:
            async with session.post(self.gateway.url + "/v1/chat/completions", json=body) as answer:
                decision = answer.headers["x-gateway-decision"]
                self.begun.add(decision)
                text = await answer.text()
                assert answer.status == 200
                if not stream:
                    json.loads(text)
                if not stream or text.endswith("data: [DONE]\n\n"):
                    self.answered.append(decision)
                    self.begun.discard(decision)

    async def run(self, enough):
        fields = {"authorization": f"Bearer {self.gateway.demo_key}"}
        async with aiohttp.ClientSession(headers=fields, connector=aiohttp.TCPConnector(limit=0)) as session:
            clients = [asyncio.ensure_future(self.client(session, number % 2 == 0)) for number in range(CLIENTS)]
            async with asyncio.timeout(60):
                while len(self.answered) < enough and not any(client.done() for client in clients):
                    await asyncio.sleep(0.01)
            os.kill(self.gateway.process.pid, 9)
            ends = await asyncio.gather(*clients, return_exceptions=True)
        assert all(isinstance(end, aiohttp.ClientError) for end in ends), ends


def test_each_answered_request_has_its_record_and_the_rest_is_closed_as_interrupted(start, policy_of):
    policy = policy_of("{ id: rpm, count: requests, rate: 1000000/hour, per: key }")
    gateway = start("--demo", policy=policy)
    load = Load(gateway)
    asyncio.run(load.run(300))
    gateway.process.wait(10)

    recorded = {record["id"]: record["end"] for record in gateway.records()}
    missing = [decision for decision in load.answered if decision not in recorded]
    assert not missing, f"{len(missing)} of {len(load.answered)} answered requests have no record"
    verified = gateway.verify()
    assert verified.returncode == 0, verified.stdout + verified.stderr

    again = start("--demo", policy=policy)
    after = {record["id"]: record["end"] for record in again.records()}
    orphans = {decision for decision, end in after.items() if end == "interrupted"}
    assert orphans
    assert all(after.get(decision) in {"interrupted", "complete"} for decision in load.begun & set(after))
    assert not orphans & set(load.answered)
    assert recorded.items() <= after.items(), "what was recorded stays as it was"
    assert again.verify().returncode == 0
    assert again.terminate() == 0
    assert again.verify().returncode == 0
