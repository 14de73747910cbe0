"""The JSON Schema of policy files, which editors read through the first line of each file.

It says what a schema can say. Relations between sections, and whether durations and rates can be read, `gateway policy check` says.
"""

from __future__ import annotations

import json
from typing import Any

from gateway.policy.schema import Document
from gateway.policy.words import perturbation_names, signal_names

__all__ = ["json_schema", "json_schema_text"]


def json_schema() -> dict[str, Any]:
    """The schema as a JSON value (draft 2020-12)."""
    schema = Document.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    signals = definitions["SignalsBlock"]
    signals["properties"] |= {name: {"$ref": "#/$defs/SignalBlock"} for name in signal_names()}
    signals["additionalProperties"] = False
    definitions["ExemptionBlock"]["properties"]["signals"]["items"] = {"enum": list(signal_names())}
    definitions["RungBlock"]["properties"]["with"]["items"] = {"enum": list(perturbation_names())}
    definitions["TierBlock"]["properties"]["always"]["items"] = {"enum": list(perturbation_names())}
    _tidy(schema)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "policy.schema.json"}
    return {**head, **schema, "title": "Azeotrope policy"}


def json_schema_text() -> str:
    """The schema as it is checked in."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> None:
    """Take out made-up titles, and the null that means `absent`: a field without a value is refused."""
    if isinstance(node, list):
        for entry in node:
            _tidy(entry)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str):
        del node["title"]
    if "default" in node and node["default"] is None:
        del node["default"]
    options = node.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        options.remove({"type": "null"})
        if len(options) == 1:
            del node["anyOf"]
            node.update({name: value for name, value in options[0].items() if name not in node})
    for entry in node.values():
        _tidy(entry)
