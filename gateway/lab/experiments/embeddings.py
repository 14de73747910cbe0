"""Copying an embedding: a student that is fitted on a teacher's vectors, with and without their perturbation, beside honest search.

The student is a ridge regression on hashed words, which the demo's embedding (hashed words and their pieces) lets go far. Callers who
put their vectors of the same texts together average their own turns and traces away: how far is told too. The honest caller's index
and queries are altered alike; whether he finds what he would have found is recall@10 against the unaltered space.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from gateway.demo import demo_app
from gateway.demo.words import THEMES
from gateway.lab.dice import dice
from gateway.lab.experiments.base import Client, Guarded, Setting, Table, guarded, unguarded
from gateway.lab.texts import document
from gateway.perturb.base import derived
from gateway.perturb.embeddings import correlate

__all__ = ["EXPERIMENT", "Embeddings", "Student", "fidelity", "policy_of", "recall", "vectors"]

Matrix = NDArray[np.float64]

_AT_ONCE = 100
_FEATURES = 4096
_RIDGE = 0.1
_NEAREST = 10


def policy_of(options: str) -> str:
    """A policy that perturbs every embedding; `options` of `response: embeddings:` in YAML."""
    return f"""
schema: gateway.policy/v1
name: laboratory
version: "1"
credentials: issued
callers: [{{ id: everyone, match: {{}}, tier: all }}]
tiers: {{ all: {{ models: ["*"], always: [embeddings] }} }}
response: {{ embeddings: {{ {options} }} }}
"""


class Student:
    """A linear model of hashed words, fitted to vectors (n, d) of texts."""

    def __init__(self, texts: Sequence[str], taught: Matrix) -> None:
        self._seen = _features(texts)
        kernel = self._seen @ self._seen.T
        self._weights = self._seen.T @ np.linalg.solve(kernel + _RIDGE * np.eye(len(texts)), taught)

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Its own vectors, of length one."""
        return _units(_features(texts) @ self._weights)


def fidelity(told: Matrix, truth: Matrix) -> float:
    """The mean cosine of vectors to the teacher's own."""
    return float((_units(told) * _units(truth)).sum(axis=1).mean())


def recall(index: Matrix, queries: Matrix, true_index: Matrix, true_queries: Matrix) -> float:
    """The share of the ten nearest of the true space that are found among the ten nearest of this."""
    found, wanted = _nearest(index, queries), _nearest(true_index, true_queries)
    return float(np.mean([len(set(a) & set(b)) / _NEAREST for a, b in zip(found.tolist(), wanted.tolist(), strict=True)]))


def _nearest(index: Matrix, queries: Matrix) -> NDArray[np.int64]:
    return np.argsort(-(queries @ index.T), axis=1)[:, :_NEAREST]


async def vectors(client: Client, texts: Sequence[str]) -> Matrix:
    """What an endpoint tells of texts, (n, d)."""
    told: list[list[float]] = []
    for at in range(0, len(texts), _AT_ONCE):
        body = {"model": "demo-embedding", "input": list(texts[at : at + _AT_ONCE])}
        answer = await client.ask("/v1/embeddings", body)
        told += [entry["embedding"] for entry in answer.document["data"]]
    return np.array(told)


class Embeddings:
    """The experiment `embeddings`."""

    name = "embeddings"
    says = "a student of vectors: how near it comes, what honest search loses, and whether it is traced"

    async def run(self, setting: Setting) -> tuple[Table, ...]:
        """See the module."""
        train, held = setting.sized(2000, 40), setting.sized(2000, 40)
        texts = _texts(dice("embeddings", setting.seed), train + held)
        rows = []
        async with unguarded(demo_app()) as client:
            setting.told("embeddings: without the gateway")
            truth = await vectors(client, texts)
        rows.append(_row("none", "one caller", texts, truth, truth, train))
        for named, options in _STRENGTHS.items():
            async with guarded(demo_app(), setting.mount, text=policy_of(options)) as gateway:
                rows += await _attacks(setting, gateway, named, texts, truth, train)
        note = (
            f"{train:,} vectors of {truth.shape[1]} dimensions were taken; the student is judged on {held:,} other texts. Honest "
            "recall@10 has the index and the queries of one caller. z is the caller's trace in what he took, and in what his student "
            "makes of the other texts: standard normal for everyone else. Where several put theirs together it is the first one's. "
            "The same text gets the same vector, so that asking again averages nothing out."
        )
        columns = ("perturbation", "the copier", "student's cosine to the teacher", "honest recall@10", "z, vectors", "z, student")
        return (Table("Copying an embedding", columns, tuple(rows), note),)


_STRENGTHS = {"default": "turn: 0.004, trace: 0.017", "strong": "turn: 0.3, trace: 0.1"}
_TOGETHER = (3, 10)


async def _attacks(
    setting: Setting, gateway: Guarded, named: str, texts: Sequence[str], truth: Matrix, train: int
) -> list[tuple[str, ...]]:
    """One caller; the same asking three times; three and ten callers who put their vectors of the same texts together."""
    setting.told(f"embeddings: perturbed, {named}")
    secret = derived(gateway.secret, "perturbations")
    callers = [await gateway.caller() for _ in range(max(_TOGETHER))]
    own = await vectors(callers[0], texts)
    again = [await vectors(callers[0], texts[:train]) for _ in range(2)]
    others = [await vectors(caller, texts[:train]) for caller in callers[1:]]
    key = callers[0].key_id
    asked = np.mean([own[:train], *again], axis=0)
    rows = [
        _row(named, "one caller", texts, own, truth, train, (secret, key)),
        _row(named, "one caller, three answers averaged", texts, asked, truth, train, (secret, key)),
    ]
    for many in _TOGETHER:
        mixed = np.mean([own[:train], *others[: many - 1]], axis=0)
        rows.append(_row(named, f"{many} callers averaged", texts, mixed, truth, train, (secret, key)))
    return rows


def _row(
    named: str, who: str, texts: Sequence[str], told: Matrix, truth: Matrix, train: int, known: tuple[bytes, str] | None = None
) -> tuple[str, ...]:
    copied = Student(texts[:train], told[:train]).embed(texts[train:])
    found = f"{recall(told[:train], told[train:], truth[:train], truth[train:]):.3f}" if len(told) == len(truth) else "-"
    traces = ("-", "-") if known is None else tuple(f"{correlate(one, *known).z:.1f}" for one in (told[:train], copied))
    return named, who, f"{fidelity(copied, truth[train:]):.4f}", found, *traces


def _texts(chance: Random, many: int) -> list[str]:
    return [document(chance, chance.choice(THEMES)) for _ in range(many)]


def _features(texts: Sequence[str]) -> Matrix:
    """How often each text has the words of each of so many hashed kinds, of length one."""
    counts = np.zeros((len(texts), _FEATURES))
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+", text.lower()):
            counts[row, zlib.crc32(word.encode()) % _FEATURES] += 1
    return _units(counts)


def _units(rows: Matrix) -> Matrix:
    units: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return units


EXPERIMENT = Embeddings()
