"""What is particular to httpx's way: any transport will do, and nothing of httpx's client is added."""

from __future__ import annotations

import httpx
import pytest

from gateway.errors import UpstreamError
from gateway.ports import UpstreamRequest
from gateway.upstream.httpx import HttpxUpstream


def asking(*, method="POST", headers=(), body=b""):
    return UpstreamRequest(method, "http://model/v1/x?y=%2F", list(headers), body, 1_000_000, 1_000_000, 1_000_000)


async def whole(answer):
    chunks = []
    while chunk := await answer.read():
        chunks.append(chunk)
    return b"".join(chunks)


async def pieces(*chunks):
    for chunk in chunks:
        yield chunk


async def test_a_transport_gets_the_request_as_given():
    seen = []

    async def handle(request):
        seen.append((request, await request.aread()))
        return httpx.Response(200, headers=[("X-One", "1"), ("x-one", "2")], stream=Body(b"a", b"", b"b"))

    way = HttpxUpstream(httpx.MockTransport(handle))
    answer = await way.send(asking(headers=[(b"x", b"1")], body=b"hi"))
    assert answer.headers == [(b"x-one", b"1"), (b"x-one", b"2")]
    assert [await answer.read() for _ in range(3)] == [b"a", b"b", b""]
    request, body = seen[0]
    assert request.headers.raw == [(b"host", b"model"), (b"x", b"1"), (b"content-length", b"2")]
    assert body == b"hi"
    await way.aclose()


class Body(httpx.AsyncByteStream):
    def __init__(self, *chunks):
        self.chunks = chunks
        self.closed = False

    async def __aiter__(self):
        for chunk in self.chunks:
            yield chunk

    async def aclose(self):
        self.closed = True


async def test_an_answer_given_up_is_closed():
    body = Body(b"a", b"b")

    async def handle(request):
        return httpx.Response(200, stream=body)

    way = HttpxUpstream(httpx.MockTransport(handle))
    answer = await way.send(asking())
    assert await answer.read() == b"a"
    await answer.aclose()
    assert body.closed
    assert await answer.read() == b""
    await way.aclose()


async def test_an_application_in_process_answers_without_a_network():
    async def app(scope, receive, send):
        message = await receive()
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send(
            {"type": "http.response.body", "body": scope["raw_path"] + scope["query_string"] + message["body"], "more_body": False}
        )

    way = HttpxUpstream(httpx.ASGITransport(app))
    answer = await way.send(asking(body=b"!"))
    assert (answer.status, await whole(answer)) == (202, b"/v1/xy=%2F!")
    await way.aclose()


@pytest.mark.parametrize(
    ("error", "kind", "sent"),
    [
        (httpx.ConnectTimeout("x"), "connect_timeout", False),
        (httpx.PoolTimeout("x"), "connect_timeout", False),
        (httpx.WriteTimeout("x"), "first_byte_timeout", True),
        (httpx.ReadError("x"), "broken", True),
        (httpx.LocalProtocolError("x"), "protocol", False),
        (httpx.RemoteProtocolError("x"), "protocol", True),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), "broken", True),
    ],
)
async def test_what_a_transport_raises_has_its_kind(error, kind, sent):
    async def handle(request):
        raise error

    way = HttpxUpstream(httpx.MockTransport(handle))
    with pytest.raises(UpstreamError) as caught:
        await way.send(asking())
    assert (caught.value.kind, caught.value.sent) == (kind, sent)
    await way.aclose()
