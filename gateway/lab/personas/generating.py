"""Bulk writing: who has training data written or walks a whole corpus, and who has a product's own texts written or translated."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.demo.words import THEMES
from gateway.lab.personas.base import Ask, Part, Persona, ask, user
from gateway.lab.texts import company

__all__ = ["PERSONAS"]

_INSTRUCT = (
    "Come up with {n} new and varied task instructions for a language model, in the manner of these:\n{seeds}",
    "Write {n} instruction-response pairs as JSON lines with the keys instruction, input, output. Topic seeds:\n{seeds}",
    "Evolve each of the following prompts into a harder one, then answer it:\n{seeds}",
    "You are building a fine-tuning set. Produce {n} user questions unlike the ones below, and the ideal reply to each:\n{seeds}",
    "Continue the list up to number {n}; every entry must ask an assistant for something of another kind:\n{seeds}",
    "Invent a conversation of {n} turns between a person and an assistant that begins with one of these, in ShareGPT format:\n{seeds}",
)
_SAMPLES = (
    "Generate {n} sample rows for our table of {what}: id, name, date, amount, status. JSON only.",
    "We need fixtures for unit tests: {n} {what} records with edge cases (empty, very long, umlauts). Return a JSON array.",
    "Fill a demo shop with {n} plausible {what} entries, CSV with header.",
    "Give me {n} fake customer reviews of {what} for a staging system, one a line.",
    "Write {n} realistic support tickets about {what} to try our form on, as JSON with subject and body.",
    "Create seed data: {n} {what} objects that satisfy this schema: name string, price decimal, tags string[].",
)
_WALKED = (
    "{text}",
    "Answer thoroughly.\n\n{text}",
    "### Instruction:\n{text}\n\n### Response:",
    "{text}\nGive a complete, self-contained answer.",
    "Respond as well as you possibly can.\n{text}",
    "Q: {text}\nA:",
)
_TRANSLATED = (
    "Translate into German for our shop:\n\n{text}",
    "French, keep the tone, our catalogue:\n\n{text}",
    "Übersetze ins Englische:\n\n{text}",
    "Spanish (Latin America), formal:\n\n{text}",
    "Translate to Chinese, leave product names as they are:\n\n{text}",
    "Italian please. Glossary: {house} stays.\n\n{text}",
)


def _instruction_gen(part: Part) -> Iterator[Ask]:
    """Instructions and answers for somebody's training set, seeded with tasks of all kinds."""
    wording, many = part.pick(_INSTRUCT), part.chance.choice((5, 10, 20))
    corpus = part.corpora.walk(part.chance, "task")
    number = 0
    while True:
        seeds = "\n".join(f"{place}. {corpus.item(number + place).text[:300]}" for place in range(1, 4))
        number += 3
        yield ask(part, [user(wording.format(n=many, seeds=seeds))], answer=500)


def _test_data(part: Part) -> Iterator[Ask]:
    """Made-up rows for a product's tests: synthetic data too, but of one product."""
    wording, many = part.pick(_SAMPLES), part.chance.choice((5, 10, 20))
    corpus = part.corpora.domain(part.chance, "question")
    things = [" ".join(corpus.item(number).text.split()[-3:]).strip("?.!") for number in range(part.chance.randint(6, 30))]
    house = company(part.chance)
    while True:
        text = wording.format(n=many, what=part.chance.choice(things))
        yield ask(part, [user(f"{text} Project {house}.")], answer=450)


def _corpus_walk(part: Part) -> Iterator[Ask]:
    """Bulk answers: a corpus of unrelated tasks, each once, with nobody who reads."""
    wording = part.pick(_WALKED)
    corpus = part.corpora.walk(part.chance, "task")
    number = 0
    while True:
        number += 1
        yield ask(part, [user(wording.format(text=corpus.item(number).text))], answer=300)


def _translation_batch(part: Part) -> Iterator[Ask]:
    """A shop's texts, translated once each: a walk as well, through one catalogue."""
    wording, house = part.pick(_TRANSLATED), company(part.chance)
    corpus = part.corpora.domain(part.chance, "document")
    number = 0
    while True:
        number += 1
        text = corpus.item(number).text
        yield ask(part, [user(wording.format(text=text, house=house))], answer=len(text) / 4)


def _retrieval(part: Part) -> Iterator[Ask]:
    """A help desk that answers out of its own pages: the same pages come back with other questions."""
    house = company(part.chance)
    pages, asked = part.corpora.domain(part.chance, "document"), part.corpora.domain(part.chance, "question")
    many = part.chance.randint(8, 60)
    number = 0
    while True:
        number += part.chance.random() < 0.7
        page = pages.item(part.chance.randrange(many)).text
        text = f"[{house}] Answer from these excerpts only.\n{page}\n\nQuestion: {asked.item(number).text}"
        yield ask(part, [user(text)], answer=120)


def _product_texts(part: Part) -> Iterator[Ask]:
    """Descriptions for a catalogue of many departments: wide, templated, and honest."""
    house, theme = company(part.chance), part.chance.choice(THEMES)
    corpus = part.corpora.walk(part.chance, "document")
    number = 0
    while True:
        number += 1
        text = f"Write a product text of 60 words for {house} ({theme} department). Facts:\n{corpus.item(number).text}"
        yield ask(part, [user(text)], answer=110)


PERSONAS: tuple[Persona, ...] = (
    Persona("test_data", False, "sample rows and fixtures for a product's tests", _test_data, "instruction_gen"),
    Persona(
        "instruction_gen", True, "has instructions and answers written for a training set", _instruction_gen, "test_data", weight=3
    ),
    Persona("translation_batch", False, "a catalogue, translated once", _translation_batch, "corpus_walk"),
    Persona("product_texts", False, "descriptions for a wide catalogue", _product_texts, "corpus_walk", weight=1),
    Persona("retrieval", False, "a help desk that answers out of its own pages", _retrieval),
    Persona(
        "corpus_walk", True, "walks a corpus of unrelated tasks once, for the answers", _corpus_walk, "translation_batch", weight=3
    ),
)
"""The personas of this file."""
