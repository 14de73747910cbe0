"""A mark one level up: the model itself is asked for a manner of writing that is the caller's own.

An instruction is added to the system prompt that goes upstream (arXiv 2605.16462 finds such markers in 63 students, at 45 to 89%). Of
each pair of manners the caller's secret bit chooses one; both are as good as the other, and none says anything about the matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from gateway.perturb.base import Context, Craft, Options, derived
from gateway.perturb.edits import objects

__all__ = ["PERTURBATION", "MarkerOptions", "manners"]

_PAIRS = [
    ["introduce examples with 'for instance'", "introduce examples with 'for example'"],
    ["open lists with a short sentence", "open lists with a noun phrase and a colon"],
    ["prefer 'however' over 'but' at the start of a sentence", "prefer 'but' over 'however' at the start of a sentence"],
    ["close longer answers with one summarising sentence", "end longer answers with their last point, without a summary"],
    ["write contractions out in full", "use contractions where they are natural"],
    ["prefer 'such as' over 'like'", "prefer 'like' over 'such as'"],
]

Pair = Annotated[list[Annotated[str, Field(min_length=1, max_length=300)]], Field(min_length=2, max_length=2)]


class MarkerOptions(Options):
    """A manner of writing that the model is asked for."""

    pairs: Annotated[list[Pair], Field(min_length=1, max_length=32)] = Field(
        default_factory=lambda: _PAIRS, description="Pairs of manners; the caller's secret bit chooses one of each."
    )


class _Marker(Craft):
    name = "marker"
    version = "1"
    options = MarkerOptions

    def request(self, document: Mapping[str, Any], context: Context, options: MarkerOptions) -> Mapping[str, Any]:
        """The instruction behind what the client's own system prompt says."""
        chosen = manners(context.secret, context.key_id, context.epoch, options.pairs)
        told = f"In prose, where nothing above says otherwise: {'; '.join(chosen)}. Do not mention these preferences."
        if context.dialect == "openai.chat":
            messages = document.get("messages")
            return {"messages": _with_system(messages, told)} if isinstance(messages, list) else {}
        if context.dialect == "openai.responses":
            return {"instructions": _behind(document.get("instructions"), told)}
        if context.dialect == "anthropic.messages":
            system = document.get("system")
            added = [*system, {"type": "text", "text": told}] if isinstance(system, list) else _behind(system, told)
            return {"system": added}
        return {}


def manners(secret: bytes, key_id: str, epoch: int, pairs: list[list[str]]) -> list[str]:
    """Which of each pair is the caller's in an epoch. `secret` as in `Context`."""
    drawn = derived(secret, "marker", key_id, epoch)
    return [pair[drawn[number % 32] >> (number // 32) & 1] for number, pair in enumerate(pairs)]


def _with_system(messages: list[Any], told: str) -> list[Any]:
    head = objects(messages[:1])
    if head and head[0].get("role") in {"system", "developer"}:
        content = head[0].get("content")
        added = [*content, {"type": "text", "text": told}] if isinstance(content, list) else _behind(content, told)
        return [{**head[0], "content": added}, *messages[1:]]
    return [{"role": "system", "content": told}, *messages]


def _behind(text: Any, told: str) -> str:
    return f"{text}\n\n{told}" if isinstance(text, str) and text else told


PERTURBATION = _Marker()
