"""A line to Redis: calls of one loop tick travel together, each ends within its deadline, and each fault says what it leaves behind.

StoreUnavailable where a call was surely not sent or Redis said no, OutcomeUnknown from the moment it went out. Where Redis said no,
what it said is the error's cause. A Redis that does not answer at all is left alone by a breaker, and while a call is overdue nothing
more is sent: what waits was then surely not done.

No call has a timer or a task of its own: one timer looks at all that are due in the same moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha1
from math import ceil
from typing import Any, Protocol

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import AuthenticationError, BusyLoadingError, NoScriptError, RedisError, ResponseError

from gateway.errors import OutcomeUnknown, StoreUnavailable
from gateway.stores.breaker import Breaker
from gateway.stores.redis_link import Call, Link
from gateway.stores.redis_wire import Word, bulk, packed

__all__ = ["Line", "RedisLine", "Script", "Word"]

_BATCHES = 4
"""Batches under way at most. While so many are, what comes in waits and then travels together."""

_LARGEST_BATCH = 256

_STALL_S = 0.005
_GRACE_S = 0.02
_TURNS = 4
_LONGEST_GRACE_S = 0.25
"""A deadline is for Redis, not for ourselves. Where this process's loop was stalled past it, or takes long for each turn, the answer
may lie in the socket, or be a turn or two from its caller (sent, read, handed on, resumed): so many turns are waited for it, once."""

_GIVES_UP_S = 1.0
"""So long after a deadline that nothing was heard since, the connection is given up. The callers have gone by then."""

_SAID_NO = (
    "OOM", "READONLY", "LOADING", "BUSY", "MISCONF", "NOREPLICAS", "NOAUTH", "NOPERM", "WRONGPASS", "MASTERDOWN", "CLUSTERDOWN",
    "TRYAGAIN", "MOVED", "ASK", "CROSSSLOT",
)  # fmt: skip
"""Error codes with which Redis refuses a command or a script's first write: nothing was done."""


_TICKS = 250
"""Moments in a second at which overdue calls are looked for: a deadline ends at most so much later."""


class Script:
    """A Lua script by its text, and the digest by which Redis knows it once it has seen it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()
        self.begins = bulk("EVALSHA", self.sha)
        self.begins_whole = bulk("EVAL", text)


class Line(Protocol):
    """A way to Redis, to one or to many: one command's reply, one script's reply. StoreUnavailable, OutcomeUnknown."""

    deadline_s: float

    async def call(self, *words: Word, deadline_s: float | None = None) -> Any: ...
    async def run(self, script: Script, keys: Sequence[Word], args: Sequence[Word], *, deadline_s: float | None = None) -> Any: ...
    async def aclose(self) -> None: ...


class RedisLine:
    """Calls to one Redis from one event loop. `deadline_s` is how long a call may take that names none of its own."""

    def __init__(self, pool: ConnectionPool, *, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self.breaker = Breaker(patience_s=2 * deadline_s)
        self._pool = pool
        self._waiting: list[Call] = []
        self._link: Link | None = None
        self._opening: asyncio.Task[None] | None = None
        self._expected: dict[int, list[Call]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = 0
        self._woken = False
        self._asked = self._turn = 0.0
        self._closed = False

    async def call(self, *words: Word, deadline_s: float | None = None, asking: bool = False) -> Any:
        """One command's reply; `asking` where a Cluster node said ASK. StoreUnavailable, OutcomeUnknown."""
        try:
            return await self._ask(packed(len(words), words), self.deadline_s if deadline_s is None else deadline_s, asking)
        except RedisError as error:
            raise StoreUnavailable(f"Redis refused a command: {_code(error)}") from error

    async def run(
        self, script: Script, keys: Sequence[Word], args: Sequence[Word], *, deadline_s: float | None = None, asking: bool = False
    ) -> Any:
        """One script's reply; its text goes along only when Redis does not know it. StoreUnavailable, OutcomeUnknown."""
        within_s = self.deadline_s if deadline_s is None else deadline_s
        count = 3 + len(keys) + len(args)
        try:
            try:
                return await self._ask(packed(count, (script.begins, len(keys), *keys, *args)), within_s, asking)
            except NoScriptError:
                return await self._ask(packed(count, (script.begins_whole, len(keys), *keys, *args)), within_s, asking)
        except RedisError as error:
            if _said_no(error):
                raise StoreUnavailable(f"Redis refused a script: {_code(error)}") from error
            raise OutcomeUnknown(f"a script broke off in Redis: {_code(error)}") from error

    async def aclose(self) -> None:
        """Close the connection. Calls under way end in OutcomeUnknown."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        self._fail(self._waiting, StoreUnavailable("the store is closed"))
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        link, self._link = self._link, None
        if link is not None:
            link.drop()
            await link.closed

    # ── One call ────────────────────────────────────────────────────────────────────────────────

    def _ask(self, command: bytes, within_s: float, asking: bool) -> asyncio.Future[Any]:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if not self.breaker.allows():
            raise StoreUnavailable("Redis does not answer and is left alone for a moment")
        loop = asyncio.get_running_loop()
        now = loop.time()
        call = Call(_ASKING + command if asking else command, loop.create_future(), now + within_s, 2 if asking else 1)
        self._waiting.append(call)
        if not self._woken:
            self._woken = True
            self._asked = now
            loop.call_soon(self._depart)
        self._expect(call)
        return call.future

    def _expect(self, call: Call) -> None:
        """Have a look at the call when it is due, along with all others that are due in that moment."""
        tick = ceil(call.due * _TICKS)
        expected = self._expected.get(tick)
        if expected is None:
            self._expected[tick] = [call]
            if self._timer is None or tick < self._looks_at:
                self._look_at(tick)
        else:
            expected.append(call)

    def _look_at(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at = tick
        self._timer = asyncio.get_running_loop().call_at(tick / _TICKS, self._overdue)

    def _overdue(self) -> None:
        """See to all that are due by now, and come again when the next one is."""
        self._timer = None
        now = asyncio.get_running_loop().time() * _TICKS
        for tick in sorted(tick for tick in self._expected if tick <= max(now, self._looks_at)):
            for call in self._expected.pop(tick):
                self._late(call)
        if self._expected:
            self._look_at(min(self._expected))

    def _late(self, call: Call) -> None:
        if call.future.done():
            return
        loop = asyncio.get_running_loop()
        turn = max(self._turn, loop.time() - call.due)
        if not call.stalled and turn > _STALL_S:
            call.stalled = True
            loop.call_later(min(max(_GRACE_S, _TURNS * turn), _LONGEST_GRACE_S), self._late, call)
            return
        self.breaker.failed()
        if not call.sent:
            call.future.set_exception(StoreUnavailable("Redis was not reached in time"))
            return
        call.future.set_exception(OutcomeUnknown("Redis did not answer in time"))
        if self._link is not None and not self._link.silent:
            self._link.silent = True
            loop.call_later(_GIVES_UP_S, self._give_up, self._link)

    # ── The connection ──────────────────────────────────────────────────────────────────────────

    def _depart(self) -> None:
        self._woken = False
        self._turn = asyncio.get_running_loop().time() - self._asked
        self._send()

    def _send(self) -> None:
        """Send what waits, as far as it may go out now."""
        link = self._link
        if link is None or not link.usable():
            if self._waiting and self._opening is None and not self._closed:
                self._opening = asyncio.ensure_future(self._open())
            return
        while self._waiting and link.batches < _BATCHES and not link.silent:
            batch = [call for call in self._waiting[:_LARGEST_BATCH] if not call.future.done()]
            del self._waiting[:_LARGEST_BATCH]
            if batch:
                link.send(batch)

    async def _open(self) -> None:
        """Connect. Where that fails, so do all that waited for it."""
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout_at(max((call.due for call in self._waiting), default=0.0) + _GIVES_UP_S):
                await connection.connect()  # type: ignore[no-untyped-call]
            self._link = link = Link(self._heard, self._lost)
            link.take_over(connection)
        except (RedisError, OSError) as error:
            calls, self._waiting = self._waiting, []
            self._fail(calls, error)
        finally:
            self._opening = None
            with suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)
        self._send()

    def _heard(self) -> None:
        self.breaker.answered()
        if self._waiting:
            self._send()

    def _lost(self, link: Link, calls: list[Call]) -> None:
        """The connection has ended. What it had not answered is of unknown outcome."""
        if self._link is link:
            self._link = None
        self._fail(calls, ConnectionResetError())
        self._send()

    def _give_up(self, link: Link) -> None:
        """Nothing was heard since a deadline passed: another connection may fare better."""
        if link.silent:
            link.drop()

    def _fail(self, calls: Sequence[Call], error: Exception) -> None:
        """End what is still open: unknown where it was sent, unless Redis itself said that it does nothing now."""
        refused = isinstance(error, (AuthenticationError, BusyLoadingError))
        for call in calls:
            if not call.future.done():
                self.breaker.failed()
            if call.sent and not refused:
                _set_error(call, OutcomeUnknown(f"the connection to Redis broke: {type(error).__name__}"))
            else:
                _set_error(call, StoreUnavailable(f"Redis cannot be used: {type(error).__name__}"))


_ASKING = packed(1, ("ASKING",))


def _set_error(call: Call, error: Exception) -> None:
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
