"""Log probabilities that tell less: fewer alternatives, rounded, blurred in their order, or none; and biases that only ban.

Exact probabilities of many alternatives give away a model's last layer (Carlini et al., arXiv 2403.06634), and so does watching how
a bias moves the choice. A blur hangs on the caller, the token and the value, not on the request: asking again gives the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.perturb.base import AnswerEdit, Context, Craft, Document, Options, unit
from gateway.perturb.edits import Counting, parts

__all__ = ["PERTURBATION", "LogprobsOptions"]

_BANNED = -100
_NORMAL = NormalDist()


class LogprobsOptions(Options):
    """Log probabilities that tell less."""

    keep: Annotated[int, Field(ge=0, le=20)] = Field(default=1, description="Alternatives kept for each token.")
    round: Annotated[float, Field(gt=0, le=10)] | None = Field(default=0.1, description="Rounded to multiples of this.")
    noise: Annotated[float, Field(gt=0, le=10)] | None = Field(
        default=None, description="Standard deviation of a keyed blur that leaves the order as it is."
    )
    drop: bool = Field(default=False, description="No log probabilities at all.")
    logit_bias: Literal["allow", "bans", "strip"] = Field(
        default="bans", description="What is left of `logit_bias`: all, only bans of tokens (-100), or nothing."
    )


class _Logprobs(Craft):
    name = "logprobs"
    version = "1"
    options = LogprobsOptions

    def request(self, document: Mapping[str, Any], context: Context, options: LogprobsOptions) -> Mapping[str, Any]:
        """Of a bias, the bans that the options leave."""
        bias = document.get("logit_bias")
        if options.logit_bias == "allow" or not isinstance(bias, dict) or not bias:
            return {}
        bans = {token: value for token, value in bias.items() if float(value) <= _BANNED} if options.logit_bias == "bans" else {}
        return {} if len(bans) == len(bias) else {"logit_bias": bans or None}

    def answer(self, context: Context, options: LogprobsOptions) -> AnswerEdit | None:
        return _Edit(context, options) if context.dialect.startswith("openai.") else None


class _Edit(Counting):
    """Edits every log probability of an answer, wherever and however often it is told."""

    def __init__(self, context: Context, options: LogprobsOptions) -> None:
        super().__init__()
        self._context = context
        self._options = options

    def edit(self, document: Document) -> list[Document]:
        for part in parts(document):
            if part.get("prompt_logprobs") is not None:
                part["prompt_logprobs"] = None
                self.count += 1
            told = part.get("logprobs")
            if not told:
                continue
            if self._options.drop:
                part["logprobs"] = [] if isinstance(told, list) else None
                self.count += 1
            elif isinstance(told, list):
                self._tokens(told)
            elif isinstance(told, dict):
                self._told(told)
        return [document]

    def _told(self, told: Document) -> None:
        if isinstance(told.get("tokens"), list):
            self._columns(told)
        for key in ("content", "refusal"):
            if isinstance(told.get(key), list):
                self._tokens(told[key])

    def _tokens(self, tokens: list[Any]) -> None:
        """The form of chat completions and responses: a list of tokens, each with its alternatives."""
        for token in tokens:
            if not isinstance(token, dict):
                continue
            others = [other for other in token.get("top_logprobs") or () if isinstance(other, dict)]
            blurred = self._blurred([(str(entry.get("token")), entry.get("logprob")) for entry in (token, *others)])
            for entry, value in zip((token, *others), blurred, strict=True):
                entry["logprob"] = value
            if isinstance(token.get("top_logprobs"), list):
                token["top_logprobs"] = others[: self._options.keep]
            self.count += 1

    def _columns(self, told: Document) -> None:
        """The form of completions: a column of tokens, one of values, one of alternatives."""
        values, tops = told.get("token_logprobs"), told.get("top_logprobs")
        for index, token in enumerate(told["tokens"]):
            top = tops[index] if isinstance(tops, list) and index < len(tops) and isinstance(tops[index], dict) else {}
            ranked = sorted(top.items(), key=lambda entry: -_number(entry[1]))
            own = values[index] if isinstance(values, list) and index < len(values) else None
            blurred = self._blurred([(str(token), own), *ranked])
            if isinstance(values, list) and index < len(values):
                values[index] = blurred[0]
            if isinstance(tops, list) and index < len(tops) and tops[index] is not None:
                kept = zip((name for name, _ in ranked), blurred[1:], strict=True)
                tops[index] = dict(list(kept)[: self._options.keep])
            self.count += 1

    def _blurred(self, entries: list[tuple[str, Any]]) -> list[Any]:
        """The values of one token and its alternatives: the order is as before, and equal entries stay equal."""
        known = sorted({entry for entry in entries if entry[1] is not None}, key=lambda entry: -_number(entry[1]))
        values = [self._value(token, _number(value)) for token, value in known]
        blurred = dict(zip(known, sorted(values, reverse=True), strict=True))
        return [blurred.get(entry) for entry in entries]

    def _value(self, token: str, value: float) -> float:
        options, context = self._options, self._context
        if options.noise:
            drawn = unit(context.secret, "logprobs", context.key_id, context.epoch, token, f"{value:.3f}")
            value += options.noise * _NORMAL.inv_cdf(min(max(drawn, 1e-9), 1 - 1e-9))
        if options.round and math.isfinite(value):
            value = round(round(value / options.round) * options.round, 9)
        return min(value, 0.0) + 0.0


def _number(value: Any) -> float:
    return float(value) if value is not None else -math.inf


PERTURBATION = _Logprobs()
