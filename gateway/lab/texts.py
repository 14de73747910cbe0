"""Made-up English out of the demo's dictionary: enough to rehearse on a machine that has no prompts of its own.

It means nothing, but its shape is that of prompts: problems with worked answers, tasks, questions, documents of one theme, code.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from gateway.demo.words import ADJECTIVES, ADVERBS, NOUNS, PREPOSITIONS, THEMES, VERBS, plural, third

__all__ = ["code", "company", "document", "problem", "question", "sentence", "task"]

_QUESTIONS = (
    "How does a {a} {n} {v} a {m}?",
    "Why would a {n} {v} the {a} {m}?",
    "What is the difference between a {n} and a {m}?",
    "Which {n} is best for a {a} {m}?",
    "Can you tell me how to {v} a {n} {p} a {m}?",
    "What should I know before I {v} my first {n}?",
    "Is a {a} {n} worth it, or is a {b} one better?",
    "When did people first {v} a {n}?",
    "Where do I find a {a} {n} for my {m}?",
)
_TASKS = (
    "Write a short story about a {a} {n} and a {m}.",
    "List five ways to {v} a {a} {n}.",
    "Compare a {n} with a {m} in two paragraphs.",
    "Draft a plan to {v} the {n} {p} the {m}.",
    "Summarise what makes a {n} {a}.",
    "Describe a {a} {n} to somebody who never saw one.",
    "Give three arguments against a {a} {n}.",
    "Write a polite message that asks for a {a} {n}.",
    "Name ten kinds of {n} and order them.",
)
_WISHES = (
    "Mention a {a} {n} or a {m}.",
    "Keep it {a} and {b}.",
    "Use at most {x} words and no {n}.",
    "It is for somebody with a {a} {n}.",
    "Do not {v} the {m}.",
)
_PROBLEMS = (
    (
        "A {a} shop sells a {n} for {x} coins. How many coins do {y} of them cost with a {m} for {z} coins?",
        "{x} times {y} is {xy}",
        "{xyz}",
    ),
    ("There are {x} {ns} in each of {y} boxes, and {z} more on the table. How many are there?", "{y} boxes of {x} are {xy}", "{xyz}"),
    (
        "Every day a worker makes {x} {ns}. After {y} days {z} more arrive. How many are there then?",
        "{x} a day for {y} days is {xy}",
        "{xyz}",
    ),
    ("A {m} has {y} rows of {x} {ns}, and {z} stand outside. Find the total.", "{y} rows of {x} make {xy}", "{xyz}"),
)
_ENDINGS = ("Ltd", "Group", "Labs", "Care", "Foods", "Travel", "Studio", "Works")
_CODE = (
    "def {v}_{n}({m}, {b}=None):\n    if {m} is None:\n        return {b}\n    {n}s = [{v}(x) for x in {m}]\n    return {n}s[:{x}]\n",
    "class {N}:\n    def __init__(self, {m}):\n        self.{m} = {m}\n\n    def {v}(self):\n        return self.{m} * {x}\n",
    "export function {v}{N}({m}) {{\n  const {n} = {m}.filter((x) => x > {x});\n  return {n}.length;\n}}\n",
    "func {v}{N}({m} []int) (int, error) {{\n\tif len({m}) == 0 {{\n\t\treturn {x}, nil\n\t}}\n\treturn {m}[0], nil\n}}\n",
)


def _fill(chance: Random, template: str, theme: str) -> str:
    """A template with its slots filled from one theme: a, b adjectives, n, m nouns, v a verb, p a preposition, x a number."""
    noun, other = chance.sample(NOUNS[theme], 2)
    first, second = chance.sample(ADJECTIVES, 2)
    # fmt: off
    return template.format(
        a=first, b=second, n=noun, m=other, N=noun.capitalize(), ns=plural(noun),
        v=chance.choice(VERBS), p=chance.choice(PREPOSITIONS), x=chance.randint(2, 97),
    )
    # fmt: on


def sentence(chance: Random, theme: str) -> str:
    """One plain sentence."""
    nouns: Sequence[str] = NOUNS[theme]
    first, second, place = chance.sample(nouns, 3)
    how = chance.choice(ADVERBS) + " " if chance.random() < 0.4 else ""
    where = f" {chance.choice(PREPOSITIONS)} the {place}" if chance.random() < 0.6 else ""
    return (
        f"The {chance.choice(ADJECTIVES)} {first} {how}{third(chance.choice(VERBS))} the {chance.choice(ADJECTIVES)} {second}{where}."
    )


def document(chance: Random, theme: str) -> str:
    """A paragraph of three to nine sentences about one theme."""
    return " ".join(sentence(chance, theme) for _ in range(chance.randint(3, 9)))


def question(chance: Random, theme: str) -> str:
    """What a person would ask about a theme."""
    return _fill(chance, chance.choice(_QUESTIONS), theme)


def task(chance: Random, theme: str) -> str:
    """Something to write or to plan, mostly with a wish."""
    wish = f" {_fill(chance, chance.choice(_WISHES), theme)}" if chance.random() < 0.8 else ""
    return _fill(chance, chance.choice(_TASKS), theme) + wish


def problem(chance: Random, theme: str) -> tuple[str, str]:
    """A sum in words, and its worked answer."""
    text, step, result = chance.choice(_PROBLEMS)
    x, y, z = (chance.randint(2, 60) for _ in range(3))
    noun, other = chance.sample(NOUNS[theme], 2)
    # fmt: off
    slots = {"a": chance.choice(ADJECTIVES), "n": noun, "m": other, "ns": plural(noun), "x": x, "y": y, "z": z,
             "xy": x * y, "xyz": x * y + z}
    # fmt: on
    return text.format(**slots), f"{step.format(**slots)}, and {z} more make {result.format(**slots)}."


def code(chance: Random, functions: int) -> str:
    """A file of so many functions."""
    return "\n".join(_fill(chance, chance.choice(_CODE), chance.choice(THEMES)) for _ in range(functions))


def company(chance: Random) -> str:
    """A made-up firm's name."""
    theme = chance.choice(THEMES)
    return f"{chance.choice(ADJECTIVES).capitalize()}{chance.choice(NOUNS[theme])} {chance.choice(_ENDINGS)}"
