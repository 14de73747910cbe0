"""Reads recorded traffic (`gateway.trace/v1`): one JSON object a line, ordered by arrival, plain or gzip, never held in memory whole.

What a record says of itself under `truth` (the persona, whether it is hostile) is for scoring alone. `read_trace` does not know the
field, so nothing that decides on a record can ever see it; `truth.py` reads it, and nothing else.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import msgspec

from gateway.errors import TraceError
from gateway.model.request import NO_USAGE, Usage

__all__ = ["LONGEST_LINE", "Progress", "TraceRecord", "read_lines", "read_trace", "record_of"]

T = TypeVar("T")

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one record; a longer line is an error, not a reason to fill the memory."""

Progress = Callable[[float], None]
"""Told, now and then, the share of a file's bytes that has been read, 0.0 to 1.0."""

_GZIP = b"\x1f\x8b"
_TOLD_EVERY = 256


@dataclass(frozen=True, slots=True)
class TraceRecord:
    """One recorded request. Times are Unix microseconds, durations microseconds.

    `key` is the caller's key id, opaque; `account` None where nobody is known to own it. `attributes` are what an identity provider
    said, as text. `body` is the request's JSON as the client sent it, b"" where there was none. `usage` is NO_USAGE where the
    record has none; `answer` is the response's body, b"" where it was not recorded.
    """

    at_us: int
    key: str
    account: str | None
    peer: str
    headers: Mapping[str, str]
    attributes: Mapping[str, str]
    method: str
    path: str
    body: bytes
    status: int
    first_byte_us: int
    duration_us: int
    usage: Usage
    answer: bytes


_NONE = msgspec.Raw(b"null")


class _Tokens(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0


class _Response(msgspec.Struct):
    status: int = 200
    ttft_ms: float | None = None
    duration_ms: float = 0.0
    usage: _Tokens | None = None
    body: msgspec.Raw = _NONE


class _Line(msgspec.Struct):
    at: float
    key: str
    method: str
    path: str
    account: str | None = None
    peer: str = ""
    headers: dict[str, str] = {}
    attributes: dict[str, str | int | float | bool | None] = {}
    request: msgspec.Raw = _NONE
    response: _Response | None = None


_DECODER = msgspec.json.Decoder(_Line)
_ABSENT = _Response()


def read_trace(path: Path, *, told: Progress | None = None, at_most: int | None = None) -> Iterator[TraceRecord]:
    """The records of one file, in its order; the first `at_most` where that is given.

    TraceError with file and line when it cannot be read or a line is no record.
    """
    return read_lines(path, record_of, told=told, at_most=at_most)


def read_lines(path: Path, read: Callable[[bytes], T], *, told: Progress | None = None, at_most: int | None = None) -> Iterator[T]:
    """What `read` makes of each line that is not empty, of the first `at_most` lines where that is given.

    TraceError with file and line when the file cannot be read or `read` raises DecodeError, ValueError or OverflowError.
    """
    number = 0
    try:
        for number, line in enumerate(_lines(path, told), 1):
            if at_most is not None and number > at_most:
                return
            if not line.endswith(b"\n") and len(line) > LONGEST_LINE:
                raise TraceError(f"{path}:{number}: a record of more than {LONGEST_LINE >> 20} MB: this is no trace")
            if line.strip():
                yield read(line)
    except OSError as error:
        raise TraceError(f"{path}: cannot be read after line {number}: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise TraceError(f"{path}: the compressed file is broken after line {number}: copy it again") from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise TraceError(f"{path}:{number}: not a record of gateway.trace/v1 ({error})") from error


def _lines(path: Path, told: Progress | None) -> Iterator[bytes]:
    """The file's lines, unpacked, each at most one byte longer than a record may be."""
    with ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        size = max(1, os.fstat(raw.fileno()).st_size)
        packed = raw.peek(2)[:2] == _GZIP
        text = cast(IO[bytes], stack.enter_context(gzip.open(raw))) if packed else raw
        for count, line in enumerate(iter(lambda: text.readline(LONGEST_LINE + 1), b""), 1):
            yield line
            if told is not None and count % _TOLD_EVERY == 0:
                told(min(1.0, raw.tell() / size))
        if told is not None:
            told(1.0)


def record_of(written: bytes) -> TraceRecord:
    """The record of one line. DecodeError, ValueError or OverflowError where it is none."""
    return _record(_DECODER.decode(written))


def _record(line: _Line) -> TraceRecord:
    response = line.response or _ABSENT
    first = response.duration_ms if response.ttft_ms is None else response.ttft_ms
    return TraceRecord(
        at_us=_micro(line.at, 1_000_000),
        key=line.key,
        account=line.account,
        peer=line.peer,
        headers=line.headers,
        attributes={name: _text(value) for name, value in line.attributes.items() if value is not None},
        method=line.method,
        path=line.path,
        body=_bytes(line.request),
        status=response.status,
        first_byte_us=_micro(first, 1_000),
        duration_us=_micro(response.duration_ms, 1_000),
        usage=_usage(response.usage),
        answer=_bytes(response.body),
    )


def _micro(value: float, unit: int) -> int:
    """Microseconds, never negative. ValueError or OverflowError for what is no time."""
    return max(0, round(value * unit))


def _text(value: Any) -> str:
    """An attribute as caller rules match it: `true` and `false` as in JSON, numbers as written."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bytes(raw: msgspec.Raw) -> bytes:
    return b"" if bytes(raw) == b"null" else bytes(raw)


def _usage(tokens: _Tokens | None) -> Usage:
    return NO_USAGE if tokens is None else Usage(max(0, tokens.input_tokens), max(0, tokens.output_tokens), source="upstream")
