"""What altering a stream costs: CPU microseconds per 1,000 characters of text and per event, at several sizes of events.

    python -m tests.bench.altering

The events are those of OpenAI's chat completions as its servers write them, each fed as a chunk of its own. Each figure is the least
of several rounds. `text alone`: the same edits, fed with the pieces of text and nothing around them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from gateway.core.alteration import Altering, Part
from gateway.dialects.altering import rewriting
from gateway.perturb.base import Context
from gateway.registry import resolve
from tests.support.prose import REPLIES

__all__ = ["SIZES", "SETS", "altering", "cost", "events", "text_cost"]

SIZES = (4, 16, 60)
"""Characters of one event; four is a token."""

SETS = (("fingerprint",), ("samples",), ("fingerprint", "samples"), ("reasoning",), ("fingerprint", "reasoning"), ("logprobs",))
ROUNDS = 5
TEXT = "".join(REPLIES)[:6000]
_EVENTS = [(b"content-type", b"text/event-stream")]


def events(text: str, size: int, *, obfuscated: bool = False) -> list[bytes]:
    """A stream of chat completion chunks that tell `text`, `size` characters each."""

    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        more = {"obfuscation": "aB3dE5"[: len(delta) * 5 + 1]} if obfuscated else {}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        told = {
            "id": "chatcmpl-C2b8GFWzOGHSoZWqIbWvrW0vHD2zJ",
            "object": "chat.completion.chunk",
            "created": 1756000000,
            "model": "gpt-4.1-mini-2025-04-14",
            "service_tier": "default",
            "system_fingerprint": "fp_658b958c37",
            "choices": [choice],
            "usage": None,
            **more,
        }
        return b"data: " + msgspec.json.encode(told) + b"\n\n"

    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return [
        event({"role": "assistant", "content": ""}),
        *(event({"content": piece}) for piece in pieces),
        event({}, "stop"),
        b"data: [DONE]\n\n",
    ]


def altering(names: tuple[str, ...], n: int = 1) -> Altering:
    """What is to become of one chat completion whose caller has these perturbations, with their options as shipped."""
    crafts = [resolve("perturbations", name) for name in names]
    context = Context(b"s" * 32, "key", "account", 1, "openai.chat", "gpt-4.1-mini", b"d" * 32, 0, True, {"n": n})
    return Altering(context, tuple(Part(craft.name, craft, craft.options()) for craft in crafts), free=True)


def cost(names: tuple[str, ...], size: int, n: int = 1) -> float:
    """Microseconds of CPU per 1,000 characters of a stream in events of `size` characters."""
    told, plan = events(TEXT, size), altering(names, n)

    def once() -> None:
        rewrites = rewriting(plan.work(), 200, _EVENTS)
        assert rewrites is not None
        for event in told:
            rewrites.feed(event)
        rewrites.rest()

    return _least(once) / len(TEXT) * 1000


def text_cost(names: tuple[str, ...], size: int) -> float:
    """Microseconds of CPU per 1,000 characters for the edits of the text alone."""
    plan = altering(names)
    pieces = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]

    def once() -> None:
        edits = [part.craft.text(plan.context, part.options) for part in plan.parts]
        for edit in filter(None, edits):
            for piece in pieces:
                edit.feed(piece)
            edit.finish()

    return _least(once) / len(TEXT) * 1000


def _least(once: Callable[[], None]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        once()
        best = min(best, time.process_time() - begun)
    return best * 1e6


def main() -> None:
    print("us per 1,000 characters (us per event)  " + "".join(f"{size:>4} characters  " for size in SIZES))
    print(f"{'fingerprint, text alone':38}  " + "".join(f"{text_cost(('fingerprint',), size):9.0f}       " for size in SIZES))
    for names in SETS:
        row = [cost(names, size, n=2 if "samples" in names else 1) for size in SIZES]
        told = "".join(f"{us:7.0f} ({us * size / 1000:5.2f}) " for us, size in zip(row, SIZES, strict=True))
        print(f"{'+'.join(names):38}  {told}")


if __name__ == "__main__":
    main()
