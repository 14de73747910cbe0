"""Fields that OpenAI's operations share: how they are read into facts, and how a tier's caps change them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from gateway.dialects.peek import pairs_of, repeated
from gateway.errors import BadRequest
from gateway.model.policy import BiasCap, FeatureCaps

__all__ = ["ALL", "Changes", "Number", "RawField", "asked_alternatives", "bias_range", "clip_alternatives", "clip_bias", "clip_number",
           "is_set", "kept_bias", "output_bound", "refs_in", "texts", "usage_wanted"]  # fmt: skip

ALL = 1 << 20
"""What a negative number of alternatives is taken for: some servers give the whole vocabulary for -1."""

Number = int | float | None
RawField = msgspec.Raw | msgspec.UnsetType
Changes = dict[str, bytes | None]

_REFS = frozenset({"file_id", "file_ids", "vector_store_ids", "container", "audio"})
"""Members that name stored objects inside messages, input items and tools."""

_TOP_REFS = frozenset({"previous_response_id", "conversation"})
_SEARCHED = frozenset({"messages", "input", "tools"})
_MAY_REFER = frozenset(name.encode() for name in _REFS | _TOP_REFS)
_MAX_REFS = 256


def is_set(value: RawField) -> bool:
    """Whether a member was sent and is not null."""
    return isinstance(value, msgspec.Raw) and bytes(value) != b"null"


def texts(*values: RawField) -> tuple[bytes, ...]:
    """The JSON texts of those members that were sent."""
    return tuple(bytes(value) for value in values if isinstance(value, msgspec.Raw))


def asked_alternatives(chosen: bool, *counts: Number) -> int:
    """The most alternatives asked for beside each token: -1 for no log probabilities, 0 for the chosen token's only."""
    most = 0 if chosen else -1
    for count in counts:
        if count is not None:
            most = max(most, ALL if count < 0 else min(int(count), ALL))
    return most


def output_bound(*bounds: Number) -> int | None:
    """The largest bound on output tokens that was set; None for no bound (unset, or negative as some servers have it)."""
    given = [int(bound) for bound in bounds if bound is not None and bound >= 0]
    return min(max(given), 2**31) if given else None


def bias_range(bias: RawField) -> tuple[tuple[float, float] | None, str]:
    """(smallest, largest) of `logit_bias`, and why it may be read otherwise. An empty one biases nothing, so is None."""
    if not is_set(bias):
        return None, ""
    pairs = pairs_of(bytes(bias))  # type: ignore[arg-type]
    if pairs is None:
        raise BadRequest("Invalid type for 'logit_bias': expected an object.", code="invalid_type", param="logit_bias")
    values: list[float] = []
    for _, value in pairs:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadRequest("Invalid type for 'logit_bias': expected numbers.", code="invalid_type", param="logit_bias")
        values.append(float(max(-(2**53), min(2**53, value))))
    why = "" if len({key for key, _ in pairs}) == len(pairs) else "`logit_bias` names a token more than once"
    return ((min(values), max(values)) if values else None), why


def usage_wanted(options: RawField) -> tuple[bool, str]:
    """Whether `stream_options` asks for usage, and why it may be read otherwise."""
    if not is_set(options):
        return False, ""
    text = bytes(options)  # type: ignore[arg-type]
    pairs = pairs_of(text)
    if pairs is None:
        raise BadRequest("Invalid type for 'stream_options': expected an object.", code="invalid_type", param="stream_options")
    return dict(pairs).get("include_usage") is True, repeated(text, {"include_usage"})


def clip_number(changes: Changes, name: str, value: Number, cap: int) -> bool:
    """Set a number that is over its cap, or negative where that means no bound, to the cap."""
    if value is None or 0 <= value <= cap:
        return False
    changes[name] = b"%d" % cap
    return True


def clip_alternatives(changes: Changes, cap: int, switches: Iterable[str], counts: dict[str, Number]) -> None:
    """Under a cap of -1 remove what asks for log probabilities, else set each number of alternatives over the cap to it."""
    if cap < 0:
        changes.update(dict.fromkeys(switches))
        changes.update({name: None for name, count in counts.items() if count is not None})
        return
    for name, count in counts.items():
        clip_number(changes, name, count, cap)


def clip_bias(changes: Changes, bias: RawField, caps: FeatureCaps, logprobs: int) -> bool:
    """Remove `logit_bias`, or of its pairs those with values that are not allowed: beside log probabilities none is.

    `logprobs` is how many alternatives were asked for, -1 for no probabilities.
    """
    cap = caps.logit_bias
    if not is_set(bias) or cap.mode in {"allow", "deny"}:
        return False
    reads = logprobs >= 0 and (caps.logprobs is None or caps.logprobs >= 0)
    kept = None if reads else kept_bias(bytes(bias), cap)  # type: ignore[arg-type]
    if kept == bytes(bias):  # type: ignore[arg-type]
        return False
    changes["logit_bias"] = kept
    return True


def kept_bias(text: bytes, cap: BiasCap) -> bytes | None:
    """What a cap leaves of `logit_bias`, None for nothing; the very same text where it leaves all."""
    if cap.mode == "strip":
        return None
    pairs = pairs_of(text) or []
    kept = {key: value for key, value in pairs if isinstance(value, int | float) and float(value) in cap.values}
    if len(kept) == len(pairs):
        return text
    return msgspec.json.encode(kept) if kept else None


def refs_in(body: bytes, names: frozenset[bytes] | None, *, items: bool = False) -> tuple[str, ...]:
    """Ids of stored objects that a body names: files, vector stores, containers, audio, responses, conversations, and with `items` what
    `item_reference`s name.

    `names`: all its keys (see `Peek.read_with_names`), so that most bodies need not be searched. BadRequest, whatever the policy,
    where there are too many or they lie too deep to be found.
    """
    if names is not None and not names & _MAY_REFER and not (items and b"item_reference" in body):
        return ()
    pairs = pairs_of(body.removeprefix(b"\xef\xbb\xbf"))
    if pairs is None:
        raise BadRequest("The body is nested too deeply.", status=413, code="request_too_large")
    found: dict[str, None] = {}
    for key, value in pairs:
        folded = key.casefold()
        if folded in _TOP_REFS:
            found.update(dict.fromkeys(_ids(value)))
        elif folded in _SEARCHED:
            found.update(dict.fromkeys(_refs_inside(value, items=items)))
    if len(found) > _MAX_REFS:
        raise BadRequest(f"The body names more than {_MAX_REFS} stored objects.", status=413, code="request_too_large")
    return tuple(found)


def _refs_inside(value: object, *, items: bool) -> Iterator[str]:
    """Objects are lists of (key, value) pairs here, arrays are lists of anything else."""
    stack = [value]
    while stack:
        inner = stack.pop()
        if not isinstance(inner, list):
            continue
        for part in inner:
            if not isinstance(part, tuple):
                stack.append(part)
                continue
            stack.append(part[1])
            if part[0].casefold() in _REFS:
                yield from _ids(part[1])
        if items and ("type", "item_reference") in inner:
            yield from _ids(inner)


def _ids(value: object) -> Iterator[str]:
    """The ids that a member's value is: a string, strings in an array, or the `id` of an object."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, str):
                yield part
            elif isinstance(part, tuple) and part[0].casefold() == "id" and isinstance(part[1], str):
                yield part[1]
