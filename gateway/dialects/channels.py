"""Where the visible text of an answer stands in each dialect, so that it can be edited wherever it is told, the same each time.

One channel is one choice, content block or output part. Its text goes through one pen, in whatever pieces it comes; what the pen holds
back goes out before the channel ends. Log probabilities and offsets of the original do not travel with an edited text: the dialect's
null form takes their place. Tool calls, refusals, reasoning, ids, finish reasons and usage are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gateway.dialects.altering import Document

__all__ = ["Channels", "ChatChannels", "MessageChannels", "Pen", "is_free", "listed"]

_STRUCTURED = ("guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs", "grammar", "json_schema")
_FORCED = ("required", "any", "tool", "function", "custom", "allowed_tools")


class Pen(Protocol):
    """Edits one channel's text; see `gateway.perturb.base.TextEdit`. `alters`: its words may differ from the original's by now, so that
    what is told of those (log probabilities) does not fit them."""

    @property
    def count(self) -> int: ...
    @property
    def alters(self) -> bool: ...
    def feed(self, text: str) -> str: ...
    def finish(self) -> str: ...


class Channels(Protocol):
    """The text channels of one answer. `event` gives the documents in the place of one event's, `whole` edits a whole answer.

    `writer` is for an event that tells a piece of text and nothing else (`tellings`): what edits the pieces of its channel, until an
    event of another kind comes; None where the channel is not edited.
    """

    def event(self, document: Document) -> list[Document]: ...
    def writer(self, document: Document) -> Callable[[str], str] | None: ...
    def whole(self, document: Document) -> None: ...
    def rest(self) -> list[Document]: ...


def is_free(asked: Mapping[str, Any]) -> bool:
    """Whether the text of an answer is prose: no JSON mode or schema, no forced tool, no answer that was begun as something else."""
    shape = asked.get("response_format") or asked.get("output_format")
    inner: Mapping[str, Any] = next((asked[key] for key in ("text", "output_config") if isinstance(asked.get(key), dict)), {})
    shape = shape or inner.get("format")
    if shape is not None and not (isinstance(shape, dict) and shape.get("type") == "text"):
        return False
    if any(asked.get(key) is not None for key in _STRUCTURED) or asked.get("suffix"):
        return False
    choice = asked.get("tool_choice") or asked.get("function_call")
    if isinstance(choice, dict) and (choice.get("type") in _FORCED or "name" in choice):
        return False
    return choice not in _FORCED and not _begun_otherwise(asked)


def _begun_otherwise(asked: Mapping[str, Any]) -> bool:
    """The client began the answer itself, with what begins a structure."""
    messages = asked.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return False
    content = last.get("content")
    if isinstance(content, list) and content and isinstance(content[-1], dict):
        content = content[-1].get("text")
    return isinstance(content, str) and content.strip()[:1] in {"{", "[", "<", "`", "|"}


def listed(value: Any) -> list[Document]:
    """The objects of a list; nothing where it is none."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


class ChatChannels:
    """`choices[].delta.content`, `choices[].message.content` and `choices[].text` of chat completions and completions."""

    def __init__(self, pen: Callable[[], Pen]) -> None:
        self._new = pen
        self._pens: dict[int, Pen] = {}
        self._last: Document = {}
        """A chunk of the stream, for those that are made anew."""

    def event(self, document: Document) -> list[Document]:
        out: list[Document] = []
        choices = listed(document.get("choices"))
        if choices:
            self._last = document
        for choice in choices:
            self._piece(choice)
            delta = choice.get("delta")
            calls = isinstance(delta, dict) and (delta.get("tool_calls") or delta.get("function_call"))
            if (choice.get("finish_reason") or calls) and (rest := self._finished(choice)):
                out.append(self._made(choice, rest))
        if document.get("error") is not None:
            out += self.rest()
        return [*out, document]

    def writer(self, document: Document) -> Callable[[str], str] | None:
        choice = document["choices"][0]
        if "role" in (choice.get("delta") or {}) and choice.get("index", 0) not in self._pens:
            return None  # the role goes out before its text is held back
        self._last = document
        return self._pen(choice).feed

    def whole(self, document: Document) -> None:
        for choice in listed(document.get("choices")):
            message = choice.get("message")
            holder, key = (message, "content") if isinstance(message, dict) else (choice, "text")
            text = holder.get(key)
            if isinstance(text, str):
                pen = self._new()
                holder[key] = pen.feed(text) + pen.finish()
                if pen.count and holder.get("annotations"):
                    holder["annotations"] = []
                if not pen.alters:
                    continue
            _without_logprobs(choice)

    def rest(self) -> list[Document]:
        """What is held back of choices that were not said to have ended."""
        out = []
        for index in sorted(self._pens):
            choice = next((known for known in listed(self._last.get("choices")) if known.get("index", 0) == index), {"index": index})
            shaped = choice if "text" in choice or "delta" in choice else {"index": index, **self._shape()}
            if rest := self._finished(shaped):
                out.append(self._made(shaped, rest))
        return out

    def _shape(self) -> Document:
        return {"text": ""} if any("text" in choice for choice in listed(self._last.get("choices"))) else {"delta": {}}

    def _piece(self, choice: Document) -> None:
        delta = choice.get("delta")
        holder, key = (delta, "content") if isinstance(delta, dict) else (choice, "text")
        text = holder.get(key)
        if isinstance(text, str) and text:
            holder[key] = self._pen(choice).feed(text)
            if self._pen(choice).count and holder.get("annotations"):
                holder["annotations"] = []
        pen = self._pens.get(choice.get("index", 0))
        if pen is None or pen.alters:
            _without_logprobs(choice)

    def _pen(self, choice: Document) -> Pen:
        index = choice.get("index", 0)
        if index not in self._pens:
            self._pens[index] = self._new()
        return self._pens[index]

    def _finished(self, choice: Document) -> str:
        pen = self._pens.pop(choice.get("index", 0), None)
        return pen.finish() if pen else ""

    def _made(self, choice: Document, text: str) -> Document:
        """A chunk that tells what was held back of one choice, and nothing else."""
        made = {key: value for key, value in self._last.items() if key not in {"choices", "usage", "obfuscation"}}
        telling: Document = {"text": text} if "text" in choice else {"delta": {"content": text}}
        if "logprobs" in choice:
            telling["logprobs"] = None
        return {**made, "choices": [{"index": choice.get("index", 0), **telling, "finish_reason": None}]}


def _without_logprobs(choice: Document) -> None:
    if choice.get("logprobs") is not None:
        choice["logprobs"] = None


class MessageChannels:
    """Text blocks of Anthropic's messages. Citations stay: they speak of the client's documents, not of this text."""

    def __init__(self, pen: Callable[[], Pen]) -> None:
        self._new = pen
        self._pens: dict[int, Pen] = {}

    def event(self, document: Document) -> list[Document]:
        index, kind = document.get("index", 0), document.get("type")
        if kind == "content_block_start":
            block = document.get("content_block")
            if isinstance(block, dict) and block.get("type") == "text":
                self._pens[index] = self._new()
                if isinstance(block.get("text"), str) and block["text"]:
                    block["text"] = self._pens[index].feed(block["text"])
        elif kind == "content_block_delta" and index in self._pens:
            delta = document.get("delta")
            if isinstance(delta, dict) and delta.get("type") == "text_delta" and isinstance(delta.get("text"), str):
                delta["text"] = self._pens[index].feed(delta["text"])
                return [document] if delta["text"] else []
        elif kind == "content_block_stop":
            return [*self._held(index), document]
        elif kind in {"message_delta", "message_stop", "error"}:
            return [*self.rest(), document]
        return [document]

    def writer(self, document: Document) -> Callable[[str], str] | None:
        pen = self._pens.get(document.get("index", 0))
        return pen.feed if pen else None

    def whole(self, document: Document) -> None:
        for block in listed(document.get("content")):
            if block.get("type") == "text" and isinstance(block.get("text"), str):
                pen = self._new()
                block["text"] = pen.feed(block["text"]) + pen.finish()

    def rest(self) -> list[Document]:
        return [made for index in sorted(self._pens) for made in self._held(index)]

    def _held(self, index: int) -> list[Document]:
        pen = self._pens.pop(index, None)
        rest = pen.finish() if pen else ""
        return [{"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": rest}}] if rest else []
