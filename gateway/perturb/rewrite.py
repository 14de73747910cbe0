"""Reasoning told again by another model so that it teaches less, the answer behind it untouched; see `retelling`.

The whole answer is held until the rewriter has written, a stream too. Where it fails, is late, over its budget, or says anything else
than the answer does, the reasoning is withheld, as `reasoning: withhold` would.
"""

from __future__ import annotations

from pydantic import Field

from gateway.perturb.base import AnswerEdit, Context, Craft, Options, TextEdit
from gateway.perturb.reasoning import withholding
from gateway.perturb.retelling import REWRITE, Retelling, RewriterOptions
from gateway.perturb.thinking import ThinkingEdit

__all__ = ["PERTURBATION", "RewriteOptions"]


class RewriteOptions(Options):
    """Reasoning told again by another model."""

    rewriter: RewriterOptions = Field(description="The endpoint that writes.")


class _Rewrite(Craft):
    name = "rewrite"
    version = "1"
    options = RewriteOptions
    everywhere = True

    def text(self, context: Context, options: RewriteOptions) -> TextEdit | None:
        return ThinkingEdit() if context.dialect == "openai.chat" else None

    def answer(self, context: Context, options: RewriteOptions) -> AnswerEdit | None:
        return withholding(context)

    def retelling(self, options: RewriteOptions) -> Retelling | None:
        return Retelling(options.rewriter, REWRITE)


PERTURBATION = _Rewrite()
