"""Stored responses: what the Responses API can be asked for again, in memory and bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec

__all__ = ["Kept"]


class Kept:
    """JSON objects by id; the oldest go when there are more than `most` of them, or more than `most_bytes` in all."""

    def __init__(self, most: int = 1000, most_bytes: int = 16 * 1024 * 1024) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._objects: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._objects)

    def put(self, name: str, value: dict[str, Any]) -> None:
        """Keep an object."""
        self.drop(name)
        stored = msgspec.json.encode(value)
        self._objects[name] = stored
        self._bytes += len(stored)
        while len(self._objects) > self._most or self._bytes > self._most_bytes:
            self._bytes -= len(self._objects.popitem(last=False)[1])

    def get(self, name: str) -> dict[str, Any] | None:
        """A copy of an object, None where it is not kept (any more)."""
        stored = self._objects.get(name)
        found: dict[str, Any] | None = None if stored is None else msgspec.json.decode(stored)
        return found

    def drop(self, name: str) -> bool:
        """Forget an object; whether there was one."""
        stored = self._objects.pop(name, None)
        self._bytes -= len(stored or b"")
        return stored is not None
