"""The output items of a response and the events that tell of them: a message, a reasoning, a function call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.demo.ask import Ask, Body
from gateway.demo.openai_parts import told_logprob
from gateway.demo.seal import seal
from gateway.demo.speech import Part, Piece
from gateway.demo.wire import new_id

__all__ = ["Item", "item_of"]

Event = tuple[str, Body]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of item is told: `text_event` of its deltas; the part that holds its text, where it has parts."""

    type: str
    prefix: str
    text_event: str
    done_field: str = "text"
    part_event: str = ""
    part_type: str = ""
    index: str = ""
    parts: str = ""


_MESSAGE = _Kind("message", "msg_", "output_text", "text", "content_part", "output_text", "content_index", "content")
_REASONING = _Kind("reasoning", "rs_", "reasoning_text", "text", "content_part", "reasoning_text", "content_index", "content")
_SUMMARY = _Kind(
    "reasoning", "rs_", "reasoning_summary_text", "text", "reasoning_summary_part", "summary_text", "summary_index", "summary"
)
_CALL = _Kind("function_call", "fc_", "function_call_arguments", "arguments")


class Item:
    """One output item in the making: `open()`, `feed(piece)` for each piece, `close(status)`; then `value` is the item whole."""

    def __init__(self, kind: _Kind, part: Part, at: int, ask: Ask, *, encrypted: bool = False) -> None:
        self.part = part
        self._kind = kind
        self._at = at
        self._ask = ask
        self._encrypted = encrypted
        self._text = ""
        self._logprobs: list[Body] = []
        self._id = new_id(kind.prefix)
        self._call_id = new_id("call_")
        self.value = self._item("in_progress", whole=False)

    def open(self) -> list[Event]:
        """The events before the first piece."""
        events: list[Event] = [("response.output_item.added", {"output_index": self._at, "item": self.value})]
        if self._kind.part_event:
            events.append((f"response.{self._kind.part_event}.added", {**self._place, "part": self._part()}))
        return events

    def feed(self, piece: Piece) -> Event:
        """The event of a piece."""
        self._text += piece.text
        told: Body = {**self._place, "delta": piece.text}
        if self._kind is _MESSAGE:
            told["logprobs"] = logprobs = [told_logprob(piece, self._ask.top)] if self._ask.top >= 0 else []
            self._logprobs += logprobs
        return f"response.{self._kind.text_event}.delta", told

    def close(self, status: str) -> list[Event]:
        """The events after the last piece."""
        kind = self._kind
        self.value = self._item(status, whole=True)
        done: Body = {**self._place, kind.done_field: self._text}
        if kind is _MESSAGE:
            done["logprobs"] = self._logprobs
        if kind is _CALL:
            done["name"] = self.value["name"]
        events: list[Event] = [(f"response.{kind.text_event}.done", done)]
        if kind.part_event:
            events.append((f"response.{kind.part_event}.done", {**self._place, "part": self._part()}))
        return [*events, ("response.output_item.done", {"output_index": self._at, "item": self.value})]

    @property
    def _place(self) -> Body:
        index = {self._kind.index: 0} if self._kind.index else {}
        return {"item_id": self._id, "output_index": self._at, **index}

    def _part(self) -> Body:
        part: Body = {"type": self._kind.part_type, "text": self._text}
        return {**part, "annotations": [], "logprobs": list(self._logprobs)} if self._kind is _MESSAGE else part

    def _item(self, status: str, *, whole: bool) -> Body:
        item: Body = {"id": self._id, "type": self._kind.type, "status": status}
        if self._kind is _CALL:
            return {**item, "call_id": self._call_id, "name": self._ask.tool[0] if self._ask.tool else "", "arguments": self._text}
        if self._kind is _MESSAGE:
            item["role"] = "assistant"
        else:
            item |= {"summary": [], "encrypted_content": seal(self._text) if self._encrypted and whole else None}
        parts: list[Any] = [self._part()] if whole else []
        return {**item, self._kind.parts: parts}


def item_of(part: Part, at: int, ask: Ask, *, summary: bool, encrypted: bool) -> Item:
    """The item that pieces of a part go into, at this place of the output. `summary`: reasoning is told as its summary."""
    kind = {"text": _MESSAGE, "arguments": _CALL, "reasoning": _SUMMARY if summary else _REASONING}[part]
    return Item(kind, part, at, ask, encrypted=encrypted)
