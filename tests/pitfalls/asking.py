"""How the pitfalls' tests ask a gateway, and a policy in one line."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from urllib.parse import urlsplit

import aiohttp

__all__ = ["ANY", "CHAT", "HI", "ask", "at_once", "leave", "policy", "record", "until", "whole"]

HI = [{"role": "user", "content": "hi"}]
CHAT = {"model": "m", "messages": HI}
ANY = """\
schema: gateway.policy/v1
name: any
version: "1"
credentials: client
usage: count
callers: [{ id: all, match: {}, tier: t }]
tiers:
  t:
    models: ["*"]
"""


def policy(*limits):
    return ANY + f"    limits: [{', '.join(limits)}]"


def ask(gateway, path="/v1/chat/completions", key="sk-a", **body):
    """(connection, response) of one request, head read, body not yet."""
    parts = urlsplit(gateway.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    fields = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    connection.request("POST", path, json.dumps({**CHAT, **body}), fields)
    return connection, connection.getresponse()


def whole(gateway, **body):
    """(status, header fields, body) of one request."""
    connection, answer = ask(gateway, **body)
    try:
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def leave(gateway, **body):
    """Begin a stream, read a little, and hang up; returns the decision's id."""
    connection, answer = ask(gateway, **body)
    answer.read(50)
    answer.close()
    connection.close()
    return answer.headers["x-gateway-decision"]


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def record(gateway, decision):
    return next((r for r in gateway.records() if r["id"] == decision), None)


async def at_once(gateway, count, **body):
    async with aiohttp.ClientSession(headers={"authorization": "Bearer sk-a"}) as session:

        async def one():
            async with session.post(gateway.url + "/v1/chat/completions", json={**CHAT, **body}) as answer:
                await answer.read()
                return answer.status

        return await asyncio.gather(*(one() for _ in range(count)))
