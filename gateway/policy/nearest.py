"""The nearest known word to a mistyped one, for errors that help."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "nearest"]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, None where none is much like it."""
    words = {name.lower(): name for name in known}
    typed = word.lower().replace("-", "_")
    for spelling in (word.lower(), typed):
        if spelling in words:
            return words[spelling]
    found = get_close_matches(typed, words, n=1, cutoff=0.6)
    if found:
        return words[found[0]]
    begun = [name for name in words if len(typed) >= 3 and (name.startswith(typed) or typed.startswith(name))]
    return words[min(begun)] if begun else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The remedy for an unknown word: the nearest one, or else all there are."""
    words = list(known)
    found = nearest(word, words)
    if found is not None:
        return f"did you mean {found!r}?"
    return f"known: {', '.join(words)}" if words else "none is known here"
