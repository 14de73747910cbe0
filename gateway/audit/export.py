"""The log as recorded traffic: each record as a line of `gateway.trace/v1`, in the order in which requests arrived.

No prompt is in the log, so none is here: a request has the parameters that were recorded, under the names of its own API. Of a bias
only the smallest and the largest value are recorded; they stand under `smallest` and `largest` in place of token ids. Records without a
caller or a path (nobody was let in, or recovery closed a stream whose process died) are no traffic of anybody's: they are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gateway.audit.lines import encode
from gateway.audit.ordering import ordered
from gateway.audit.read import decode

__all__ = ["trace_of", "traced"]

Members = dict[str, Any]


def traced(lines: Iterable[bytes], left_out: Callable[[], object]) -> Iterator[bytes]:
    """Trace lines, newline included, ordered by `at`, of record lines in any order. `left_out` is called for each that is none.

    OSError where there is no room for what has to be sorted on disk.
    """
    return ordered(_pairs(lines, left_out))


def _pairs(lines: Iterable[bytes], left_out: Callable[[], object]) -> Iterator[tuple[int, bytes]]:
    for line in lines:
        record = decode(line)
        trace = trace_of(record)
        if trace is None:
            left_out()
        else:
            yield int(record["at"]), encode(trace) + b"\n"


def trace_of(record: Members) -> Members | None:
    """The trace record of an audit record (decoded); None where it has no caller or no path."""
    caller, facts = record.get("caller") or {}, record.get("facts")
    if not caller.get("key_id") or not record.get("path"):
        return None
    account = caller.get("account")
    return {
        "at": record["at"] / 1_000_000,
        "key": caller["key_id"],
        "account": None if account == caller["key_id"] else account,
        "peer": record["peer"],
        "headers": {},
        "attributes": caller.get("attributes") or {},
        "method": record["method"],
        "path": record["path"],
        "request": _request(facts) if facts else None,
        "response": _response(record),
    }


def _response(record: Members) -> Members:
    usage, first = record.get("usage") or {}, record.get("first_byte")
    known = usage.get("source", "none") != "none"
    return {
        "status": record["status"],
        "ttft_ms": None if first is None else first / 1_000,
        "duration_ms": max(0, record["ended"] - record["at"]) / 1_000,
        "usage": {"input_tokens": usage["input"], "output_tokens": usage["output"]} if known else None,
    }


# ── What was asked ──────────────────────────────────────────────────────────────────────────────


def _request(facts: Members) -> Members | None:
    """The body's parameters as far as they are recorded, None for a dialect that is not read."""
    own = _OWN.get(facts["dialect"])
    if own is None:
        return None
    request = {"model": facts["model"], **own(facts)}
    return request | {"stream": True} if facts["stream"] else request


def _chat(facts: Members) -> Members:
    return {"messages": [], **_choices(facts), **_bound(facts, "max_tokens"), **_bias(facts), **_scores(facts, "top_logprobs")}


def _completions(facts: Members) -> Members:
    asked = {"logprobs": facts["logprobs"]} if facts["logprobs"] >= 0 else {}
    return {"prompt": "", **_choices(facts), **_bound(facts, "max_tokens"), **_bias(facts), **asked}


def _responses(facts: Members) -> Members:
    asked = {"include": ["message.output_text.logprobs"], "top_logprobs": facts["logprobs"]} if facts["logprobs"] >= 0 else {}
    return {"input": [], **_bound(facts, "max_output_tokens"), **asked}


def _embeddings(facts: Members) -> Members:
    return {"input": ""}


def _messages(facts: Members) -> Members:
    return {"messages": [], **_bound(facts, "max_tokens")}


def _choices(facts: Members) -> Members:
    return {"n": facts["choices"]} if facts["choices"] != 1 else {}


def _bound(facts: Members, name: str) -> Members:
    return {} if facts["max_output"] is None else {name: facts["max_output"]}


def _bias(facts: Members) -> Members:
    bias = facts["logit_bias"]
    if bias is None:
        return {}
    return {"logit_bias": {"smallest": bias[0]} if bias[0] == bias[1] else {"smallest": bias[0], "largest": bias[1]}}


def _scores(facts: Members, alternatives: str) -> Members:
    """`logprobs` with so many alternatives: -1 stands for none, 0 for the chosen token alone."""
    return {"logprobs": True, alternatives: facts["logprobs"]} if facts["logprobs"] >= 0 else {}


_OWN: dict[str, Callable[[Members], Members]] = {
    "openai.chat": _chat,
    "openai.completions": _completions,
    "openai.responses": _responses,
    "openai.embeddings": _embeddings,
    "anthropic.messages": _messages,
    "anthropic.count_tokens": _messages,
}
