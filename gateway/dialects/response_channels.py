"""The text channels of OpenAI's responses: each text is told up to four times (deltas, its end, its item's end, the response's), and
every telling is edited alike. Events are numbered anew, since some are left out and some are added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.dialects.altering import Document
from gateway.dialects.channels import Pen, listed

__all__ = ["Numbering", "ResponseChannels"]

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})


class Numbering:
    """Counts the events of one stream as they go out, from the number of the first one on."""

    def __init__(self) -> None:
        self._next: int | None = None

    def number(self, document: Document) -> None:
        told = document.get("sequence_number")
        if not isinstance(told, int):
            return
        document["sequence_number"] = self.after(told)

    def after(self, told: int) -> int:
        """The number of the event that goes out now, whose own is `told`."""
        number = told if self._next is None else self._next
        self._next = number + 1
        return number


class _Channel:
    """One output part: its pen, what was told of it, and the words that its deltas have in common."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.told: list[str] = []
        self.delta: Document = {}
        self.ended = False

    def feed(self, text: str) -> str:
        out = self.pen.feed(text)
        self.told.append(out)
        return out

    def finish(self) -> str:
        self.ended = True
        out = self.pen.finish()
        self.told.append(out)
        return out

    @property
    def text(self) -> str:
        return "".join(self.told)


class ResponseChannels:
    """`output_text` parts of a response, by output index and content index. See `channels.Channels`."""

    def __init__(self, pen: Callable[[], Pen]) -> None:
        self._new = pen
        self._parts: dict[tuple[Any, Any], _Channel] = {}

    def event(self, document: Document) -> list[Document]:
        kind = document.get("type")
        place = (document.get("output_index", 0), document.get("content_index", 0))
        if kind == "response.output_text.delta":
            return self._delta(document, self._channel(place))
        if kind == "response.output_text.done":
            held = self._held(place)
            if isinstance(document.get("text"), str):
                document["text"] = self._same(place, document["text"])
            _null(document)
            return [*held, document]
        if kind == "response.output_text.annotation.added":
            return [] if self._channel(place).pen.count else [document]
        if kind in {"response.content_part.added", "response.content_part.done"} and isinstance(document.get("part"), dict):
            self._part(place, document["part"], ended=kind.endswith("done"))
        elif kind == "response.output_item.done" and isinstance(document.get("item"), dict):
            self._item(place[0], document["item"])
        elif kind in _ENDS:
            held = self.rest()
            self.whole(document.get("response"))
            return [*held, document]
        return [document]

    def writer(self, document: Document) -> Callable[[str], str]:
        """See `channels.Channels`."""
        channel = self._channel((document.get("output_index", 0), document.get("content_index", 0)))
        channel.delta = {key: value for key, value in document.items() if key not in {"delta", "obfuscation"}}
        return channel.feed

    def whole(self, document: Any) -> None:
        if isinstance(document, dict):
            for index, item in enumerate(listed(document.get("output"))):
                self._item(index, item)

    def rest(self) -> list[Document]:
        return [made for place in list(self._parts) for made in self._held(place)]

    def _delta(self, document: Document, channel: _Channel) -> list[Document]:
        if isinstance(document.get("delta"), str):
            document["delta"] = channel.feed(document["delta"])
        _null(document)
        channel.delta = {key: value for key, value in document.items() if key not in {"delta", "obfuscation"}}
        return [document] if document.get("delta") else []

    def _channel(self, place: tuple[Any, Any]) -> _Channel:
        if place not in self._parts:
            self._parts[place] = _Channel(self._new())
        return self._parts[place]

    def _held(self, place: tuple[Any, Any]) -> list[Document]:
        """What is held back of a part, as one more delta of it."""
        channel = self._parts.get(place)
        if channel is None or channel.ended:
            return []
        rest = channel.finish()
        return [{**channel.delta, "delta": rest}] if rest and channel.delta else []

    def _item(self, index: Any, item: Document) -> None:
        if item.get("type") == "message":
            for number, part in enumerate(listed(item.get("content"))):
                self._part((index, number), part, ended=True)

    def _part(self, place: tuple[Any, Any], part: Document, *, ended: bool) -> None:
        if part.get("type") != "output_text" or not isinstance(part.get("text"), str):
            return
        if ended:
            part["text"] = self._same(place, part["text"])
        _null(part)
        if part.get("annotations") and self._channel(place).pen.count:
            part["annotations"] = []

    def _same(self, place: tuple[Any, Any], text: str) -> str:
        """A text that is told again, as it was told; one that is told for the first time is edited now."""
        channel = self._channel(place)
        if not channel.told:
            channel.feed(text)
        if not channel.ended:
            channel.finish()
        return channel.text


def _null(holder: Document) -> None:
    if holder.get("logprobs"):
        holder["logprobs"] = []
