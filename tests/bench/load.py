"""Load over keep-alive connections on bare asyncio, bounded in time.

`python -m tests.bench.load PORT CONNECTIONS SECONDS [stream] [KEY]`.

Prints one JSON object: requests, seconds, statuses other than 200, and the latencies' p50 and p99 in microseconds; for streams the
chunks, and how far apart they came beyond the upstream's own pace.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httptools
import uvloop

PROMPT = "Explain how a river shapes the valley it runs through, with an example for every step. " * 16


def request(port, key, stream):
    asked = {"model": "m", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 200}
    body = json.dumps({**asked, "stream": True} if stream else asked)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n"
    return f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


class Client(asyncio.Protocol):
    """One connection that sends the next request when an answer is whole, until `end`."""

    def __init__(self, payload, end, results):
        self.payload, self.end, self.results = payload, end, results
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self._send()

    def _send(self):
        self.parser = httptools.HttpResponseParser(self)
        self.since = self.last = time.perf_counter()
        self.transport.write(self.payload)

    def data_received(self, data):
        self.parser.feed_data(data)

    def on_body(self, body):
        now = time.perf_counter()
        self.results["gaps"].append(now - self.last)
        self.last = now

    def on_message_complete(self):
        status = self.parser.get_status_code()
        self.results["statuses"][status] = self.results["statuses"].get(status, 0) + 1
        self.results["latencies"].append(time.perf_counter() - self.since)
        if time.perf_counter() < self.end:
            self._send()
        else:
            self.transport.close()

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_result(None)


def at(values, share):
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1e6) if values else 0


async def main(port, connections, seconds, stream, key):
    loop = asyncio.get_running_loop()
    results = {"gaps": [], "statuses": {}, "latencies": []}
    payload, began = request(port, key, stream), time.perf_counter()
    end = began + seconds
    clients = [(await loop.create_connection(lambda: Client(payload, end, results), "127.0.0.1", port))[1] for _ in range(connections)]
    await asyncio.wait([client.done for client in clients], timeout=seconds + 15)
    took = time.perf_counter() - began
    values = results["gaps"] if stream else results["latencies"]
    other = {status: count for status, count in results["statuses"].items() if status != 200}
    told = {
        "requests": len(results["latencies"]),
        "seconds": took,
        "other": other,
        "p50_us": at(values, 0.5),
        "p99_us": at(values, 0.99),
    }
    print(json.dumps({**told, "chunks": len(results["gaps"]) if stream else 0}))


if __name__ == "__main__":
    options = sys.argv[4:]
    wants_stream = "stream" in options
    keys = [option for option in options if option != "stream"]
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), wants_stream, keys[0] if keys else "none"))
