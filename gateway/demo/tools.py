"""Tools on offer, in any API's shape, and when the demo calls one.

It calls a tool where the request demands one. Where it is free to choose it calls the first tool that the user's last words speak
of: a word of at least four letters in the tool's name stands among them. Once a tool has answered, it answers in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.demo.ask import Body, Fault, text_of

__all__ = ["ToolChoice", "choose_tool", "read_tools"]

Tools = dict[str, Mapping[str, Any]]
ToolChoice = tuple[str, str]
"""("none" | "auto" | "required", "") or ("named", the tool's name)."""

_WORD = re.compile(r"[a-z]{4,}")


def read_tools(body: Body, *, nested: bool, schema: str = "parameters") -> Tools:
    """Name to schema of the arguments. `nested`: under `function`, as in chat completions. Tools that the server runs are left out."""
    tools = body.get("tools") or []
    if not isinstance(tools, list):
        raise Fault("Invalid type for 'tools': expected an array.", param="tools", code="invalid_type")
    found: Tools = {}
    for at, tool in enumerate(tools):
        place = f"tools[{at}]"
        if not isinstance(tool, dict):
            raise Fault(f"Invalid type for '{place}': expected an object.", param=place, code="invalid_type")
        if tool.get("type", "function") not in ("function", "custom") or (nested and tool.get("type") == "custom"):
            continue
        inner = tool.get("function", {}) if nested else tool
        name = inner.get("name") if isinstance(inner, dict) else None
        if not isinstance(name, str) or not name:
            where = f"{place}.function.name" if nested else f"{place}.name"
            raise Fault(f"Missing required parameter: '{where}'.", param=where, code="missing_required_parameter")
        parameters = inner.get(schema)
        found[name] = parameters if isinstance(parameters, dict) and parameters else {"type": "object", "properties": {}}
    return found


def choose_tool(tools: Tools, choice: ToolChoice, conversation: list[Body]) -> tuple[str, Mapping[str, Any]] | None:
    """The tool to call and its schema, or None to answer in words."""
    kind, name = choice
    if kind == "named":
        if name not in tools:
            raise Fault(f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice", code="invalid_value")
        return name, tools[name]
    if kind == "required" and not tools:
        raise Fault("'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice", code="invalid_value")
    spoken_of = None if kind == "none" else _spoken_of(tools, conversation)
    if spoken_of is None and kind == "required":
        spoken_of = next(iter(tools))
    return (spoken_of, tools[spoken_of]) if spoken_of is not None else None


def _spoken_of(tools: Tools, conversation: list[Body]) -> str | None:
    last = conversation[-1] if conversation else {}
    if last.get("role") != "user" or _is_result(last):
        return None
    said = set(_WORD.findall(text_of(last.get("content")).lower()))
    return next((name for name in tools if said.intersection(_WORD.findall(_split(name)))), None)


def _is_result(message: Body) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(isinstance(block, dict) and block.get("type") == "tool_result" for block in content)


def _split(name: str) -> str:
    """`getWeather` as `get weather`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
