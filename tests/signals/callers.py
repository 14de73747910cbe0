"""Callers made of looks or of recorded requests, and what one signal says of them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import msgspec

from gateway.model.look import Look
from gateway.signals.look import look_of
from gateway.trace import read_trace

DIALECTS = {
    "/v1/embeddings": "openai.embeddings",
    "/v1/chat/completions": "openai.chat",
    "/v1/completions": "openai.completions",
    "/v1/messages": "anthropic.messages",
}


def look(text, *, system="", out=200, at=0, created=None, **document):
    """A look at one chat request that was answered with `out` tokens."""
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": text})
    known = () if created is None else (("created", str(created)),)
    return look_of(
        "openai.chat", {"model": "m", "messages": messages, **document}, at_us=at, status=200, output_tokens=out, attributes=known
    )


def recorded(path: Path) -> dict[str, list[Look]]:
    """The callers of a recording."""
    callers = defaultdict(list)
    for record in read_trace(path):
        document = msgspec.json.decode(record.body)
        callers[record.key].append(
            look_of(
                DIALECTS[record.path],
                document,
                at_us=record.at_us,
                status=record.status,
                output_tokens=record.usage.output,
                attributes=tuple(record.attributes.items()),
            )
        )
    return callers


class Plain:
    """Takes a signal at its word, up to 24 decibans: what a baseline bears out is the baseline's to test."""

    def weight(self, signal, value):
        return max(0.0, min(value, 24.0))


def watched(signal, looks):
    """The signal's state of a caller who sent these."""
    state = signal.fresh()
    for one in looks:
        signal.watch(state, one)
    return state


def said(signal, looks, baseline=None):
    """What the signal says of a caller who sent these."""
    return signal.weigh(watched(signal, looks), 0, baseline or Plain())
