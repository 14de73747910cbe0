"""Shorter answers: the bound on output is lowered, and the answer ends as one that ran into its own length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from gateway.perturb.base import Context, Craft, Options

__all__ = ["PERTURBATION", "TruncateOptions"]

_BOUNDS = {
    "openai.chat": ("max_completion_tokens", "max_tokens"),
    "openai.completions": ("max_tokens",),
    "openai.responses": ("max_output_tokens",),
    "anthropic.messages": ("max_tokens",),
}


class TruncateOptions(Options):
    """Shorter answers."""

    max_tokens: Annotated[int, Field(ge=16, le=1_000_000)] = Field(default=512, description="Tokens of output at most.")


class _Truncate(Craft):
    name = "truncate"
    version = "1"
    options = TruncateOptions

    def request(self, document: Mapping[str, Any], context: Context, options: TruncateOptions) -> Mapping[str, Any]:
        """Each bound that is given and higher, lowered; where none is given, one. Thinking keeps the room it was promised."""
        names = _BOUNDS.get(context.dialect, ())
        most = max(options.max_tokens, _budget(document) + 1 if _budget(document) else 0)
        given = [name for name in names if document.get(name) is not None]
        if names and not given:
            return {names[0]: most}
        return {name: most for name in given if _over(document[name], most)}


def _budget(document: Mapping[str, Any]) -> int:
    thinking = document.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return budget if isinstance(budget, int) else 0


def _over(value: Any, most: int) -> bool:
    try:
        return float(value) > most
    except (TypeError, ValueError):
        return False


PERTURBATION = _Truncate()
