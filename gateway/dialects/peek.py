"""Reading a JSON body for the few fields that are acted on, and saying so where two parsers would read them differently.

A cap that the gateway reads from one of two `max_tokens` while the upstream reads the other is no cap. So for the fields acted on,
these make a body ambiguous: a key that is repeated (written plainly, with escapes, or in another case, which Go's parser takes for the
same), a byte order mark, and bytes that are not UTF-8. What no parser agrees to read (NaN, half a surrogate pair, a number as
a string) is a BadRequest; who acts on nothing may let it pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from gateway.dialects.textedit import members
from gateway.errors import BadRequest

__all__ = ["Peek", "pairs_of", "repeated", "whole"]

T = TypeVar("T", bound=msgspec.Struct)

_BOM = b"\xef\xbb\xbf"
_KEY = re.compile(rb'"([A-Za-z_]*+)(?:("[ \t\r\n]*+:)|\\u(?:00[4-7]|017[fF]|212[aA])|\xc5\xbf|\xe2\x84\xaa)')
"""A key of letters; or a string that spells a letter by an escape, or by one of the two signs that fold to an ASCII letter."""

_WHERE = re.compile(r"at `\$\.([A-Za-z_]+)")
_LARGEST = 2**53


class Peek(Generic[T]):
    """Reads bodies into one msgspec struct, whose fields are those that are acted on."""

    def __init__(self, kind: type[T]) -> None:
        self._decode: Callable[[bytes], T] = msgspec.json.Decoder(kind).decode
        self.fields = frozenset(field.encode_name for field in msgspec.structs.fields(kind))
        self._spelt = frozenset(field.encode() for field in self.fields)

    def read(self, body: bytes) -> tuple[T, str]:
        """The fields, and why the body may be read otherwise ("" when it cannot). BadRequest when it cannot be read at all."""
        fields, why, _ = self.read_with_names(body)
        return fields, why

    def read_with_names(self, body: bytes) -> tuple[T, str, frozenset[bytes] | None]:
        """As `read`, and beside it the names of all keys at any depth, in lower case; None where one is spelt with an escape."""
        why = ""
        if body.startswith(_BOM):
            body, why = body[3:], "it begins with a byte order mark"
        try:
            fields = self._decode(body)
        except msgspec.ValidationError as error:
            raise _mistyped(error) from None
        except UnicodeDecodeError:
            raise BadRequest("The body is not valid UTF-8.") from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadRequest(_unread(error)) from None
        if not body.isascii() and not _is_utf8(body):
            why = why or "it is not valid UTF-8"
        doubtful, names = self._scan(body)
        return fields, why or (repeated(body, self.fields) if doubtful else ""), names

    def _scan(self, body: bytes) -> tuple[bool, frozenset[bytes] | None]:
        """Whether a field's name comes twice at any depth or a name is spelt oddly, and the names: over all strings, quickly."""
        seen: set[bytes] = set()
        doubtful = False
        for name, end in _KEY.findall(body):
            if not end:
                return True, None
            folded = name.lower()
            doubtful = doubtful or (folded in self._spelt and (folded in seen or folded != name))
            seen.add(folded)
        return doubtful, frozenset(seen)


def repeated(text: bytes, fields: Iterable[str]) -> str:
    """Why an object's members can be read in two ways, "" when they cannot. A key in another case counts: some parsers take it."""
    try:
        keys = [member.key for member in members(text)]
    except ValueError:
        return "its members cannot be told apart"
    wanted = set(fields)
    seen: set[str] = set()
    for key in keys:
        folded = key.casefold()
        if folded in wanted:
            if folded in seen:
                return f"`{folded}` is given more than once"
            if folded != key:
                return f"`{folded}` is spelt in another case"
            seen.add(folded)
    return ""


def pairs_of(text: bytes) -> list[tuple[str, object]] | None:
    """An object's pairs with repeated keys kept; None when the text is not an object. Objects inside it are lists of pairs too."""
    try:
        value: list[tuple[str, object]] = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    return value if text.lstrip()[:1] == b"{" else None


def whole(value: int | float | None, param: str) -> int | None:
    """A whole number as an int, 5.0 included (some parsers take it for 5), at most 2**53 in size. BadRequest when it is not whole."""
    if value is None:
        return None
    if isinstance(value, float) and not value.is_integer():
        raise BadRequest(f"Invalid type for '{param}': expected an integer.", code="invalid_type", param=param)
    return max(-_LARGEST, min(_LARGEST, int(value)))


def _mistyped(error: msgspec.ValidationError) -> BadRequest:
    """By the path alone: msgspec's own words may grow to quote what was sent."""
    match = _WHERE.search(str(error))
    if match is None:
        return BadRequest("The body must be a JSON object.")
    param = match.group(1)
    return BadRequest(f"Invalid type for '{param}'.", code="invalid_type", param=param)


def _unread(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The body is nested too deeply."
    place = re.search(r"\(byte \d+\)", str(error))
    return f"The body is not valid JSON {place.group()}." if place else "The body is not valid JSON."


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
