"""What a message of Anthropic's says of itself as it passes: usage, why it stopped, and which container it ran in.

In a stream `message_start` has the input's counts and `message_delta` the output's so far. Where the stream breaks before that, the
text that was handed on is counted instead.
"""

from __future__ import annotations

import msgspec

from gateway.dialects import anthropic_words
from gateway.dialects.anthropic_usage import Block, Counts, UsageSaid, sealed_tokens, tokens_of, usage_at_end
from gateway.dialects.base import Seen
from gateway.dialects.estimate import text_tokens, tokens_of_bytes
from gateway.dialects.relays import BodyCopy, Part
from gateway.dialects.sse import data_of, name_of
from gateway.model.decision import Refusal
from gateway.model.request import NO_USAGE, RequestFacts, Usage

__all__ = ["MessageReader", "MessageWatch"]

_UNREAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Container(msgspec.Struct):
    id: str = ""


class _Message(msgspec.Struct):
    usage: UsageSaid | None = None
    stop_reason: str | None = None
    container: _Container | None = None
    content: list[Block] | None = None


class _Delta(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    container: _Container | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: Block | None = None
    delta: _Delta | None = None
    usage: UsageSaid | None = None


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_message = msgspec.json.Decoder(_Message).decode


class MessageWatch:
    """Reads one stream. See `relays.Watch`."""

    def __init__(self, facts: RequestFacts) -> None:
        self._facts = facts
        self._counts = Counts()
        self._begun = self._told = self._error = self._terminal = False
        self._open_blocks: set[int] = set()
        self._output = self._reasoning = 0
        self._shown = False
        """Whether the reasoning of this block could be read, so that its seal is not counted as well."""
        self._finish = ""
        self._container = ""

    def event(self, raw: bytes) -> tuple[bytes, Part]:
        data = data_of(raw)
        if not data:
            return raw, Part.ON
        try:
            event = _decode_event(data)
        except _UNREAD:
            return raw, Part.ON
        match event.type or name_of(raw).decode("latin-1"):
            case "content_block_delta":
                self._count(event.delta)
            case "content_block_start":
                self._open_blocks.add(event.index)
                self._open(event.content_block)
            case "content_block_stop":
                self._open_blocks.discard(event.index)
            case "message_start":
                self._begun = True
                self._note(event.message)
            case "message_delta":
                self._update(event)
            case "message_stop":
                self._terminal = True
                return raw, Part.END
            case "error":
                self._error = True
                return raw, Part.LAST
        return raw, Part.ON

    def _note(self, message: _Message | None) -> None:
        """The output in a first event is what is there already, mostly one token: no more than a lower bound."""
        if message is None:
            return
        if message.usage is not None:
            self._counts.take(message.usage)
        self._container = _id_of(message.container) or self._container

    def _open(self, block: Block | None) -> None:
        self._shown = False
        if block is not None:
            output, reasoning, self._shown = tokens_of(block)
            self._output += output
            self._reasoning += reasoning

    def _count(self, delta: _Delta | None) -> None:
        if delta is None:
            return
        if delta.text or delta.partial_json:
            self._output += text_tokens(delta.text or "") + text_tokens(delta.partial_json or "")
            return
        tokens = text_tokens(delta.thinking or "")
        self._shown = self._shown or tokens > 0
        if delta.signature and not self._shown:
            tokens += sealed_tokens(delta.signature)
        self._output += tokens
        self._reasoning += tokens

    def _update(self, event: _Event) -> None:
        if event.usage is not None:
            self._counts.take(event.usage)
            self._told = self._told or event.usage.output_tokens is not None
        if event.delta is not None:
            self._finish = event.delta.stop_reason or self._finish
            self._container = _id_of(event.delta.container) or self._container

    def seen(self) -> Seen:
        return Seen(self._usage(), self._finish, self._terminal, self._error, self._container)

    def _usage(self) -> Usage:
        if self._told and self._counts.said:
            return self._counts.usage()
        if self._error and not self._begun:
            return NO_USAGE
        output = self._counts.output if self._told else self._output
        return self._counts.counted(self._facts, output, self._reasoning)

    def counted(self) -> int:
        return self._output

    def ending(self) -> bytes | None:
        """Open blocks stop, and the message does for the reason that `max_tokens` has; a tool's input may be cut in its midst then."""
        events = anthropic_words.end_at_length(sorted(self._open_blocks), None if self._finish else self._usage().output)
        self._finish = self._finish or anthropic_words.AT_LENGTH
        self._open_blocks.clear()
        self._terminal = True
        return events

    def error_event(self, refusal: Refusal) -> bytes:
        return anthropic_words.error_event(refusal)


class MessageReader:
    """Reads one answer that is no stream. See `relays.Reader`."""

    def __init__(self, facts: RequestFacts) -> None:
        self._facts = facts
        self._copy = BodyCopy()

    def take(self, chunk: bytes) -> None:
        self._copy.add(chunk)

    def seen(self, *, finished: bool) -> Seen:
        counts = Counts()
        if not self._copy.whole:
            usage = usage_at_end(self._copy.edges()[1])
            if usage is not None:
                counts.take(usage)
                return Seen(counts.usage(), terminal=finished)
            return Seen(counts.counted(self._facts, self._copy.size // 4, 0), terminal=finished)
        body = self._copy.body()
        try:
            message = _decode_message(body)
        except _UNREAD:
            return Seen(counts.counted(self._facts, tokens_of_bytes(body), 0), terminal=finished)
        return Seen(_usage_of(message, counts, self._facts), message.stop_reason or "", finished, object_id=_id_of(message.container))


def _usage_of(message: _Message, counts: Counts, facts: RequestFacts) -> Usage:
    if message.usage is not None:
        counts.take(message.usage)
        if counts.said and message.usage.output_tokens is not None:
            return counts.usage()
    tokens = [tokens_of(block) for block in message.content or ()]
    return counts.counted(facts, sum(output for output, _, _ in tokens), sum(reasoning for _, reasoning, _ in tokens))


def _id_of(container: _Container | None) -> str:
    return container.id if container is not None else ""
