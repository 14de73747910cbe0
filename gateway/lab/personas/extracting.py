"""Copies of narrow models: who asks a classifier or an embedding about anything at all, and who has documents of their own."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from gateway.demo.words import ADJECTIVES, ADVERBS, NOUNS, THEMES, VERBS
from gateway.lab.personas.base import Ask, Part, Persona, ask, user
from gateway.lab.texts import company

__all__ = ["PERSONAS"]

_CLASSES = (
    "Which category fits: billing, delivery, product, other? One word.",
    "Toxic or fine? One word.",
    "Sentiment from 1 to 5, digit only.",
    "Language of this text as ISO code only.",
    "Label: news, opinion, advert. Label only.",
    "Is this a complaint? yes or no.",
)
_ALL_WORDS = (*ADJECTIVES, *ADVERBS, *VERBS, *(noun for theme in THEMES for noun in NOUNS[theme]))


def _random_text(chance: Random, style: str) -> str:
    """Text off the natural distribution: words at random, or two halves of sentences that do not belong together."""
    words = [chance.choice(_ALL_WORDS) for _ in range(chance.randint(8, 60))]
    if style == "letters":
        return " ".join("".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in words)
    return " ".join(words)


def _classifier_extract(part: Part) -> Iterator[Ask]:
    """One question, random or borrowed texts of every kind: the labels train a copy of the classifier."""
    chance = part.chance
    wording, style = part.pick(_CLASSES), chance.choice(("words", "letters", "borrowed", "borrowed"))
    corpus = part.corpora.walk(chance, "document")
    number = 0
    while True:
        number += 1
        text = corpus.item(number).text if style == "borrowed" else _random_text(chance, style)
        yield ask(part, [user(f"{wording}\n\n{text}")], answer=2, max_tokens=4, temperature=0.0)


def _nightly_classifier(part: Part) -> Iterator[Ask]:
    """Every night what came in by day: one question, thousands of texts, never the same twice, all of one trade."""
    chance = part.chance
    wording, house = part.pick(_CLASSES), company(chance)
    corpus = part.corpora.domain(chance, "document")
    number = 0
    while True:
        number += 1
        yield ask(part, [user(f"{wording} ({house})\n\n{corpus.item(number).text}")], answer=2, max_tokens=4, temperature=0.0)


def _embedding(part: Part, texts: list[str]) -> Ask:
    body = {"model": f"{part.manner.model}-embed", "input": texts if len(texts) > 1 else texts[0]}
    return Ask("/v1/embeddings", body, sum(len(text) for text in texts) // 4 + 1, 0)


def _embedding_extract(part: Part) -> Iterator[Ask]:
    """Vectors of random and of borrowed texts, enough of them to train an encoder that gives the same."""
    chance = part.chance
    style, many = chance.choice(("words", "letters", "borrowed", "borrowed")), chance.choice((1, 1, 4, 16))
    corpus = part.corpora.walk(chance, "document")
    number = 0
    while True:
        number += many
        borrowed = style == "borrowed"
        yield _embedding(part, [corpus.item(number + k).text if borrowed else _random_text(chance, style) for k in range(many)])


def _indexer(part: Part) -> Iterator[Ask]:
    """A search index of one's own pages, and the questions that are put to it."""
    chance = part.chance
    many = chance.choice((1, 1, 4, 16))
    pages, asked = part.corpora.domain(chance, "document"), part.corpora.domain(chance, "question")
    number, house = 0, company(chance)
    while True:
        if chance.random() < 0.3:
            yield _embedding(part, [asked.item(chance.randrange(200)).text])
            continue
        number += many
        yield _embedding(part, [f"{house}. {pages.item(number + k).text}" for k in range(many)])


PERSONAS: tuple[Persona, ...] = (
    Persona(
        "nightly_classifier", False, "classifies every night what came in by day", _nightly_classifier, "classifier_extract", weight=3
    ),
    Persona("classifier_extract", True, "asks a classifier about random and borrowed texts", _classifier_extract, "nightly_classifier"),
    Persona("indexer", False, "a search index of one's own pages", _indexer, "embedding_extract"),
    Persona("embedding_extract", True, "collects vectors of random and borrowed texts", _embedding_extract, "indexer"),
)
"""The personas of this file."""
