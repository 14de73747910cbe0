"""OpenAI completions: `POST /completions`, the API that continues a text."""

from __future__ import annotations

import msgspec

from gateway.dialects.base import Edited
from gateway.dialects.estimate import input_tokens
from gateway.dialects.openai_base import OpenAIOperation
from gateway.dialects.openai_chat import ask_for_usage
from gateway.dialects.openai_fields import (
    Changes,
    Number,
    RawField,
    asked_alternatives,
    bias_range,
    clip_alternatives,
    clip_bias,
    clip_number,
    output_bound,
    texts,
    usage_wanted,
)
from gateway.dialects.peek import Peek, whole
from gateway.dialects.textedit import edit_members
from gateway.errors import BadRequest
from gateway.model.policy import FeatureCaps
from gateway.model.request import Estimate, RequestFacts

__all__ = ["OpenAICompletions", "texts_in"]


class _Fields(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    stream_options: RawField = msgspec.UNSET
    n: Number = None
    best_of: Number = None
    max_tokens: Number = None
    logprobs: Number = None
    prompt_logprobs: Number = None
    logit_bias: RawField = msgspec.UNSET
    prompt: RawField = msgspec.UNSET


_peek = Peek(_Fields)
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class OpenAICompletions(OpenAIOperation):
    """See `base.Dialect`. Each of several prompts is answered `n` times, or computed `best_of` times where that is more."""

    name = "openai.completions"
    operation = "completions"
    routes = (("POST", "/completions"),)
    max_output_default = 16
    """The API's own default of `max_tokens`."""

    def parse(self, body: bytes, *, length: int) -> RequestFacts:
        """The facts of a body."""
        fields, why = _peek.read(body)
        bias, why_bias = bias_range(fields.logit_bias)
        asked, why_asked = usage_wanted(fields.stream_options)
        choices = max(1, whole(fields.n, "n") or 1, whole(fields.best_of, "best_of") or 1)
        bound = output_bound(whole(fields.max_tokens, "max_tokens"))
        prompts, given = texts_in(fields.prompt, "prompt")
        expected = self.max_output_default if bound is None else bound
        read = texts(fields.prompt)
        return RequestFacts(
            dialect=self.name,
            operation=self.operation,
            model=fields.model or "",
            stream=fields.stream is True,
            choices=choices,
            logprobs=asked_alternatives(False, whole(fields.logprobs, "logprobs"), whole(fields.prompt_logprobs, "prompt_logprobs")),
            logit_bias=bias,
            max_output=bound,
            input_size=sum(map(len, read)),
            body_size=length,
            estimate=Estimate(
                given if given is not None else input_tokens(body, *read), expected * choices * prompts, bound is not None
            ),
            usage_asked=asked,
            ambiguous=why or why_bias or why_asked,
        )

    def edit(self, body: bytes, facts: RequestFacts, caps: FeatureCaps, *, ask_usage: bool) -> Edited:
        """The body under a tier's caps. A bound on output that the client did not set is set where the API's own default is larger."""
        fields, _ = _peek.read(body)
        changes: Changes = {}
        notes: list[str] = []
        if caps.logprobs is not None and facts.logprobs > caps.logprobs:
            clip_alternatives(changes, caps.logprobs, (), {"logprobs": fields.logprobs, "prompt_logprobs": fields.prompt_logprobs})
            notes.append("clipped.logprobs")
        if caps.choices is not None and facts.choices > caps.choices:
            most = max(1, caps.choices)
            clip_number(changes, "n", fields.n, most)
            clip_number(changes, "best_of", fields.best_of, most)
            notes.append("clipped.choices")
        if caps.max_output is not None and _clip_output(changes, fields.max_tokens, caps.max_output):
            notes.append("clipped.max_output")
        if clip_bias(changes, fields.logit_bias, caps, facts.logprobs):
            notes.append("stripped.logit_bias")
        if not ask_usage:
            return Edited(edit_members(body, changes), tuple(notes)) if notes else Edited(body)
        return ask_for_usage(body, fields.stream_options, changes, notes)


def _clip_output(changes: Changes, bound: Number, cap: int) -> bool:
    """Servers that follow the API often have no default of their own, so an unset bound is set."""
    if bound is None:
        changes["max_tokens"] = b"%d" % cap
        return True
    return clip_number(changes, "max_tokens", bound, cap)


def texts_in(value: RawField, param: str) -> tuple[int, int | None]:
    """How many texts a prompt or input is (at least 1), and its exact tokens where it comes as token numbers, else None."""
    text = bytes(value) if isinstance(value, msgspec.Raw) else b""
    if not text.startswith(b"["):
        return 1, None
    inside = text[1:].lstrip()
    if inside[:1].isdigit():
        return 1, text.count(b",") + 1
    try:
        texts = _list(text)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest(f"Invalid type for '{param}'.", code="invalid_type", param=param) from None
    if not inside.startswith(b"["):
        return max(1, len(texts)), None
    # Arrays of token numbers: each comma inside them parts two tokens, those between the arrays are one less than the arrays.
    return len(texts), max(1, text.count(b",") + 1)
