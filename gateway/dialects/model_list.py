"""The list of models, cut to those that the caller may use.

Behind a credential that all callers share the upstream lists whatever the operator has. Models that a tier does not allow do not
exist for its callers when they ask for an answer, so neither do they in the list. OpenAI's and Anthropic's shape are known, and the
bare array and the further lists that some servers add; whatever else comes is no list of models and passes as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.dialects.base import Headers, Relay, Seen
from gateway.dialects.relays import Uncut
from gateway.errors import UpstreamError
from gateway.model.decision import Refusal
from gateway.model.request import NO_USAGE

__all__ = ["MAX_LIST", "filtered", "shown_to"]

MAX_LIST = 8 * 1024 * 1024
"""Bytes of a list that are held to be cut; catalogues of hundreds of models come to less than one million."""

_NAMES = ("id", "model", "name")


def shown_to(allowed: Callable[[str], bool], passing: Relay, status: int, headers: Headers) -> Relay:
    """The relay for an answer to `GET /models` of which only the models `allowed` may be seen; `passing` for what is no list."""
    fields = dict(headers)
    if status != 200 or fields.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        return passing
    return _Held(allowed, readable=fields.get(b"content-encoding", b"") in {b"", b"identity"})


class _Held(Uncut):
    """Holds the whole list. What cannot be cut is not handed on: UpstreamError for a list that is too large, or compressed unasked."""

    def __init__(self, allowed: Callable[[str], bool], *, readable: bool) -> None:
        self._allowed = allowed
        self._readable = readable
        self._document = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        self._document += chunk
        if not self._readable or len(self._document) > MAX_LIST:
            raise UpstreamError("protocol", "the list of models is compressed or too large to be cut to the tier's", sent=True)
        return b""

    def finish(self) -> bytes:
        return filtered(bytes(self._document), self._allowed)

    def fail(self, refusal: Refusal) -> bytes | None:
        return None

    def seen(self) -> Seen:
        return Seen(NO_USAGE)


def filtered(document: bytes, allowed: Callable[[str], bool]) -> bytes:
    """The list without the models that are not allowed; the very same object where it names none of them or is no list.

    All that is kept keeps its bytes, but for Anthropic's page marks, which must not name a hidden model either.
    """
    try:
        if document.lstrip()[:1] == b"[":
            items = msgspec.json.decode(document, type=list[msgspec.Raw])
            kept = _kept(items, allowed)
            return document if len(kept) == len(items) else msgspec.json.encode(kept)
        members = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
        cut: dict[str, Any] = {}
        for key, value in members.items():
            if bytes(value)[:1] == b"[":
                items = msgspec.json.decode(value, type=list[msgspec.Raw])
                kept = _kept(items, allowed)
                if len(kept) < len(items):
                    cut[key] = kept
        return msgspec.json.encode({**members, **cut, **_marks(members, cut)}) if cut else document
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return document


def _kept(items: list[msgspec.Raw], allowed: Callable[[str], bool]) -> list[msgspec.Raw]:
    return [item for item in items if (name := _name(item)) is None or allowed(name)]


def _name(item: msgspec.Raw) -> str | None:
    """What a model of the list is called; None for what is no model."""
    value = msgspec.json.decode(item)
    if isinstance(value, dict):
        value = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
    return value if isinstance(value, str) else None


def _marks(members: Mapping[str, msgspec.Raw], cut: Mapping[str, list[msgspec.Raw]]) -> dict[str, str | None]:
    """`first_id` and `last_id` by what is shown. With more pages to come the last stays, as the next page begins after it."""
    shown = [_name(item) for item in cut.get("data", [])]
    marks = {"first_id": shown[0] if shown else None, "last_id": shown[-1] if shown else None}
    more = bytes(members.get("has_more", msgspec.Raw(b"false"))) == b"true"
    return {key: mark for key, mark in marks.items() if key in members and not (more and key == "last_id")}
