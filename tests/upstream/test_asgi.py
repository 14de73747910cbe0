"""The application behind the middleware, as an upstream: what it sees, and what it may do to us."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from gateway.errors import UpstreamError
from gateway.ports import UpstreamRequest
from gateway.upstream.asgi import AsgiUpstream

SCOPE = {
    "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "POST", "scheme": "https",
    "path": "/v1/chat", "raw_path": b"/v1/chat", "query_string": b"a=1", "root_path": "/api", "headers": [(b"host", b"ours")],
    "client": ("192.0.2.7", 4711), "server": ("gw", 443), "state": {"db": 1}, "gateway": {"decision": "d1"},
    "extensions": {"http.response.pathsend": {}, "http.response.zerocopysend": {}, "tls": {"cipher": 1}},
}  # fmt: skip


@pytest.fixture
async def behind():
    """Makes the way to an application; all are closed at the end."""
    made = []

    def way(app, **scope):
        made.append(AsgiUpstream(app))
        return made[-1].bound({**SCOPE, **scope})

    yield way
    for upstream in made:
        await upstream.aclose()


def asking(*, method="POST", headers=(), body=b"", first_byte_s=5.0, idle_s=5.0):
    return UpstreamRequest(method, "http://app/v1/chat", list(headers), body, 1, int(first_byte_s * 1e6), int(idle_s * 1e6))


async def whole(answer):
    chunks = []
    while chunk := await answer.read():
        chunks.append(chunk)
    return b"".join(chunks)


async def pieces(*chunks):
    for chunk in chunks:
        yield chunk


async def read_body(receive):
    body, messages = b"", []
    while True:
        message = await receive()
        messages.append(message["type"])
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body, messages


async def start(send, status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def chunk(send, body, more=True):
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def endless(send):
    while True:
        await chunk(send, b"b")


async def hello(scope, receive, send):
    await start(send, 201, [[b"X-One", b"1"], (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")])
    await chunk(send, b"hel")
    await chunk(send, b"")
    await chunk(send, b"lo", more=False)


async def test_an_answer_comes_with_its_fields_and_chunks(behind):
    answer = await behind(hello).send(asking())
    assert answer.status == 201
    assert answer.headers == [(b"x-one", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert [await answer.read() for _ in range(4)] == [b"hel", b"lo", b"", b""]


async def test_the_application_sees_the_client_s_request_and_no_extension_that_sends_around_us(behind):
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope)
        await hello(scope, receive, send)

    await whole(await behind(app).send(asking(method="PUT", headers=[(b"x", b"1")])))
    same = ("type", "path", "raw_path", "query_string", "root_path", "client", "server", "scheme", "state", "gateway")
    assert {name: seen[name] for name in same} == {name: SCOPE[name] for name in same}
    assert seen["method"] == "PUT"
    assert seen["headers"] == [(b"x", b"1")]
    assert seen["extensions"] == {"tls": {"cipher": 1}}
    assert SCOPE["headers"] == [(b"host", b"ours")]


@pytest.mark.parametrize(
    ("headers", "body", "framing"),
    [
        ([(b"content-length", b"9")], b"clip", [(b"content-length", b"4")]),
        ([(b"transfer-encoding", b"chunked")], b"whole", [(b"content-length", b"5")]),
        ([], b"", []),
        ([(b"content-length", b"0")], b"", [(b"content-length", b"0")]),
        ([(b"content-length", b"6"), (b"content-length", b"6")], None, [(b"content-length", b"6")]),
        ([(b"transfer-encoding", b"chunked")], None, [(b"transfer-encoding", b"chunked")]),
    ],
)
async def test_the_body_has_one_true_frame(behind, headers, body, framing):
    seen = {}

    async def app(scope, receive, send):
        seen["headers"] = scope["headers"]
        seen["body"], _ = await read_body(receive)
        await hello(scope, receive, send)

    await whole(await behind(app).send(asking(headers=headers, body=pieces(b"abc", b"def") if body is None else body)))
    assert sorted(seen["headers"]) == framing
    assert seen["body"] == (b"abcdef" if body is None else body)


async def test_after_the_body_receive_waits_and_after_the_answer_it_tells_of_the_end(behind):
    heard = []

    async def app(scope, receive, send):
        await read_body(receive)
        listening = asyncio.create_task(receive())
        await start(send)
        await chunk(send, b"x")
        await asyncio.sleep(0.01)
        heard.append(listening.done())
        await chunk(send, b"", more=False)
        heard.append((await listening)["type"])

    answer = await behind(app).send(asking(body=b"hi"))
    assert await whole(answer) == b"x"
    await asyncio.sleep(0.01)
    assert heard == [False, "http.disconnect"]


async def test_a_receive_that_is_cancelled_loses_nothing_of_the_body(behind):
    got = {}
    go = asyncio.Event()

    async def slowly():
        yield b"one"
        await go.wait()
        yield b"two"

    async def app(scope, receive, send):
        first = await receive()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.02)
        go.set()
        rest, _ = await read_body(receive)
        got["body"] = first["body"] + rest
        await hello(scope, receive, send)

    await whole(await behind(app).send(asking(body=slowly())))
    assert got["body"] == b"onetwo"


async def test_an_error_before_the_answer_is_raised_as_itself(behind):
    async def app(scope, receive, send):
        raise LookupError("the framework shows this")

    with pytest.raises(LookupError, match="the framework"):
        await behind(app).send(asking())


async def test_an_application_without_an_answer_is_a_protocol_fault(behind):
    async def app(scope, receive, send):
        return None

    with pytest.raises(UpstreamError) as caught:
        await behind(app).send(asking())
    assert caught.value.kind == "protocol"


@pytest.mark.parametrize("error", [None, ValueError("secret prompt")])
async def test_an_answer_that_stops_short_is_broken_after_what_came_and_logged_without_its_text(behind, error, caplog):
    async def app(scope, receive, send):
        await start(send)
        await chunk(send, b"half")
        if error:
            raise error

    with caplog.at_level(logging.ERROR, logger="gateway"):
        answer = await behind(app).send(asking())
        assert await answer.read() == b"half"
        with pytest.raises(UpstreamError) as caught:
            await answer.read()
    assert caught.value.kind == "broken"
    assert caught.value.__cause__ is error
    assert "secret prompt" not in caplog.text
    assert ("ValueError in app" in caplog.text) == bool(error)


async def test_a_reader_that_is_slow_slows_the_application_down(behind):
    sent = 0

    async def app(scope, receive, send):
        nonlocal sent
        await start(send)
        while True:
            await chunk(send, b"x" * 1000)
            sent += 1

    answer = await behind(app).send(asking())
    await asyncio.sleep(0.02)
    assert sent == 1
    await answer.read()
    await asyncio.sleep(0.02)
    assert sent == 2
    await answer.aclose()


@pytest.mark.parametrize("at", ["receive", "send"])
async def test_an_application_hears_that_the_client_left_wherever_it_waits(behind, at):
    heard = asyncio.Event()

    async def app(scope, receive, send):
        await read_body(receive)
        await start(send)
        await chunk(send, b"a")
        if at == "receive":
            assert (await receive())["type"] == "http.disconnect"
        else:
            with pytest.raises(OSError, match="left"):
                await endless(send)
        heard.set()

    answer = await behind(app).send(asking(body=b"hi"))
    assert await answer.read() == b"a"
    await answer.aclose()
    await asyncio.wait_for(heard.wait(), 5)
    assert await answer.read() == b""


async def test_cancelling_a_send_tells_the_application_that_the_client_left(behind):
    asked, heard = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        asked.set()
        await read_body(receive)
        assert (await receive())["type"] == "http.disconnect"
        heard.set()

    task = asyncio.create_task(behind(app).send(asking()))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(heard.wait(), 5)


async def test_work_after_the_answer_neither_delays_nor_is_cut_short(behind):
    go, done = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        await hello(scope, receive, send)
        await go.wait()
        done.set()

    answer = await behind(app).send(asking())
    assert await asyncio.wait_for(whole(answer), 5) == b"hello"
    await answer.aclose()
    await asyncio.sleep(0.01)
    go.set()
    await asyncio.wait_for(done.wait(), 5)


async def test_closing_waits_for_work_in_the_background_and_cancels_what_takes_too_long(monkeypatch):
    monkeypatch.setattr("gateway.upstream.asgi._GRACE_S", 0.05)
    ends = []

    async def app(scope, receive, send):
        await hello(scope, receive, send)
        try:
            await asyncio.sleep(0.01 if scope["method"] == "POST" else 60)
            ends.append("done")
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    upstream = AsgiUpstream(app)
    for method in ("POST", "PUT"):
        await whole(await upstream.bound(SCOPE).send(asking(method=method)))
    await upstream.aclose()
    assert ends == ["done", "cancelled"]


async def test_a_body_that_fails_looks_like_a_client_that_left_and_is_raised_as_itself(behind):
    heard = []

    async def failing():
        yield b"abc"
        raise LookupError("too large")

    async def app(scope, receive, send):
        _, messages = await read_body(receive)
        heard.extend(messages)
        raise RuntimeError("client disconnected")

    with pytest.raises(LookupError):
        await behind(app).send(asking(body=failing()))
    await asyncio.sleep(0.01)
    assert heard == ["http.request", "http.disconnect"]


async def test_a_body_nobody_reads_is_let_go(behind):
    closed = asyncio.Event()

    async def waiting():
        try:
            yield b"abc"
            await asyncio.Event().wait()
        finally:
            closed.set()

    async def app(scope, receive, send):
        await receive()
        listening = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await hello(scope, receive, send)
        assert (await listening)["type"] == "http.disconnect"

    assert await whole(await behind(app).send(asking(body=waiting()))) == b"hello"
    await asyncio.wait_for(closed.wait(), 5)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_answers_without_a_body_have_none(behind, method, status):
    async def app(scope, receive, send):
        await start(send, status)
        await chunk(send, b"not to be seen", more=False)

    assert await whole(await behind(app).send(asking(method=method))) == b""


async def test_no_head_in_time_is_a_first_byte_timeout(behind):
    async def app(scope, receive, send):
        await read_body(receive)
        await receive()

    with pytest.raises(UpstreamError) as caught:
        await behind(app).send(asking(first_byte_s=0.03))
    assert caught.value.kind == "first_byte_timeout"


async def test_silence_under_way_is_an_idle_timeout(behind):
    async def app(scope, receive, send):
        await start(send)
        await chunk(send, b"a")
        await read_body(receive)
        await receive()

    answer = await behind(app).send(asking(idle_s=0.03))
    assert await answer.read() == b"a"
    with pytest.raises(UpstreamError) as caught:
        await answer.read()
    assert caught.value.kind == "idle_timeout"


async def two_starts(send):
    await start(send)
    await start(send)


async def body_first(send):
    await chunk(send, b"a")


async def file_by_path(send):
    await send({"type": "http.response.pathsend", "path": "/etc/hosts"})


async def more_after_the_end(send):
    await start(send)
    await chunk(send, b"", more=False)
    await chunk(send, b"a")


@pytest.mark.parametrize("wrong", [two_starts, body_first, file_by_path, more_after_the_end])
async def test_messages_out_of_order_are_the_application_s_error(behind, wrong):
    raised = []

    async def app(scope, receive, send):
        try:
            await wrong(send)
        except RuntimeError as error:
            raised.append(error)

    with contextlib.suppress(UpstreamError):
        await (await behind(app).send(asking())).aclose()
    await asyncio.sleep(0.01)
    assert len(raised) == 1
