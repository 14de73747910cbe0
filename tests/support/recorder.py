"""An upstream that keeps every request exactly as it stood on the wire, and answers by the case number that the request carries.

Field `x-case: N` chooses the answer out of `ANSWERS`, so that the same case asked twice, by two ways, is answered the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
from dataclasses import dataclass

FIELDS = (
    b"Date: Tue, 24 Nov 2026 10:00:00 GMT\r\nServer: model/1\r\nx-empty:\r\nx-request-id: req-7\r\nopenai-processing-ms: 12\r\n"
    b"set-cookie: a=1\r\nset-cookie: b=2\r\nx-odd: caf\xc3\xa9 \xe9\r\n"
)


@dataclass(frozen=True)
class Seen:
    """A request. `line` as sent, without the version; names of `fields` in lower case; a chunked body is put together."""

    line: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def field(self, name):
        return next((value for key, value in self.fields if key == name), None)


def _sized(status, body, *fields):
    head = b"".join(field + b"\r\n" for field in (b"HTTP/1.1 " + status, *fields))
    return head + FIELDS + b"content-length: %d\r\n\r\n" % len(body) + body


def _chunked(status, pieces, *fields):
    head = b"".join(field + b"\r\n" for field in (b"HTTP/1.1 " + status, *fields))
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + FIELDS + b"transfer-encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


def _error(status, kind):
    body = {"error": {"message": "no", "type": kind, "param": None, "code": None}}
    return _sized(status, json.dumps(body).encode(), b"content-type: application/json", b"retry-after: 7", b"x-should-retry: false")


JSON = b"content-type: application/json"
EVENTS = b"content-type: text/event-stream; charset=utf-8"
PAGE = b'{"object": "list", "data": [{"id": "a"}, {"id": "b"}], "first_id": "a", "last_id": "b", "has_more": false, "odd": 1.50}'
STREAM = (b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n', b": note\r\n\r\n", b"data: {}\n\ndata: [DONE]\n\n")
TYPED = (b'event: message_start\ndata: {"type":"message_start"}\n\nevent: ping\nda', b'ta: {"type":"ping"}\n\n', b"data: no end")
BINARY = bytes(range(256)) * 40

ANSWERS = (
    _sized(b"200 OK", b"{}", JSON),
    _chunked(b"200 OK", (PAGE[:10], PAGE[10:]), JSON),
    _sized(b"200 OK", BINARY, b"content-type: application/octet-stream", b'content-disposition: attachment; filename="x.bin"'),
    b"HTTP/1.1 204 No Content\r\n" + FIELDS + b"\r\n",
    _error(b"400 Bad Request", "invalid_request_error"),
    _sized(b"200 OK", gzip.compress(PAGE, mtime=0), JSON, b"content-encoding: gzip", b"vary: accept-encoding"),
    _error(b"404 Not Found", "invalid_request_error"),
    _chunked(b"200 OK", STREAM, EVENTS),
    _error(b"409 Conflict", "conflict"),
    _sized(b"201 Created", b'{"id": "thing_1", "model": "m", "usage": {}}', JSON),
    _error(b"422 Unprocessable Entity", "invalid_request_error"),
    _chunked(b"200 OK", (BINARY[:999], BINARY[999:]), b"content-type: audio/mpeg"),
    _error(b"429 Too Many Requests", "rate_limit_error"),
    b"HTTP/1.1 200 OK\r\nconnection: close\r\n" + JSON + b"\r\n" + FIELDS + b"\r\n" + PAGE,
    _error(b"500 Internal Server Error", "server_error"),
    _chunked(b"200 OK", TYPED, EVENTS),
    _sized(b"200 OK", b"", JSON),
    _sized(b"503 Service Unavailable", b"<html>down</html>", b"content-type: text/html"),
    _chunked(b"200 OK", (gzip.compress(b"".join(STREAM), mtime=0),), EVENTS, b"content-encoding: gzip"),
)


class Recorder:
    """Runs in a thread of its own; a context manager. `url` once it is entered."""

    def __init__(self):
        self.url = ""
        self._seen = []
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def take(self):
        """What has come since the last time."""
        seen, self._seen = self._seen, []
        return seen

    def _run(self):
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._done = asyncio.Event()
        tasks = set()

        async def connected(reader, writer):
            tasks.add(asyncio.current_task())
            try:
                while await self._one(reader, writer):
                    pass
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                tasks.discard(asyncio.current_task())
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=1 << 20)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._up.set()
        await self._done.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, reader, writer):
        """One request; whether the connection stays."""
        line, *rest = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        fields = tuple((name.lower(), value.strip(b" \t")) for name, _, value in (text.partition(b":") for text in rest))
        target, version = line.rsplit(b" ", 1)
        request = Seen(target, fields, b"")
        if (request.field(b"expect") or b"").lower() == b"100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = Seen(target, fields, await _body(reader, request))
        self._seen.append(request)
        answer = ANSWERS[int(request.field(b"x-case") or b"0") % len(ANSWERS)]
        if target.startswith(b"HEAD "):
            answer = answer[: answer.index(b"\r\n\r\n") + 4]
        stays = version == b"HTTP/1.1" and request.field(b"connection") != b"close" and b"connection: close" not in answer
        writer.write(answer)
        await writer.drain()
        return stays

    def __enter__(self):
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *exc):
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)


async def _body(reader, request):
    if request.field(b"transfer-encoding") is not None:
        body = b""
        while size := int((await reader.readline()).partition(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        with contextlib.suppress(asyncio.IncompleteReadError):
            while (await reader.readline()).strip():
                pass
        return body
    return await reader.readexactly(int(request.field(b"content-length") or b"0"))
