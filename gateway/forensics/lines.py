"""The texts of a suspect data set: one JSON value a line, in the shapes that such sets have."""

from __future__ import annotations

from typing import Any

__all__ = ["FIELDS", "text_of"]

FIELDS = ("response", "output", "completion", "answer", "assistant", "chosen", "text", "content")
"""Members that are looked for, in this order, where none is named."""


def text_of(row: Any, field: str | None = None) -> str | None:
    """What a model wrote in one row of a data set; None where there is nothing of the kind.

    A row is a string; an object with one of `FIELDS` (or `field`); or one with `messages` or `conversations`, of which the turns of the
    assistant are taken, a blank line between them.
    """
    if isinstance(row, str):
        return row
    if not isinstance(row, dict):
        return None
    if field is not None:
        found = row.get(field)
        return found if isinstance(found, str) else None
    for name in ("messages", "conversations"):
        if isinstance(row.get(name), list):
            return _turns(row[name])
    return next((row[name] for name in FIELDS if isinstance(row.get(name), str)), None)


def _turns(turns: list[Any]) -> str | None:
    said = []
    for turn in turns:
        if not isinstance(turn, dict) or str(turn.get("role", turn.get("from", ""))).lower() not in {
            "assistant",
            "gpt",
            "model",
            "bot",
        }:
            continue
        text = turn.get("content", turn.get("value"))
        if isinstance(text, str):
            said.append(text)
        elif isinstance(text, list):
            said += [part["text"] for part in text if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "\n\n".join(said) if said else None
