"""Fewer distinct samples: of n choices asked for, a few are drawn and told as often as needed; and the temperature is capped.

Many samples of one prompt show a distribution that one sample hides. The client gets as many choices as it asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from gateway.perturb.base import AnswerEdit, Context, Craft, Document, Options
from gateway.perturb.edits import Counting, choices

__all__ = ["PERTURBATION", "SamplesOptions"]

_DIALECTS = ("openai.chat", "openai.completions")
_MOST_COPIES = 128


class SamplesOptions(Options):
    """Fewer distinct samples."""

    most: Annotated[int, Field(ge=1, le=128)] = Field(default=1, description="Distinct samples of one request at most.")
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        default=1.0, description="Highest temperature that a request may set."
    )


class _Samples(Craft):
    name = "samples"
    version = "1"
    options = SamplesOptions

    def request(self, document: Mapping[str, Any], context: Context, options: SamplesOptions) -> Mapping[str, Any]:
        """As many samples as are to be distinct, no hotter than the cap. A temperature that was not set is not."""
        changes: dict[str, Any] = {}
        if context.dialect in _DIALECTS:
            changes |= {name: options.most for name in ("n", "best_of") if _number(document.get(name)) > options.most}
        if options.temperature is not None and _number(document.get("temperature")) > options.temperature:
            changes["temperature"] = options.temperature
        return changes

    def answer(self, context: Context, options: SamplesOptions) -> AnswerEdit | None:
        wanted = int(min(_number(context.asked.get("n")), _MOST_COPIES))
        return _Copies(wanted, options.most) if context.dialect in _DIALECTS and wanted > options.most else None


class _Copies(Counting):
    """Tells each of `drawn` choices as often as makes `wanted` of them."""

    def __init__(self, wanted: int, drawn: int) -> None:
        super().__init__()
        self._wanted = wanted
        self._drawn = drawn

    def edit(self, document: Document) -> list[Document]:
        told = choices(document)
        if not told:
            return [document]
        copies = [
            {**copy.deepcopy(choice), "index": index}
            for choice in told
            for index in range(int(choice.get("index", 0)), self._wanted, self._drawn)
        ]
        self.count += len(copies) - len(told)
        if len(told) == 1 and "delta" in told[0]:
            return [{**document, "choices": [choice]} for choice in copies]
        document["choices"] = sorted(copies, key=lambda choice: choice["index"])
        return [document]


def _number(value: Any) -> float:
    try:
        return float(value) if not isinstance(value, bool | str) and value is not None else 0.0
    except (TypeError, ValueError):
        return 0.0


PERTURBATION = _Samples()
