"""`ports.Upstream` and `ports.UpstreamAnswer`: one suite over every way that speaks HTTP, against a server that does as it is told;
then what all ways, the one in-process included, owe the same application."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import threading

import pytest

from gateway.errors import UpstreamError
from gateway.ports import UpstreamRequest
from gateway.upstream.aiohttp import AiohttpUpstream
from gateway.upstream.asgi import AsgiUpstream
from gateway.upstream.httpx import HttpxUpstream
from tests.support.live_server import live_server
from tests.support.raw_server import certificate, raw_server

WAYS = {"aiohttp": AiohttpUpstream, "httpx": HttpxUpstream}

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture(params=list(WAYS))
def make(request):
    return WAYS[request.param]


@pytest.fixture
async def way(make):
    upstream = make()
    yield upstream
    await upstream.aclose()


def asking(url, *, method="POST", headers=(), body=b"", connect_s=5.0, first_byte_s=5.0, idle_s=5.0):
    return UpstreamRequest(method, url, list(headers), body, int(connect_s * 1e6), int(first_byte_s * 1e6), int(idle_s * 1e6))


async def pieces(*chunks):
    for chunk in chunks:
        yield chunk


async def whole(answer):
    chunks = []
    while chunk := await answer.read():
        chunks.append(chunk)
    return b"".join(chunks)


def answering(data, served=None, *, times=1):
    """A script that reads a request and answers `data`, so many times on a connection."""

    async def script(connection):
        for _ in range(times):
            received = await connection.request()
            if served is not None:
                served.append(received)
            await connection.send(data)
        await connection.gone()

    return script


async def failure(call):
    """The error a call ends with, which it must not take long to."""
    with pytest.raises(UpstreamError) as caught:
        await asyncio.wait_for(call, 3)
    return caught.value


# ── What is sent ────────────────────────────────────────────────────────────────────────────────


async def test_a_request_has_the_given_fields_host_and_framing_and_nothing_else(way):
    seen = []
    fields = [(b"content-type", b"application/json"), (b"x-one", b"1"), (b"x-two", b"a"), (b"x-one", b"2"), (b"x-name", "é".encode())]
    async with raw_server(answering(OK, seen)) as server:
        answer = await way.send(asking(server.url + "/v1/chat", headers=fields, body=b'{"a":1}'))
        assert await whole(answer) == b"ok"
    host = server.url.removeprefix("http://").encode()
    got = [(name.lower(), value) for name, value in seen[0].fields]
    assert sorted(got) == sorted([(b"host", host), *fields, (b"content-length", b"7")])
    assert [value for name, value in got if name == b"x-one"] == [b"1", b"2"]
    assert seen[0].body == b'{"a":1}'


async def test_no_content_type_and_no_accept_is_made_up(way):
    seen = []
    async with raw_server(answering(OK, seen)) as server:
        await whole(await way.send(asking(server.url + "/", body=b"x")))
    assert {name.lower() for name, _ in seen[0].fields} == {b"host", b"content-length"}


TARGETS = ["/a%2Fb", "/a?", "/a?b=%20c+d&e", "/%E2%82%AC/..%2f", "/a//b/./c", "/?", "/a?x=[1]|{2}", "/a?next=http://b/?c", "//a:b@c/d"]


@pytest.mark.parametrize("target", TARGETS)
async def test_path_and_query_stand_on_the_wire_as_given(way, target):
    seen = []
    async with raw_server(answering(OK, seen)) as server:
        await whole(await way.send(asking(server.url + target, method="GET")))
    assert seen[0].line == f"GET {target} HTTP/1.1".encode()


@pytest.mark.parametrize("given", [[], [(b"content-length", b"0")]])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_request_without_a_body_has_a_length_only_where_it_is_given_one(way, method, given):
    seen = []
    async with raw_server(answering(OK, seen)) as server:
        await whole(await way.send(asking(server.url + "/", method=method, headers=given)))
    assert seen[0].all(b"content-length") == [value for _, value in given]
    assert seen[0].all(b"transfer-encoding") == []


async def test_a_streaming_body_of_known_length_keeps_its_length(way):
    seen = []
    async with raw_server(answering(OK, seen)) as server:
        await whole(await way.send(asking(server.url + "/", headers=[(b"content-length", b"6")], body=pieces(b"abc", b"def"))))
    assert seen[0].all(b"content-length") == [b"6"]
    assert seen[0].all(b"transfer-encoding") == []
    assert seen[0].body == b"abcdef"


async def test_a_streaming_body_of_unknown_length_is_chunked(way):
    seen = []
    async with raw_server(answering(OK, seen)) as server:
        await whole(await way.send(asking(server.url + "/", body=pieces(b"abc", b"def"))))
    assert seen[0].all(b"transfer-encoding") == [b"chunked"]
    assert seen[0].all(b"content-length") == []
    assert seen[0].body == b"abcdef"


async def test_a_body_is_sent_as_it_comes(way):
    got = asyncio.Event()

    async def script(connection):
        await connection.head()
        assert await connection.reader.readexactly(8) == b"3\r\nabc\r\n"
        got.set()
        await connection.gone()

    async def slowly():
        yield b"abc"
        await asyncio.wait_for(got.wait(), 5)
        raise EOFError("the client left")

    async with raw_server(script) as server:
        with pytest.raises(EOFError):
            await way.send(asking(server.url + "/", body=slowly()))
    assert got.is_set()


async def test_a_body_that_fails_is_told_as_itself_and_closes_the_connection(way):
    closed = asyncio.Event()

    async def script(connection):
        await connection.head()
        await connection.gone()
        closed.set()

    async def failing():
        yield b"abc"
        raise LookupError("not ours")

    async with raw_server(script) as server:
        with pytest.raises(LookupError):
            await way.send(asking(server.url + "/", body=failing()))
        await asyncio.wait_for(closed.wait(), 5)


@pytest.mark.parametrize(("length", "said"), [(b"5", "shorter"), (b"2", "longer")])
async def test_a_body_that_is_not_as_long_as_promised_never_looks_complete(way, length, said):
    async with raw_server(answering(OK)) as server:
        error = await failure(way.send(asking(server.url + "/", headers=[(b"content-length", length)], body=pieces(b"ab", b"c"))))
    assert error.kind == "broken"
    assert said in str(error)


async def test_an_early_answer_to_an_unfinished_upload_is_relayed(way):
    async def script(connection):
        await connection.head()
        await connection.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig")
        await connection.gone()

    async def endless():
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.01)

    if isinstance(way, HttpxUpstream):
        pytest.skip("httpx sends a body to its end before it listens")
    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/", body=endless()))
        assert answer.status == 413
        assert await whole(answer) == b"big"
        await answer.aclose()


@pytest.mark.parametrize(
    "url", ["ftp://h/", "h/p", "http:///p", "http://u:p@h/", "http://h/a b", "http://h/a\r\nx: y", "http://h:x/", "http://h/\x00"]
)
async def test_a_url_that_cannot_be_sent_is_refused_before_anything_is(way, url):
    error = await failure(way.send(asking(url)))
    assert (error.kind, error.sent) == ("protocol", False)


async def test_a_field_that_would_split_the_request_is_never_sent(way):
    seen = []
    async with raw_server(answering(OK, seen)) as server:
        with contextlib.suppress(UpstreamError):
            await whole(await way.send(asking(server.url + "/", headers=[(b"x", b"a\r\nevil: 1")])))
    assert not any(received.all(b"evil") for received in seen)


# ── What comes back ─────────────────────────────────────────────────────────────────────────────


async def test_fields_come_as_received_in_lower_case_repeats_and_hop_by_hop_included(way):
    head = b"HTTP/1.1 418 Teapot\r\nSet-Cookie: a=1\r\nX-B: 2\r\nSet-Cookie: b=2\r\nConnection: X-B\r\nContent-Length: 0\r\n"
    async with raw_server(answering(head + b"X-Raw: \xe9\r\n\r\n")) as server:
        answer = await way.send(asking(server.url + "/"))
        assert await whole(answer) == b""
    assert answer.status == 418
    assert answer.headers == [
        (b"set-cookie", b"a=1"), (b"x-b", b"2"), (b"set-cookie", b"b=2"), (b"connection", b"X-B"), (b"content-length", b"0"),
        (b"x-raw", b"\xe9"),
    ]  # fmt: skip


async def test_a_compressed_body_stays_compressed(way):
    data = b"\x1f\x8b\x08\x00not really gzip"
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(data)
    async with raw_server(answering(head + data)) as server:
        answer = await way.send(asking(server.url + "/"))
        assert await whole(answer) == data


async def test_redirects_are_not_followed(way):
    async with raw_server(answering(b"HTTP/1.1 307 T\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n", times=2)) as server:
        answer = await way.send(asking(server.url + "/"))
        assert (answer.status, await whole(answer)) == (307, b"")


async def test_cookies_are_not_kept(way):
    seen = []
    async with raw_server(answering(OK.replace(b"\r\n", b"\r\nset-cookie: s=1\r\n", 1), seen, times=2)) as server:
        for _ in range(2):
            await whole(await way.send(asking(server.url + "/")))
    assert [received.all(b"cookie") for received in seen] == [[], []]


@pytest.mark.parametrize(
    ("method", "answer_bytes"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 500\r\n\r\n"),
    ],
)
async def test_answers_without_a_body_end_at_once_and_the_connection_lives_on(way, method, answer_bytes):
    async with raw_server(answering(answer_bytes, times=2)) as server:
        for _ in range(2):
            answer = await way.send(asking(server.url + "/", method=method))
            assert await whole(answer) == b""
            await answer.aclose()
        assert server.connections == 1


async def test_interim_answers_are_passed_over(way):
    async with raw_server(answering(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK)) as server:
        answer = await way.send(asking(server.url + "/"))
        assert (answer.status, await whole(answer)) == (200, b"ok")
    assert answer.headers == [(b"content-length", b"2")]


async def test_a_body_without_length_ends_where_the_connection_does(way):
    async def script(connection):
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async with raw_server(script) as server:
        assert await whole(await way.send(asking(server.url + "/"))) == b"all of it"


async def test_chunks_come_as_they_are_sent(way):
    handed = asyncio.Event()

    async def script(connection):
        await connection.request()
        await connection.send(CHUNKED + b"5\r\nfirst\r\n")
        await asyncio.wait_for(handed.wait(), 5)
        await connection.send(b"6\r\nsecond\r\n0\r\n\r\n")
        await connection.gone()

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/"))
        assert await answer.read() == b"first"
        handed.set()
        assert await whole(answer) == b"second"
        assert await answer.read() == b""


async def test_many_and_long_fields_are_taken(way):
    many = b"".join(b"x-%d: 1\r\n" % n for n in range(200))
    head = b"HTTP/1.1 200 OK\r\nx-long: " + b"v" * 30_000 + b"\r\n" + many + b"content-length: 0\r\n\r\n"
    async with raw_server(answering(head)) as server:
        answer = await way.send(asking(server.url + "/"))
        assert len(answer.headers) == 202
        await answer.aclose()


# ── What goes wrong before the head ─────────────────────────────────────────────────────────────


async def test_nobody_listening_is_a_connect_fault_and_nothing_was_sent(way):
    async with raw_server(answering(OK)) as server:
        pass
    error = await failure(way.send(asking(server.url + "/")))
    assert (error.kind, error.sent) == ("connect", False)


async def test_a_name_that_does_not_resolve_is_a_connect_fault(way):
    error = await failure(way.send(asking("http://nowhere.invalid/")))
    assert (error.kind, error.sent) == ("connect", False)


async def test_no_answer_in_time_is_a_first_byte_timeout(way):
    async def script(connection):
        await connection.gone()

    async with raw_server(script) as server:
        error = await failure(way.send(asking(server.url + "/", body=b"x", first_byte_s=0.1)))
    assert (error.kind, error.sent) == ("first_byte_timeout", True)


async def test_a_head_that_comes_byte_by_byte_cannot_hold_a_request_for_ever(way):
    async def script(connection):
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            await connection.send(b"x")
            await asyncio.sleep(0.01)

    async with raw_server(script) as server:
        error = await failure(way.send(asking(server.url + "/", first_byte_s=0.1, idle_s=0.05, connect_s=0.05)))
    assert (error.kind, error.sent) == ("first_byte_timeout", True)


async def test_an_upstream_that_takes_no_bytes_cannot_hold_a_request_for_ever(way):
    async def script(connection):
        connection.writer.transport.pause_reading()
        await asyncio.sleep(60)

    async with raw_server(script) as server:
        error = await failure(way.send(asking(server.url + "/", body=b"x" * 20_000_000, first_byte_s=0.05, idle_s=0.05, connect_s=0.1)))
    assert error.kind in {"first_byte_timeout", "idle_timeout"}
    assert error.sent


async def test_an_upstream_that_stalls_an_upload_cannot_hold_it_for_ever(way):
    async def script(connection):
        connection.writer.transport.pause_reading()
        await asyncio.sleep(60)

    async def much():
        for _ in range(400):
            yield b"x" * 65536

    async with raw_server(script) as server:
        error = await failure(way.send(asking(server.url + "/", body=much(), first_byte_s=0.05, idle_s=0.05)))
    assert error.sent


async def test_a_client_that_uploads_slowly_is_not_the_upstreams_fault(way):
    seen = []

    async def slowly():
        for _ in range(3):
            await asyncio.sleep(0.08)
            yield b"x"

    async with raw_server(answering(OK, seen)) as server:
        answer = await way.send(asking(server.url + "/", body=slowly(), first_byte_s=0.06, idle_s=0.06))
        assert await whole(answer) == b"ok"
    assert seen[0].body == b"xxx"


@pytest.mark.parametrize("how", ["finish", "reset"])
async def test_a_connection_closed_without_an_answer_is_broken_and_a_post_is_not_repeated(way, how):
    seen = []

    async def script(connection):
        seen.append(await connection.request())
        getattr(connection, how)()

    async with raw_server(script) as server:
        error = await failure(way.send(asking(server.url + "/", body=b"x")))
    assert (error.kind, error.sent, len(seen)) == ("broken", True, 1)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 300_000 + b"\r\n\r\n",
    ],
    ids=["not-http", "status", "field", "two-lengths", "length-and-chunked", "other-coding", "negative", "upgrade", "huge-field"],
)
async def test_an_answer_whose_frame_is_doubtful_is_a_protocol_fault(way, garbage):
    async with raw_server(answering(garbage)) as server:
        error = await failure(way.send(asking(server.url + "/")))
    assert (error.kind, error.sent) == ("protocol", True)


async def test_cancelling_a_send_closes_the_connection(way):
    asked, closed = asyncio.Event(), asyncio.Event()

    async def script(connection):
        await connection.request()
        asked.set()
        await connection.gone()
        closed.set()

    async with raw_server(script) as server:
        task = asyncio.create_task(way.send(asking(server.url + "/")))
        await asyncio.wait_for(asked.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(closed.wait(), 5)


# ── What goes wrong under way ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", CHUNKED + b"4\r\nhalf\r\n", CHUNKED + b"8\r\nhalf"],
    ids=["length", "between-chunks", "in-a-chunk"],
)
@pytest.mark.parametrize("pause", [0.0, 0.03], ids=["at-once", "later"])
async def test_a_truncated_answer_is_broken_after_what_came(way, data, pause):
    async def script(connection):
        await connection.request()
        await connection.send(data)
        await asyncio.sleep(pause)

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/"))
        assert await answer.read() == b"half"
        error = await failure(answer.read())
    assert (error.kind, error.sent) == ("broken", True)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", CHUNKED + b"4\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_a_reset_under_way_is_broken_whatever_the_framing(way, head):
    read = asyncio.Event()

    async def script(connection):
        await connection.request()
        await connection.send(head + b"half")
        await asyncio.wait_for(read.wait(), 5)
        connection.reset()

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/"))
        assert await answer.read() == b"half"
        read.set()
        assert (await failure(whole(answer))).kind == "broken"


async def test_a_chunk_that_is_none_breaks_the_answer(way):
    read = asyncio.Event()

    async def script(connection):
        await connection.request()
        await connection.send(CHUNKED + b"4\r\nhalf\r\n")
        await asyncio.wait_for(read.wait(), 5)
        await connection.send(b"zz\r\n")
        await connection.gone()

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/"))
        assert await answer.read() == b"half"
        read.set()
        assert (await failure(answer.read())).kind == "broken"


async def test_silence_under_way_is_an_idle_timeout_and_closes_the_connection(way):
    closed = asyncio.Event()

    async def script(connection):
        await connection.request()
        await connection.send(CHUNKED + b"4\r\nhalf\r\n")
        await connection.gone()
        closed.set()

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/", idle_s=0.08))
        assert await answer.read() == b"half"
        assert (await failure(answer.read())).kind == "idle_timeout"
        await asyncio.wait_for(closed.wait(), 5)


async def test_silence_right_after_the_head_is_an_idle_timeout_too(way):
    async def script(connection):
        await connection.request()
        await connection.send(CHUNKED)
        await connection.gone()

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/", idle_s=0.08))
        assert (await failure(answer.read())).kind == "idle_timeout"


async def test_bytes_that_keep_coming_slowly_are_not_idle(way):
    async def script(connection):
        await connection.request()
        await connection.send(CHUNKED)
        for _ in range(6):
            await asyncio.sleep(0.05)
            await connection.send(b"1\r\nx\r\n")
        await connection.send(b"0\r\n\r\n")
        await connection.gone()

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/", first_byte_s=0.1, idle_s=0.15))
        assert await whole(answer) == b"xxxxxx"


async def test_closing_before_the_end_closes_the_connection(way):
    closed = asyncio.Event()

    async def script(connection):
        await connection.request()
        await connection.send(CHUNKED + b"4\r\nhalf\r\n")
        await connection.gone()
        closed.set()

    async with raw_server(script) as server:
        answer = await way.send(asking(server.url + "/"))
        assert await answer.read() == b"half"
        await answer.aclose()
        await answer.aclose()
        await asyncio.wait_for(closed.wait(), 5)


async def test_a_reader_that_is_slow_slows_the_upstream_down(way):
    sent = 0
    piece = b"%x\r\n" % 16384 + b"x" * 16384 + b"\r\n"

    async def script(connection):
        nonlocal sent
        connection.writer.transport.set_write_buffer_limits(high=0)
        await connection.request()
        await connection.send(CHUNKED)
        for _ in range(4096):
            await connection.send(piece)
            sent += len(piece)

    async with raw_server(script, send_buffer=65536) as server:
        answer = await way.send(asking(server.url + "/"))
        first = await answer.read()
        assert first.strip(b"x") == b""
        at_rest = -1
        while at_rest != sent:
            at_rest = sent
            await asyncio.sleep(0.1)
        # 64 MB are offered; what is under way is bounded by the sockets' buffers and ours.
        assert 0 < sent < 16 * 1024 * 1024
        await answer.read()
        await answer.aclose()


# ── Connections ─────────────────────────────────────────────────────────────────────────────────


async def test_a_connection_is_used_again(way):
    async with raw_server(answering(OK, times=3)) as server:
        for _ in range(3):
            answer = await way.send(asking(server.url + "/", body=b"x"))
            assert await whole(answer) == b"ok"
            await answer.aclose()
        assert server.connections == 1


async def test_a_connection_that_the_upstream_closed_meanwhile_is_not_used_again(way):
    async def script(connection):
        await connection.request()
        await connection.send(OK)

    async with raw_server(script) as server:
        for _ in range(3):
            assert await whole(await way.send(asking(server.url + "/", body=b"x"))) == b"ok"
            await asyncio.sleep(0.02)
        assert server.connections == 3


async def test_answers_under_way_do_not_share_a_connection(way):
    async with raw_server(answering(OK)) as server:
        answers = await asyncio.gather(*[way.send(asking(server.url + "/")) for _ in range(5)])
        assert await asyncio.gather(*[whole(answer) for answer in answers]) == [b"ok"] * 5


async def test_who_finds_no_free_connection_waits_no_longer_than_to_connect(make):
    async def script(connection):
        await connection.request()
        await connection.send(CHUNKED)
        await connection.gone()

    way = make(max_connections=1)
    async with raw_server(script) as server:
        held = await way.send(asking(server.url + "/"))
        error = await failure(way.send(asking(server.url + "/", connect_s=0.1)))
        await held.aclose()
    await way.aclose()
    assert (error.kind, error.sent) == ("connect_timeout", False)


# ── TLS ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A certificate for 127.0.0.1 and one for somebody else."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make certificates")
    folder = tmp_path_factory.mktemp("certificates")
    return {name: certificate(folder, name=name) for name in ("127.0.0.1", "other.example")}


def serving(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


async def test_a_trusted_certificate_is_accepted(make, certificates):
    pair = certificates["127.0.0.1"]
    way = make(tls=ssl.create_default_context(cafile=pair[0]))
    async with raw_server(answering(OK), tls=serving(pair)) as server:
        assert await whole(await way.send(asking(server.url + "/"))) == b"ok"
        await way.aclose()


async def test_an_unknown_certificate_is_refused_before_anything_is_sent(way, certificates):
    seen = []
    async with raw_server(answering(OK, seen), tls=serving(certificates["127.0.0.1"])) as server:
        error = await failure(way.send(asking(server.url + "/")))
    assert (error.kind, error.sent, seen) == ("tls", False, [])


async def test_a_certificate_for_somebody_else_is_refused(make, certificates):
    pair = certificates["other.example"]
    way = make(tls=ssl.create_default_context(cafile=pair[0]))
    async with raw_server(answering(OK), tls=serving(pair)) as server:
        error = await failure(way.send(asking(server.url + "/")))
        await way.aclose()
    assert (error.kind, error.sent) == ("tls", False)


async def test_speaking_tls_to_a_plain_server_is_a_fault_before_anything_is_sent(way):
    async def script(connection):
        await connection.reader.read(1)
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await connection.gone()

    async with raw_server(script) as server:
        error = await failure(way.send(asking(server.url.replace("http:", "https:") + "/")))
    assert (error.kind, error.sent) == ("tls", False)


# ── Any application, by any way ─────────────────────────────────────────────────────────────────


@pytest.fixture(params=["aiohttp", "httpx", "asgi"])
async def reaching(request):
    """`reaching(app)` gives (way, base URL): over a real server, or in-process from a request's scope."""
    async with contextlib.AsyncExitStack() as stack:

        def reach(app):
            if request.param == "asgi":
                inner = AsgiUpstream(app)
                stack.push_async_callback(inner.aclose)
                return inner.bound({**SCOPE, "path": "/p", "raw_path": b"/p"}), "http://app"
            url = stack.enter_context(live_server(app))
            upstream = WAYS[request.param]()
            stack.push_async_callback(upstream.aclose)
            return upstream, url

        yield reach


SCOPE = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "query_string": b"", "root_path": ""}


async def everything(receive):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def say(send, status=200, headers=(), *chunks):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def test_an_application_is_reached_the_same_by_any_way(reaching):
    async def app(scope, receive, send):
        body = await everything(receive)
        mine = [value for name, value in scope["headers"] if name == b"x-mine"]
        told = [scope["method"].encode(), scope["path"].encode(), *mine, body]
        await say(send, 207, [(b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2")], b"|".join(told), b"!")

    way, url = reaching(app)
    for body in (b"abc", pieces(b"a", b"bc")):
        answer = await way.send(asking(url + "/p", method="PUT", headers=[(b"x-mine", b"1"), (b"x-mine", b"2")], body=body))
        assert answer.status == 207
        assert [value for name, value in answer.headers if name == b"set-cookie"] == [b"a=1", b"b=2"]
        assert await whole(answer) == b"PUT|/p|1|2|abc!"
        assert await answer.read() == b""
        await answer.aclose()


async def test_an_application_hears_by_any_way_that_the_reader_left(reaching):
    heard = threading.Event()

    async def app(scope, receive, send):
        await everything(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        if (await receive())["type"] == "http.disconnect":
            heard.set()

    way, url = reaching(app)
    answer = await way.send(asking(url + "/p", body=b"x"))
    assert await answer.read() == b"a"
    await answer.aclose()
    assert await asyncio.to_thread(heard.wait, 5)


async def test_an_application_that_stops_short_is_broken_by_any_way(reaching):
    async def app(scope, receive, send):
        await everything(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    way, url = reaching(app)
    answer = await way.send(asking(url + "/p"))
    assert await answer.read() == b"half"
    error = await failure(answer.read())
    assert (error.kind, error.sent) == ("broken", True)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_an_answer_without_a_body_has_none_by_any_way(reaching, method, status):
    async def app(scope, receive, send):
        await say(send, status, [(b"x", b"1")])

    way, url = reaching(app)
    answer = await way.send(asking(url + "/p", method=method))
    assert (answer.status, await whole(answer)) == (status, b"")


async def test_silence_is_told_apart_before_and_after_the_head_by_any_way(reaching):
    async def app(scope, receive, send):
        await everything(receive)
        if scope["method"] == "PUT":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await receive()

    way, url = reaching(app)
    error = await failure(way.send(asking(url + "/p", first_byte_s=0.05)))
    assert (error.kind, error.sent) == ("first_byte_timeout", True)
    answer = await way.send(asking(url + "/p", method="PUT", idle_s=0.05))
    assert await answer.read() == b"a"
    assert (await failure(answer.read())).kind == "idle_timeout"
