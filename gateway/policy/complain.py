"""Turns what the schema found into problems a person can act on: place, the bad value, the nearest known word.

A value that may be a credential written in the wrong place is never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gateway.errors import PolicyProblem
from gateway.policy.nearest import did_you_mean
from gateway.policy.schema import Document
from gateway.policy.schema_judging import SignalBlock, SignalsBlock
from gateway.policy.tree import Path, Tree
from gateway.policy.words import LATER_FIELDS

__all__ = ["fields_at", "problems_of", "shown"]

_SECRET_FIELDS = {"key", "credential_env", "credential_header", "attributes"}
"""Fields into which people paste credentials."""

_DURATION = "write a number and a unit, like 15m"

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a set of fields",
    "model_type": "a set of fields",
    "model_attributes_type": "a set of fields",
    "finite_number": "a finite number",
    "int_from_float": "a whole number",
}
_REMEDIES = {
    "string_type": "put it in quotes",
    "bool_type": "write true or false; `yes` and `on` are text in YAML 1.2",
    "list_type": "write [a, b], or one `- ` line each",
}
_TEXTS = {
    "rate": "write an amount and a window, like 20/minute",
    "lease": _DURATION,
    "after": _DURATION,
    "half_life": _DURATION,
    "connect_timeout": _DURATION,
    "first_byte_timeout": _DURATION,
    "idle_timeout": _DURATION,
    "checkpoint_every": _DURATION,
    "keep": _DURATION,
    "valid": _DURATION,
}
"""Fields that hold text and are readily written as a number."""

_BOUNDS = {
    "greater_than_equal": ("is too small", "at least", "ge"),
    "greater_than": ("is too small", "more than", "gt"),
    "less_than_equal": ("is too large", "at most", "le"),
    "less_than": ("is too large", "less than", "lt"),
    "too_short": ("has too few entries", "at least", "min_length"),
    "string_too_short": ("is empty", "characters needed:", "min_length"),
    "string_too_long": ("is too long", "characters allowed:", "max_length"),
}


def problems_of(error: ValidationError, tree: Tree) -> list[PolicyProblem]:
    """All that the schema found, in the words and places of the file."""
    return [_problem(dict(detail), tree) for detail in error.errors(include_url=False)]


def _problem(detail: Mapping[str, Any], tree: Tree) -> PolicyProblem:
    path: Path = tuple(detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return tree.problem(path, "the field is missing", f"add `{path[-1]}:`")
    if kind == "extra_forbidden":
        return tree.problem(path, "unknown field", _unknown_field(path), key=True)
    if path[-1:] == ("[key]",):
        return tree.problem(
            path[:-1], f"the name {shown(path[:-1])} cannot be taken", str(context.get("error", detail["msg"])), key=True
        )
    path = _existing(path, tree)
    value = _hidden(path, detail["input"], tree)
    if kind == "value_error":
        return tree.problem(path, f"{value} cannot be taken", str(context["error"]))
    if kind == "literal_error":
        words = re.findall(r"'([^']*)'", context["expected"])
        return tree.problem(path, f"{value} is not known here", did_you_mean(str(detail["input"]), words))
    if kind in _KINDS:
        return tree.problem(path, f"{value} is not {_KINDS[kind]}", _remedy(kind, path))
    if kind in _BOUNDS:
        message, bound, name = _BOUNDS[kind]
        return tree.problem(path, f"{value} {message}", f"{bound} {context[name]}")
    return tree.problem(path, f"{value}: {detail['msg']}")


def _remedy(kind: str, path: Path) -> str:
    named = _TEXTS.get(str(path[-1])) if kind == "string_type" and path else None
    return named or _REMEDIES.get(kind, "")


def _unknown_field(path: Path) -> str:
    name = str(path[-1])
    if len(path) == 1 and name in LATER_FIELDS:
        return LATER_FIELDS[name]
    return did_you_mean(name, fields_at(path[:-1]))


def _existing(path: Path, tree: Tree) -> Path:
    """The path as the file has it: a list written as a single text has no entries of its own."""
    while path and path not in tree.places:
        path = path[:-1]
    return path


def _hidden(path: Path, value: object, tree: Tree) -> str:
    """A bad value as it was written, but for what may be a credential."""
    if isinstance(value, str) and (_SECRET_FIELDS.intersection(path) or "@" in value):
        return "the value (not repeated here)"
    return tree.written[path][:80] if path in tree.written and value is not None else shown(value)


def shown(value: object) -> str:
    """A bad value as an error repeats it: scalars cut short, the rest by kind."""
    if isinstance(value, dict):
        return "a set of fields"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    if isinstance(value, tuple):
        return repr(str(value[-1]))[:80] if value else "the file"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def fields_at(path: Path) -> list[str]:
    """The fields that the schema knows at a path, as the file spells them."""
    found: Any = Document
    for part in path:
        found = _inner(found, part)
        if found is None:
            return []
    model = _model(found)
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def _inner(annotation: Any, part: str | int) -> Any:
    model = _model(annotation)
    if model is None:
        arguments = [argument for argument in get_args(_plain(annotation)) if argument is not type(None)]
        return arguments[-1] if arguments else None
    for name, field in model.model_fields.items():
        if (field.alias or name) == part:
            return field.annotation
    return SignalBlock if model is SignalsBlock else None


def _plain(annotation: Any) -> Any:
    """An annotation out of `X | None` and `Annotated[X, ...]`."""
    while get_origin(annotation) not in (list, dict, None):
        annotation = get_args(annotation)[0]
    return annotation


def _model(annotation: Any) -> type[BaseModel] | None:
    annotation = _plain(annotation)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
