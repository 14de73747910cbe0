"""Models to copy that say what is known beforehand: one that recites answers, and texts made up where nobody gives any.

The made-up ones are poor English with many places that can be said in two ways; they show that an experiment works, not how well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from gateway.lab.corpora import Item
from gateway.perturb.fingerprint_classes import CLASSES
from gateway.perturb.fingerprint_places import places

__all__ = ["App", "Reciting", "made_up", "prompted"]

_FRAMES = (
    "There was a time when they {} the old door of the house.",
    "We know what you {} a new one of these.",
    "In the house {} the last of them was there.",
)
_SENTENCES = 8


class App:
    """An ASGI application of JSON in and JSON out: `answer` gives the document for a path and a body."""

    def answer(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The document of a response."""
        raise NotImplementedError

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        received = bytearray()
        while True:
            message = await receive()
            received += message.get("body", b"")
            if not message.get("more_body"):
                break
        told = msgspec.json.encode(self.answer(scope["path"], msgspec.json.decode(bytes(received) or b"{}")))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(told))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})


class Reciting(App):
    """Answers chat completions with the answer that belongs to the last message, or with nothing."""

    def __init__(self, items: tuple[Item, ...]) -> None:
        self._answers = {item.text: item.answer for item in items}

    def answer(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A chat completion."""
        said = self._answers.get(body["messages"][-1]["content"], "")
        message = {"role": "assistant", "content": said}
        size = len(said) // 4
        return {
            "id": "chatcmpl-recited",
            "object": "chat.completion",
            "created": 0,
            "model": body.get("model", ""),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
            "usage": {"prompt_tokens": 1, "completion_tokens": size, "total_tokens": size + 1},
        }


def prompted(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Items that have an answer, each text once; those made up where there are none."""
    return tuple({item.text: item for item in items if item.answer.strip()}.values()) or made_up()


@cache
def made_up() -> tuple[Item, ...]:
    """Some hundred prompts with answers of eight sentences."""
    sentences = list(_sentences())
    texts = [" ".join(sentences[at : at + _SENTENCES]) for at in range(0, len(sentences), _SENTENCES)]
    return tuple(Item(f"Question {number}?", text) for number, text in enumerate(texts))


def _sentences() -> Iterator[str]:
    for side in (0, 1):
        for pair in CLASSES:
            surface = pair.surfaces[(pair.number + side) % 2]
            yield from [said for said in (frame.format(surface) for frame in _FRAMES) if places(said)][:1]
