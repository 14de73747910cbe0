"""`usage` as OpenAI's APIs and those that follow them tell it, and as it is counted where they don't."""

from __future__ import annotations

import msgspec

from gateway.dialects.textedit import value_end
from gateway.model.request import NO_USAGE, RequestFacts, Usage

__all__ = ["Told", "counted", "expected", "told_in_edges", "usage_told"]

_LARGEST = 2**53
_Number = int | float | None


class _Details(msgspec.Struct):
    cached_tokens: _Number = None
    reasoning_tokens: _Number = None


class Told(msgspec.Struct):
    """`usage` in either spelling: prompt and completion (chat, completions, embeddings), input and output (responses)."""

    prompt_tokens: _Number = None
    completion_tokens: _Number = None
    input_tokens: _Number = None
    output_tokens: _Number = None
    total_tokens: _Number = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: _Number = None


_decode = msgspec.json.Decoder(Told).decode


def usage_told(told: Told | None) -> Usage | None:
    """The upstream's own count; None where it told none. An output that is not told is the total less the input."""
    if told is None:
        return None
    taken = told.prompt_tokens if told.prompt_tokens is not None else told.input_tokens
    given = told.completion_tokens if told.completion_tokens is not None else told.output_tokens
    if taken is None and given is None and told.total_tokens is None:
        return None
    total = _whole(told.total_tokens)
    before = told.prompt_tokens_details or told.input_tokens_details
    after = told.completion_tokens_details or told.output_tokens_details
    cached = before.cached_tokens if before and before.cached_tokens is not None else told.prompt_cache_hit_tokens
    return Usage(
        input=_whole(taken) if taken is not None else max(0, total - _whole(given)),
        output=_whole(given) if given is not None else max(0, total - _whole(taken)),
        cached=_whole(cached),
        reasoning=_whole(after.reasoning_tokens) if after else 0,
        source="upstream",
    )


def told_in_edges(head: bytes, tail: bytes) -> Usage | None:
    """The upstream's count in the first or last bytes of an answer too large to be read whole; the last one that there is.

    A quoted `usage` cannot stand inside a JSON string without a backslash, so what is found is a key.
    """
    for edge in (tail, head):
        at = edge.rfind(b'"usage"')
        while at >= 0:
            usage = _value_after(edge, at + len(b'"usage"'))
            if usage is not None:
                return usage
            at = edge.rfind(b'"usage"', 0, at)
    return None


def _value_after(text: bytes, at: int) -> Usage | None:
    start = text.find(b"{", at)
    if start < 0 or text[at:start].strip() != b":":
        return None
    try:
        return usage_told(_decode(text[start : value_end(text, start)]))
    except (ValueError, RecursionError):
        return None


def counted(facts: RequestFacts, output: int, *, reasoning: int = 0) -> Usage:
    """What is charged where the upstream did not say: the input as it was estimated, the output as it was counted."""
    return Usage(input=facts.estimate.input, output=min(output, _LARGEST), reasoning=min(reasoning, output), source="counted")


def expected(facts: RequestFacts) -> Usage:
    """What is charged for an answer of which nothing was seen, though the upstream was at work on it."""
    if facts.estimate.input == 0 and facts.estimate.output == 0:
        return NO_USAGE
    return Usage(input=facts.estimate.input, output=facts.estimate.output, source="estimated")


def _whole(value: _Number) -> int:
    return 0 if value is None else max(0, min(_LARGEST, int(value)))
