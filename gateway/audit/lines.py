"""What the log's lines say: records and openings as the members of a JSON object, bounded and free of text that nobody should keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from gateway.model.caller import Caller, fingerprint
from gateway.model.decision import Action, Decision
from gateway.model.record import AuditRecord, Opened
from gateway.model.request import RequestFacts, Usage
from gateway.model.ruling import LONGEST_WHY, Ruling

__all__ = ["encode", "interrupted", "opened_members", "record_members", "ruling_members"]

_encode = msgspec.json.Encoder().encode
_SHORT, _LONG, _MANY = 200, 1000, 32
_WORDS = {action: action.word for action in Action}


def encode(members: Mapping[str, Any]) -> bytes:
    """JSON bytes, with `\\udc80` written out where text has a surrogate without its other half, which UTF-8 cannot hold."""
    try:
        return _encode(members)
    except UnicodeEncodeError:
        return _encode(_mended(members))


def record_members(record: AuditRecord) -> bytes:
    """A record's members except `at`, which stands in the line's head."""
    caller, facts = record.caller, record.facts
    return encode({
        "id": record.id,
        "ended": record.ended_us,
        "end": record.end,
        "status": record.status,
        "method": record.method[:_SHORT],
        "path": record.path.partition("?")[0][:_LONG],
        "peer": record.peer[:_SHORT],
        "caller": None if caller is None else _caller(caller),
        "facts": None if facts is None else _facts(facts),
        "decision": _decision(record.decision),
        "upstream": record.upstream[:_SHORT],
        "upstream_status": record.upstream_status,
        "usage": _usage(record.usage),
        "settle": record.settle,
        "bytes_in": record.bytes_in,
        "bytes_out": record.bytes_out,
        "first_byte": record.first_byte_us,
        "finish": record.finish[:_SHORT],
        "fault": record.fault[:_SHORT],
        "changed": _texts(record.changed),
        "perturbed": _texts(record.perturbed),
    })  # fmt: skip


def opened_members(line: Opened) -> bytes:
    """The members of a stream's opening."""
    return encode({
        "id": line.id, "key_id": line.key_id[:_SHORT], "account": line.account[:_SHORT], "model": line.model[:_SHORT],
    })  # fmt: skip


def ruling_members(ruling: Ruling, heard_us: int) -> bytes:
    """The members of a person's decision, as the process took it in at `heard_us`. Reason and name are the operator's own words."""
    return encode({
        "key": fingerprint(ruling.key_id),
        "key_id": ruling.key_id[:_SHORT],
        "finding": ruling.finding,
        "by": ruling.by[:_SHORT],
        "why": ruling.why[:LONGEST_WHY],
        "heard": heard_us,
    })  # fmt: skip


def interrupted(opened: Mapping[str, Any], now_us: int) -> bytes:
    """The record that recovery writes for an opening (as read from the log) whose process died before the stream's end."""
    key_id = str(opened.get("key_id", ""))
    return encode({
        "id": opened["id"],
        "ended": now_us,
        "end": "interrupted",
        "status": 0,
        "method": "",
        "path": "",
        "peer": "",
        "caller": {"key": fingerprint(key_id), "key_id": key_id, "account": opened.get("account", "")},
        "facts": {"model": opened.get("model", "")},
        "decision": None,
        "usage": _usage(Usage()),
        "settle": "unknown",
    })  # fmt: skip


def _caller(caller: Caller) -> dict[str, Any]:
    return {
        "key": fingerprint(caller.key_id),
        "key_id": caller.key_id[:_SHORT],
        "account": caller.account[:_SHORT],
        "tier": caller.tier and caller.tier[:_SHORT],
        "tags": _texts(sorted(caller.tags)) if caller.tags else (),
        "source": caller.source,
        "attributes": {name[:64]: value[:_SHORT] for name, value in islice(caller.attributes.items(), _MANY)},
    }


def _facts(facts: RequestFacts) -> dict[str, Any]:
    return {
        "dialect": facts.dialect,
        "operation": facts.operation,
        "model": facts.model[:_SHORT],
        "stream": facts.stream,
        "choices": _bounded(facts.choices),
        "logprobs": _bounded(facts.logprobs),
        "logit_bias": facts.logit_bias,
        "max_output": None if facts.max_output is None else _bounded(facts.max_output),
        "input_size": facts.input_size,
        "body_size": facts.body_size,
        "estimate_input": _bounded(facts.estimate.input),
        "estimate_output": _bounded(facts.estimate.output),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome,
        "action": _WORDS[decision.action],
        "intended": _WORDS[decision.intended],
        "rung": decision.rung,
        "reason": decision.reason[:_SHORT],
        "policy": decision.policy[:_SHORT],
        "rule": decision.rule,
        "tier": decision.tier,
        "share": decision.share,
        "limits": _texts(decision.limits),
        "shadowed": _texts(decision.shadowed),
        "perturbations": _texts(decision.perturbations),
        "observed": decision.observed,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input": usage.input,
        "output": usage.output,
        "cached": usage.cached,
        "reasoning": usage.reasoning,
        "micro_cost": usage.micro_cost,
        "source": usage.source,
    }


def _bounded(number: int) -> int:
    """A number that a client chose, as one that every reader of JSON can hold."""
    return max(-(2**53), min(number, 2**53))


def _texts(values: Sequence[str]) -> Sequence[str]:
    return [value[:_SHORT] for value in values[:_MANY]] if values else ()


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_mended(name): _mended(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(inner) for inner in value]
    return value
