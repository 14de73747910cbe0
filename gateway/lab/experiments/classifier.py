"""Copying a classifier: from its scores, from rounded ones, from its labels alone, over the number of questions (Tramer et al. 2016).

The teacher is linear in an embedding that its copier knows, which is the worst case: 256 equations of exact scores give all of it.
Scores are rounded by the perturbation `labels` of the gateway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.demo.openai_embeddings import embed
from gateway.demo.words import THEMES
from gateway.lab.dice import dice
from gateway.lab.experiments.base import Client, Setting, Table, guarded, unguarded
from gateway.lab.experiments.teacher import App
from gateway.lab.texts import document

__all__ = ["EXPERIMENT", "Classifier", "Scoring", "agreement", "by_likelihood", "by_scores", "policy_of", "scores"]

Matrix = NDArray[np.float64]

PATH = "/v1/classify"
_DIMENSIONS = 256
_SHARPNESS = 6.0
_SMALLEST = 1e-9
_STEPS, _PACE, _SHRINK = 1000, 4.0, 1e-5


def policy_of(step: float) -> str:
    """A policy that rounds every score to multiples of `step`."""
    return f"""
schema: gateway.policy/v1
name: laboratory
version: "1"
credentials: issued
callers: [{{ id: everyone, match: {{}}, tier: all }}]
tiers: {{ all: {{ models: ["*"], routes: ["POST /classify"], always: [labels] }} }}
response: {{ labels: {{ round: {step} }} }}
"""


class Scoring(App):
    """`POST /classify`: which of eight labels a text has, and how probable each is."""

    def __init__(self, seed: int) -> None:
        chance = dice("classifier", seed)
        weights = np.array([[chance.gauss(0, _SHARPNESS) for _ in range(_DIMENSIONS)] for _ in THEMES])
        common = np.array(embed("the", _DIMENSIONS), dtype=np.float64)  # in every text: one label would have them all
        self._weights = weights - np.outer(weights @ common, common)

    def answer(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """One document for each text of `input`."""
        told = _softmax(_features(body["input"]) @ self._weights.T)
        data = [
            {"index": at, "label": THEMES[int(row.argmax())], "probs": row.tolist(), "num_classes": len(THEMES)}
            for at, row in enumerate(told)
        ]
        return {"id": "classify-1", "object": "list", "model": body.get("model", ""), "data": data}


async def scores(client: Client, texts: Sequence[str]) -> tuple[Matrix, NDArray[np.int64]]:
    """The probabilities (n, 8) and the labels (n,) that an endpoint tells, a text in each request."""
    rows, labels = [], []
    for text in texts:
        answer = await client.ask(PATH, {"model": "classifier", "input": [text]})
        (told,) = answer.document["data"]
        rows.append(told["probs"])
        labels.append(THEMES.index(told["label"]))
    return np.array(rows), np.array(labels)


def by_scores(texts: Sequence[str], told: Matrix) -> Matrix:
    """Weights (8, d) out of exact probabilities: least squares on their logarithms, which are linear in the embedding."""
    logs = np.log(np.maximum(told, _SMALLEST))
    seen = _features(texts)
    spread = seen.T @ seen + _SMALLEST * np.eye(_DIMENSIONS)
    return np.asarray(np.linalg.solve(spread, seen.T @ (logs - logs.mean(axis=1, keepdims=True)))).T


def by_likelihood(texts: Sequence[str], told: Matrix) -> Matrix:
    """Weights out of rounded probabilities, or of labels as ones and zeros: multinomial logistic regression, by Nesterov's descent."""
    seen, wanted = _features(texts), told.T / np.maximum(told.sum(axis=1), _SMALLEST)
    weights = ahead = np.zeros((len(THEMES), _DIMENSIONS))
    for number in range(_STEPS):
        slope = (_softmax(ahead @ seen.T, axis=0) - wanted) @ seen / len(texts) + _SHRINK * ahead
        fresh = ahead - _PACE * slope
        ahead = fresh + number / (number + 3) * (fresh - weights)
        weights = fresh
    return weights


def agreement(weights: Matrix, texts: Sequence[str], truth: Matrix) -> tuple[float, float]:
    """How often the student gives the teacher's label, and how far its probabilities are off on the average."""
    told = _softmax(_features(texts) @ weights.T)
    return float((told.argmax(axis=1) == truth.argmax(axis=1)).mean()), float(np.abs(told - truth).mean())


class Classifier:
    """The experiment `classifier`."""

    name = "classifier"
    says = "a student of scores, of rounded scores, of labels: how often it agrees, by the number of questions"

    async def run(self, setting: Setting) -> tuple[Table, ...]:
        """See the module."""
        chance = dice("classifier texts", setting.seed)
        sizes = [setting.sized(size, size // 20) for size in (100, 300, 1000, 3000)]
        texts = [document(chance, chance.choice(THEMES)) for _ in range(sizes[-1] + setting.sized(1000, 50))]
        train, held = texts[: sizes[-1]], texts[sizes[-1] :]
        app = Scoring(setting.seed)
        async with unguarded(app) as client:
            setting.told("classifier: without the gateway")
            exact, labels = await scores(client, train)
            truth, _ = await scores(client, held)
        rows = [_row("exact scores", [by_scores(train[:size], exact[:size]) for size in sizes], held, truth)]
        for step in _STEPS_TOLD:
            setting.told(f"classifier: rounded to {step:g}")
            async with guarded(app, setting.mount, text=policy_of(step)) as gateway:
                told, _ = await scores(await gateway.caller(), train)
                again, _ = await scores(await gateway.caller(), train[: sizes[0]])
            same = "the same for all" if np.array_equal(told[: sizes[0]], again) else "other for others"
            students = [by_likelihood(train[:size], told[:size]) for size in sizes]
            rows.append(_row(f"rounded to {step:g}, {same}", students, held, truth))
        ones = np.eye(len(THEMES))[labels]
        rows.append(_row("labels alone", [by_likelihood(train[:size], ones[:size]) for size in sizes], held, truth))
        note = (
            f"Agreement with the teacher's label on {len(held):,} other texts, and in brackets the mean error of a probability. The "
            "copier knows the embedding and lacks the weights. Rounding is the same for all, so that mixing callers and asking again "
            "add nothing; asking about other texts does."
        )
        columns = ("told", *(f"{size:,} questions" for size in sizes))
        return (Table("Copying a classifier", columns, tuple(rows), note),)


_STEPS_TOLD = (0.05, 0.25)


def _row(told: str, students: Sequence[Matrix], held: Sequence[str], truth: Matrix) -> tuple[str, ...]:
    return told, *(_told(*agreement(student, held, truth)) for student in students)


def _told(share: float, error: float) -> str:
    return f"{share:.1%} ({error:.0e})" if error < 1e-3 else f"{share:.1%} ({error:.3f})"


def _features(texts: Sequence[str]) -> Matrix:
    return np.array([embed(text, _DIMENSIONS) for text in texts], dtype=np.float64)


def _softmax(logits: Matrix, axis: int = 1) -> Matrix:
    raised = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis=axis, keepdims=True))


EXPERIMENT = Classifier()
