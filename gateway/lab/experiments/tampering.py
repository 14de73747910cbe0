"""What an attacker who knows the fingerprint's classes, but not the secret, does to answers before he trains on them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random

from gateway.perturb.fingerprint_places import said
from gateway.perturb.fingerprint_text import Sentences

__all__ = ["commonest", "normalised", "redrawn", "replaced", "sentences", "stripped"]


def redrawn(text: str, chance: Random, share: float) -> str:
    """Each variant drawn anew by a fair coin in a share of the places."""
    return _told(text, lambda _, variant: chance.randint(0, 1) if chance.random() < share else variant)


def normalised(text: str) -> str:
    """Every place said in the first of its two ways: one spelling and one style for all."""
    return _told(text, lambda _position, _variant: 0)


def replaced(text: str, chance: Random, share: float, clean: Sequence[str]) -> str:
    """A share of the sentences replaced by sentences of clean text, as a paraphrase without any trace of the original would."""
    return "".join(chance.choice(clean) if chance.random() < share else piece for piece in sentences(text))


def stripped(text: str) -> str:
    """Plain ASCII: accents, typographic marks and whatever cannot be seen are gone."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def commonest(answers: Iterable[str]) -> str:
    """Of several answers to one question the one that came most often: all that averaging can do with text."""
    return Counter(answers).most_common(1)[0][0]


def sentences(text: str) -> list[str]:
    """A text in sentences that put together are the text again."""
    walk = Sentences()
    return [piece.text for piece in [*walk.feed(text), *walk.finish()]]


def _told(text: str, pick: Callable[[int, int], int]) -> str:
    walk = Sentences()
    return "".join(said(piece, pick)[0] for piece in [*walk.feed(text), *walk.finish()])
