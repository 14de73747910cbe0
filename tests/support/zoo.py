"""An upstream with one of every kind of answer: errors, redirects, binaries, uploads, streams, compression, odd headers."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
import zlib

CHAT = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "x_unknown": {"kept": [1, 2.50, "\\u00e9"]},
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}  # fmt: skip
STREAM = (
    b": comment\n\n"
    b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant"}}],"odd":1.50}\n\n'
    b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hel"}}]}\r\n\r\n'
    b'event: message\ndata: {"id":"c","choices":[{"index":0,"delta":{"content":"lo"},\ndata: "finish_reason":null}]}\n\n'
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


def _stream_events():
    return [STREAM[i : i + 37] for i in range(0, len(STREAM), 37)]


async def _body(receive):
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


class Zoo:
    """The application. `requests` are (method, path, query, headers, body) as they came; `left` counts clients gone mid-stream."""

    def __init__(self):
        self.requests = []
        self.left = 0
        self.sent = 0

    async def __call__(self, scope, receive, send):
        body = await _body(receive)
        if body is None:
            return
        self.requests.append((scope["method"], scope["raw_path"], scope["query_string"], scope["headers"], body))
        path = scope["path"].removeprefix("/v1")
        handler = getattr(self, "at_" + path.strip("/").replace("/", "_").replace("-", "_").replace(".", "_"), None)
        if handler is None:
            await self._answer(
                send, 404, {"error": {"message": f"no {path}", "type": "invalid_request_error", "param": None, "code": "unknown_url"}}
            )
        else:
            await handler(scope, body, receive, send)

    async def _answer(self, send, status, content, headers=(), *, chunks=None):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        given = {name for name, _ in headers}
        fields = list(headers)
        if b"content-type" not in given:
            fields.append((b"content-type", b"application/json"))
        if chunks is None:
            fields.append((b"content-length", str(len(data)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        for chunk in chunks or ():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if chunks is not None else data})

    async def at_chat_completions(self, scope, body, receive, send):
        asked = json.loads(body)
        if asked.get("fail"):
            error = {"error": {"message": "bad", "type": "invalid_request_error", "param": "fail", "code": None}}
            await self._answer(
                send, asked["fail"], error, [(b"x-request-id", b"req-1"), (b"retry-after", b"7"), (b"x-ratelimit-limit-requests", b"5")]
            )
        elif asked.get("endless"):
            await self._endless(receive, send)
        elif asked.get("stall"):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(receive(), asked["stall"])
        elif asked.get("slow"):
            await self._slow(send, asked["slow"])
        elif asked.get("truncate"):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
            await send({"type": "http.response.body", "body": STREAM[:260], "more_body": True})
            await asyncio.sleep(0.05)
            raise RuntimeError("the upstream broke off, on purpose")
        elif asked.get("stream"):
            fields = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-cache"),
                (b"x-request-id", b"req-2"),
            ]
            packed = self._packed(asked.get("encoding"), STREAM)
            if packed is not None:
                fields.append((b"content-encoding", asked["encoding"].encode()))
                chunks = [packed[i : i + 11] for i in range(0, len(packed), 11)]
            else:
                chunks = _stream_events()
            await self._answer(send, 200, b"", fields, chunks=chunks)
        else:
            data = json.dumps(CHAT, indent=1).encode()
            packed = self._packed(asked.get("encoding"), data)
            fields = [(b"content-encoding", asked["encoding"].encode())] if packed is not None else []
            await self._answer(
                send, 200, packed or data, [*fields, (b"openai-processing-ms", b"12"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
            )

    @staticmethod
    def _packed(encoding, data):
        return {"gzip": gzip.compress(data, mtime=0), "deflate": zlib.compress(data)}.get(encoding)

    async def _endless(self, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        gone = asyncio.ensure_future(receive())
        event = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
        for _ in range(3000):
            if gone.done():
                self.left += 1
                return
            await send({"type": "http.response.body", "body": event, "more_body": True})
            self.sent += 1
            await asyncio.sleep(0.01)

    async def _slow(self, send, pieces):
        """A stream of that many pieces, a twentieth of a second apart, and its end."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for _ in range(pieces):
            event = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
            await send({"type": "http.response.body", "body": event, "more_body": True})
            await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    async def at_messages(self, scope, body, receive, send):
        await self._answer(
            send, 529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_x"}
        )

    async def at_files(self, scope, body, receive, send):
        content_type = dict(scope["headers"]).get(b"content-type", b"").decode()
        seen = {"id": "file-1", "object": "file", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "type": content_type}
        await self._answer(send, 200, seen)

    async def at_files_file_1_content(self, scope, body, receive, send):
        data = bytes(range(256)) * 4096
        await self._answer(
            send, 200, data, [(b"content-type", b"application/octet-stream"), (b"content-disposition", b'attachment; filename="x.bin"')]
        )

    async def at_audio_speech(self, scope, body, receive, send):
        await self._answer(send, 200, b"", [(b"content-type", b"audio/mpeg")], chunks=[bytes([n]) * 1000 for n in range(50)])

    async def at_echo(self, scope, body, receive, send):
        fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
        seen = {
            "method": scope["method"],
            "raw_path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": fields,
        }
        await self._answer(send, 200, {**seen, "sha256": hashlib.sha256(body).hexdigest()})

    async def at_nothing(self, scope, body, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": [(b"x-odd", b"\xe9")]})
        await send({"type": "http.response.body", "body": b""})

    async def at_unchanged(self, scope, body, receive, send):
        await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", b'"x"')]})
        await send({"type": "http.response.body", "body": b""})

    async def at_elsewhere(self, scope, body, receive, send):
        await self._answer(send, 307, b"", [(b"location", b"/v1/echo"), (b"content-type", b"text/plain")])

    async def at_models(self, scope, body, receive, send):
        await self._answer(send, 200, {"object": "list", "data": [{"id": "m", "object": "model"}, {"id": "n", "object": "model"}]})
