"""An upstream that does exactly what a script says, byte by byte: HTTP as it should be, and as it should not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import subprocess
from dataclasses import dataclass, field


@dataclass
class Received:
    """A request as it stood on the wire. Names keep their spelling."""

    line: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""

    def all(self, name):
        """Values of a field, in order."""
        return [value for key, value in self.fields if key.lower() == name]


class Connection:
    """One connection as a script sees it."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def head(self):
        """The next request's head."""
        raw = await self.reader.readuntil(b"\r\n\r\n")
        line, *rest = raw[:-4].split(b"\r\n")
        return Received(line, [tuple(part.strip() for part in text.split(b":", 1)) for text in rest])

    async def request(self):
        """The next request with its body."""
        received = await self.head()
        if received.all(b"transfer-encoding") == [b"chunked"]:
            received.body = await self._chunked()
        elif received.all(b"content-length"):
            received.body = await self.reader.readexactly(int(received.all(b"content-length")[0]))
        return received

    async def _chunked(self):
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()
        return body

    async def send(self, data):
        """Send, and wait until the kernel has taken it."""
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self):
        """Wait until the other side has closed."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def reset(self):
        """Close by RST."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def finish(self):
        """Half close: no more will be sent."""
        self.writer.write_eof()


@dataclass
class RawServer:
    """`url` is the base; `connections` counts those accepted; `requests` is the script's to fill."""

    url: str = ""
    connections: int = 0
    requests: list[Received] = field(default_factory=list)


@contextlib.asynccontextmanager
async def raw_server(script, *, tls=None, send_buffer=None):
    """Serve `script(connection)` for each connection while the block runs; a connection is closed when its script returns.

    `send_buffer` bytes bounds what the kernel takes of an answer nobody reads.
    """
    served = RawServer()
    tasks = set()

    async def serve(reader, writer):
        served.connections += 1
        task = asyncio.current_task()
        tasks.add(task)
        try:
            await script(Connection(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if send_buffer is not None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listening.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(serve, sock=listening, ssl=tls, limit=1 << 20)
    served.url = f"{'https' if tls else 'http'}://127.0.0.1:{listening.getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        while tasks:
            await asyncio.sleep(0.005)


def certificate(folder, *, name):
    """A self-signed certificate for `name` (an IP or DNS name) made by openssl: (certificate file, key file)."""
    kind = "IP" if name.replace(".", "").isdigit() else "DNS"
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}", "-keyout", str(key), "-out", str(chain)],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key
