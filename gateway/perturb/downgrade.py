"""Another model answers: one that is worth less to a copier. The answer names it truthfully unless the policy says otherwise.

It is asked at the upstream that serves the model the client named, and priced as that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from gateway.perturb.base import AnswerEdit, Context, Craft, Document, Options
from gateway.perturb.edits import Counting

__all__ = ["PERTURBATION", "DowngradeOptions"]


class DowngradeOptions(Options):
    """Another model answers."""

    to: Annotated[str, Field(min_length=1, max_length=256)] = Field(description="Name of the model that answers instead.")
    named: bool = Field(default=True, description="The answer names the model that gave it; false: the one that was asked for.")


class _Downgrade(Craft):
    name = "downgrade"
    version = "1"
    options = DowngradeOptions

    def request(self, document: Mapping[str, Any], context: Context, options: DowngradeOptions) -> Mapping[str, Any]:
        return {"model": options.to} if _answers(context) and document.get("model") != options.to else {}

    def answer(self, context: Context, options: DowngradeOptions) -> AnswerEdit | None:
        return _Named(context.model) if _answers(context) and not options.named and context.model else None


class _Named(Counting):
    """Names the model that was asked for."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self._model = model

    def edit(self, document: Document) -> list[Document]:
        for holder in (document, document.get("response"), document.get("message")):
            if isinstance(holder, dict) and isinstance(holder.get("model"), str) and holder["model"] != self._model:
                holder["model"] = self._model
                self.count += 1
        return [document]


def _answers(context: Context) -> bool:
    """Embeddings of another model would be no use to anybody."""
    return context.dialect in {"openai.chat", "openai.completions", "openai.responses", "anthropic.messages"}


PERTURBATION = _Downgrade()
