"""One request to an ASGI application in the test's own loop, without a server: what it said, and a client that can leave."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field


@dataclass
class Said:
    """An answer: `status` 0 where none came. `decision` is what `x-gateway-decision` says."""

    status: int = 0
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False

    def all(self, name):
        return [value.decode("latin-1") for key, value in self.fields if key == name.encode()]

    @property
    def decision(self):
        return (self.all("x-gateway-decision") or [None])[0]

    def json(self):
        return json.loads(self.body)


def scope_of(method="POST", path="/v1/chat/completions", headers=(), *, client=("127.0.0.1", 50000), **other):
    fields = [(name.lower().encode(), value if isinstance(value, bytes) else value.encode()) for name, value in dict(headers).items()]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": fields, "client": client,
        "server": ("127.0.0.1", 80),
        **other,
    }  # fmt: skip


async def call(app, *, body=b'{"model":"m","messages":[]}', leave_after=None, **scope):
    """Call `app` once. `body` bytes or a list of pieces; `leave_after` so many pieces of the answer the client goes."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    said, left = Said(), asyncio.Event()
    seen = 0

    async def receive():
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        nonlocal seen
        if message["type"] == "http.response.start":
            said.status, said.fields = message["status"], list(message["headers"])
        else:
            said.body += message.get("body", b"")
            said.complete = not message.get("more_body", False)
            seen += 1
            if leave_after is not None and seen >= leave_after:
                left.set()

    await app(scope_of(**scope), receive, send)
    return said
