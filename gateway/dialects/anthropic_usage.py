"""The counts in Anthropic's answers: what the upstream says, and what we count where it does not.

The total input is the sum of three: plain, written to the cache, and read from it. Counts in a stream are cumulative, so a later one
takes an earlier one's place and nothing is ever added up.
"""

from __future__ import annotations

import msgspec

from gateway.dialects.estimate import text_tokens, tokens_of_bytes
from gateway.dialects.textedit import value_end
from gateway.model.request import RequestFacts, Usage

__all__ = ["Block", "Counts", "UsageSaid", "sealed_tokens", "tokens_of", "usage_at_end"]


class _Details(msgspec.Struct):
    thinking_tokens: int | None = None


class UsageSaid(msgspec.Struct):
    """A `usage` object."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: _Details | None = None


_decode_usage = msgspec.json.Decoder(UsageSaid).decode


class Block(msgspec.Struct):
    """A block of an answer's content, as far as it is counted."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"")


class Counts:
    """The counts that the upstream gave so far; a later one takes an earlier one's place. The total input is the sum of its three."""

    def __init__(self) -> None:
        self.said = False
        self.output = 0
        self._input = self._created = self._read = 0
        self._reasoning = 0

    def take(self, usage: UsageSaid) -> None:
        self._input = _later(usage.input_tokens, self._input)
        self._created = _later(usage.cache_creation_input_tokens, self._created)
        self._read = _later(usage.cache_read_input_tokens, self._read)
        self.output = _later(usage.output_tokens, self.output)
        if usage.output_tokens_details is not None:
            self._reasoning = _later(usage.output_tokens_details.thinking_tokens, self._reasoning)
        self.said = self.said or usage.input_tokens is not None

    def usage(self) -> Usage:
        total = self._input + self._created + self._read
        return Usage(total, self.output, cached=self._read, reasoning=self._reasoning, source="upstream")

    def counted(self, facts: RequestFacts, output: int, reasoning: int) -> Usage:
        """The usage where the upstream did not say all of it: its own word on the input, if it gave any, and what we counted."""
        said = self.usage()
        total = said.input if self.said else facts.estimate.input
        return Usage(total, max(output, self.output), cached=said.cached, reasoning=reasoning, source="counted")


def _later(said: int | None, before: int) -> int:
    return before if said is None else max(0, said)


def sealed_tokens(text: str) -> int:
    """Tokens of reasoning that comes encrypted, in base64: three bytes in four letters, four bytes a token."""
    return len(text) * 3 // 16


def tokens_of(block: Block) -> tuple[int, int, bool]:
    """(output, of it reasoning, whether the reasoning can be read) of a block. What the server's own tools gave back is no output."""
    match block.type:
        case "thinking":
            tokens = text_tokens(block.thinking or "") or sealed_tokens(block.signature or "")
            return tokens, tokens, bool(block.thinking)
        case "redacted_thinking":
            tokens = sealed_tokens(block.data or "")
            return tokens, tokens, True
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            written = bytes(block.input)
            return (tokens_of_bytes(written) if len(written) > 2 else 0), 0, True
        case _:
            return text_tokens(block.text or ""), 0, True


def usage_at_end(tail: bytes) -> UsageSaid | None:
    """The last `usage` of a message that was too large to be kept whole."""
    at = tail.rfind(b'"usage"')
    start = tail.find(b"{", at)
    if at < 0 or start < 0:
        return None
    try:
        usage = _decode_usage(tail[start : value_end(tail, start)])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return usage if usage.output_tokens is not None and usage.input_tokens is not None else None
