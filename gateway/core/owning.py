"""Stored objects behind one shared upstream credential: whose they are.

With the client's own credentials the upstream itself keeps customers apart. With an injected one, all callers look like one
customer to it, so files, stored responses and the like belong to the key that made them, and the gateway keeps them apart.
"""

from __future__ import annotations

from gateway.core.trail import Trail

__all__ = ["keeps", "lists", "must_read", "refs"]

FAMILIES = frozenset({
    "assistants", "batches", "chat/completions", "containers", "conversations", "evals", "files", "fine_tuning/jobs",
    "messages/batches", "realtime", "responses", "threads", "uploads", "vector_stores", "videos",
})  # fmt: skip
"""First segments of the paths under which objects are stored."""

_NAMING = frozenset({"openai.responses", "openai.chat", "anthropic.messages", "anthropic.count_tokens"})
"""Dialects whose bodies can name stored objects."""


def refs(trail: Trail) -> tuple[str, ...]:
    """Ids of the stored objects that a request names, in its path or its body; empty with the client's own credentials."""
    if not _shared(trail):
        return ()
    _, rest = _family(trail.route)
    named = (rest.partition("/")[0],) if rest else ()
    return named + (trail.facts.stored_refs if trail.facts else ())


def must_read(trail: Trail) -> bool:
    """Whether the body may name stored objects that have to be the caller's own: then it may not pass unread."""
    return _shared(trail) and trail.dialect.name in _NAMING


def lists(trail: Trail) -> bool:
    """Whether the request would list everybody's objects."""
    if not _shared(trail) or not trail.route.startswith("GET "):
        return False
    family, rest = _family(trail.route)
    return bool(family) and not rest


def keeps(trail: Trail, object_id: str) -> bool:
    """Whether an answer's object becomes the caller's: made by a POST to a family of stored objects, or a message's container."""
    if not object_id or not _shared(trail) or not trail.route.startswith("POST "):
        return False
    return trail.route == "POST /messages" or bool(_family(trail.route)[0])


def _shared(trail: Trail) -> bool:
    return trail.caller is not None and trail.caller.source not in {"client", "anonymous"}


def _family(route: str) -> tuple[str, str]:
    """(family, rest of the path) of a route, ("", "") where nothing is stored under it."""
    path = route.partition(" ")[2].lstrip("/")
    first, _, rest = path.partition("/")
    if first in FAMILIES:
        return first, rest
    second, _, rest = rest.partition("/")
    return (f"{first}/{second}", rest) if f"{first}/{second}" in FAMILIES else ("", "")
