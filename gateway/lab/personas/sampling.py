"""Sampling: who draws many answers to every problem, at many temperatures, and who offers a customer a few variants."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.lab.personas.base import Ask, Part, Persona, ask, user
from gateway.lab.texts import company

__all__ = ["PERSONAS"]

_SOLVE = (
    "{text}",
    "Solve: {text}",
    "{text}\nGive the solution and the result.",
    "Work it out.\n\n{text}",
    "Problem: {text}\nSolution:",
)
_VARIANTS = (
    "Slogan ideas of {house} for: {text}",
    "Suggest a subject line for {house}'s newsletter about: {text}",
    "Reply suggestions for a customer of {house} who writes: {text}",
    "Name ideas ({house}): {text}",
    "Short captions in the voice of {house}: {text}",
)
_SAMPLES = (2, 4, 4, 8)


def _sample_sweep(part: Part) -> Iterator[Ask]:
    """Each problem again and again, n answers at a time, the temperature stepped up: the best ones are kept to train on."""
    chance = part.chance
    wording, many = part.pick(_SOLVE), chance.choice(_SAMPLES)
    steps = chance.choice(((0.2, 0.5, 0.8, 1.1), (0.7, 1.0), (0.0, 0.3, 0.6, 0.9, 1.2), (1.0,)))
    corpus = part.corpora.walk(chance, "problem")
    number = 0
    while True:
        number += 1
        said = [user(wording.format(text=corpus.item(number).text))]
        for temperature in steps:
            yield ask(part, said, answer=180, n=many, temperature=temperature)


def _variants(part: Part) -> Iterator[Ask]:
    """A product that shows its users a few suggestions; who likes none presses again."""
    chance = part.chance
    wording, house, many = part.pick(_VARIANTS), company(chance), chance.choice(_SAMPLES)
    temperature = chance.choice((0.7, 0.9, 1.0, 1.1))
    corpus = part.corpora.domain(chance, "question")
    number = 0
    while True:
        number += 1
        said = [user(wording.format(house=house, text=corpus.item(number).text))]
        for _ in range(1 if chance.random() < 0.6 else chance.randint(2, 5)):
            yield ask(part, said, answer=60, n=many, temperature=temperature)


def _self_consistency(part: Part) -> Iterator[Ask]:
    """A product that votes over several answers to what its users ask."""
    chance = part.chance
    house, many = company(chance), chance.choice(_SAMPLES)
    corpus = part.corpora.domain(chance, "problem")
    while True:
        text = f"[{house}] {corpus.item(chance.randrange(400)).text} Give the number."
        yield ask(part, [user(text)], answer=60, n=many, temperature=0.7)


PERSONAS: tuple[Persona, ...] = (
    Persona("variants", False, "a product that shows a few suggestions", _variants, "sample_sweep"),
    Persona("self_consistency", False, "a product that votes over several answers", _self_consistency, "sample_sweep", weight=1),
    Persona("sample_sweep", True, "many samples of every problem over a sweep of temperatures", _sample_sweep, "variants"),
)
"""The personas of this file."""
