"""One connection to Redis, as calls go out in batches and replies come in: a call of the transport each, and no task waits.

redis-py opens the connection (TLS, password, database, name); from then on its bytes are read and written here.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import InvalidResponse, RedisError

from gateway.stores.redis_wire import Replies

__all__ = ["Call", "Link"]


class Call:
    """One command on its way: its bytes, who waits for the reply, and until when on the loop's clock.

    `replies`: how many come back, of which the last one counts. `sent` from the moment it went out, `stalled` once it was given grace.
    """

    __slots__ = ("due", "future", "packed", "replies", "sent", "stalled")

    def __init__(self, packed: bytes, future: asyncio.Future[Any], due: float, replies: int) -> None:
        self.packed = packed
        self.future = future
        self.due = due
        self.replies = replies
        self.sent = False
        self.stalled = False


class Link(asyncio.Protocol):
    """A connection that is ready. `heard()` after replies were handed on, `lost(calls)` once with what was not answered.

    `batches` is how many of them wait for their last reply. `silent`: a call's deadline passed without a word since.
    """

    def __init__(self, heard: Callable[[], None], lost: Callable[[Link, list[Call]], None]) -> None:
        self.batches = 0
        self.silent = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._heard = heard
        self._lost = lost
        self._replies = Replies()
        self._under_way: deque[Call | None] = deque()
        self._transport: asyncio.Transport | None = None
        self._kept: object = None
        self._readable = select.poll()

    def take_over(self, connection: AbstractConnection) -> None:
        """From now on this reads and writes what redis-py has connected; redis-py forgets it."""
        writer = connection._writer
        assert writer is not None  # it is connected
        self._kept, self._transport = writer, cast(asyncio.Transport, writer.transport)
        connection._reader = connection._writer = None
        self._transport.set_protocol(self)
        self._readable.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)

    def usable(self) -> bool:
        """Whether a batch may be sent. One that Redis has closed is found out before the loop says so: what is sent there is lost."""
        if self._transport is None or self._transport.is_closing():
            return False
        if not self.batches and self._readable.poll(0):
            self.drop()
            return False
        return True

    def send(self, batch: Sequence[Call]) -> None:
        """Send a batch in one piece. Between two batches stands None."""
        assert self._transport is not None  # taken over
        for call in batch:
            call.sent = True
        self._under_way.extend(batch)
        self._under_way.append(None)
        self.batches += 1
        self._transport.write(b"".join([call.packed for call in batch]))

    def data_received(self, data: bytes) -> None:
        """Each reply goes to the call that was sent first of those unanswered."""
        try:
            replies = self._replies.read(data)
        except (InvalidResponse, ValueError):
            self.drop()
            return
        under_way = self._under_way
        for reply in replies:
            call = under_way[0] if under_way else None
            if call is None:
                self.drop()  # somebody speaks unasked
                return
            if call.replies > 1:
                call.replies -= 1
                continue
            under_way.popleft()
            if under_way and under_way[0] is None:
                under_way.popleft()
                self.batches -= 1
            future = call.future
            if not future.done():
                if isinstance(reply, RedisError):
                    future.set_exception(reply)
                else:
                    future.set_result(reply)
        self.silent = False
        self._heard()

    def connection_lost(self, exc: Exception | None) -> None:
        calls = [call for call in self._under_way if call is not None]
        self._under_way.clear()
        self._kept = None
        if not self.closed.done():
            self.closed.set_result(None)
        self._lost(self, calls)

    def drop(self) -> None:
        """End the connection at once; `lost` follows."""
        if self._transport is not None:
            self._transport.abort()
