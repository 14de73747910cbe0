"""Published ways to find model extraction, on the same traces and callers as the gateway: one line of figures each.

    python -m tests.proof.rivals TRACE...

Each is written as its paper has it, as far as it can be for prompts: instead of an image's pixels or a network's features a text's
hashed words are compared (256 numbers, signed, of length 1). What a rival learns, it learns on every other persona by name, of either
side, and is judged on the others; then the halves change places. So no persona is judged by what was learned from it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from zlib import crc32

import msgspec
import numpy as np

from gateway.signals.text import words_of
from gateway.trace import TraceRecord, read_trace
from gateway.truth import Truth, read_truths
from tests.proof.detection import interval

WIDE, GRAMS = 256, 1 << 14
_MOST_WORDS = 200
_MOST_PROMPTS = 400
_RATES = ((60, 30), (3_600, 500), (86_400, 5_000))

Vectors = np.ndarray


@dataclass(slots=True)
class Sent:
    """What one caller sent: times in seconds, embeddings (n x 256), and the hashed n-grams of each prompt."""

    truth: Truth
    at: list[float]
    vectors: Vectors
    grams: list[Vectors]


def text_of(record: TraceRecord) -> str:
    """The last thing that was said, whatever the dialect."""
    document = msgspec.json.decode(record.body) if record.body else {}
    said = document.get("messages") or document.get("input") or document.get("prompt") or ""
    if isinstance(said, list) and said:
        users = [one for one in said if isinstance(one, dict) and one.get("role") == "user"]
        said = (users or said)[-1]
    if isinstance(said, dict):
        said = said.get("content") or ""
    return said if isinstance(said, str) else str(said)


def embedded(words: Sequence[str]) -> Vectors:
    """Hashed words, signed, of length 1 (Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning")."""
    vector = np.zeros(WIDE, np.float32)
    for word in words:
        name = crc32(word.encode())
        vector[name % WIDE] += 1.0 if name >> 31 else -1.0
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def n_grams(words: Sequence[str]) -> Vectors:
    """Where the prompt's words, pairs and triples fall among 16,384 places."""
    rows = [" ".join(words[at : at + size]) for size in (1, 2, 3) for at in range(len(words) - size + 1)]
    return np.unique(np.array([crc32(row.encode()) % GRAMS for row in rows], np.int64))


def everybody(trace: Path) -> list[Sent]:
    """All callers of a trace, of each the first 400 prompts."""
    at, words = defaultdict(list), defaultdict(list)
    for record in read_trace(trace):
        at[record.key].append(record.at_us / 1e6)
        if len(words[record.key]) < _MOST_PROMPTS:
            words[record.key].append(words_of(text_of(record)[:4000])[:_MOST_WORDS])
    truths = read_truths([trace], at)
    return [
        Sent(truths[key], at[key], np.stack([embedded(one) for one in said]), [n_grams(one) for one in said])
        for key, said in words.items()
    ]


# ── The rivals: each tells whom it flags among `judged`, having learned from `taught` ─────────────


def volume(judged: Sequence[Sent], taught: Sequence[Sent]) -> list[bool]:
    """More than 30 requests a minute, 500 an hour or 5,000 a day, as two packages have it."""

    def busy(at: Sequence[float]) -> bool:
        times = np.array(at)
        many = ((np.searchsorted(times, times + span) - np.arange(len(times))).max() > most for span, most in _RATES)
        return any(many)

    return [busy(sent.at) for sent in judged]


def prada(judged: Sequence[Sent], taught: Sequence[Sent]) -> list[bool]:
    """Juuti et al. 2019, "PRADA: Protecting against DNN Model Stealing Attacks": the distances to the nearest earlier query of an
    honest caller are normal; whoever's are not (Shapiro and Francia's W' below 0.9, from 30 queries on) is flagged."""

    def odd(sent: Sent) -> bool:
        if len(sent.vectors) < 30:
            return False
        alike = np.tril(sent.vectors @ sent.vectors.T, -1)
        near = np.sqrt(np.maximum(0.0, 2 - 2 * alike[1:].max(axis=1)))
        near = np.sort(near[np.abs(near - near.mean()) <= 3 * near.std() + 1e-9])
        if near.std() < 1e-9:
            return True
        scores = np.array([NormalDist().inv_cdf((rank - 0.375) / (len(near) + 0.25)) for rank in range(1, len(near) + 1)])
        return bool(np.corrcoef(near, scores)[0, 1] ** 2 < 0.9)

    return [odd(sent) for sent in judged]


def seat(judged: Sequence[Sent], taught: Sequence[Sent]) -> list[bool]:
    """Zhang, Chen and Evans 2021, "SEAT: Similarity Encoder by Adversarial Training for Detecting Model Extraction Attack
    Queries": an account with many pairs of similar queries is closed. Similar: a cosine above 0.9 among its last 50; many: more than
    95% of honest ones."""

    def pairs(sent: Sent) -> float:
        alike = sent.vectors @ sent.vectors.T
        rows = len(alike)
        return sum(float((alike[at, max(0, at - 50) : at] > 0.9).any()) for at in range(1, rows)) / max(1, rows - 1)

    return _beyond(pairs, judged, taught)


def mmd(judged: Sequence[Sent], taught: Sequence[Sent]) -> list[bool]:
    """Gretton et al. 2012, "A Kernel Two-Sample Test", over embeddings of prompts: how far a caller's are from those of honest callers
    at large, beyond 95% of honest ones. Kernel exp(-d^2), 500 honest prompts to compare with."""
    dice = np.random.default_rng(7)
    honest = np.concatenate([sent.vectors for sent in taught if not sent.truth.hostile])
    crowd = honest[dice.choice(len(honest), min(500, len(honest)), replace=False)]

    def kernel(one: Vectors, other: Vectors) -> float:
        return float(np.exp(2 * (one @ other.T) - 2).mean())

    inside = kernel(crowd, crowd)
    return _beyond(lambda sent: kernel(sent.vectors, sent.vectors) + inside - 2 * kernel(sent.vectors, crowd), judged, taught)


def classifier(judged: Sequence[Sent], taught: Sequence[Sent]) -> list[bool]:
    """A prompt classifier as guard packages have one: logistic regression over hashed n-grams, prompt by prompt, trained on what
    hostile and honest personas send. A caller is flagged at three hits in a tenth of its prompts; a hit is what 1% of honest ones come
    to."""
    dice, weights = np.random.default_rng(7), np.zeros(GRAMS)
    rows = [(gram, sent.truth.hostile) for sent in taught for gram in sent.grams[:60] if len(gram)]
    many = sum(hostile for _, hostile in rows) or 1
    tilt = {True: len(rows) / (2 * many), False: len(rows) / (2 * max(1, len(rows) - many))}
    for step in range(3):
        for at in dice.permutation(len(rows)):
            gram, hostile = rows[at]
            guess = 1 / (1 + np.exp(-np.clip(weights[gram].sum(), -30, 30)))
            weights[gram] += 0.2 / (1 + step) * tilt[hostile] * (hostile - guess) / np.sqrt(len(gram))
    bound = np.quantile([weights[gram].sum() for gram, hostile in rows if not hostile], 0.99)

    def asks(sent: Sent) -> bool:
        hits = sum(weights[gram].sum() > bound for gram in sent.grams)
        return bool(hits >= 3 and hits >= 0.1 * len(sent.grams))

    return [asks(sent) for sent in judged]


def _beyond(score: Callable[[Sent], float], judged: Sequence[Sent], taught: Sequence[Sent]) -> list[bool]:
    """Whose score is above that of 95% of the honest callers who were learned from."""
    bound = np.quantile([score(sent) for sent in taught if not sent.truth.hostile], 0.95)
    return [score(sent) > bound for sent in judged]


def no_text(judged: Sequence[Sent], taught: Sequence[Sent]) -> list[float]:
    """How hostile callers look by all that is no text (how many, how long, how even, how fast), by logistic regression: near chance, or
    the trace leaks what life does not."""

    def features(sent: Sent) -> list[float]:
        gaps = np.diff(sent.at) if len(sent.at) > 1 else np.array([0.0])
        hours = np.array(sent.at) / 3600 % 24
        return [
            np.log1p(len(sent.at)),
            np.log1p(sent.at[-1] - sent.at[0]),
            *np.log1p(np.quantile(gaps, (0.0, 0.5, 1.0))),
            float(np.std(gaps) / (np.mean(gaps) + 1e-9)),
            float(np.cos(hours / 24 * 2 * np.pi).mean()),
            float(np.std(hours)),
            sent.at[0] / 86400,
        ]

    known, told = np.array([features(sent) for sent in taught]), np.array([sent.truth.hostile for sent in taught])
    middle, spread = known.mean(0), known.std(0) + 1e-9
    known, weights, tilt = (known - middle) / spread, np.zeros(known.shape[1]), 0.0
    for _ in range(500):
        miss = told - 1 / (1 + np.exp(-(known @ weights + tilt)))
        weights += 0.5 * (known.T @ miss / len(told) - 0.01 * weights)
        tilt += 0.5 * miss.mean()
    return list((np.array([features(sent) for sent in judged]) - middle) / spread @ weights)


RIVALS: Mapping[str, Callable[[Sequence[Sent], Sequence[Sent]], list[bool]]] = {
    "volume rule": volume, "PRADA": prada, "SEAT": seat, "MMD over embeddings": mmd, "prompt classifier": classifier,
}  # fmt: skip


def halves(sents: Sequence[Sent]) -> list[tuple[list[Sent], list[Sent]]]:
    """(to be judged, to learn from), both ways round: every other persona of either side."""
    first: set[str] = set()
    for hostile in (False, True):
        first |= set(sorted({sent.truth.persona for sent in sents if sent.truth.hostile is hostile})[::2])
    one = [sent for sent in sents if sent.truth.persona in first]
    other = [sent for sent in sents if sent.truth.persona not in first]
    return [(one, other), (other, one)]


def auc(scores: Sequence[float], hostile: Sequence[bool]) -> float:
    """The chance that a hostile caller scores above an honest one."""
    high, low = (
        [s for s, bad in zip(scores, hostile, strict=True) if bad],
        [s for s, bad in zip(scores, hostile, strict=True) if not bad],
    )
    return float(np.mean([[(a > b) + 0.5 * (a == b) for b in low] for a in high]))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trace", type=Path, nargs="+")
    traces = [everybody(trace) for trace in parser.parse_args().trace]
    print("| detector | hostile flagged (95%) | worst trace | honest flagged (95%) | worst trace |\n|---|---|---|---|---|")
    for name, rival in RIVALS.items():
        shares: list[tuple[int, int, int, int]] = []
        for sents in traces:
            found = [
                (sent.truth.hostile, bad)
                for judged, taught in halves(sents)
                for sent, bad in zip(judged, rival(judged, taught), strict=True)
            ]
            hostile, honest = [bad for side, bad in found if side], [bad for side, bad in found if not side]
            shares.append((sum(hostile), len(hostile), sum(honest), len(honest)))
        hits, of, false, among = (sum(column) for column in zip(*shares, strict=True))
        print(
            f"| {name} | {hits} of {of} ({interval(hits, of)}) | {min(h / n for h, n, _, _ in shares):.0%} "
            f"| {false} of {among} ({interval(false, among)}) | {max(f / n for _, _, f, n in shares):.0%} |"
        )
    for sents in traces:
        told = [(score, sent.truth.hostile) for j, t in halves(sents) for score, sent in zip(no_text(j, t), j, strict=True)]
        print(f"without text, logistic regression: area under the curve {auc(*zip(*told, strict=True)):.2f}")


if __name__ == "__main__":
    main()
