"""What OpenAI's text APIs have in common: usage, log probabilities of tokens, forms of answers, why an answer ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.demo.ask import Body, Fault, Prompt, part
from gateway.demo.speech import Draft, Piece

__all__ = ["FINGERPRINT", "finish_reason", "form_of", "told_logprob", "usage"]

FINGERPRINT = "fp_demo_2048x32"
"""`system_fingerprint`: the size of the last layer."""


def usage(prompt: Prompt, drafts: Sequence[Draft]) -> Body:
    """`usage` of chat completions and completions."""
    output = sum(draft.tokens for draft in drafts)
    return {
        "prompt_tokens": prompt.tokens,
        "completion_tokens": output,
        "total_tokens": prompt.tokens + output,
        "prompt_tokens_details": {"cached_tokens": prompt.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": sum(draft.reasoning_tokens for draft in drafts),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def told_logprob(piece: Piece, top: int) -> Body:
    """A token with its log probability, its bytes, and those likeliest in its place. Of a recited token it is the only one."""
    others = piece.top or (((piece.text, piece.logprob),) if top else ())
    return {**_token(piece.text, piece.logprob), "top_logprobs": [_token(text, logprob) for text, logprob in others]}


def _token(text: str, logprob: float) -> Body:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def finish_reason(draft: Draft) -> str:
    """Why an answer ended, in the words of chat completions."""
    return {"stop": "stop", "stop_text": "stop", "length": "length", "tool": "tool_calls"}[draft.finish]


def form_of(body: Body, name: str, *, nested: bool) -> Mapping[str, Any] | None:
    """The JSON Schema that the answer shall fit, {} for any object, None for plain text. `nested`: it stands under `json_schema`."""
    form = part(body, name)
    match form.get("type", "text"):
        case "text":
            return None
        case "json_object":
            return {}
        case "json_schema":
            inner = part(form, "json_schema") if nested else form
            schema = inner.get("schema")
            if not isinstance(inner.get("name"), str) or not isinstance(schema, dict):
                where = f"{name}.json_schema.schema" if nested else f"{name}.schema"
                raise Fault(f"Missing required parameter: '{where}'.", param=where, code="missing_required_parameter")
            return schema
        case kind:
            raise Fault(f"Invalid value: '{kind}'.", param=f"{name}.type", code="invalid_value")
