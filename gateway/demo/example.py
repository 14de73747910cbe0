"""A value that fits a JSON Schema: what the demo answers where a form is asked for. Covers what the official SDKs generate."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["example"]

_DEEPEST = 12
_DEEP = 3
"""From this depth on nothing is made that can be left out, so that a schema that contains itself comes to an end."""
_MOST = 2000
"""The most values in one example."""
_FORMATS = {
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05Z",
    "time": "03:04:05Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
}


def example(schema: Any, phrase: Callable[[], str], dice: random.Random) -> Any:
    """A JSON value for a schema; `phrase` makes its strings. An empty schema gives `{"answer": phrase}`."""
    if not isinstance(schema, Mapping) or not schema:
        return {"answer": phrase()}
    return _Example(schema, phrase, dice).value(schema, 0)


class _Example:
    def __init__(self, root: Mapping[str, Any], phrase: Callable[[], str], dice: random.Random) -> None:
        self.root = root
        self.phrase = phrase
        self.dice = dice
        self.made = 0

    def value(self, schema: Any, depth: int) -> Any:
        self.made += 1
        if not isinstance(schema, Mapping) or depth > _DEEPEST or self.made > _MOST:
            return None
        if "$ref" in schema:
            return self.value(self._target(str(schema["$ref"])), depth + 1)
        if "const" in schema:
            return schema["const"]
        if choices := _list(schema, "enum"):
            return choices[self.dice.randrange(len(choices))]
        for kind in ("anyOf", "oneOf", "allOf"):
            if choices := _list(schema, kind):
                return self.value(_choice(choices, depth), depth + 1)
        return self._of_type(schema, depth)

    def _target(self, pointer: str) -> Any:
        at: Any = self.root
        for step in pointer.removeprefix("#").split("/")[1:]:
            at = at.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(at, Mapping) else None
        return at

    def _of_type(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type") or ("object" if "properties" in schema else "string")
        match kind[0] if isinstance(kind, list) and kind else kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer" | "number":
                return self._number(schema)
            case "boolean":
                return self.dice.random() < 0.5
            case "null":
                return None
            case _:
                return self._string(schema)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        named = properties.items() if isinstance(properties, Mapping) else ()
        return {name: self.value(inner, depth + 1) for name, inner in named}

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        """One item, or as many as asked for up to 50; the first ones of a tuple each by its own schema."""
        first = [self.value(inner, depth + 1) for inner in _list(schema, "prefixItems")]
        least = _whole(schema, "minItems", 0 if first or depth > _DEEP else 1)
        items = schema.get("items")
        more = items if isinstance(items, Mapping) and items else {"type": "string"}
        return first + [self.value(more, depth + 1) for _ in range(min(least, 50) - len(first))]

    def _number(self, schema: Mapping[str, Any]) -> int:
        low = _whole(schema, "minimum", _whole(schema, "exclusiveMinimum", 0) + 1)
        high = _whole(schema, "maximum", _whole(schema, "exclusiveMaximum", low + 10) - 1)
        low = min(low, high) if "minimum" not in schema and "exclusiveMinimum" not in schema else low
        return self.dice.randint(low, max(low, high))

    def _string(self, schema: Mapping[str, Any]) -> str:
        text = _FORMATS.get(str(schema.get("format"))) or self.phrase()
        return text[: _whole(schema, "maxLength", len(text))]


def _list(schema: Mapping[str, Any], name: str) -> list[Any]:
    value = schema.get(name)
    return value if isinstance(value, list) else []


def _whole(schema: Mapping[str, Any], name: str, default: int) -> int:
    value = schema.get(name)
    return math.ceil(value) if isinstance(value, int | float) and math.isfinite(value) else default


def _choice(choices: list[Any], depth: int) -> Any:
    """The first; deep down `null` where that will do."""
    nothing = {"type": "null"}
    return nothing if depth > _DEEP and nothing in choices else choices[0]
