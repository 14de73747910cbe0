"""What a streamed response has said so far, so that it can be ended at its budget: as one that ran into `max_output_tokens`.

A response tells each of its texts many times: in deltas, in the text's own `done`, in its part's, in its item's, and in the response
whole. So whoever ends one early must know the texts of all that is open. They are kept as they come, up to `MAX_KEPT` bytes; a
response beyond that cannot be ended early.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.model.request import Usage

__all__ = ["MAX_KEPT", "Draft", "Said"]

MAX_KEPT = 8 * 1024 * 1024
"""Bytes of texts and items of one response that are kept."""

Body = dict[str, Any]
Place = tuple[str, int]


class Said(msgspec.Struct):
    """The fields of an event that a draft is made of, of whatever type."""

    output_index: Any = None
    content_index: Any = None
    summary_index: Any = None
    delta: Any = None
    item: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    part: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    logprobs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class _Text:
    """A kind of text: the field that holds it, the list that its part stands in ("": it stands in the item itself), the part's type."""

    name: str
    parts: str = ""
    part_type: str = ""


_TEXTS = {
    "response.output_text": _Text("text", "content", "output_text"),
    "response.refusal": _Text("refusal", "content", "refusal"),
    "response.reasoning_text": _Text("text", "content", "reasoning_text"),
    "response.reasoning_summary_text": _Text("text", "summary", "summary_text"),
    "response.function_call_arguments": _Text("arguments"),
    "response.mcp_call_arguments": _Text("arguments"),
    "response.custom_tool_call_input": _Text("input"),
    "response.code_interpreter_call_code": _Text("code"),
}
_PARTS = {"response.content_part": "content", "response.reasoning_summary_part": "summary"}
_PART_EVENTS = {parts: event for event, parts in _PARTS.items()}
_INDEXES = {"content": "content_index", "summary": "summary_index"}


@dataclass(slots=True)
class _Item:
    """One output item. `texts` and `logprobs` by kind and index, `parts` by list and index, `closed` the ones that are done."""

    raw: bytes
    done: bool = False
    texts: dict[Place, list[str]] = field(default_factory=dict)
    logprobs: dict[Place, list[bytes]] = field(default_factory=dict)
    parts: dict[Place, bytes] = field(default_factory=dict)
    closed: set[Place] = field(default_factory=set)


class Draft:
    """`take` each event; then `ending`."""

    def __init__(self) -> None:
        self._items: dict[int, _Item] = {}
        self._kept = 0

    def take(self, kind: str, said: Said) -> None:
        """Note one event of type `kind`. What has no place in the output is passed over."""
        at = said.output_index
        if not isinstance(at, int) or self._kept > MAX_KEPT:
            return
        what, _, step = kind.rpartition(".")
        if what == "response.output_item":
            self._item(at, step, said)
        elif (item := self._items.get(at)) is None or item.done:
            return
        elif what in _TEXTS:
            self._text(item, (what, _index(_TEXTS[what].parts, said)), step, said)
        elif what in _PARTS:
            self._part(item, (_PARTS[what], _index(_PARTS[what], said)), step, said)

    def _item(self, at: int, step: str, said: Said) -> None:
        if isinstance(said.item, msgspec.Raw) and step in {"added", "done"}:
            self._items[at] = _Item(self._keep(bytes(said.item)), done=step == "done")

    def _text(self, item: _Item, place: Place, step: str, said: Said) -> None:
        if step == "done":
            item.closed.add(place)
        elif step == "delta" and isinstance(said.delta, str):
            self._kept += len(said.delta)
            item.texts.setdefault(place, []).append(said.delta)
            chances = bytes(said.logprobs) if isinstance(said.logprobs, msgspec.Raw) else b""
            if len(chances) > 2 and chances.startswith(b"["):
                item.logprobs.setdefault(place, []).append(self._keep(chances))

    def _part(self, item: _Item, place: Place, step: str, said: Said) -> None:
        if isinstance(said.part, msgspec.Raw) and step in {"added", "done"}:
            item.parts[place] = self._keep(bytes(said.part))
            if step == "done":
                item.closed.add(place)

    def _keep(self, text: bytes) -> bytes:
        self._kept += len(text)
        return text

    def ending(self, response: bytes, usage: Usage, sequence: int) -> bytes | None:
        """The events that close what is open, and `response.incomplete`. `response`: the response as told last; `sequence` follows the
        number of the last event. None where too much was said to be kept, or what was said cannot be read."""
        if self._kept > MAX_KEPT:
            return None
        try:
            output: list[Body] = []
            events = [event for at in sorted(self._items) for event in self._closing(at, output)]
            whole = {
                **msgspec.json.decode(response, type=Body),
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
                "output": output,
                "usage": _usage_object(usage),
            }
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        events.append({"type": "response.incomplete", "response": whole})
        return b"".join(
            b"event: %s\ndata: %s\n\n" % (event["type"].encode(), msgspec.json.encode({**event, "sequence_number": sequence + place}))
            for place, event in enumerate(events)
        )

    def _closing(self, at: int, output: list[Body]) -> Iterator[Body]:
        """1. Each open text is done, and its part after it. 2. So are parts without a text. 3. So is the item, incomplete."""
        item = self._items[at]
        value = msgspec.json.decode(item.raw, type=Body)
        output.append(value)
        if item.done:
            return
        where: Body = {"item_id": value.get("id"), "output_index": at}
        parts = {place: msgspec.json.decode(raw, type=Body) for place, raw in item.parts.items()}
        for (kind, index), pieces in item.texts.items():
            text, said = _TEXTS[kind], "".join(pieces)
            chances = [chance for raw in item.logprobs.get((kind, index), ()) for chance in msgspec.json.decode(raw)]
            here = {**where, _INDEXES[text.parts]: index} if text.parts else where
            if (kind, index) not in item.closed:
                more = {"logprobs": chances} if kind == "response.output_text" else {}
                if kind == "response.function_call_arguments" and "name" in value:
                    more = {"name": value["name"]}
                yield {"type": f"{kind}.done", **here, text.name: said, **more}
            if not text.parts:
                value[text.name] = said
                continue
            part = parts.setdefault((text.parts, index), {"type": text.part_type})
            if (text.parts, index) not in item.closed:
                part.update({text.name: said, **({"logprobs": chances} if chances else {})})
        for (name, index), part in sorted(parts.items(), key=lambda placed: placed[0]):
            if (name, index) in item.parts and (name, index) not in item.closed:
                yield {"type": f"{_PART_EVENTS[name]}.done", **where, _INDEXES[name]: index, "part": part}
            value[name] = [*(value.get(name) or ()), part]
        value["status"] = "incomplete"
        yield {"type": "response.output_item.done", "output_index": at, "item": value}


def _index(parts: str, said: Said) -> int:
    index = said.summary_index if parts == "summary" else said.content_index
    return index if isinstance(index, int) else 0


def _usage_object(usage: Usage) -> Body:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
