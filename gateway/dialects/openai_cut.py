"""How a stream of chat completions or completions ends that is cut at its budget: as one that ran into `max_tokens`.

Each open choice gets its last chunk with `finish_reason: "length"`, in the stream's own id and fingerprint; then comes the usage,
where the client asked for it; then `[DONE]`. The official SDK cannot tell it from a model's own end, and need not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.model.request import Usage

__all__ = ["chunks_at_length", "usage_object"]

_OF_THE_STREAM = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def chunks_at_length(chunk: bytes, open_choices: Iterable[int], *, text: bool, usage: Usage | None) -> bytes | None:
    """The last events. `chunk` is the data of any chunk of the stream; `text`: of completions, whose choices are no deltas.

    `usage` None: the client did not ask for it. None where the chunk cannot be read.
    """
    try:
        members = _members(chunk)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    head = {name: members[name] for name in _OF_THE_STREAM if name in members}
    said: dict[str, Any] = {"text": ""} if text else {"delta": {}}
    asked: dict[str, Any] = {} if usage is None else {"usage": None}
    events = [
        {**head, "choices": [{"index": index, **said, "logprobs": None, "finish_reason": "length"}], **asked} for index in open_choices
    ]
    if usage is not None:
        events.append({**head, "choices": [], "usage": usage_object(usage)})
    return b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def usage_object(usage: Usage) -> dict[str, Any]:
    """`usage` as chat completions and completions tell it."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
