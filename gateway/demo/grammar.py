"""The order of words: which parts of speech may stand in a place of a sentence, how often, and which place follows.

A small automaton. It only steers: the model's hidden state points at the parts a place asks for, and the next place follows from
the token that was drawn, also when a bias or a high temperature drew one that no rule foresaw.
"""

from __future__ import annotations

from gateway.demo.vocabulary import Token

__all__ = ["FIRST", "PLACES", "next_place"]

FIRST = "open"

_OPENING = {"start": (0.6, "subject"), "starts": (0.25, "subjects"), "lead": (0.15, "led")}


def _break(end: float) -> dict[str, tuple[float, str]]:
    """Between two sentences: the end with this probability, else another sentence."""
    going_on = {part: (share * (1 - end), place) for part, (share, place) in _OPENING.items()}
    return {"end": (end, FIRST), **going_on}


_CLAUSE: dict[str, dict[str, tuple[float, str]]] = {
    "clause": {"det": (0.7, "subject"), "dets": (0.3, "subjects")},
    "subject": {"noun": (0.55, "predicate"), "adj": (0.45, "subject_noun")},
    "subject_noun": {"noun": (1.0, "predicate")},
    "subjects": {"nouns": (0.55, "predicates"), "adj": (0.45, "subjects_noun")},
    "subjects_noun": {"nouns": (1.0, "predicates")},
    "predicate": {"verb3": (0.85, "object"), "adv": (0.15, "verb3")},
    "verb3": {"verb3": (1.0, "object")},
    "predicates": {"verb": (0.85, "object"), "adv": (0.15, "verb")},
    "verb": {"verb": (1.0, "object")},
    "object": {"det": (0.75, "object_of_one"), "dets": (0.25, "object_of_many")},
    "object_of_one": {"noun": (0.65, "after_object"), "adj": (0.35, "object_noun")},
    "object_noun": {"noun": (1.0, "after_object")},
    "object_of_many": {"nouns": (0.65, "after_object"), "adj": (0.35, "object_nouns")},
    "object_nouns": {"nouns": (1.0, "after_object")},
}


def _second(rules: dict[str, tuple[float, str]]) -> dict[str, tuple[float, str]]:
    return {part: (share, following + "'") for part, (share, following) in rules.items()}


PLACES: dict[str, dict[str, tuple[float, str]]] = {
    "open": _OPENING,
    "led": {"comma": (1.0, "clause")},
    **_CLAUSE,
    "after_object": {"stop": (0.5, "break"), "prep": (0.35, "place"), "conj": (0.15, "clause'")},
    "place": {"det": (1.0, "place_noun")},
    "place_noun": {"noun": (1.0, "after_place")},
    "after_place": {"stop": (0.85, "break"), "conj": (0.15, "clause'")},
    **{place + "'": _second(rules) for place, rules in _CLAUSE.items()},
    "after_object'": {"stop": (1.0, "break")},
    "break1": _break(0.03),
    "break2": _break(0.3),
    "break3": _break(0.75),
}
"""Place -> part -> (how often, the place that follows). A clause with a prime is the second of its sentence and ends it; `break`
becomes break1 to break3 by the sentences already said."""

_UNFORESEEN = {part: place for rules in PLACES.values() for part, (_, place) in rules.items()}


def next_place(place: str, token: Token, sentences: int) -> str:
    """The place after a token, `sentences` counted with the one it may end."""
    rules = PLACES[place]
    following = next((following for part, (_, following) in rules.items() if part in token.parts), None)
    if following is None:
        part = next((part for part in _UNFORESEEN if part in token.parts), None)
        following = _UNFORESEEN[part] if part else place
    return f"break{min(max(sentences, 1), 3)}" if following == "break" else following
