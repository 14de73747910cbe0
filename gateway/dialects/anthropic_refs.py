"""Which stored objects an Anthropic request names: the files in its messages and the container that its code shall run in.

Behind a shared credential each of them must belong to the caller, so a reference may not hide: not behind an escape, nor in the one of
two equal keys that we would not have read. What a tool was given or gave back is text of the conversation and names nothing of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from gateway.dialects.textedit import members
from gateway.errors import BadRequest

__all__ = ["refs_in", "refs_in_all"]

_NAMES_FILE = re.compile(rb"file_id|\\u00[56]")
"""`file_id`, or an escape that may spell a letter of it."""

_MAX_REFS = 256
"""Objects of one request: each is looked up."""


def refs_in(container: bytes, messages: bytes) -> tuple[str, ...]:
    """Ids named by the JSON texts of `container` and `messages`, each once.

    What cannot be an id is written in escapes, so that nobody owns it. BadRequest of status 413, which no policy lets pass, where there
    are too many or they lie too deep to be found.
    """
    found = list(_containers(_read(container)))
    if _NAMES_FILE.search(messages):
        found += _files(_read(messages))
    return _bounded(found)


def refs_in_all(body: bytes) -> tuple[str, ...]:
    """The same for a body that can be read in two ways: what any reading of it names."""
    found: list[str] = []
    for member in members(body.removeprefix(b"\xef\xbb\xbf")):
        text = body.removeprefix(b"\xef\xbb\xbf")[member.start : member.end]
        match member.key.casefold():
            case "container":
                found += refs_in(text, b"")
            case "messages":
                found += refs_in(b"null", text)
    return _bounded(found)


def _bounded(found: list[str]) -> tuple[str, ...]:
    refs = dict.fromkeys(ref if ref.isprintable() else ref.encode("unicode_escape").decode() for ref in found)
    if len(refs) > _MAX_REFS:
        raise BadRequest(f"The body names more than {_MAX_REFS} stored objects.", status=413, code="request_too_large")
    return tuple(refs)


class _Pairs(list[tuple[str, Any]]):
    """An object with its repeated keys kept: which of two the upstream reads is not known, so both must be the caller's."""


def _read(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8", "replace"), object_pairs_hook=_Pairs)
    except RecursionError:
        raise BadRequest("The body is nested too deeply.", status=413, code="request_too_large") from None


def _containers(value: Any) -> Iterator[str]:
    """A string, or the `id` of an object."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, _Pairs):
        yield from (inner for key, inner in value if key == "id" and isinstance(inner, str))


def _files(value: Any) -> Iterator[str]:
    if not isinstance(value, _Pairs):
        for item in value if isinstance(value, list) else ():
            yield from _files(item)
    elif not _of_the_servers_tools(value):
        for key, inner in value:
            if key == "file_id" and isinstance(inner, str):
                yield inner
            elif key != "input":
                yield from _files(inner)


def _of_the_servers_tools(block: _Pairs) -> bool:
    """Whether a block repeats what a tool on the server's side had answered (`code_execution_tool_result` and the like)."""
    kinds = [value for key, value in block if key == "type"]
    return bool(kinds) and all(isinstance(kind, str) and kind.endswith("_tool_result") for kind in kinds)
