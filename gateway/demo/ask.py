"""What every API asks of the demo, in one set of words, and how a JSON body is read with the complaints of a real server."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from gateway.demo.distribution import Bias
from gateway.demo.vocabulary import SIZE, count_tokens, theme_of

__all__ = [
    "MOST_TOKENS", "Ask", "Body", "Fault", "Prompt", "flag", "number", "part", "read_bias", "read_limit", "read_messages", "read_model",
    "read_seed", "read_stops", "reasons", "required", "text_of", "whole",
]  # fmt: skip

Body = dict[str, Any]
MOST_TOKENS = 32_768
"""The most tokens of one request, over all its choices."""
_USUAL_TOKENS = 4_096
"""The most tokens of an answer whose length was left open; it ends by itself long before, unless a bias forbids that."""
_TEXT_KEYS = (
    "system", "instructions", "text", "content", "input", "output", "tool_calls", "function", "name", "arguments", "thinking",
    "summary", "refusal",
)  # fmt: skip
_DEEPEST = 16
_REASONING_NAME = re.compile(r"reason|think|(?:^|[/-])(?:o[1-9]|r1)(?:$|-)")


class Fault(Exception):
    """A request the demo refuses: becomes the API's own error body."""

    def __init__(self, message: str, *, param: str | None = None, status: int = 400, code: str | None = None) -> None:
        self.message = message
        self.param = param
        self.status = status
        self.code = code
        super().__init__(message)


class Prompt:
    """The text of a request: its size, its theme, and a number that stands for it. `beside` (tools, say) counts, but has no theme."""

    def __init__(self, text: str, beside: object = None) -> None:
        self.text = text
        self._beside = msgspec.json.encode(beside).decode() if beside else ""
        self.number = int.from_bytes(hashlib.blake2b((text + self._beside).encode(), digest_size=8).digest(), "big")

    @cached_property
    def tokens(self) -> int:
        return max(1, count_tokens(self.text) + count_tokens(self._beside))

    @property
    def cached_tokens(self) -> int:
        """As if the beginning of each long prompt had been seen before: whole blocks of 128 tokens, from 1,024 tokens on."""
        return self.tokens // 128 * 128 if self.tokens >= 1024 else 0

    @cached_property
    def theme(self) -> str:
        return theme_of(self.text, self.number)


@dataclass(frozen=True, slots=True)
class Ask:
    """One answer wanted.

    `top`: alternatives to tell beside each token, -1 for no log probabilities. `ignore_end`: never end by itself. `schema`: answer
    with JSON of this schema (empty: any object). `tool`: answer by calling this tool, (name, schema of its arguments).
    """

    prompt: Prompt
    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    bias: Bias = ()
    stops: tuple[str, ...] = ()
    ignore_end: bool = False
    top: int = -1
    reason: bool = False
    schema: Mapping[str, Any] | None = None
    tool: tuple[str, Mapping[str, Any]] | None = None


def text_of(value: Any, depth: int = 0) -> str:
    """All text in messages, blocks and items of either family, in order, joined by line breaks."""
    if isinstance(value, str):
        return value
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return "\n".join(filter(None, (text_of(item, depth + 1) for item in value)))
    if isinstance(value, dict):
        return "\n".join(filter(None, (text_of(value[key], depth + 1) for key in _TEXT_KEYS if key in value)))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def required(body: Body, name: str, kind: type[Any] | tuple[type[Any], ...]) -> Any:
    """A field that must be there, of this type."""
    value = body.get(name)
    if value is None:
        raise Fault(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    if not isinstance(value, kind):
        raise Fault(f"Invalid type for '{name}'.", param=name, code="invalid_type")
    return value


def read_model(body: Body) -> str:
    """`model`: any name will do, but it must be there."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Fault("you must provide a model parameter", param="model", code="missing_required_parameter")
    return model


def read_messages(body: Body) -> list[Body]:
    """`messages`: at least one, each an object with a role."""
    messages: list[Any] = required(body, "messages", list)
    if not messages:
        raise Fault("Invalid 'messages': empty array. Expected an array with minimum length 1.", param="messages", code="empty_array")
    for at, message in enumerate(messages):
        if not isinstance(message, dict):
            raise Fault(f"Invalid type for 'messages[{at}]': expected an object.", param=f"messages[{at}]", code="invalid_type")
        if not isinstance(message.get("role"), str):
            place = f"messages[{at}].role"
            raise Fault(f"Missing required parameter: '{place}'.", param=place, code="missing_required_parameter")
    return messages


def read_limit(body: Body, *names: str, choices: int = 1) -> int:
    """The most tokens of one answer, by the first of these fields that is given; all choices together stay below MOST_TOKENS."""
    name = next((name for name in names if body.get(name) is not None), names[0])
    limit = whole(body, name, 1, MOST_TOKENS, _USUAL_TOKENS)
    if limit * choices > MOST_TOKENS and name in body:
        raise Fault(f"{name} is too large: {limit} for each of {choices} choices.", param=name, code="invalid_value")
    return min(limit, MOST_TOKENS // choices)


def reasons(model: str, effort: object) -> bool:
    """Whether to reason aloud: an effort but none or minimal; without any, a model whose name says so (`demo-reasoning`, `o3`)."""
    if effort is not None:
        return effort not in ("none", "minimal")
    return _REASONING_NAME.search(model) is not None


def part(body: Body, name: str) -> Body:
    """A field that holds an object, empty where it is not given."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Fault(f"Invalid type for '{name}': expected an object.", param=name, code="invalid_type")
    return value


def flag(body: Body, name: str) -> bool:
    """A field that is true or false, false where it is not given."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Fault(f"Invalid type for '{name}': expected a boolean.", param=name, code="invalid_type")
    return bool(value)


def number(body: Body, name: str, low: float, high: float, default: float) -> float:
    """A number between two bounds, both allowed."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Fault(f"Invalid type for '{name}': expected a number.", param=name, code="invalid_type")
    if not low <= value <= high:
        raise Fault(f"Invalid '{name}': must be between {low:g} and {high:g}.", param=name, code="invalid_value")
    return float(value)


def whole(body: Body, name: str, low: int, high: int, default: int) -> int:
    """A whole number between two bounds, both allowed."""
    value = number(body, name, low, high, default)
    if value != int(value):
        raise Fault(f"Invalid type for '{name}': expected an integer.", param=name, code="invalid_type")
    return int(value)


def read_seed(body: Body) -> int | None:
    """`seed`, any integer."""
    seed = body.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise Fault("Invalid type for 'seed': expected an integer.", param="seed", code="invalid_type")
    return seed


def read_stops(body: Body, name: str = "stop", most: int = 64) -> tuple[str, ...]:
    """One stop text or a list of them, up to `most`; empty ones stop nothing."""
    stops = body.get(name) or []
    stops = [stops] if isinstance(stops, str) else stops
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise Fault(f"Invalid type for '{name}': expected a string or a list of strings.", param=name, code="invalid_type")
    if len(stops) > most:
        raise Fault(f"Invalid '{name}': array too long. Expected at most {most} items.", param=name, code="array_above_max_length")
    return tuple(stop for stop in stops if stop)


def read_bias(body: Body) -> Bias:
    """`logit_bias`: token ids as strings to numbers from -100 to 100. Ids beyond this vocabulary have no effect."""
    bias = body.get("logit_bias") or {}
    if not isinstance(bias, dict):
        raise Fault("Invalid type for 'logit_bias': expected an object.", param="logit_bias", code="invalid_type")
    pairs = []
    for key, value in bias.items():
        if not key.isdecimal() or isinstance(value, bool) or not isinstance(value, int | float) or not -100 <= value <= 100:
            raise Fault(
                "Invalid 'logit_bias': token ids must map to numbers from -100 to 100.", param="logit_bias", code="invalid_value"
            )
        if len(key) <= 6 and int(key) < SIZE:
            pairs.append((int(key), float(value)))
    return tuple(sorted(pairs))
