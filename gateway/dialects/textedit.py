"""Changing members of a JSON object by text, so that all other bytes stay exactly as the client wrote them.

A body that is parsed and written anew is another body: numbers lose their spelling, keys their order, unknown parsers their
luck. Here only the members named are touched. The text must be valid JSON already (`peek` has read it).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Member", "edit_members", "insert_members", "members", "value_end", "value_of"]

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}]++")
_STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]|[\]}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: its key unescaped, where the key's quote stands, and where its value begins and ends."""

    key: str
    at: int
    start: int
    end: int


def members(text: bytes) -> list[Member]:
    """The members of the object that `text` is, in order, repeated keys included. ValueError when it is not an object."""
    at = _skip(text, 0)
    if text[at : at + 1] != b"{":
        raise ValueError("not a JSON object")
    found: list[Member] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] != b"}":
        key = _STRING.match(text, at)
        if key is None:
            raise ValueError(f"a key was expected at byte {at}")
        colon = _skip(text, key.end())
        if text[colon : colon + 1] != b":":
            raise ValueError(f"a colon was expected at byte {colon}")
        start = _skip(text, colon + 1)
        end = value_end(text, start)
        found.append(Member(_unquoted(key.group()), at, start, end))
        at = _skip(text, end)
        if text[at : at + 1] == b",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != b"}":
            raise ValueError(f"a comma was expected at byte {at}")
    return found


def value_end(text: bytes, start: int) -> int:
    """Where the value that begins at `start` ends. ValueError when it does not."""
    first = text[start : start + 1]
    if first in {b"{", b"["}:
        return _closing(text, start)
    match = (_STRING if first == b'"' else _SCALAR).match(text, start)
    if match is None:
        raise ValueError(f"a value was expected at byte {start}")
    return match.end()


def value_of(text: bytes, key: str) -> bytes | None:
    """The text of a member's value, None when there is no such member. Of repeated keys the last, as most parsers have it."""
    found = None
    for member in members(text):
        if member.key == key:
            found = text[member.start : member.end]
    return found


def edit_members(text: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """The object with these members changed, inserted (at the front) or, where the value is None, removed.

    Values are JSON texts. The very same object is returned when nothing changes. Of repeated keys each is changed.
    """
    found = members(text)
    present = {member.key for member in found}
    fresh = [json.dumps(key).encode() + b":" + value for key, value in changes.items() if value is not None and key not in present]
    if not fresh and not present.intersection(changes):
        return text
    kept = [member for member in found if changes.get(member.key, b"") is not None]
    pieces = [text[: found[0].at] if found else text[: text.index(b"{") + 1], b",".join(fresh), b"," if fresh and kept else b""]
    after = {member.at: following.at for member, following in pairwise(found)}
    for number, member in enumerate(kept):
        value = changes.get(member.key)
        pieces.append(text[member.at : member.start])
        pieces.append(text[member.start : member.end] if value is None else value)
        if number < len(kept) - 1:
            pieces.append(text[member.end : after[member.at]])
    pieces.append(text[found[-1].end :] if found else text[text.index(b"{") + 1 :])
    result = b"".join(pieces)
    return text if result == text else result


def insert_members(text: bytes, fresh: Mapping[str, bytes]) -> bytes:
    """The object with members at its front that it is known not to have. Nothing else of it is looked at."""
    inside = text.index(b"{") + 1
    put = b",".join(json.dumps(key).encode() + b":" + value for key, value in fresh.items())
    comma = b"" if not put or text.startswith(b"}", _skip(text, inside)) else b","
    return b"".join((text[:inside], put, comma, text[inside:]))


def _skip(text: bytes, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _closing(text: bytes, start: int) -> int:
    depth = 0
    for token in _STRUCTURE.finditer(text, start):
        first = text[token.start()]
        if first in b"[{":
            depth += 1
        elif first in b"]}":
            depth -= 1
            if depth == 0:
                return token.end()
    raise ValueError(f"what begins at byte {start} does not end")


def _unquoted(key: bytes) -> str:
    if b"\\" not in key:
        return key[1:-1].decode("utf-8", "replace")
    decoded: str = json.loads(key)
    return decoded
