"""Reading the log: its lines in order, its last lines, one record by its id. Trusts the log; whether it may, `verify` says."""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.audit.folder import chain_folders, segments, started_us

__all__ = [
    "Head",
    "Tail",
    "decode",
    "find_records",
    "head_of",
    "is_record",
    "last_records",
    "lines_of",
    "read_place",
    "records",
    "tail_of",
]

_HEAD = re.compile(rb'\{"v":1,"seq":(\d+),"prev":"[0-9a-f]{64}","kind":"([a-z]+)","at":(-?\d+)')
_ENDED = re.compile(rb'"ended":(-?\d+)')
_RECORD = b',"kind":"record","at":'
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """What every line begins with, and the hash it ends with."""

    seq: int
    kind: str
    at_us: int
    hash: str


@dataclass(frozen=True, slots=True)
class Tail:
    """A file's end: its last whole line (b"" for none), where that line ends, and how many bytes of a torn line follow."""

    line: bytes
    whole: int
    torn: int


def head_of(line: bytes) -> Head | None:
    """A line's head; None where it does not look like a line of the log."""
    match = _HEAD.match(line)
    if match is None or line[-76:-67] != b',"hash":"':
        return None
    return Head(int(match[1]), match[2].decode(), int(match[3]), line[-67:-3].decode("latin-1"))


def decode(line: bytes) -> dict[str, Any]:
    """A line's members. msgspec.DecodeError where it is not JSON."""
    return msgspec.json.decode(line, type=dict[str, Any])


def lines_of(path: Path, offset: int = 0) -> Iterator[bytes]:
    """The whole lines of a file from `offset` on, newline included; a torn last one is left out."""
    with open(path, "rb", buffering=_BLOCK) as file:
        file.seek(offset)
        for line in file:
            if line.endswith(b"\n"):
                yield line


def tail_of(path: Path) -> Tail:
    """The end of a file, read from behind."""
    with open(path, "rb") as file:
        start = size = file.seek(0, os.SEEK_END)
        end, text = -1, b""
        while start > 0:
            step = min(_BLOCK, start)
            start -= step
            file.seek(start)
            text = file.read(step) + text
            end = text.rfind(b"\n")
            begin = text.rfind(b"\n", 0, end) if end > 0 else -1
            if end >= 0 and (begin >= 0 or start == 0):
                whole = start + end + 1
                return Tail(text[begin + 1 : end + 1], whole, size - whole)
    return Tail(b"", 0, size)


def is_record(line: bytes) -> bool:
    """Whether a line is a record."""
    return _RECORD in line[:200]


def records(data: Path) -> Iterator[tuple[int, bytes]]:
    """(when its record was made, line) of all records of all chains, in the order of that time.

    Chains are merged as they go; one is opened only when the time it began is reached, so that a folder of many is no load.
    """
    waiting = [(started_us(chain), chain) for chain in reversed(chain_folders(data))]
    open_: list[tuple[int, int, bytes, Iterator[tuple[int, bytes]]]] = []
    number = 0
    while waiting or open_:
        while waiting and (not open_ or waiting[-1][0] <= open_[0][0]):
            stream = _records_of(waiting.pop()[1])
            number += 1
            for ended, line in stream:
                heapq.heappush(open_, (ended, number, line, stream))
                break
        if not open_:
            continue
        ended, order, line, stream = open_[0]
        yield ended, line
        following = next(stream, None)
        if following is None:
            heapq.heappop(open_)
        else:
            heapq.heapreplace(open_, (*(following[0], order), following[1], stream))


def last_records(data: Path, count: int) -> list[bytes]:
    """The last `count` records of all chains together, oldest first."""
    found: list[tuple[int, bytes]] = []
    for chain in reversed(chain_folders(data)):
        own: list[tuple[int, bytes]] = []
        for segment in reversed(segments(chain)):
            own = [pair for pair in map(_timed, lines_of(segment)) if pair is not None][-count:] + own
            if len(own) >= count:
                break
        found = sorted(found + own[-count:], key=lambda pair: pair[0])[-count:]
    return [line for _, line in found]


def read_place(path: Path, offset: int, length: int) -> bytes:
    """The line that lies there."""
    with open(path, "rb", buffering=0) as file:
        file.seek(offset)
        return file.read(length)


def find_records(data: Path, prefix: str, *, whole: bool = False, limit: int = 2) -> list[bytes]:
    """Records whose id begins with `prefix` (`whole`: is it), the newest chain's first; stops after `limit`."""
    needle = b'"id":"' + prefix.encode("utf-8", "replace") + (b'"' if whole else b"")
    found: list[bytes] = []
    for chain in reversed(chain_folders(data)):
        for segment in reversed(segments(chain)):
            if not _holds(segment, needle):
                continue
            for line in lines_of(segment):
                if needle in line and is_record(line) and b"," + needle in line[:300]:
                    found.append(line)
                    if len(found) >= limit:
                        return found
    return found


def _holds(path: Path, needle: bytes) -> bool:
    """Whether a file has these bytes; much faster than to look at each line, and most segments have not."""
    with open(path, "rb") as file:
        rest = b""
        while block := file.read(_BLOCK):
            if needle in rest + block:
                return True
            rest = block[-len(needle) :]
    return False


def _records_of(chain: Path) -> Iterator[tuple[int, bytes]]:
    for segment in segments(chain):
        for line in lines_of(segment):
            pair = _timed(line)
            if pair is not None:
                yield pair


def _timed(line: bytes) -> tuple[int, bytes] | None:
    """(ended, line) of a record line, None of any other."""
    if not is_record(line):
        return None
    ended = _ENDED.search(line)
    return (int(ended[1]) if ended else 0, line)
