"""Plain English replies with many places of the fingerprint, made from its classes: text of our own, for tests."""

from __future__ import annotations

from gateway.perturb.fingerprint_classes import CLASSES
from gateway.perturb.fingerprint_places import places

__all__ = ["REPLIES"]

_FRAMES = (
    "There was a time when they {} the old door of the house.",
    "We know what you {} a new one of these.",
    "In the house {} the last of them was there.",
)


def _sentences():
    for pair in CLASSES:
        surface = pair.surfaces[pair.number % 2]
        for frame in _FRAMES:
            sentence = frame.format(surface)
            if places(sentence):
                yield sentence
                break
        else:
            opening = f"{surface.capitalize()}, the rest of it was theirs to see."
            if places(opening):
                yield opening


def _replies(length=8):
    sentences = list(_sentences())
    return [" ".join(sentences[at : at + length]) for at in range(0, len(sentences), length)]


REPLIES = _replies()
"""Texts whose grammar is poor and whose places are many."""
