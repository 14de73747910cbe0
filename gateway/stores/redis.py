"""Opens a shared state: `redis://`, `rediss://` or `unix://`, one Redis for every process of a deployment.

`?deadline_ms=` in the URL says how long a take may wait, and the key of a request be looked up (50 by default); settling may take
four times as long.
The other query options are redis-py's. Verdicts are read from each process's own memory; what the others learnt comes to it by
`redis_evidence`. Clusters and Sentinels have URLs of their own: see
`redis_cluster` and `redis_sentinel`, which open what is here over their own lines.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlunsplit

from redis.asyncio.connection import ConnectionPool

from gateway.errors import SettingsError, StoreError
from gateway.ports import Clock
from gateway.stores.database import private_folder
from gateway.stores.degraded import DegradedHolds
from gateway.stores.leases import LeasedHolds
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.opened import Opened
from gateway.stores.owed import OwedHolds
from gateway.stores.redis_evidence import RedisEvidence, RedisRisk
from gateway.stores.redis_holds import RedisHolds
from gateway.stores.redis_keys import RedisKeys, RedisOwners
from gateway.stores.redis_leases import RedisLeases
from gateway.stores.redis_line import Line, RedisLine
from gateway.stores.redis_rulings import RedisRulings
from gateway.stores.urls import split_state_url
from gateway.stores.verdicts import MemoryVerdicts

__all__ = ["line_to", "masked", "open_on", "open_redis"]

_DEADLINE_MS = 50
_START_S = 5.0
_OLDEST = (6, 2)


async def open_redis(state: str, data: Path, *, secret: bytes | None, clock: Clock, exclusive: bool) -> Opened:
    """Open `--state redis://...`. Many processes may serve on it; `exclusive` only says that this one keeps its log under `data`.

    SettingsError when the URL is wrong, Redis does not answer or is too old, or the state was made with another secret.
    """
    return await open_on(line_to(state), state, data, secret=secret, clock=clock, exclusive=exclusive)


async def open_on(
    line: Line, state: str, data: Path, *, secret: bytes | None, clock: Clock, exclusive: bool, spread: bool = False
) -> Opened:
    """Open a shared state over a line; see `open_redis`. `spread` where it has many nodes, so that no script reaches all limits."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(line.aclose)
        await _greet(line, state, spread)
        keys = RedisKeys(line)
        agreed = await keys.secret(secret)
        if exclusive:
            private_folder(data)
        owed = OwedHolds(RedisHolds(line))
        holds = LeasedHolds(owed, RedisLeases(line), spread=spread)
        stack.push_async_callback(holds.aclose)
        return Opened(
            keys=keys,
            holds=holds,
            degraded=DegradedHolds(MemoryHolds(clock)),
            verdicts=MemoryVerdicts(),
            owners=RedisOwners(line),
            rulings=RedisRulings(line),
            risk=RedisRisk(line),
            evidence=RedisEvidence(line),
            secret=agreed,
            close=stack.pop_all().aclose,
            measure=owed.measure,
        )


def line_to(url: str) -> RedisLine:
    """A line to the Redis that a URL names, not connected yet. SettingsError when the URL cannot be read."""
    try:
        parts = split_state_url(url)
        options = dict(parse_qsl(parts.query))
        deadline_s = float(options.pop("deadline_ms", _DEADLINE_MS)) / 1000
        if not 0 < deadline_s <= 60:
            raise ValueError("deadline_ms must be between 1 and 60000")
        plain: dict[str, Any] = {"protocol": 2, "socket_timeout": None, "socket_connect_timeout": None}
        pool: ConnectionPool = ConnectionPool.from_url(urlunsplit(parts._replace(query=urlencode(options))), **plain)
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError) as error:
        raise SettingsError(f"--state {masked(url)} cannot be read ({error}): say redis://:PASSWORD@HOST:PORT/DB") from error
    return RedisLine(pool, deadline_s=deadline_s)


def masked(url: str) -> str:
    """A URL as it may be shown: without the password, wherever it stands."""
    try:
        parts = split_state_url(url)
        options = [(name, "***" if "password" in name else value) for name, value in parse_qsl(parts.query)]
    except ValueError:
        return "redis://..."
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    shown = f"{name + colon if colon else ''}***@{host}" if at else host
    query = f"?{urlencode(options, safe='*/')}" if options else ""
    return f"{parts.scheme}://{shown}{parts.path}{query}"


async def _greet(line: Line, url: str, spread: bool) -> None:
    try:
        about = (await line.call("INFO", "server", deadline_s=_START_S)).decode()
    except StoreError as error:
        cause = error.__cause__ or error
        raise SettingsError(
            f"{masked(url)} cannot be used as the state ({cause}): start Redis there, check the address and password, "
            "or leave --state out to keep the state in memory"
        ) from error
    fields = dict(row.split(":", 1) for row in about.splitlines() if ":" in row)
    version = fields.get("redis_version", "0")
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < _OLDEST:
        raise SettingsError(f"{masked(url)} is Redis {version}: 6.2 or newer is needed")
    if not spread and fields.get("redis_mode") == "cluster":
        raise SettingsError(f"{masked(url)} is a node of a Redis Cluster: say redis+cluster://HOST:PORT instead")
