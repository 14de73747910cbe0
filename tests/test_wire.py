"""The wire, against a real server on a free port: what is bounded is refused, and everything else passes as uvicorn lets it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket

import pytest

from gateway import wire
from gateway.asgi.intake import EMPTY_QUERY
from gateway.server import PlaneServer

HOST = b"Host: a\r\n"
GET = b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n"


class Server:
    """A served echo: answers `METHOD path body`, and keeps the scopes' header fields. `hold` keeps answers back until it is set."""

    def __init__(self):
        self.seen = []
        self.scopes = []
        self.sized = True
        self.hold = asyncio.Event()
        self.hold.set()
        self.port = 0
        self.writers = []

    async def __call__(self, scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.seen.append((scope["path"], "gone"))
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.seen.append((scope["path"], scope["headers"]))
        self.scopes.append(scope)
        answer = b"%s %s %s" % (scope["method"].encode(), scope["path"].encode(), body)
        sized = [(b"content-length", b"%d" % len(answer))] if self.sized else []
        await send({"type": "http.response.start", "status": 200, "headers": sized})
        await send({"type": "http.response.body", "body": answer[:3], "more_body": True})
        await self.hold.wait()
        await send({"type": "http.response.body", "body": answer[3:]})

    async def connect(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def say(self, *pieces, answers=1):
        """Send the pieces one after the other, and read so many answers, or what comes before the server hangs up."""
        reader, writer = await self.connect()
        heard = b""
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.005)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            for _ in range(answers):
                heard += await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                length = int(re.findall(rb"content-length: (\d+)", heard)[-1])
                heard += await asyncio.wait_for(reader.readexactly(length), 5)
        return heard

    async def aclose(self):
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
async def server():
    made = Server()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        made.port = listening.getsockname()[1]
        running = PlaneServer(made, shutdown_s=1)
        task = asyncio.ensure_future(running.serve([listening]))
        while not running.started:
            await asyncio.sleep(0.005)
        yield made
        made.hold.set()
        await made.aclose()
        running.should_exit = True
        await task


async def test_an_ordinary_request_passes(server):
    heard = await server.say(b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nabc|")
    assert heard.endswith(b"POST /p abc|")


async def test_a_request_in_single_bytes_passes(server):
    raw = b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\na|"
    reader, writer = await server.connect()
    for byte in raw:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    assert (await asyncio.wait_for(reader.readuntil(b"a|"), 5)).startswith(b"HTTP/1.1 200")


async def test_a_connection_is_kept_for_the_next_request_and_pipelined_ones_are_answered_in_order(server):
    one = b"POST /1 HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\na|"
    two = b"POST /2 HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nb|\r\n0\r\n\r\n"
    heard = await server.say(one + two + one, answers=3)
    assert heard.index(b"POST /1 a|") < heard.index(b"POST /2 b|")
    heard = await server.say(one, two, answers=2)
    assert heard.count(b"200 OK") == 2


async def test_an_empty_query_is_told_from_none(server):
    await server.say(b"GET /a? HTTP/1.1\r\n" + HOST + b"\r\n" + GET, answers=2)
    assert [EMPTY_QUERY in scope.get("extensions", {}) for scope in server.scopes] == [True, False]


@pytest.mark.parametrize("sized", [False, True])
async def test_an_answer_to_http_1_0_is_never_in_chunks_and_ends_with_the_connection(server, sized):
    server.sized = sized
    reader, writer = await server.connect()
    writer.write(b"POST /p HTTP/1.0\r\nContent-Length: 2\r\n\r\na|")
    head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    assert body == b"POST /p a|"
    assert b"transfer-encoding" not in head
    assert (b"content-length: 10" in head) is sized


async def test_a_large_body_is_no_large_head(server):
    body = b"x" * (4 * wire.MAX_HEAD) + b"|"
    heard = await server.say(b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body), body)
    assert heard.startswith(b"HTTP/1.1 200")
    chunk = b"%x\r\n" % len(body) + body + b"\r\n"
    heard = await server.say(b"POST /p HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", chunk * 2, b"0\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 200")


BIG = b"x" * (wire.MAX_HEAD // 4)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET / HTTP/1.1\r\n", *[b"X-%d: " % n + BIG + b"\r\n" for n in range(5)], b"\r\n"],
        [b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n"],
        [b"GET /" + b"x" * (wire.MAX_HEAD + 10) + b" HTTP/1.1\r\n\r\n"],
        [b"GET / HTTP/1.1\r\nX: ", *[BIG] * 40],
        [b"GET / HTTP/1.1\r\n", *[BIG] * 40],
    ],
    ids=["fields", "many fields", "the line", "a field without an end", "a name without an end"],
)
async def test_a_head_over_the_bound_is_answered_431(server, pieces):
    heard = await server.say(*pieces)
    assert heard.startswith(b"HTTP/1.1 431")
    assert server.seen == []


async def test_after_the_431_what_still_comes_is_thrown_away_and_the_connection_ends(server, monkeypatch):
    monkeypatch.setattr(wire, "_LINGER_S", 0.05)
    reader, writer = await server.connect()
    writer.write(b"GET / HTTP/1.1\r\nX: ")
    heard = b""
    with contextlib.suppress(ConnectionError):
        while not reader.at_eof():
            writer.write(BIG)
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                heard += await asyncio.wait_for(reader.read(65536), 0.005)
    assert heard.startswith(b"HTTP/1.1 431")
    assert heard.count(b"HTTP/1.1") == 1
    assert server.seen == []


async def test_fields_of_a_trailer_never_join_those_of_the_head(server):
    trailer = b"Authorization: Bearer other\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
    heard = await server.say(b"POST /t HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\na|\r\n0\r\n" + trailer)
    assert heard.endswith(b"POST /t a|")
    assert server.seen == [("/t", [(b"host", b"a"), (b"transfer-encoding", b"chunked")])]


async def test_a_trailer_is_bounded_like_a_head(server):
    begin = b"POST /t HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\na|\r\n0\r\n"
    heard = await server.say(begin, *[b"X-%d: " % n + BIG + b"\r\n" for n in range(5)])
    assert heard.startswith(b"HTTP/1.1 431")
    heard = await server.say(begin, b"X: ", *[BIG] * 6)
    assert heard.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: +4\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"X: a\r\n Content-Length: 4\r\n",
        b"X: a\nContent-Length: 4\r\n",
        b"X: a\0b\r\n",
    ],
    ids=["both", "both, reversed", "two lengths", "signed", "a space", "unknown coding", "folded", "bare line end", "NUL"],
)
async def test_a_frame_that_two_servers_would_read_differently_is_refused(server, head):
    smuggled = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    heard = await server.say(b"POST /s HTTP/1.1\r\n" + HOST + head + b"\r\n" + smuggled)
    assert heard.startswith(b"HTTP/1.1 400")
    assert b"connection: close" in heard
    assert "/smuggled" not in [path for path, _ in server.seen]


UPGRADE = b"POST /up HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"
REST = b"GET /smuggled HTTP/1.1\r\nX: |"


@pytest.mark.parametrize("pieces", [1, 2], ids=["with its head", "after its head"])
async def test_a_request_that_asks_for_another_protocol_is_served_with_its_body_and_nothing_of_that_is_a_request(server, pieces):
    head = UPGRADE + b"Content-Length: %d\r\n\r\n" % len(REST)
    heard = await server.say(*([head + REST] if pieces == 1 else [head, REST]), GET, answers=2)
    assert heard.index(b"POST /up " + REST) < heard.index(b"GET /a ")
    assert [path for path, _ in server.seen] == ["/up", "/a"]
    chunked = UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n"
    heard = await server.say(chunked, b"2\r\nb|\r\n0\r\n\r\n", GET, answers=2)
    assert heard.index(b"POST /up b|") < heard.index(b"GET /a ")


async def test_a_websocket_is_a_request_like_any_other_and_still_says_what_it_wants(server):
    heard = await server.say(
        b"GET /ws HTTP/1.1\r\n" + HOST + b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n", GET, answers=2
    )
    assert heard.index(b"GET /ws ") < heard.index(b"GET /a ")
    assert (b"upgrade", b"websocket") in server.seen[0][1]


async def test_a_tunnel_is_refused(server):
    assert (await server.say(b"CONNECT example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n")).startswith(b"HTTP/1.1 400")
    assert server.seen == []


# ── Time ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def hurried(monkeypatch):
    """A deadline for tests."""
    monkeypatch.setattr(wire, "HEAD_DEADLINE_S", 0.08)


async def hung_up(reader):
    return await asyncio.wait_for(reader.read(), 5)


@pytest.mark.parametrize(
    "begin",
    [b"", b"\r\n", b"GET / HTTP/1.1\r\nX: a", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"],
    ids=["nothing", "a line end", "half a head", "a head whose body never begins"],
)
async def test_a_request_that_does_not_come_closes_the_connection(server, hurried, begin):
    reader, writer = await server.connect()
    writer.write(begin)
    assert await hung_up(reader) == b""


async def test_a_head_that_is_dribbled_is_closed_by_the_deadline_whatever_still_comes(server, hurried):
    reader, writer = await server.connect()
    writer.write(b"GET / HTTP/1.1\r\n")
    with contextlib.suppress(ConnectionError):
        for number in range(100):
            writer.write(b"X-%d: y\r\n" % number)
            await writer.drain()
            if reader.at_eof():
                break
            await asyncio.sleep(0.01)
    assert reader.at_eof()
    assert server.seen == []


async def test_a_stray_line_end_does_not_keep_an_idle_connection_for_ever(server, hurried):
    reader, writer = await server.connect()
    writer.write(GET)
    await asyncio.wait_for(reader.readuntil(b"GET /a "), 5)
    writer.write(b"\r\n")
    assert await hung_up(reader) == b""


async def test_a_slow_answer_and_a_body_under_way_have_no_deadline(server, hurried):
    server.hold.clear()
    reader, writer = await server.connect()
    writer.write(b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nab")
    await asyncio.sleep(0.15)
    writer.write(b"c|")
    await asyncio.wait_for(reader.readuntil(b"POS"), 5)
    await asyncio.sleep(0.15)
    server.hold.set()
    assert (await asyncio.wait_for(reader.readuntil(b"abc|"), 5)).endswith(b"T /p abc|")


async def test_half_a_head_behind_an_answer_under_way_neither_cuts_nor_spoils_it(server, hurried):
    server.hold.clear()
    reader, writer = await server.connect()
    writer.write(GET + b"GET /b HTTP/1.1\r\nX: ")
    await asyncio.wait_for(reader.readuntil(b"GET"), 5)
    await asyncio.sleep(0.2)
    server.hold.set()
    assert await hung_up(reader) == b" /a "


@pytest.mark.parametrize("bad", [b"NONSENSE\r\n\r\n", b"GET /b HTTP/1.1\r\nX: " + b"x" * (2 * wire.MAX_HEAD) + b"\r\n\r\n"])
async def test_a_bad_request_behind_an_answer_under_way_is_not_answered_into_it(server, bad, caplog):
    caplog.set_level(logging.CRITICAL, logger="uvicorn.error")
    server.hold.clear()
    reader, writer = await server.connect()
    writer.write(GET)
    begun = await asyncio.wait_for(reader.readuntil(b"GET"), 5)
    writer.write(bad)
    rest = await hung_up(reader)
    server.hold.set()
    assert (begun + rest).count(b"HTTP/1.1") == 1
