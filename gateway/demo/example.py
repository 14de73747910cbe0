"""A value that fits a JSON Schema: what the demo answers where a form is asked for. Covers what the official SDKs generate."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["example"]

_DEEPEST = 12
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

    def value(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            return None
        if "$ref" in schema:
            return self.value(self._target(str(schema["$ref"])), depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][self.dice.randrange(len(schema["enum"]))]
        for choice in ("anyOf", "oneOf", "allOf"):
            if schema.get(choice):
                return self.value(schema[choice][0], depth + 1)
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
                properties = schema.get("properties") or {}
                return {name: self.value(inner, depth + 1) for name, inner in properties.items()}
            case "array":
                count = max(int(schema.get("minItems", 1)), 1)
                return [self.value(schema.get("items") or {"type": "string"}, depth + 1) for _ in range(min(count, 50))]
            case "integer" | "number":
                return self._number(schema)
            case "boolean":
                return self.dice.random() < 0.5
            case "null":
                return None
            case _:
                return self._string(schema)

    def _number(self, schema: Mapping[str, Any]) -> int:
        low = int(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))
        return self.dice.randint(low, max(low, int(schema.get("maximum", low + 9))))

    def _string(self, schema: Mapping[str, Any]) -> str:
        text = _FORMATS.get(str(schema.get("format"))) or self.phrase()
        longest = schema.get("maxLength")
        return text[:longest] if isinstance(longest, int) else text
