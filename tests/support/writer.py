"""A model endpoint on this machine that says what a test tells it to say: for whatever has text written elsewhere."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.support.live_server import live_server

__all__ = ["Writer", "writer"]


class Writer:
    """An endpoint that answers with `says`, after `waits` seconds."""

    def __init__(self):
        self.says, self.status, self.waits, self.asked = "Adding makes 42.", 200, 0.0, []

    async def __call__(self, scope, receive, send):
        body = b""
        while (message := await receive()).get("more_body") or message.get("body"):
            body += message["body"]
            if not message.get("more_body"):
                break
        self.asked.append((scope["path"], dict(scope["headers"]), json.loads(body)))
        await asyncio.sleep(self.waits)
        told = json.dumps({"choices": [{"message": {"content": self.says}}]}).encode()
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": told})


@pytest.fixture
def writer():
    app = Writer()
    with live_server(app) as url:
        app.url = url
        yield app
