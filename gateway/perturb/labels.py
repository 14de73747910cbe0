"""Scores of classifiers, moderation and ranking, rounded: which label wins and who comes first stays, how surely is told coarsely."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gateway.perturb.base import AnswerEdit, Context, Craft, Document, Options
from gateway.perturb.edits import Counting

__all__ = ["PERTURBATION", "ROUTES", "LabelsOptions"]

ROUTES = frozenset({"POST /moderations", "POST /classify", "POST /rerank", "POST /score"})
"""Where endpoints give scores."""

_SCORES = frozenset({"score", "scores", "relevance_score", "category_scores", "probs", "probabilities"})


class LabelsOptions(Options):
    """Rounded scores."""

    round: Annotated[float, Field(gt=0, le=1)] = Field(default=0.05, description="Rounded to multiples of this.")


class _Labels(Craft):
    name = "labels"
    version = "1"
    options = LabelsOptions

    def answer(self, context: Context, options: LabelsOptions) -> AnswerEdit | None:
        return _Rounding(options.round) if context.route in ROUTES else None


class _Rounding(Counting):
    """Rounds every score of an answer. Rounding is monotone: no score passes another."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._step = step

    def edit(self, document: Document) -> list[Document]:
        self._walk(document, scores=False)
        return [document]

    def _walk(self, value: Any, *, scores: bool) -> Any:
        if isinstance(value, dict):
            for key, inner in value.items():
                value[key] = self._walk(inner, scores=scores or key in _SCORES)
            return value
        if isinstance(value, list):
            value[:] = [self._walk(inner, scores=scores) for inner in value]
            return value
        if not scores or isinstance(value, bool | str) or value is None:
            return value
        self.count += 1
        return round(round(float(value) / self._step) * self._step, 9) + 0.0


PERTURBATION = _Labels()
