"""A client that sends the very bytes it is given, and reads back every answer on that connection."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Got:
    """An answer. `fields` in order, names in lower case, values as bytes; `body` without its framing, still compressed."""

    status: int
    fields: tuple[tuple[str, bytes], ...]
    body: bytes

    def field(self, name):
        return next((value for key, value in self.fields if key == name), None)


class _Shared:
    """Stands for the socket, so that answers after the first are not lost in the first one's buffer."""

    def __init__(self, file):
        self.file = file

    def makefile(self, mode):
        return self

    def __getattr__(self, name):
        return getattr(self.file, name)

    def close(self):
        pass


def exchange(url, data, methods):
    """Send `data`, and read as many answers as there are `methods`, fewer where the connection ends. A list of Got."""
    parts = urlsplit(url)
    answers = []
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(data)
        with connection.makefile("rb") as file:
            for method in methods:
                if not file.peek(1):
                    break
                answer = http.client.HTTPResponse(_Shared(file), method=method)
                answer.begin()
                fields = tuple((name.lower(), value.encode("latin-1")) for name, value in answer.getheaders())
                answers.append(Got(answer.status, fields, answer.read()))
                if answer.will_close:
                    break
    return answers
