"""Which dialect speaks on which route: one table over the registered dialects, made at the first request.

Clients name a version or not (`/v1/chat/completions`, `/chat/completions`), and some add a slash at the end. All of these are
one operation here, so that no spelling of a path is counted by looser rules than another.
"""

from __future__ import annotations

from functools import cache

from gateway.dialects.base import Dialect
from gateway.registry import names, resolve

__all__ = ["dialect_for", "normal_path"]

_ANTHROPIC = "/messages/"
"""Under this path whatever is not parsed is still Anthropic's: refused in its words, and sent on with its kind of credential."""


def normal_path(path: str) -> str:
    """The path without its `/v1`, of which exactly one is taken away, and without slashes at its end; never empty."""
    if path.startswith("/v1/") or path == "/v1":
        path = path[3:]
    return path.rstrip("/") or "/"


def dialect_for(method: str, path: str) -> Dialect:
    """The dialect of a request's method and decoded path, with or without `/v1`; opaque for whatever no other one claims.

    RegistryError at the first call if a registered dialect does not resolve.
    """
    table, opaque, anthropic = _table()
    plain = normal_path(path)
    return table.get((method, plain)) or (anthropic if plain.startswith(_ANTHROPIC) else opaque)


@cache
def _table() -> tuple[dict[tuple[str, str], Dialect], Dialect, Dialect]:
    """Every route's dialect, and the two opaque ones. Where two claim a route the first registered keeps it, which is ours."""
    table: dict[tuple[str, str], Dialect] = {}
    for name in names("dialects"):
        dialect: Dialect = resolve("dialects", name)()
        for route in dialect.routes:
            table.setdefault(route, dialect)
    opaque = resolve("dialects", "opaque")
    return table, opaque(), opaque("anthropic.opaque")
