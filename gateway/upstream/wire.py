"""What the HTTP ways upstream share: a URL taken apart without changing a byte of it, and answers whose frame is doubtful.

A URL library would normalise (`%2F`, an empty query, dots); here the target stands on the wire as it was given.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.errors import UpstreamError
from gateway.ports import Headers, UpstreamRequest

__all__ = ["Origin", "answer_fault", "given_length", "longest_s", "lowered", "measured", "measured_by_head", "split_url"]

_AUTHORITY_ENDS = re.compile(r"[/?#]")
_NOT_IN_A_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_IN_A_TARGET = re.compile(r"[\x00-\x20\x7f]")


class Origin(NamedTuple):
    """Scheme, host (an IPv6 address without brackets) and port of an upstream; `port` is the scheme's own where none was given."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The Host field: no port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


_PORTS = {"http": 80, "https": 443}


def split_url(url: str) -> tuple[Origin, str]:
    """(origin, target) of an absolute URL; the target as given, "/" where there is no path. UpstreamError (`protocol`, nothing sent)
    for anything that cannot stand on a request line."""
    scheme, _, rest = url.partition("://")
    end = _AUTHORITY_ENDS.search(rest)
    cut = end.start() if end is not None else len(rest)
    origin = _origin(scheme, rest[:cut])
    target = rest[cut:]
    if not target.startswith("/"):
        target = "/" + target
    if _NOT_IN_A_TARGET.search(target):
        raise UpstreamError("protocol", f"the path for {origin} holds a space or a control character", sent=False)
    if not target.isascii():
        target = _utf8(target, origin)
    return origin, target


@lru_cache(maxsize=256)
def _origin(scheme: str, authority: str) -> Origin:
    if scheme not in _PORTS or not authority or "@" in authority:
        message = "the upstream's URL must be http(s)://host[:port], without a user name (credentials: `credential_env`)"
        raise UpstreamError("protocol", message, sent=False)
    try:
        parts = urlsplit(f"{scheme}://{authority}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UpstreamError("protocol", "the upstream's URL has no valid host and port", sent=False) from error
    if not host:
        raise UpstreamError("protocol", "the upstream's URL has no host", sent=False)
    return Origin(scheme, host, port or _PORTS[scheme])


def _utf8(target: str, origin: Origin) -> str:
    """A target with raw bytes beyond ASCII (each as one character), so that its UTF-8 encoding has the same bytes."""
    try:
        return target.encode("latin-1").decode("utf-8")
    except UnicodeError as error:
        raise UpstreamError("protocol", f"the path for {origin} is neither ASCII nor UTF-8", sent=False) from error


def lowered(fields: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Fields as ASGI has them: names in lower case, order and repeats kept."""
    return [(bytes(name).lower(), bytes(value)) for name, value in fields]


def answer_fault(status: int, headers: Headers) -> str | None:
    """Why an answer cannot be relayed safely: parsers may differ on where it ends, or it leaves HTTP. None if it can."""
    if status == 101:
        return "it switched protocols without being asked"
    if not 200 <= status < 600:
        return f"HTTP has no final status {status}"
    if _NOT_IN_A_VALUE.search(b"".join([value for _, value in headers])):
        return "a field of it holds a control character"
    lengths = [value for name, value in headers if name == b"content-length"]
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if lengths and codings:
        return "it has both Content-Length and Transfer-Encoding"
    if len(lengths) > 1:
        return "it has more than one Content-Length"
    if codings and (len(codings) > 1 or codings[0].strip().lower() != b"chunked"):
        return "it has a Transfer-Encoding other than chunked"
    return None


def measured_by_head(headers: Headers) -> bool:
    """Whether an answer's fields say where it ends; else it ends where its connection does."""
    return any(name in {b"content-length", b"transfer-encoding"} for name, _ in headers)


def given_length(headers: Headers) -> int | None:
    """The content-length that comes along with a streaming body, None where it is not known."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


def longest_s(request: UpstreamRequest) -> float:
    """Seconds from a whole request to its answer's head at the very most, also where the upstream reads or writes byte by byte."""
    return (request.connect_timeout_us + request.idle_timeout_us + request.first_byte_timeout_us) / 1e6


async def measured(body: AsyncIterator[bytes], length: int | None) -> AsyncIterator[bytes]:
    """A streaming body held to its length: UpstreamError (`broken`) where it is shorter or longer than promised."""
    size = 0
    async for chunk in body:
        size += len(chunk)
        if length is not None and size > length:
            raise UpstreamError("broken", "the request's body is longer than its content-length", sent=True)
        yield chunk
    if length is not None and size < length:
        raise UpstreamError("broken", "the request's body is shorter than its content-length", sent=True)
