"""The proxy as the door's tests need it: on a real server in a thread, in front of whatever upstream a test brings."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from urllib.parse import urlsplit

import pytest

from gateway.app import Running, Ways, proxy
from gateway.issue import issue_key
from gateway.settings import flag_upstream
from tests.support.live_server import live_server
from tests.support.zoo import Zoo

POLICY = """\
schema: gateway.policy/v1
name: test
version: "1"
callers: [{{ id: all, match: {{}}, tier: standard }}]
tiers:
  standard:
    models: ["*"]
    routes: ["*"]
    limits: [{limits}]
{rest}
"""


LIMITS = "{ id: rpm, count: requests, rate: 100000/minute, per: key }"


class Front:
    """A running proxy. `url`; `key` an issued one; `records()` every audit record so far, in order."""

    def __init__(self, data):
        self.data = data
        self.url = self.key = ""

    def lines(self):
        files = sorted((self.data / "audit").rglob("*.jsonl"))
        return [json.loads(line) for file in files if file.name != "checkpoints.jsonl" for line in file.read_text().splitlines()]

    def records(self):
        return [line for line in self.lines() if line["kind"] == "record"]

    def record(self, decision, seconds=10.0):
        """The record of a decision, waited for."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = [record for record in self.records() if record["id"] == decision]
            if found:
                return found[0]
            time.sleep(0.01)
        raise AssertionError(f"{decision} has no record")

    async def ask(self, method="POST", path="/v1/chat/completions", body=b'{"model":"m","messages":[]}', *, end=True, **fields):
        """(status, fields, body) of a request on a connection of its own, read to its end; `end=False` gives reader and writer."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        named = {"authorization": f"Bearer {self.key}", **{name.replace("_", "-"): value for name, value in fields.items()}}
        if body is not None and "transfer-encoding" not in named:
            named.setdefault("content-length", str(len(body)))
        head = [f"{method} {path} HTTP/1.1", "host: gateway", "connection: close"]
        head += [f"{name}: {value}" for name, value in named.items() if value is not None]
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + (body or b""))
        await writer.drain()
        if not end:
            return reader, writer
        try:
            return await answer_of(reader, method)
        finally:
            await closed(writer)


async def closed(writer):
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def head_of(reader):
    status, *rest = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20))[:-4].decode("latin-1").split("\r\n")
    pairs = [tuple(part.strip() for part in line.split(":", 1)) for line in rest]
    return int(status.split()[1]), {name.lower(): value for name, value in pairs}


async def answer_of(reader, method="POST"):
    """An answer whose end is checked: IncompleteReadError where its frame does not close."""
    status, fields = await head_of(reader)
    if method == "HEAD" or status in {204, 304}:
        assert await reader.read() == b""
        return status, fields, b""
    if "content-length" in fields:
        return status, fields, await asyncio.wait_for(reader.readexactly(int(fields["content-length"])), 20)
    body = b""
    while size := int((await asyncio.wait_for(reader.readuntil(b"\r\n"), 20)).strip(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    return status, fields, body


@contextlib.contextmanager
def fronted(data, upstream, rest="", limits=LIMITS):
    """A proxy in front of `upstream` while the block runs."""
    data.mkdir(exist_ok=True)
    policy = data / "policy.yaml"
    policy.write_text(POLICY.format(rest=rest, limits=limits))
    front = Front(data / "data")
    inner = None
    running = None

    async def app(scope, receive, send):
        nonlocal inner, running
        if scope["type"] != "lifespan":
            await inner(scope, receive, send)
            return
        await receive()
        running = await Running.open(
            policy=policy, state="memory", data=front.data, secret=None, ways=Ways(overrides=(flag_upstream(upstream),))
        )
        inner = proxy(running)
        front.key, _ = await issue_key(running.world.keys, running.engine.secret, now_us=time.time_ns() // 1000, account="acme")
        front.running = running
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await running.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app, lifespan="on") as front.url:
        yield front


@pytest.fixture(scope="module")
def zoo():
    """An upstream with one of every kind of answer."""
    app = Zoo()
    with live_server(app) as url:
        app.url = url
        yield app


@pytest.fixture(scope="module")
def front(zoo, tmp_path_factory):
    """A proxy in front of the zoo that takes keys of ours and bodies of up to 64 KiB."""
    with fronted(tmp_path_factory.mktemp("issued"), zoo.url, "door: { rate: 'off', max_body: 64KiB, max_upload: 1MiB }") as made:
        yield made


@pytest.fixture(scope="module")
def client_front(zoo, tmp_path_factory):
    """The same for clients with the upstream's own keys."""
    with fronted(tmp_path_factory.mktemp("client"), zoo.url, "credentials: client\nusage: count") as made:
        yield made


@pytest.fixture
def before(tmp_path):
    """`with before(url) as front` puts a proxy in front of a test's own upstream."""
    return lambda url, rest="", limits=LIMITS: fronted(tmp_path / "own", url, rest, limits)
