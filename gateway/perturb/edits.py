"""What edits of documents have in common: counting what they alter, and finding the parts of an answer that a dialect tells in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.perturb.base import MOST_NOTES, Document

__all__ = ["Counting", "choices", "objects", "parts"]

_INSIDE = ("response", "message", "item", "part", "delta")
_LISTS = ("choices", "output", "content")


class Counting:
    """An edit that counts. See `base.AnswerEdit`; `blind` unless it says otherwise, for shapes and keys are all it knows."""

    blind = True

    def __init__(self) -> None:
        self.count = 0
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def again(self, count: int) -> None:
        """Count what was done to an event that was not shown."""
        self.count += count

    def note(self, what: str) -> None:
        """Keep a note, the first ones alone."""
        if len(self._notes) < MOST_NOTES and what not in self._notes:
            self._notes.append(what)


def objects(value: Any) -> list[Document]:
    """The objects of a list; nothing where it is none."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def choices(document: Document) -> list[Document]:
    """The choices of a chat completion or a completion, or of one of its chunks."""
    return objects(document.get("choices"))


def parts(document: Document) -> Iterator[Document]:
    """The document and every object in it that an answer may tell something in: choices, messages, items, content parts, deltas."""
    yield document
    for key in _INSIDE:
        if isinstance(document.get(key), dict):
            yield from parts(document[key])
    for key in _LISTS:
        for entry in objects(document.get(key)):
            yield from parts(entry)
