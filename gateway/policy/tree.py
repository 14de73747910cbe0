"""A YAML file as plain values with the place of each, so that every mistake can be shown where it stands.

The reading is YAML 1.2's core schema and nothing else: `yes`, `on` and dates are text, only `true` and `false` are booleans. Tags,
merge keys and duplicate keys are refused; size, depth and what aliases expand to are bounded. Files come from operators, but also
from pull requests and consoles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceStartEvent

from gateway.errors import PolicyError, PolicyProblem

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "Path", "Tree", "read_tree"]

MAX_BYTES = 1024 * 1024
MAX_VALUES = 50_000
"""Values in a file after its aliases are expanded."""
MAX_DEPTH = 32

Path = tuple[str | int, ...]

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = {"", "~", "null", "Null", "NULL"}
_INTEGER = re.compile(r"[-+]?[0-9]{1,30}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")


@dataclass(slots=True)
class Tree:
    """A file's values (`data`), and where each stands: `places` of values, `keys` of the fields themselves; line and column from 1.

    `written` has the spelling of values that are not text: a version 1.10 is the number 1.1 and must be shown as it was written.
    """

    file: str
    data: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    problems: list[PolicyProblem] = field(default_factory=list)
    """Mistakes after which the rest could still be read."""

    def problem(self, path: Path, message: str, remedy: str = "", *, key: bool = False) -> PolicyProblem:
        """A problem at a value, or at its key; at the nearest enclosing value where the file has none there."""
        places = self.keys if key else self.places
        line, column = 1, 1
        for end in range(len(path), -1, -1):
            found = places.get(path[:end]) or self.places.get(path[:end])
            if found:
                line, column = found
                break
        return PolicyProblem(self.file, line, column, _dotted(path), message, remedy)


def _dotted(path: Path) -> str:
    """A path as people write it: `tiers.free.limits[0].rate`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_tree(text: bytes, file: str) -> Tree:
    """Read one YAML document. Its `problems` are to be told with all others; PolicyError where the rest cannot be read for them."""
    if len(text) > MAX_BYTES:
        raise PolicyError([PolicyProblem(file, 0, 0, "", f"the file has {len(text)} bytes", f"at most {MAX_BYTES} are read")])
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise PolicyError([PolicyProblem(file, line, 1, "", "the file is not UTF-8", "save it as UTF-8")]) from None
    builder = _Builder(Tree(file), decoded)
    try:
        builder.build()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = PolicyProblem(file, line, column, "", f"not YAML: {error.problem or error.context}", _yaml_remedy(decoded, line))
        raise PolicyError([*builder.tree.problems, problem]) from None
    except YAMLError as error:
        raise PolicyError([PolicyProblem(file, 1, 1, "", f"not YAML: {str(error).splitlines()[0]}")]) from None
    except _TooMuch:
        raise PolicyError(builder.tree.problems) from None
    return builder.tree


def _yaml_remedy(text: str, line: int) -> str:
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    return (
        "indent with spaces, not tabs" if "\t" in written else "check indentation, brackets and quotes on this line and the one before"
    )


class _TooMuch(Exception):
    """The file is not plain data of bounded size; its problem is noted."""


class _Builder:
    """Builds a tree from the parser's events; notes what is wrong and goes on where it can."""

    def __init__(self, tree: Tree, text: str) -> None:
        self.tree = tree
        self._events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0

    def build(self) -> None:
        for event in self._events:
            if isinstance(event, NodeEvent):
                if self.tree.places:
                    self._note(event, (), "a second document in the file", "a policy is one document: remove the `---`")
                    return
                self.tree.data = self._value(event, ())

    def _note(self, event: Any, path: Path, message: str, remedy: str) -> None:
        mark = event.start_mark
        self.tree.problems.append(PolicyProblem(self.tree.file, mark.line + 1, mark.column + 1, _dotted(path), message, remedy))

    def _value(self, event: Any, path: Path) -> Any:
        before = self._count
        self._grow(event, path, 1)
        self.tree.places[path] = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        if event.tag is not None and event.tag != "!":
            self._note(event, path, f"the tag {event.tag!r}", "write plain values: tags are not read")
        if isinstance(event, ScalarEvent):
            value: Any = _scalar(event)
            if not isinstance(value, str):
                self.tree.written[path] = event.value
        elif isinstance(event, SequenceStartEvent):
            value = self._sequence(path)
        else:
            value = self._mapping(path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _grow(self, event: Any, path: Path, count: int) -> None:
        self._count += count
        if self._count > MAX_VALUES:
            self._note(event, (), f"more than {MAX_VALUES} values once aliases are expanded", "make the file smaller")
            raise _TooMuch
        if len(path) > MAX_DEPTH:
            self._note(event, (), f"nested deeper than {MAX_DEPTH}", "a policy needs no such depth")
            raise _TooMuch

    def _alias(self, event: Any, path: Path) -> Any:
        if event.anchor not in self._anchors:
            self._note(
                event, path, f"the alias *{event.anchor} has no complete anchor before it", f"put &{event.anchor} on an earlier value"
            )
            return None
        value, count = self._anchors[event.anchor]
        self._grow(event, path, count)
        return value

    def _sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not _ends(event := next(self._events)):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not _ends(event := next(self._events)):
            key = self._key(event, path)
            if key in values:
                self._note(
                    event,
                    (*path, key),
                    "the field stands here a second time",
                    f"the first is on line {self.tree.keys[(*path, key)][0]}",
                )
            else:
                self.tree.keys[(*path, key)] = (event.start_mark.line + 1, event.start_mark.column + 1)
            value = self._value(next(self._events), (*path, key))
            values.setdefault(key, value)
        return values

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, ScalarEvent):
            self._note(event, path, "a field's name must be plain text", "write `name: value`")
            raise _TooMuch
        if event.value == "<<" and event.implicit[0]:
            self._note(event, (*path, "<<"), "a merge key", "write the fields out: merging is not part of YAML 1.2")
        return str(event.value)


def _ends(event: Any) -> bool:
    return not isinstance(event, (ScalarEvent, AliasEvent, SequenceStartEvent, MappingStartEvent))


def _scalar(event: Any) -> str | int | float | bool | None:
    """A scalar by YAML 1.2's core schema; quoted and block scalars are text."""
    text: str = event.value
    if event.style not in (None, "") or not event.implicit[0]:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
