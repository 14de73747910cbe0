"""A model endpoint that costs next to nothing: httptools on bare asyncio. `python -m tests.bench.upstream PORT`.

A POST gets one JSON answer of 1 KB; with `"stream":true` in its body it gets 100 events, 10 ms apart.
"""

from __future__ import annotations

import asyncio
import json
import sys

import httptools
import uvloop

CONTENT = "The river follows the valley until every bridge meets the quiet shore. " * 10
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": CONTENT}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 150, "total_tokens": 450},
    }
).encode()
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"}}]}\n\n'
)
DONE = b"data: [DONE]\n\n"
EVENTS, PACE_S = 100, 0.01


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


class Endpoint(asyncio.Protocol):
    """One connection; requests in turn."""

    def connection_made(self, transport):
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data):
        self.parser.feed_data(data)

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        body, self.body = self.body, b""
        if b'"stream":true' in body or b'"stream": true' in body:
            self.transport.write(HEAD)
            self._event(EVENTS)
        else:
            self.transport.write(WHOLE)

    def _event(self, left):
        if self.transport.is_closing():
            return
        if left:
            self.transport.write(chunk(EVENT))
            asyncio.get_running_loop().call_later(PACE_S, self._event, left - 1)
        else:
            self.transport.write(chunk(DONE) + b"0\r\n\r\n")


async def main(port):
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
