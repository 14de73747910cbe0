"""One request's two connections: bodies within bounds, ends that tell the truth, clients and upstreams that go away."""

from __future__ import annotations

import asyncio
import gzip
import json
from urllib.parse import urlsplit

import brotli
import pytest
import zstandard

from tests.asgi.conftest import answer_of, closed, head_of
from tests.support.raw_server import raw_server

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
PACK = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}


def chat(**more):
    return json.dumps({**CHAT, **more}).encode()


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


# ── The client's body ─────────────────────────────────────────────────────────────────────────────


async def test_a_body_over_the_bound_is_refused_in_the_dialect_s_own_words(front):
    big = b" " * (64 * 1024 + 1)
    status, fields, body = await front.ask(body=big)
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")
    assert front.record(fields["x-gateway-decision"])["end"] == "refused"
    status, _, body = await front.ask(path="/v1/messages", body=big)
    assert (status, json.loads(body)["error"]["type"]) == (413, "request_too_large")


async def test_a_body_of_exactly_the_bound_passes(front, zoo):
    body = chat()
    body += b" " * (64 * 1024 - len(body))
    assert (await front.ask(body=body))[0] == 200
    assert zoo.requests[-1][4] == body


async def test_an_upload_that_passes_unread_has_a_bound_of_its_own(front):
    assert (await front.ask(path="/v1/files", body=b"x" * 200_000))[0] == 200
    status, fields, body = await front.ask(path="/v1/files", body=chunk(b"x" * 1_100_000), transfer_encoding="chunked")
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")
    assert front.record(fields["x-gateway-decision"])["status"] == 413


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever(front, monkeypatch):
    monkeypatch.setattr("gateway.asgi.httpdoor._BODY_PATIENCE_S", 0.1)
    status, fields, _ = await front.ask(body=b'{"model":', content_length="500")
    assert status == 408
    assert front.record(fields["x-gateway-decision"])["status"] == 408


async def test_a_body_that_drips_for_ever_is_given_up_however_steadily_it_does(front, monkeypatch):
    monkeypatch.setattr("gateway.asgi.httpdoor._BODY_DEADLINE_S", 0.3)
    parts = urlsplit(front.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {front.key}\r\ncontent-length: 500\r\n\r\n"
    writer.write(head.encode())
    for _ in range(40):
        writer.write(b" ")
        await asyncio.sleep(0.02)
    assert (await asyncio.wait_for(reader.readline(), 5)).split()[1] == b"408"
    await closed(writer)


async def test_an_upload_that_stops_half_way_does_not_hold_its_place_for_ever(front, monkeypatch):
    monkeypatch.setattr("gateway.asgi.httpdoor._BODY_PATIENCE_S", 0.1)
    status, fields, body = await front.ask(path="/v1/files", body=b"half", content_length="500")
    assert (status, json.loads(body)["error"]["code"]) == (408, "request_timeout")
    record = front.record(fields["x-gateway-decision"])
    assert (record["status"], record["settle"]) == (408, "settled")


@pytest.mark.parametrize("encoding", PACK)
async def test_a_compressed_body_is_read_and_goes_upstream_as_it_came(front, zoo, encoding):
    packed = PACK[encoding](chat())
    assert (await front.ask(path="/v1/embeddings", body=PACK[encoding](b'{"model":"m","input":"x"}'), content_encoding=encoding))[
        0
    ] == 404
    assert (await front.ask(path="/v1/echo", body=packed, content_encoding=encoding))[0] == 200
    assert zoo.requests[-1][4] == packed


@pytest.mark.parametrize("encoding", PACK)
async def test_a_bomb_is_refused(front, encoding):
    status, _, body = await front.ask(body=PACK[encoding](b" " * 50_000_000), content_encoding=encoding)
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("encoding", "body", "expected"), [("lzma", b"xyz", 415), ("gzip", b"no gzip", 400), ("gzip,br,gzip", b"x", 415)]
)
async def test_an_encoding_that_cannot_be_read_is_said(front, encoding, body, expected):
    assert (await front.ask(body=body, content_encoding=encoding))[0] == expected


# ── Clients that leave ────────────────────────────────────────────────────────────────────────────


async def last_record(front, count):
    for _ in range(500):
        records = front.records()
        if len(records) > count:
            return records[-1]
        await asyncio.sleep(0.01)
    raise AssertionError("no record came")


async def test_a_client_that_leaves_while_it_sends_has_a_record_and_reached_nobody(front, zoo):
    records, asked = len(front.records()), len(zoo.requests)
    _, writer = await front.ask(body=b'{"model":', content_length="500", end=False)
    await asyncio.sleep(0.05)
    await closed(writer)
    record = await last_record(front, records)
    assert (record["end"], record["status"]) == ("client_gone", 0)
    assert len(zoo.requests) == asked


async def test_a_client_that_leaves_before_the_answer_stops_the_upstream(before):
    left = asyncio.Event()

    async def silent(connection):
        await connection.request()
        await connection.gone()
        left.set()

    async with raw_server(silent) as upstream:
        with before(upstream.url) as front:
            _, writer = await front.ask(body=chat(), end=False)
            while not upstream.connections:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            await closed(writer)
            await asyncio.wait_for(left.wait(), 5)
            assert (await last_record(front, 0))["end"] == "client_gone"


async def test_a_client_that_leaves_mid_stream_stops_the_upstream(front, zoo):
    left, records = zoo.left, len(front.records())
    reader, writer = await front.ask(body=chat(stream=True, endless=True), end=False)
    await reader.readuntil(b"word")
    await closed(writer)
    record = await last_record(front, records)
    assert (record["end"], record["settle"]) == ("client_gone", "settled")
    assert record["usage"]["output"] > 0
    while zoo.left == left:
        await asyncio.sleep(0.01)


BUDGET = "{ id: tpm, count: tokens, rate: 400/hour, per: key, when_spent: finish }"


async def test_a_stream_at_its_budget_is_ended_well_and_the_upstream_is_left(before):
    """Whatever comes in one piece: nothing is handed on after the event that exceeds what is held."""
    left, asked = asyncio.Event(), []

    async def endless(connection):
        asked.append(await connection.request())
        await connection.send(STREAM_HEAD + chunk(EVENT * 3000))
        await connection.gone()
        left.set()

    async with raw_server(endless) as upstream:
        with before(upstream.url, limits=BUDGET) as front:
            status, fields, body = await front.ask(body=chat(stream=True), accept_encoding="gzip")
            await asyncio.wait_for(left.wait(), 5)
            record = front.record(fields["x-gateway-decision"])
    assert status == 200
    assert body.endswith(b'"finish_reason":"length"}]}\n\ndata: [DONE]\n\n')
    tokens = 2 * body.count(b"word")
    assert 350 < tokens <= 402
    assert (record["usage"]["output"], record["bytes_out"], record["fault"]) == (tokens, len(body), "limit.tpm")
    assert asked[0].all(b"accept-encoding") == [b"identity"]


async def test_the_upstream_is_left_at_the_cut_and_not_only_once_all_is_written_down(before, monkeypatch):
    left = asyncio.Event()

    async def only_the_client(door):
        if door._watcher is not None:
            door._watcher.cancel()

    async def endless(connection):
        await connection.request()
        await connection.send(STREAM_HEAD + chunk(EVENT * 3000))
        await connection.gone()
        left.set()

    async with raw_server(endless) as upstream:
        with before(upstream.url, limits=BUDGET) as front:
            monkeypatch.setattr("gateway.asgi.httpdoor.HttpDoor.release", only_the_client)
            assert (await front.ask(body=chat(stream=True)))[0] == 200
            await asyncio.wait_for(left.wait(), 5)


async def test_a_stream_that_comes_compressed_all_the_same_is_not_cut(before):
    async def packed(connection):
        await connection.request()
        head = STREAM_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
        await connection.send(head + chunk(gzip.compress(EVENT * 500 + b"data: [DONE]\n\n")) + b"0\r\n\r\n")

    async with raw_server(packed) as upstream:
        with before(upstream.url, limits=BUDGET) as front:
            _, fields, body = await front.ask(body=chat(stream=True))
            record = front.record(fields["x-gateway-decision"])
    assert gzip.decompress(body).count(b"word") == 500
    assert (record["usage"]["output"], record["fault"]) == (1000, "")


async def test_a_client_that_reads_slowly_holds_the_upstream_back(before):
    sent, piece, gone = 0, chunk(b"data: " + b"x" * 65_000 + b"\n\n"), asyncio.Event()

    async def flood(connection):
        nonlocal sent
        await connection.request()
        await connection.send(STREAM_HEAD)
        try:
            for _ in range(3000):
                await connection.send(piece)
                sent += len(piece)
        finally:
            gone.set()

    async with raw_server(flood, send_buffer=65_536) as upstream:
        with before(upstream.url) as front:
            reader, writer = await front.ask(body=chat(stream=True), end=False)
            await head_of(reader)
            writer.transport.pause_reading()
            seen = -1
            while seen != sent:
                seen = sent
                await asyncio.sleep(0.2)
            assert 0 < sent < 40_000_000, "of 195 MB: what sockets hold and not more"
            await closed(writer)
            await asyncio.wait_for(gone.wait(), 5)
            assert (await last_record(front, 0))["end"] == "client_gone"


# ── Answers ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("HEAD", "/v1/files/file-1/content", 200), ("DELETE", "/v1/nothing", 204), ("GET", "/v1/unchanged", 304)],
)
async def test_answers_without_a_body_end_and_are_recorded(front, method, path, status):
    assert (await front.ask(path="/v1/files", body=b"x"))[0] == 200  # whoever made a file may read it
    told, fields, body = await front.ask(method, path, None)
    assert (told, body) == (status, b"")
    assert front.record(fields["x-gateway-decision"])["end"] == "complete"


async def test_a_refusal_to_head_has_a_length_and_no_body(front):
    status, fields, body = await front.ask("HEAD", "/v1/models", None, authorization="Bearer azg_wrong")
    assert (status, body) == (401, b"")
    assert int(fields["content-length"]) > 0


async def test_an_answer_that_only_its_connection_s_end_ends_passes_whole(before):
    async def plain(connection):
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b'{"a":1}')

    async with raw_server(plain) as upstream:
        with before(upstream.url) as front:
            status, fields, body = await front.ask(body=chat())
            assert (status, body) == (200, b'{"a":1}')
            assert front.record(fields["x-gateway-decision"])["end"] == "complete"


async def test_an_upstream_that_breaks_before_its_first_byte_is_a_clean_502(before):
    async def breaks(connection):
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n")

    async with raw_server(breaks) as upstream:
        with before(upstream.url) as front:
            status, fields, body = await front.ask(body=chat())
            assert status == 502
            assert json.loads(body)["error"]["type"] == "server_error"
            assert front.record(fields["x-gateway-decision"])["end"] == "upstream_failed"


@pytest.mark.parametrize("frame", ["content-length: 100\r\n\r\nabcdefg", "transfer-encoding: chunked\r\n\r\n7\r\nabcdefg\r\n"])
async def test_an_answer_that_breaks_off_is_cut_and_never_looks_whole(before, frame):
    async def breaks(connection):
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n" + frame.encode())
        await asyncio.sleep(0.05)

    async with raw_server(breaks) as upstream:
        with before(upstream.url) as front:
            reader, writer = await front.ask(path="/v1/audio/speech", body=chat(), end=False)
            with pytest.raises(asyncio.IncompleteReadError):
                await answer_of(reader)
            await closed(writer)
            assert (await last_record(front, 0))["end"] == "upstream_truncated"


ERRORS = {
    "/v1/chat/completions": (EVENT, lambda last: json.loads(last[-1][6:])["error"]["type"] == "server_error"),
    "/v1/completions": (b'data: {"choices":[{"text":"a"}]}\n\n', lambda last: "error" in json.loads(last[-1][6:])),
    "/v1/responses": (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"a","sequence_number":1}\n\n',
        lambda last: last[0] == b"event: error" and json.loads(last[1][6:])["type"] == "error",
    ),
    "/v1/messages": (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}\n\n',
        lambda last: last[0] == b"event: error" and json.loads(last[1][6:])["error"]["type"] == "api_error",
    ),
}


@pytest.mark.parametrize("path", ERRORS)
async def test_a_stream_that_breaks_off_ends_in_the_dialect_s_own_error_event(before, path):
    first, right = ERRORS[path]

    async def breaks(connection):
        await connection.request()
        await connection.send(STREAM_HEAD + chunk(first))
        await asyncio.sleep(0.05)
        connection.reset()

    async with raw_server(breaks) as upstream:
        with before(upstream.url) as front:
            status, fields, body = await front.ask(path=path, body=chat(stream=True, input="x", prompt="x", max_tokens=5))
            assert status == 200
            assert body.startswith(first)
            assert right(body.rstrip(b"\n").rsplit(b"\n\n", 1)[1].split(b"\n"))
            assert front.record(fields["x-gateway-decision"])["end"] == "upstream_truncated"


# ── Fields ────────────────────────────────────────────────────────────────────────────────────────


async def test_each_answer_has_a_decision_of_its_own_and_a_record_by_that_id(front):
    decisions = [(await front.ask(body=chat()))[1]["x-gateway-decision"] for _ in range(5)]
    assert len(set(decisions)) == 5
    assert all(front.record(decision)["status"] == 200 for decision in decisions)


async def test_the_upstream_s_request_id_is_kept_and_the_client_s_goes_up_and_comes_back_on_refusals(front, zoo):
    _, fields, _ = await front.ask(body=chat(fail=400))
    assert fields["x-request-id"] == "req-1"
    await front.ask(body=chat(), x_request_id="mine")
    assert (b"x-request-id", b"mine") in zoo.requests[-1][3]
    _, fields, _ = await front.ask(body=chat(), x_request_id="mine", authorization="Bearer azg_wrong")
    assert fields["x-request-id"] == "mine"


async def test_the_upstream_s_own_limits_are_told_to_the_key_s_owner_only(front, client_front):
    _, fields, _ = await front.ask(body=chat(fail=429))
    assert fields["x-ratelimit-limit-requests"] == "100000", "ours"
    assert fields["retry-after"] == "7"
    _, fields, _ = await client_front.ask(body=chat(fail=429), authorization="Bearer sk-client-own")
    assert fields["x-ratelimit-limit-requests"] == "5", "the upstream's"


async def test_a_preflight_passes_without_a_credential(front, zoo):
    asking = {"origin": "http://page", "access_control_request_method": "POST", "authorization": None}
    status, fields, _ = await front.ask("OPTIONS", "/v1/echo", None, **asking)
    assert status == 200
    assert zoo.requests[-1][0] == "OPTIONS"
    assert front.record(fields["x-gateway-decision"])["decision"]["reason"] == "preflight"
    assert (await front.ask("OPTIONS", "/v1/echo", None, authorization=None))[0] == 401


async def test_a_websocket_upgrade_is_refused_clearly_and_recorded(front):
    upgrade = {"upgrade": "websocket", "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==", "sec_websocket_version": "13"}
    status, fields, body = await front.ask("GET", "/v1/realtime", None, **upgrade)
    assert (status, json.loads(body)["error"]["code"]) == (400, "websocket_unsupported")
    assert front.record(fields["x-gateway-decision"])["decision"]["reason"] == "websocket"
