"""Opens a Redis Cluster as the shared state: `redis+cluster://HOST:PORT[,HOST:PORT...]`, or `rediss+cluster://` over TLS.

The hosts are where to begin: any of them that answers says where every slot is, and each learning asks them and the nodes known by
then. User, password and options stand as in a `redis://` URL and are the same for every node.

What an account's or a key's limits count lives on one slot (the account's hash tag), so a request's limits are still taken by one
script in one round trip, exactly. Limits that span accounts (per model, tier, peer, campaign, everyone) live on slots of their own
and are given out in slices leased in advance: see `gateway.stores.leases` for what that promises.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from gateway.errors import SettingsError, StoreError, StoreUnavailable
from gateway.ports import Clock
from gateway.stores.opened import Opened
from gateway.stores.redis import line_to, masked, open_on
from gateway.stores.redis_line import RedisLine
from gateway.stores.redis_nodes import Address, RedisNodes
from gateway.stores.urls import split_state_url

__all__ = ["ClusterSlots", "hosts_in", "line_to_node", "nodes_to", "open_cluster"]

_ANSWERS_S = 0.25
_EXAMPLE = "redis+cluster://:PASSWORD@HOST:PORT,HOST:PORT"


async def open_cluster(state: str, data: Path, *, secret: bytes | None, clock: Clock, exclusive: bool) -> Opened:
    """Open `--state redis+cluster://...`; see `gateway.stores.redis.open_redis`."""
    return await open_on(nodes_to(state), state, data, secret=secret, clock=clock, exclusive=exclusive, spread=True)


def nodes_to(url: str) -> RedisNodes:
    """A line to the nodes of the Cluster that a URL names, not connected yet. SettingsError when the URL cannot be read."""
    seeds = hosts_in(url, 6379, _EXAMPLE)
    if split_state_url(url).path not in ("", "/", "/0"):
        raise SettingsError(f"--state {masked(url)} cannot be read (a Cluster has database 0 only): say {_EXAMPLE}")
    open_line = partial(line_to_node, url, "")
    return RedisNodes(ClusterSlots(seeds), open_line, deadline_s=open_line(seeds[0]).deadline_s)


def hosts_in(url: str, port: int, example: str) -> list[Address]:
    """The hosts that a URL lists, with `port` where one names none. SettingsError when they cannot be read."""
    found = []
    try:
        for host in split_state_url(url).netloc.rpartition("@")[2].split(","):
            parts = urlsplit(f"//{host}")
            if not parts.hostname:
                raise ValueError("a host is missing")
            found.append((parts.hostname, parts.port or port))
    except ValueError as error:
        raise SettingsError(f"--state {masked(url)} cannot be read ({error}): say {example}") from error
    return found


def _url_of_node(url: str, path: str, address: Address) -> str:
    """The plain `redis://` URL of one node, with the credentials and options of a URL that names several."""
    parts = split_state_url(url)
    user, at, _ = parts.netloc.rpartition("@")
    host, port = address
    shown = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme.partition("+")[0], f"{user}{at}{shown}:{port}", path, parts.query, ""))


def line_to_node(url: str, path: str, address: Address) -> RedisLine:
    """A line to one of the nodes that a URL leads to."""
    return line_to(_url_of_node(url, path, address))


class ClusterSlots:
    """Topology of a Cluster: what CLUSTER SLOTS says at the first node that answers."""

    def __init__(self, seeds: Sequence[Address]) -> None:
        self._seeds = list(seeds)

    async def learn(self, known: Sequence[Address], node: Callable[[Address], RedisLine]) -> list[tuple[int, int, Address]]:
        """See `redis_nodes.Topology`. The nodes known to have slots first, then the hosts of the URL, in any order."""
        seeds = [seed for seed in self._seeds if seed not in known]
        random.shuffle(seeds)
        last: StoreError = StoreUnavailable("no node of the Cluster is known")
        for address in [*known, *seeds]:
            try:
                said = await node(address).call("CLUSTER", "SLOTS", deadline_s=_ANSWERS_S)
            except StoreError as error:
                last = error
                continue
            if said:
                return [(first, end, _address(place, address)) for first, end, place, *_ in said]
            last = StoreUnavailable("the Cluster has no slots yet")
        raise last

    async def aclose(self) -> None:
        """Nothing of its own."""


def _address(place: Sequence[Any], asked: Address) -> Address:
    """A node's address; one that does not know its own is where it was asked."""
    host = (place[0] or b"").decode()
    return (asked[0] if host in ("", "?") else host), place[1]
