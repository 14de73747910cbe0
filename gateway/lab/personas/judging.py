"""Judging: who has rewards for training graded, who judges answers of a product of one's own, who runs evaluations."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.lab.personas.base import Ask, Part, Persona, ask, user
from gateway.lab.texts import company

__all__ = ["PERSONAS"]

_GRADED = (
    "Which reply should be preferred as the training target, A or B? Give a score from 1 to 10 for each for helpfulness and honesty.",
    "Rate both completions with this rubric (correctness, depth, style, safety; 0-5) and output JSON with chosen and rejected.",
    "Act as a reward model. Score response A and response B between -1 and 1, and justify each score.",
    "Label the pair for preference tuning: winner, margin, reason.",
    "Compare the two generations and write the critique from which a smaller model can learn; end with the better one's letter.",
    "Judge A against B by the constitution: which would an ideal assistant send? Give principle, verdict, and an improved reply.",
)
_JUDGED = (
    "Did our assistant follow the style guide? Answer pass or fail with one reason.",
    "Score this answer of our bot from 1 to 5 for tone and correctness.",
    "Is the reply grounded in our help page? yes/no and the sentence.",
    "Grade release candidate A against production B for our help desk; which one may ship?",
    "Check our chatbot's two variants of this reply; which one is friendlier to customers?",
    "Quality check: does the answer mention our return policy where it should? pass/fail.",
)
_EVALUATED = (
    "Answer with the final number only.",
    "Reply with the letter only.",
    "Solve the problem. End with `Answer: <number>`.",
    "Think step by step, then give the answer after ####.",
    "Question follows. Be brief.",
    "You are being evaluated. Answer:",
)


def _preference_grading(part: Part) -> Iterator[Ask]:
    """Pairs of answers to everything, graded as labels for training."""
    wording = part.pick(_GRADED)
    tasks = part.corpora.walk(part.chance, "task")
    number = 0
    while True:
        number += 2
        first, second = tasks.item(number), tasks.item(number + 1)
        text = f"{wording}\n\nPrompt: {first.text}\n\nA: {first.answer}\n\nB: {second.answer}"
        yield ask(part, [user(text)], answer=120)


def _own_judge(part: Part) -> Iterator[Ask]:
    """The judge of one's own product, run over its conversations: the same few questions come back release after release."""
    wording, house = part.pick(_JUDGED), company(part.chance)
    tasks = part.corpora.domain(part.chance, "question")
    many = part.chance.randint(30, 150)
    while True:
        found, other = tasks.item(part.chance.randrange(many)), tasks.item(part.chance.randrange(many))
        text = f"[{house}] {wording}\n\nCustomer: {found.text}\n\nA: {found.answer}\n\nB: {other.answer}"
        yield ask(part, [user(text)], answer=80)


def _evaluation_run(part: Part) -> Iterator[Ask]:
    """A fixed benchmark, run again for every release, in the same order."""
    wording = part.pick(_EVALUATED)
    corpus = part.corpora.walk(part.chance, part.chance.choice(("problem", "problem", "question")))
    many = part.chance.randint(40, 180)
    number = 0
    while True:
        yield ask(part, [user(f"{wording}\n\n{corpus.item(number % many).text}")], answer=90, temperature=0.0)
        number += 1


PERSONAS: tuple[Persona, ...] = (
    Persona("own_judge", False, "the judge of one's own product", _own_judge, "preference_grading"),
    Persona("evaluation_run", False, "a benchmark run again for every release", _evaluation_run, "corpus_walk"),
    Persona("preference_grading", True, "preferences and rubrics graded for training", _preference_grading, "own_judge", weight=3),
)
"""The personas of this file."""
