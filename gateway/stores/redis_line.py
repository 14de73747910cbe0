"""A line to Redis: calls of one loop tick travel together, each ends within its deadline, and each fault says what it leaves behind.

redis-py opens the connections and reads the protocol. What it does not say is whether a call that failed may have been done, so
the sending is here: StoreUnavailable where a call was surely not sent or Redis said no, OutcomeUnknown from the moment it went out.
Where Redis said no, what it said is the error's cause. A Redis that does not answer at all is left alone by a breaker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha1
from typing import Any, Protocol

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import AuthenticationError, BusyLoadingError, NoScriptError, RedisError, ResponseError

from gateway.errors import OutcomeUnknown, StoreUnavailable
from gateway.stores.breaker import Breaker

__all__ = ["Line", "RedisLine", "Script", "Word"]

Word = str | bytes | int

_LANES = 4
"""Connections at most. While all are busy, what comes in waits and then travels together."""

_LARGEST_BATCH = 256

_STALL_S = 0.005
_GRACE_S = 0.02
_TURNS = 4
_LONGEST_GRACE_S = 0.25
"""A deadline is for Redis, not for ourselves. Where this process's loop was stalled past it, or takes long for each turn, the answer
may lie in the socket, or be a turn or two from its caller (sent, read, handed on, resumed): so many turns are waited for it, once."""

_GIVES_UP_S = 1.0
"""So long after the last deadline of its batch a lane gives its connection up. The callers have gone by then."""

_SAID_NO = (
    "OOM", "READONLY", "LOADING", "BUSY", "MISCONF", "NOREPLICAS", "NOAUTH", "NOPERM", "WRONGPASS", "MASTERDOWN", "CLUSTERDOWN",
    "TRYAGAIN", "MOVED", "ASK", "CROSSSLOT",
)  # fmt: skip
"""Error codes with which Redis refuses a command or a script's first write: nothing was done."""


class Script:
    """A Lua script by its text, and the digest by which Redis knows it once it has seen it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()


class Line(Protocol):
    """A way to Redis, to one or to many: one command's reply, one script's reply. StoreUnavailable, OutcomeUnknown."""

    deadline_s: float

    async def call(self, *words: Word, deadline_s: float | None = None) -> Any: ...
    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Word], *, deadline_s: float | None = None) -> Any: ...
    async def aclose(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Call:
    packed: bytes
    future: asyncio.Future[Any]
    due: float
    asking: bool = False
    sent: bool = False
    stalled: bool = False


class RedisLine:
    """Calls to one Redis from one event loop. `deadline_s` is how long a call may take that names none of its own."""

    def __init__(self, pool: ConnectionPool, *, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self.breaker = Breaker(patience_s=2 * deadline_s)
        self._pool = pool
        self._waiting: list[_Call] = []
        self._idle: list[AbstractConnection] = []
        self._lanes: set[asyncio.Task[None]] = set()
        self._woken = False
        self._asked = self._turn = 0.0
        self._closed = False

    async def call(self, *words: Word, deadline_s: float | None = None, asking: bool = False) -> Any:
        """One command's reply; `asking` where a Cluster node said ASK. StoreUnavailable, OutcomeUnknown."""
        try:
            return await self._ask(words, self._due(deadline_s), asking)
        except RedisError as error:
            raise StoreUnavailable(f"Redis refused a command: {_code(error)}") from error

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Word], *, deadline_s: float | None = None, asking: bool = False
    ) -> Any:
        """One script's reply; its text goes along only when Redis does not know it. StoreUnavailable, OutcomeUnknown."""
        due, rest = self._due(deadline_s), (len(keys), *keys, *args)
        try:
            try:
                return await self._ask(("EVALSHA", script.sha, *rest), due, asking)
            except NoScriptError:
                return await self._ask(("EVAL", script.text, *rest), due, asking)
        except RedisError as error:
            if _said_no(error):
                raise StoreUnavailable(f"Redis refused a script: {_code(error)}") from error
            raise OutcomeUnknown(f"a script broke off in Redis: {_code(error)}") from error

    async def aclose(self) -> None:
        """Close all connections. Calls under way end in OutcomeUnknown."""
        self._closed = True
        for lane in list(self._lanes):
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        self._fail(self._waiting, StoreUnavailable("the store is closed"))
        while self._idle:
            with suppress(RedisError, OSError):
                await self._idle.pop().disconnect()

    # ── One call ────────────────────────────────────────────────────────────────────────────────

    def _due(self, deadline_s: float | None) -> float:
        return asyncio.get_running_loop().time() + (self.deadline_s if deadline_s is None else deadline_s)

    async def _ask(self, words: Sequence[Word], due: float, asking: bool) -> Any:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if not self.breaker.allows():
            raise StoreUnavailable("Redis does not answer and is left alone for a moment")
        loop = asyncio.get_running_loop()
        call = _Call(_ASKING + _packed(words) if asking else _packed(words), loop.create_future(), due, asking)
        self._waiting.append(call)
        if not self._woken:
            self._woken = True
            self._asked = loop.time()
            loop.call_soon(self._depart)
        timer = loop.call_at(due, self._late, call)
        try:
            return await call.future
        finally:
            timer.cancel()

    def _late(self, call: _Call) -> None:
        loop = asyncio.get_running_loop()
        if call.future.done():
            return
        turn = max(self._turn, loop.time() - call.due)
        if not call.stalled and turn > _STALL_S:
            call.stalled = True
            loop.call_later(min(max(_GRACE_S, _TURNS * turn), _LONGEST_GRACE_S), self._late, call)
            return
        self.breaker.failed()
        if call.sent:
            call.future.set_exception(OutcomeUnknown("Redis did not answer in time"))
        else:
            call.future.set_exception(StoreUnavailable("Redis was not reached in time"))

    # ── Lanes: each carries one batch after the other over a connection of its own ──────────────

    def _depart(self) -> None:
        self._woken = False
        self._turn = asyncio.get_running_loop().time() - self._asked
        if self._waiting and len(self._lanes) < _LANES and not self._closed:
            lane = asyncio.ensure_future(self._lane())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)

    async def _lane(self) -> None:
        while self._waiting:
            batch = [call for call in self._waiting[:_LARGEST_BATCH] if not call.future.done()]
            del self._waiting[:_LARGEST_BATCH]
            if batch:
                await self._carry(batch)

    async def _carry(self, batch: list[_Call]) -> None:
        """Send a batch and hand out its replies. A connection that failed in any way is not used again."""
        connection: AbstractConnection = self._idle.pop() if self._idle else self._pool.make_connection()  # type: ignore[no-untyped-call]
        whole = False
        try:
            async with asyncio.timeout_at(max(call.due for call in batch) + _GIVES_UP_S):
                await _connect(connection)
                await self._exchange(connection, batch)
                whole = True
        except (RedisError, OSError) as error:
            self._fail(batch, error)
        except asyncio.CancelledError:
            self._fail(batch, StoreUnavailable("the store is closed"))
            raise
        finally:
            if whole:
                self._idle.append(connection)
            else:
                with suppress(RedisError, OSError):
                    await connection.disconnect(nowait=True)

    async def _exchange(self, connection: AbstractConnection, batch: list[_Call]) -> None:
        going = [call for call in batch if not call.future.done()]
        for call in going:
            call.sent = True
        await connection.send_packed_command(b"".join([call.packed for call in going]), check_health=False)
        for call in going:
            try:
                if call.asking:
                    await connection.read_response(disconnect_on_error=False)
                reply = await connection.read_response(disconnect_on_error=False)
            except ResponseError as error:
                _set_error(call, error)
            else:
                if not call.future.done():
                    call.future.set_result(reply)
            self.breaker.answered()

    def _fail(self, calls: list[_Call], error: Exception) -> None:
        """End what is still open: unknown where it was sent, unless Redis itself said that it does nothing now."""
        refused = isinstance(error, (AuthenticationError, BusyLoadingError))
        for call in calls:
            if not call.future.done():
                self.breaker.failed()
            if call.sent and not refused:
                _set_error(call, OutcomeUnknown(f"the connection to Redis broke: {type(error).__name__}"))
            else:
                _set_error(call, StoreUnavailable(f"Redis cannot be used: {type(error).__name__}"))


def _packed(words: Sequence[Word]) -> bytes:
    """A command as it stands on the wire."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogatepass")
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


_ASKING = _packed(("ASKING",))


async def _connect(connection: AbstractConnection) -> None:
    """Make a connection ready. One that Redis closed, or that has something to read unasked, is opened anew."""
    if connection.is_connected and await connection.can_read():
        await connection.disconnect(nowait=True)
    if not connection.is_connected:
        await connection.connect()  # type: ignore[no-untyped-call]


def _set_error(call: _Call, error: Exception) -> None:
    if not call.future.done():
        call.future.set_exception(error)


def _code(error: RedisError) -> str:
    """The class of an error; its text may hold a key's name."""
    return type(error).__name__


def _said_no(error: RedisError) -> bool:
    """Whether an error reply means that nothing was done. Before Redis 7 a script's error wraps the code of the command's."""
    text = str(error)
    if type(error) is not ResponseError:
        return True
    return text.split(" ", 1)[0] in _SAID_NO or any(f"-{code} " in text for code in _SAID_NO)
