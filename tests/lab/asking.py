"""What a persona's caller asks first, for tests."""

from __future__ import annotations

from itertools import islice

from gateway.lab.corpora import Corpora
from gateway.lab.dice import dice
from gateway.lab.personas import PERSONAS
from gateway.lab.personas.base import Member, Part, draw_manner


def asks(name, many=40, *, seed=1, place=0, size=1, half="all", corpora=None):
    """The first requests of a caller; callers of one seed and several places are one group."""
    chance = dice("test", name, seed, place)
    part = Part(chance, corpora or Corpora(), draw_manner(chance), Member(place, size, f"group-{seed}"), half)
    return list(islice(PERSONAS[name].composer(part), many))


def said(ask):
    """The last user message, or what is to be embedded."""
    body = ask.body
    if ask.path == "/v1/embeddings":
        return body["input"] if isinstance(body["input"], str) else "\n".join(body["input"])
    return [message["content"] for message in body.get("messages") or body["input"] if message["role"] == "user"][-1]


def wrapper(texts):
    """The longest beginning that all texts share."""
    first, last = min(texts), max(texts)
    return first[: next((k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
