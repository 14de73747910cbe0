"""OpenAI chat completions: `POST /chat/completions`."""

from __future__ import annotations

import msgspec

from gateway.dialects.base import Edited
from gateway.dialects.estimate import input_tokens
from gateway.dialects.openai_base import OpenAIOperation
from gateway.dialects.openai_fields import (
    Changes,
    Number,
    RawField,
    asked_alternatives,
    bias_range,
    clip_alternatives,
    clip_bias,
    clip_number,
    is_set,
    output_bound,
    refs_in,
    texts,
    usage_wanted,
)
from gateway.dialects.peek import Peek, whole
from gateway.dialects.textedit import edit_members, insert_members
from gateway.model.policy import FeatureCaps
from gateway.model.request import Estimate, RequestFacts

__all__ = ["OpenAIChat", "ask_for_usage"]

_ASK = b'{"include_usage":true}'


class _Fields(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    stream_options: RawField = msgspec.UNSET
    n: Number = None
    max_tokens: Number = None
    max_completion_tokens: Number = None
    logprobs: bool | None = None
    top_logprobs: Number = None
    prompt_logprobs: Number = None
    logit_bias: RawField = msgspec.UNSET
    messages: RawField = msgspec.UNSET
    tools: RawField = msgspec.UNSET
    functions: RawField = msgspec.UNSET
    response_format: RawField = msgspec.UNSET
    store: bool | None = None


_peek = Peek(_Fields)


class OpenAIChat(OpenAIOperation):
    """See `base.Dialect`. `prompt_logprobs` is vLLM's: log probabilities of the prompt, under the same cap."""

    name = "openai.chat"
    operation = "chat"
    routes = (("POST", "/chat/completions"),)
    max_output_default = 1024

    def parse(self, body: bytes, *, length: int) -> RequestFacts:
        """The facts of a body. The output expected is the client's bound, or the default, for each choice."""
        fields, why, names = _peek.read_with_names(body)
        bias, why_bias = bias_range(fields.logit_bias)
        asked, why_asked = usage_wanted(fields.stream_options)
        choices = max(1, whole(fields.n, "n") or 1)
        bound = output_bound(whole(fields.max_tokens, "max_tokens"), whole(fields.max_completion_tokens, "max_completion_tokens"))
        top, prompt = whole(fields.top_logprobs, "top_logprobs"), whole(fields.prompt_logprobs, "prompt_logprobs")
        expected = self.max_output_default if bound is None else bound
        read = texts(fields.messages, fields.tools, fields.functions, fields.response_format)
        return RequestFacts(
            dialect=self.name,
            operation=self.operation,
            model=fields.model or "",
            stream=fields.stream is True,
            choices=choices,
            logprobs=asked_alternatives(fields.logprobs is True, top or None, prompt),
            logit_bias=bias,
            max_output=bound,
            input_size=sum(map(len, read)),
            body_size=length,
            estimate=Estimate(input_tokens(body, *read), expected * choices, bound is not None),
            usage_asked=asked,
            stored_refs=refs_in(body, names),
            stores=fields.store is True,
            ambiguous=why or why_bias or why_asked,
        )

    def edit(self, body: bytes, facts: RequestFacts, caps: FeatureCaps, *, ask_usage: bool) -> Edited:
        """The body under a tier's caps. A bound on output that the client did not set is set, or the cap would be none."""
        fields, _ = _peek.read(body)
        changes: Changes = {}
        notes: list[str] = []
        if caps.logprobs is not None and facts.logprobs > caps.logprobs:
            counts = {"top_logprobs": fields.top_logprobs, "prompt_logprobs": fields.prompt_logprobs}
            clip_alternatives(changes, caps.logprobs, ("logprobs",), counts)
            notes.append("clipped.logprobs")
        if caps.choices is not None and facts.choices > caps.choices and clip_number(changes, "n", fields.n, max(1, caps.choices)):
            notes.append("clipped.choices")
        if caps.max_output is not None and _clip_output(changes, fields, caps.max_output):
            notes.append("clipped.max_output")
        if clip_bias(changes, fields.logit_bias, caps, facts.logprobs):
            notes.append("stripped.logit_bias")
        if not ask_usage:
            return Edited(edit_members(body, changes), tuple(notes)) if notes else Edited(body)
        return ask_for_usage(body, fields.stream_options, changes, notes)


def _clip_output(changes: Changes, fields: _Fields, cap: int) -> bool:
    bounds = {"max_tokens": fields.max_tokens, "max_completion_tokens": fields.max_completion_tokens}
    clipped = [clip_number(changes, name, bound, cap) for name, bound in bounds.items()]
    if all(bound is None for bound in bounds.values()):
        changes["max_completion_tokens"] = b"%d" % cap
        return True
    return any(clipped)


def ask_for_usage(body: bytes, options: RawField, changes: Changes, notes: list[str]) -> Edited:
    """The body with other changes, and asking for usage in the stream."""
    if options is msgspec.UNSET and not changes:
        return Edited(insert_members(body, {"stream_options": _ASK}), ("usage_asked",))
    text = bytes(options) if isinstance(options, msgspec.Raw) and is_set(options) else b"{}"
    changes["stream_options"] = edit_members(text, {"include_usage": b"true"})
    return Edited(edit_members(body, changes), (*notes, "usage_asked"))
