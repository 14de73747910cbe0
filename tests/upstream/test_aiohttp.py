"""What is particular to aiohttp's way; what all ways have in common is in `tests/conformance/test_upstream.py`."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.errors import UpstreamError
from gateway.ports import UpstreamRequest
from gateway.upstream import aiohttp as module
from gateway.upstream.aiohttp import AiohttpUpstream
from tests.support.raw_server import raw_server

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture
async def way():
    upstream = AiohttpUpstream()
    yield upstream
    await upstream.aclose()


def asking(url, *, method="POST", headers=(), body=b""):
    return UpstreamRequest(method, url, list(headers), body, 5_000_000, 5_000_000, 5_000_000)


async def whole(answer):
    chunks = []
    while chunk := await answer.read():
        chunks.append(chunk)
    return b"".join(chunks)


@pytest.mark.parametrize(("method", "answered"), [("GET", True), ("POST", False)])
async def test_a_request_that_meets_a_closing_connection_is_repeated_only_where_that_is_harmless(way, method, answered):
    """The upstream closes an idle connection just as the next request is on its way."""
    requests = 0

    async def script(connection):
        nonlocal requests
        await connection.request()
        requests += 1
        if requests != 2:
            await connection.send(OK)
            await connection.request()
            requests += 1

    async with raw_server(script) as server:
        assert await whole(await way.send(asking(server.url + "/"))) == b"ok"
        if answered:
            assert await whole(await way.send(asking(server.url + "/", method=method))) == b"ok"
        else:
            with pytest.raises(UpstreamError) as caught:
                await way.send(asking(server.url + "/", method=method, body=b"x"))
            assert (caught.value.kind, caught.value.sent) == ("broken", True)
    assert requests == (3 if answered else 2)


async def test_a_connection_is_given_up_before_the_other_end_would_close_it(way, monkeypatch):
    monkeypatch.setattr(module, "_KEEP_ALIVE_S", 0.03)

    async def script(connection):
        while True:
            await connection.request()
            await connection.send(OK)

    async with raw_server(script) as server:
        for _ in range(2):
            await whole(await way.send(asking(server.url + "/")))
            await asyncio.sleep(0.06)
        assert server.connections == 2


@pytest.mark.parametrize("size", [module._LARGE, module._LARGE + 1, 3_000_001])
async def test_a_large_body_arrives_whole_with_its_length(way, size):
    seen = []

    async def script(connection):
        seen.append(await connection.request())
        await connection.send(OK)

    body = bytes(range(251)) * (size // 251 + 1)
    async with raw_server(script) as server:
        await whole(await way.send(asking(server.url + "/", body=body[:size])))
    assert seen[0].body == body[:size]
    assert seen[0].all(b"content-length") == [str(size).encode()]
    assert seen[0].all(b"transfer-encoding") == []


async def test_the_upload_stops_when_the_answer_is_there_and_its_source_is_let_go(way):
    let_go = asyncio.Event()

    async def script(connection):
        await connection.head()
        await connection.send(b"HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno")
        await connection.gone()

    async def endless():
        try:
            while True:
                yield b"x" * 100
                await asyncio.sleep(0.005)
        finally:
            let_go.set()

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/", body=endless()))
        assert await whole(answer) == b"no"
        await answer.aclose()
        await asyncio.wait_for(let_go.wait(), 5)


async def test_the_kernel_keeps_a_silent_connection_alive(way):
    async def script(connection):
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        await connection.gone()

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/"))
        used = answer._response.connection.transport.get_extra_info("socket")
        assert used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        await answer.aclose()


async def test_closing_closes_idle_connections_and_may_be_done_twice(way):
    closed = asyncio.Event()

    async def script(connection):
        await connection.request()
        await connection.send(OK)
        await connection.gone()
        closed.set()

    async with raw_server(script) as server:
        await whole(await way.send(asking(server.url + "/")))
        await way.aclose()
        await way.aclose()
        await asyncio.wait_for(closed.wait(), 5)
