"""What stands on the wire to Redis: commands as bytes, and replies out of bytes as they come (RESP2).

redis-py reads a reply by several awaits and packs a command word by word for whatever types it may have; at thousands of scripts a
second that is most of what a call costs here. What is read here is the same protocol in one pass over what has arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from redis.asyncio.connection import DefaultParser
from redis.exceptions import InvalidResponse, RedisError

__all__ = ["Bulk", "Replies", "Word", "bulk", "packed"]

Word = str | bytes | int


class Bulk(bytes):
    """Words that stand as they do on the wire, packed beforehand; `packed` takes them as they are."""

    __slots__ = ()


def bulk(*words: Word) -> Bulk:
    """Words as they stand on the wire, without the number of them."""
    return Bulk(b"".join(map(_bulk, words)))


def packed(count: int, words: Iterable[Word]) -> bytes:
    """A command of `count` words as it stands on the wire; of words packed beforehand there may be several in one."""
    return b"*%d\r\n" % count + b"".join([word if type(word) is Bulk else _bulk(word) for word in words])


def _bulk(word: Word) -> bytes:
    raw = word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogatepass")
    return b"$%d\r\n%b\r\n" % (len(raw), raw)


class _Partial(Exception):
    """The reply is not there whole."""


class Replies:
    """Reads replies out of bytes, in pieces of any size. Errors that Redis says are values: exceptions of redis-py."""

    def __init__(self) -> None:
        self._rest = b""

    def read(self, data: bytes) -> list[Any]:
        """All replies that are whole by now. InvalidResponse for what is no reply."""
        if self._rest:
            data = self._rest + data
        replies, at = [], 0
        try:
            while at < len(data):
                reply, at = _read(data, at)
                replies.append(reply)
        except _Partial:
            pass
        self._rest = data[at:]
        return replies


def _read(data: bytes, at: int) -> tuple[Any, int]:
    """The reply that begins there, and where the next one does."""
    end = data.find(b"\r\n", at)
    if end < 0:
        raise _Partial
    kind, said, after = data[at : at + 1], data[at + 1 : end], end + 2
    if kind == b"$":
        size = int(said)
        if size < 0:
            return None, after
        if len(data) < after + size + 2:
            raise _Partial
        return data[after : after + size], after + size + 2
    if kind == b":":
        return int(said), after
    if kind == b"+":
        return said, after
    if kind == b"-":
        return _error(said), after
    if kind == b"*":
        return _array(data, int(said), after)
    raise InvalidResponse("what came is not a reply of Redis")


def _array(data: bytes, size: int, at: int) -> tuple[list[Any] | None, int]:
    if size < 0:
        return None, at
    items = []
    for _ in range(size):
        item, at = _read(data, at)
        items.append(item)
    return items, at


def _error(said: bytes) -> RedisError:
    error: RedisError = DefaultParser.parse_error(said.decode("utf-8", "replace"))  # type: ignore[no-untyped-call]
    return error
