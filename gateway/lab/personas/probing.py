"""Probing: who reads the model's last layer through log probabilities and biases, and who has a use for them in a product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.demo.words import ADJECTIVES
from gateway.lab.personas.base import Ask, Part, Persona, ask, user
from gateway.lab.texts import company

__all__ = ["PERSONAS"]

_TOKENS = 100_000
_LABELLED = (
    "Is this message spam? yes or no.",
    "Sentiment: positive, neutral or negative?",
    "Urgent? Answer 1 or 0.",
    "Does this break our rules? Y or N.",
    "Which team: billing, tech, sales? One word.",
)


def _logit_harvest(part: Part) -> Iterator[Ask]:
    """One prefix, one token of answer, the top log probabilities, four other tokens lifted each time: the whole vector by fours."""
    chance = part.chance
    corpus = part.corpora.walk(chance, "question")
    top, prefix = chance.choice((2, 5, 5, 20)), 0
    while True:
        prefix += 1
        said = [user(corpus.item(prefix).text[:160])]
        for _ in range(chance.randint(8, 60)):
            bias = {str(chance.randrange(_TOKENS)): chance.choice((40, 80, 100)) for _ in range(4)}
            # fmt: off
            yield ask(part, said, answer=1, max_tokens=1, temperature=0.0, logprobs=True, top_logprobs=top,
                      logit_bias=bias)
            # fmt: on


def _logprob_classifier(part: Part) -> Iterator[Ask]:
    """A classifier that reads its confidence from the log probabilities of one token."""
    chance = part.chance
    wording, house, top = part.pick(_LABELLED), company(chance), chance.choice((2, 5, 5, 20))
    corpus = part.corpora.domain(chance, "document")
    number = 0
    while True:
        number += 1
        said = [user(f"[{house}] {wording}\n\n{corpus.item(number).text}")]
        yield ask(part, said, answer=1, max_tokens=1, temperature=0.0, logprobs=True, top_logprobs=top)


def _bias_bisect(part: Part) -> Iterator[Ask]:
    """Without log probabilities: the bias at which another token wins is closed in by halves, token after token."""
    chance = part.chance
    prefix = part.corpora.walk(chance, "question").item(0).text[:160]
    said, target = [user(prefix)], 0
    while True:
        target = chance.randrange(_TOKENS)
        low, high = 0.0, 40.0
        for _ in range(chance.randint(6, 12)):
            middle = round((low + high) / 2, 4)
            yield ask(part, said, answer=1, max_tokens=1, temperature=0.0, logit_bias={str(target): middle})
            low, high = (middle, high) if chance.random() < 0.5 else (low, middle)


def _banned_words(part: Part) -> Iterator[Ask]:
    """A product that keeps a dozen words out of its answers, or leans towards some."""
    chance = part.chance
    house, many = company(chance), chance.randint(3, 12)
    bias = {str(chance.randrange(_TOKENS)): chance.choice((-100, -100, -20, 5)) for _ in range(many)}
    corpus = part.corpora.domain(chance, "question")
    number, short = 0, chance.random() < 0.3
    while True:
        number += 1
        text = f"{corpus.item(number).text} (a {chance.choice(ADJECTIVES)} answer for customers of {house})"
        longest: dict[str, Any] = {"max_tokens": 1} if short else {}
        yield ask(part, [user(text)], answer=1 if short else 120, logit_bias=bias, **longest)


PERSONAS: tuple[Persona, ...] = (
    Persona(
        "logprob_classifier",
        False,
        "a classifier that reads its confidence from log probabilities",
        _logprob_classifier,
        "logit_harvest",
    ),
    Persona("logit_harvest", True, "reads the last layer through log probabilities and biases", _logit_harvest, "logprob_classifier"),
    Persona("banned_words", False, "keeps a dozen words out of its answers", _banned_words, "bias_bisect", weight=1),
    Persona("bias_bisect", True, "closes in on each token's logit by halving a bias", _bias_bisect, "banned_words", weight=1),
)
"""The personas of this file."""
