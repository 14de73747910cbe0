"""Streams as real servers send them, in as few words as a test needs, and chunkings of them."""

from __future__ import annotations

import json

from hypothesis import strategies as st

EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8")]
JSON = [(b"content-type", b"application/json")]
CUTS = st.lists(st.integers(1, 90), max_size=30)


def chunked(stream, cuts):
    """The stream in pieces of these sizes, what is left in one."""
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(stream[at : at + cut])
        at += cut
    return [piece for piece in [*pieces, stream[at:]] if piece]


def passed(relay, stream, cuts=()):
    """(what was handed on before the end, the end, what was seen) of a stream that ended well."""
    out = b"".join(relay.feed(piece) for piece in chunked(stream, cuts))
    end = relay.finish()
    return out, end, relay.seen()


def cut_at(relay, stream, bound, cuts=()):
    """(what was handed on, the end) of a stream that goes on until more than `bound` tokens are counted, and is cut there; or whole."""
    out = [relay.go_on(bound)]
    for piece in chunked(stream, cuts):
        out.append(relay.feed(piece))
        if relay.waits:
            return b"".join(out), relay.cut()
    return b"".join(out), relay.finish()


def let_on(relay, stream, bounds, cuts=()):
    """What was handed on of a stream that is let go on to each of the bounds in turn, then to its end, and that end."""
    bounds = [*bounds, None]
    out = [relay.go_on(bounds.pop(0))]
    for piece in chunked(stream, cuts):
        out.append(relay.feed(piece))
        while relay.waits:
            out.append(relay.go_on(bounds.pop(0)))
    return b"".join(out), relay.finish()


def datas(stream):
    """The JSON of each event's data, `[DONE]` as it is."""
    lines = [line.removeprefix("data: ") for line in stream.decode().split("\n") if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def event(value, *, spaces=False, end="\n\n", name=""):
    """One event with a JSON value as its data."""
    text = value if isinstance(value, str) else json.dumps(value, separators=None if spaces else (",", ":"), ensure_ascii=False)
    return f"{f'event: {name}' + end[: len(end) // 2] if name else ''}data: {text}{end}".encode()


def chunk(delta=None, *, index=0, finish=None, **more):
    """A chat completion chunk."""
    choice = {"index": index, "delta": {} if delta is None else delta, "logprobs": None, "finish_reason": finish}
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1764000000, "model": "m", "service_tier": "default"}
    return {**base, "choices": [choice], **more}


USAGE = {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
}
DELTAS = [{"role": "assistant", "content": ""}, {"content": "Hello"}, {"content": ' "usage":null'}, {"content": " größe"}]


def chat_stream(*, asked, spaces=False, end="\n\n", padded=False, in_last=False):
    """The same chat stream with usage asked for and without, as OpenAI sends it (`in_last`: usage in the last chunk with content)."""
    usage_null = {"usage": None} if asked else {}
    padding = {"obfuscation": "aB3x"} if padded else {}
    events = [chunk(delta, **usage_null, **padding) for delta in DELTAS]
    last = {"usage": USAGE} if asked and in_last else usage_null
    events.append(chunk(finish="stop", **last, **padding))
    if asked and not in_last:
        events.append({**chunk(), "choices": [], "usage": USAGE, **padding})
    return b"".join(event(value, spaces=spaces, end=end) for value in events) + event("[DONE]", end=end)
