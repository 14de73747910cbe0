"""Answers of chat completions and completions, streamed and whole: what they hold, what they used, and hiding what was asked for.

A stream is chunks of `choices`, ended by `data: [DONE]`. With `stream_options.include_usage` the upstream adds `"usage": null` to each
chunk and one more with `choices: []` and the usage; where the gateway asked and the client did not, both are taken out by text.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from gateway.dialects.base import Seen
from gateway.dialects.estimate import text_tokens, tokens_of_bytes
from gateway.dialects.openai_cut import chunks_at_length
from gateway.dialects.openai_usage import Told, counted, expected, told_in_edges, usage_told
from gateway.dialects.openai_words import error_event
from gateway.dialects.relays import BodyCopy, Part
from gateway.dialects.sse import data_of, with_data
from gateway.dialects.textedit import edit_members
from gateway.model.decision import Refusal
from gateway.model.request import RequestFacts, Usage

__all__ = ["ChunkWatch", "CompletionReader"]

_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null(?=(?:,\s*"obfuscation"\s*:\s*"[^"\\]*")?\s*\}\s*\Z)')
"""A null usage that is the last member, or the last but the padding: the bracket that ends the event shows it is the chunk's own."""


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Custom(msgspec.Struct):
    input: str | None = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None
    custom: _Custom | None = None


class _Audio(msgspec.Struct):
    transcript: str | None = None


class _Message(msgspec.Struct):
    content: str | list[msgspec.Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None
    audio: _Audio | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Message | None = None
    message: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    id: str | None = None
    choices: list[_Choice] | None = None
    usage: Told | None = None
    error: Any = None


class _Bare(msgspec.Struct):
    """What is still read of a chunk with a field of a strange type."""

    choices: list[msgspec.Raw] | None = None
    usage: Told | None = None
    error: Any = None


_chunk = msgspec.json.Decoder(_Chunk).decode
_bare = msgspec.json.Decoder(_Bare).decode


class _Tally:
    """Tokens counted in the pieces of an answer: text, refusals, reasoning, and the arguments of tool calls."""

    def __init__(self) -> None:
        self.output = 0
        self.reasoning = 0
        self.finish = ""
        self.object_id = ""
        self.begun: set[int] = set()
        """The choices that anything was said of, and those that were said to have ended."""
        self.ended: set[int] = set()

    def add(self, chunk: _Chunk) -> bool:
        """Count a chunk. True when it says why a choice ended."""
        if not self.object_id and chunk.id:
            self.object_id = chunk.id
        ended = False
        for choice in chunk.choices or ():
            self.begun.add(choice.index)
            if choice.text:
                self.output += text_tokens(choice.text)
            message = choice.delta or choice.message
            if message is not None:
                self._message(message)
            if choice.finish_reason:
                ended = True
                self.ended.add(choice.index)
                if choice.index == 0 or not self.finish:
                    self.finish = choice.finish_reason
        return ended

    def _message(self, message: _Message) -> None:
        thought = message.reasoning_content or message.reasoning
        if thought:
            tokens = text_tokens(thought)
            self.reasoning += tokens
            self.output += tokens
        content = message.content
        if content:
            self.output += text_tokens(content) if isinstance(content, str) else sum(tokens_of_bytes(bytes(part)) for part in content)
        if message.refusal:
            self.output += text_tokens(message.refusal)
        if message.audio and message.audio.transcript:
            self.output += text_tokens(message.audio.transcript)
        if message.function_call:
            self._call(message.function_call)
        for call in message.tool_calls or ():
            if call.function:
                self._call(call.function)
            if call.custom and call.custom.input:
                self.output += text_tokens(call.custom.input)

    def _call(self, call: _Function) -> None:
        self.output += text_tokens(call.name or "") + text_tokens(call.arguments or "")


class ChunkWatch:
    """Reads the chunks of one stream. `hide`: take out again what asking for usage added. See `relays.Watch`."""

    def __init__(self, facts: RequestFacts, *, hide: bool) -> None:
        self._facts = facts
        self._hide = hide
        self._tally = _Tally()
        self._usage: Usage | None = None
        self._chunk = b""
        """The first chunk of a choice, for the words that all chunks of the stream have in common."""
        self._terminal = False
        self._error = False

    def event(self, raw: bytes) -> tuple[bytes, Part]:
        data = data_of(raw)
        if not data.startswith(b"{"):
            if data.strip() != b"[DONE]":
                return raw, Part.ON
            self._terminal = True
            return raw, Part.END
        try:
            chunk = _chunk(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            chunk = self._barely(data)
        last = self._tally.add(chunk)
        if not self._chunk and chunk.choices:
            self._chunk = data
        if chunk.error is not None or raw.startswith(b"event: error"):
            self._error = last = True
        usage = usage_told(chunk.usage)
        if usage is not None:
            self._usage = usage
            last = last or not chunk.choices
        if self._hide and b'"usage"' in data:
            raw = _without_usage(raw, data, chunk)
        return raw, Part.LAST if last else Part.ON

    def _barely(self, data: bytes) -> _Chunk:
        """A chunk of which not everything can be read: its text is counted by its size, its usage and error still taken."""
        try:
            bare = _bare(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _Chunk()
        self._tally.output += sum(tokens_of_bytes(bytes(choice)) for choice in bare.choices or ())
        return _Chunk(choices=[_Choice()] if bare.choices else None, usage=bare.usage, error=bare.error)

    def seen(self) -> Seen:
        tally = self._tally
        return Seen(
            self._used(),
            finish=tally.finish,
            terminal=self._terminal,
            error=self._error,
            object_id=tally.object_id if self._facts.stores else "",
        )

    def _used(self) -> Usage:
        """What the upstream told; where the stream broke off after an early count of its own, at least what was handed on."""
        tally, usage = self._tally, self._usage
        if usage is None:
            if self._error and not tally.output:
                return Usage()
            return counted(self._facts, tally.output, reasoning=tally.reasoning)
        if self._terminal or tally.finish or usage.output >= tally.output:
            return usage
        return counted(self._facts, tally.output, reasoning=tally.reasoning)

    def counted(self) -> int:
        return self._tally.output

    def ending(self) -> bytes | None:
        tally, facts = self._tally, self._facts
        still_open = sorted(tally.begun - tally.ended)
        asked = self._used() if facts.usage_asked else None
        events = chunks_at_length(self._chunk, still_open, text=facts.operation == "completions", usage=asked)
        if events is not None:
            tally.finish = "length" if still_open else tally.finish
            self._terminal = True
        return events

    def error_event(self, refusal: Refusal) -> bytes:
        return error_event(refusal, kind="chat")


def _without_usage(raw: bytes, data: bytes, chunk: _Chunk) -> bytes:
    """The event as it would be had nobody asked: none where it tells only the usage, else without that member."""
    if chunk.usage is not None and not chunk.choices:
        return b""
    null = _NULL_USAGE.search(raw, len(raw) - 512 if len(raw) > 512 else 0)
    if null is not None:
        return raw[: null.start()] + raw[null.end() :]
    try:
        edited = edit_members(data, {"usage": None})
    except ValueError:
        return raw
    return raw if edited is data else with_data(raw, edited)


class CompletionReader:
    """Reads a whole answer of chat completions, completions or embeddings. See `relays.Reader`.

    One whose JSON lacks its end is not terminal, however cleanly the connection ended.
    """

    def __init__(self, facts: RequestFacts) -> None:
        self._facts = facts
        self._copy = BodyCopy()

    def take(self, chunk: bytes) -> None:
        self._copy.add(chunk)

    def seen(self, *, finished: bool) -> Seen:
        copy, facts = self._copy, self._facts
        if not copy.size:
            return Seen(Usage() if finished else expected(facts), terminal=finished)
        if not copy.whole:
            return Seen(told_in_edges(*copy.edges()) or self._by_size(), terminal=finished)
        try:
            answer = _chunk(copy.body())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Seen(told_in_edges(b"", copy.body()) or self._by_size())
        tally = _Tally()
        tally.add(answer)
        failed = answer.error is not None
        usage = usage_told(answer.usage)
        if usage is None:
            usage = Usage() if failed and not tally.output else counted(facts, tally.output, reasoning=tally.reasoning)
        return Seen(usage, tally.finish, terminal=finished, error=failed, object_id=tally.object_id if facts.stores else "")

    def _by_size(self) -> Usage:
        """An answer that breaks off or is not JSON: counted by its bytes, except where none of them are the model's words."""
        return counted(self._facts, 0 if self._facts.operation == "embeddings" else self._copy.size // 4)
