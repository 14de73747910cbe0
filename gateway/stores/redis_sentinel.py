"""Opens a Redis behind Sentinels as the shared state: `redis+sentinel://HOST:PORT[,HOST:PORT...]/SERVICE[/DB]`.

The Sentinels are asked who the primary is, at first and whenever it does not answer or says that it is one no more; the calls then go
to the one that took its place. A Sentinel that is told a password of its own has it as `?sentinel_password=` (and
`?sentinel_username=`). One Redis has every key, so all limits are exact as on a single Redis; what a failover can lose is said in
`gateway.stores.redis_nodes`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlunsplit

from gateway.errors import SettingsError, StoreError, StoreUnavailable
from gateway.ports import Clock
from gateway.stores.opened import Opened
from gateway.stores.redis import line_to, masked, open_on
from gateway.stores.redis_cluster import hosts_in, line_to_node
from gateway.stores.redis_line import RedisLine
from gateway.stores.redis_nodes import SLOTS, Address, RedisNodes
from gateway.stores.urls import split_state_url

__all__ = ["SentinelPrimary", "open_sentinel", "primary_of"]

_ANSWERS_S = 0.25
_EXAMPLE = "redis+sentinel://:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DB"


async def open_sentinel(state: str, data: Path, *, secret: bytes | None, clock: Clock, exclusive: bool) -> Opened:
    """Open `--state redis+sentinel://...`; see `gateway.stores.redis.open_redis`."""
    return await open_on(primary_of(state), state, data, secret=secret, clock=clock, exclusive=exclusive)


def primary_of(url: str) -> RedisNodes:
    """A line to the primary that the Sentinels of a URL name, not connected yet. SettingsError when the URL cannot be read."""
    sentinels = hosts_in(url, 26379, _EXAMPLE)
    parts = split_state_url(url)
    service, _, database = parts.path.strip("/").partition("/")
    if not service or (database and not database.isdigit()):
        raise SettingsError(f"--state {masked(url)} cannot be read (it names no service, or no database): say {_EXAMPLE}")
    own = [(name, value) for name, value in parse_qsl(parts.query) if not name.startswith("sentinel_")]
    of_sentinel = {name.removeprefix("sentinel_"): value for name, value in parse_qsl(parts.query) if name.startswith("sentinel_")}
    plain = urlunsplit(parts._replace(query=urlencode(own)))
    open_line = partial(line_to_node, plain, f"/{database or 0}")
    deadline_s = open_line(sentinels[0]).deadline_s
    scheme = parts.scheme.partition("+")[0]
    lines = [line_to(_sentinel_url(scheme, address, of_sentinel)) for address in sentinels]
    return RedisNodes(SentinelPrimary(lines, service), open_line, deadline_s=deadline_s)


def _sentinel_url(scheme: str, address: Address, options: dict[str, str]) -> str:
    password = options.get("password")
    user = f"{quote(options.get('username', ''), safe='')}:{quote(password, safe='')}@" if password else ""
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{scheme}://{user}{host}:{address[1]}"


class SentinelPrimary:
    """Topology of one primary that Sentinels watch: it has every slot."""

    def __init__(self, sentinels: Sequence[RedisLine], service: str) -> None:
        self._sentinels = list(sentinels)
        self._service = service

    async def learn(self, known: Sequence[Address], node: Callable[[Address], RedisLine]) -> list[tuple[int, int, Address]]:
        """See `redis_nodes.Topology`. The first Sentinel that answers is believed, and asked first the next time."""
        last: StoreError = StoreUnavailable("no Sentinel is known")
        for sentinel in list(self._sentinels):
            try:
                said = await sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service, deadline_s=_ANSWERS_S)
            except StoreError as error:
                self._sentinels.remove(sentinel)
                self._sentinels.insert(random.randint(0, len(self._sentinels)), sentinel)  # noqa: S311
                last = error
                continue
            if said:
                return [(0, SLOTS - 1, (said[0].decode(), int(said[1])))]
            last = StoreUnavailable(f"the Sentinels watch no {self._service}")
        raise last

    async def aclose(self) -> None:
        """Close the lines to the Sentinels."""
        for sentinel in self._sentinels:
            await sentinel.aclose()
