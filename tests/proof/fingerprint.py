"""How well marked text is traced, and how seldom an innocent is accused: `python -m tests.proof.fingerprint [REPETITIONS]`.

Replies are those of the development data, put together to about 150 words; clean text is drawn from the same replies, so that what is
drawn often repeats its own habits. Each line says how many of the repetitions reached p < 1e-6 after correction for 100,000 callers and
all scores, with a 95% interval (Wilson), and the median of log10 p.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import statistics
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

from gateway.forensics.attribute import weigh
from gateway.forensics.readings import MODELS, Reading, clean_rates, read, weights
from gateway.forensics.tails import Lattice
from gateway.perturb.base import Context
from gateway.perturb.fingerprint import PERTURBATION, FingerprintOptions
from gateway.perturb.fingerprint_code import code_word
from gateway.perturb.fingerprint_places import said
from gateway.perturb.fingerprint_text import Sentences

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SECRET = b"proof".ljust(32, b"-")
CALLERS = 100_000
AIM = -6.0
HELD_OUT = 1
"""The half (lowest bit of the reply's SHA-256) that had no part in choosing scores and shipped rates; those were chosen on half 0."""


def replies(words=150, half=HELD_OUT):
    """About as many words each, of real replies: of one half of the development data, or of all (None)."""
    found, here, size = [], [], 0
    for line in (DATA / "gpteacher_roleplay_700.jsonl").read_text(encoding="utf-8").splitlines():
        text = json.loads(line)["response"]
        if half is not None and hashlib.sha256(text.encode()).digest()[0] % 2 != half:
            continue
        here.append(text)
        size += len(text.split())
        if size >= words - 30:
            found.append("\n\n".join(here))
            here, size = [], 0
    return found


def marked(text, key_id, strength=0.8):
    context = Context(SECRET, key_id, key_id, 0, "openai.chat", "m", hashlib.sha256(text.encode()).digest(), 0)
    edit = PERTURBATION.text(context, FingerprintOptions(strength=strength))
    return edit.feed(text) + edit.finish()


def redrawn(text, chance, share):
    """Each variant drawn anew at random in a share of the places: an attacker who knows the classes and not the secret."""
    sentences = Sentences()

    def pick(position, variant):
        return chance.randint(0, 1) if chance.random() < share else variant

    return "".join(said(piece, pick)[0] for piece in sentences.feed(text) + sentences.finish())


def replaced(text, chance, share, clean):
    """A share of the sentences replaced by sentences of clean text."""
    sentences = Sentences()
    pieces = [piece.text for piece in sentences.feed(text) + sentences.finish()]
    return "".join(chance.choice(clean) if chance.random() < share else piece for piece in pieces)


def student(texts, words, chance, order=4):
    """What an n-gram model of the texts writes, backing off to shorter contexts."""
    table = {}
    for text in texts:
        tokens = ["\n"] * (order - 1) + text.replace("\n", " \n ").split(" ") + ["\n"]
        for at in range(order - 1, len(tokens)):
            for length in range(1, order):
                table.setdefault(tuple(tokens[at - length : at]), Counter())[tokens[at]] += 1
    told = ["\n"] * (order - 1)
    while len(told) < words:
        for length in range(order - 1, 0, -1):
            seen = table.get(tuple(told[-length:]))
            if seen and (len(seen) > 1 or length == 1 or chance.random() < 0.5):
                break
        told.append(chance.choices(list(seen), list(seen.values()))[0])
    return " ".join(told).replace(" \n ", "\n")


@cache
def _counted(text):
    reading = read([text])
    (used,) = np.nonzero(reading.counts.sum(axis=1))
    return used, reading.counts[used], reading.words


def pooled(texts, pool):
    """What `read` gives, with the clean replies of the pool read once."""
    ours = read(text for text in texts if text not in pool)
    counts, words = ours.counts.copy(), ours.words
    for text in texts:
        if text in pool:
            used, here, size = _counted(text)
            counts[used] += here
            words += size
    return Reading(counts, len(texts), words, int(counts.sum()))


def drawn(counts, rates, chance):
    """As many places as in the counts, each with a variant drawn at its position's rate: answers that repeat no reply's habits."""
    totals = counts.sum(axis=1)
    ones = chance.binomial(totals, rates)
    return np.stack([totals - ones, ones], axis=1)


def faint(pool, rates, key_id, seed, share, total, reference):
    """A suspect of `total` replies, a share marked and the rest clean and distinct; and a clean reading of `reference` replies."""
    chance, numbers = random.Random(seed), np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    ours = chance.sample(pool, min(len(pool), round(total * share)))
    ours += chance.choices(pool, k=round(total * share) - len(ours))
    told = read(marked(text, key_id) for text in ours)
    clean = drawn(pooled(chance.choices(pool, k=total - len(ours)), frozenset(pool)).counts, rates, numbers)
    counts = told.counts + clean
    known = drawn(pooled(chance.choices(pool, k=reference), frozenset(pool)).counts, rates, numbers)
    return Reading(counts, total, 0, int(counts.sum())), Reading(known, reference, 0, int(known.sum()))


def log10_p(reading, key_id, clean=None):
    """Corrected for 100,000 callers and every score."""
    found = weigh(reading, [key_id], secret=SECRET, epochs=[0], clean=clean).suspects[0]
    return min(0.0, found.log10_p + math.log10(CALLERS * len(MODELS)))


def cases(pool):
    """Name -> a function of (repetition's chance, its key) that gives a suspect's texts."""
    clean_sentences = [piece.text for text in pool for piece in Sentences().feed(text)]

    def some(chance, count):
        return chance.sample(pool, count) if count <= len(pool) else chance.choices(pool, k=count)

    def diluted(chance, key, share, total):
        ours = some(chance, round(total * share))
        return [marked(text, key) for text in ours] + some(chance, total - len(ours))

    def mixed(chance, key, callers, count):
        return [
            marked(text, f"{key}/{number % callers}" if number % callers else key) for number, text in enumerate(some(chance, count))
        ]

    return {
        "25 replies": lambda chance, key: [marked(text, key) for text in some(chance, 25)],
        "10 replies": lambda chance, key: [marked(text, key) for text in some(chance, 10)],
        "three callers mixed, 400 replies": lambda chance, key: mixed(chance, key, 3, 400),
        "half of the variants drawn anew, 100 replies": lambda c, key: [redrawn(marked(t, key), c, 0.5) for t in some(c, 100)],
        "60% of the sentences replaced, 100 replies": lambda c, key: [
            replaced(marked(t, key), c, 0.6, clean_sentences) for t in some(c, 100)
        ],
        "2,000 replies, 50% clean": lambda chance, key: diluted(chance, key, 0.5, 2000),
        "2,000 replies, 80% clean": lambda chance, key: diluted(chance, key, 0.2, 2000),
        "2,000 replies, 95% clean": lambda chance, key: diluted(chance, key, 0.05, 2000),
        "4-gram student, 10,000 words": lambda c, key: [student([marked(t, key) for t in pool], 10_000, c)],
        "4-gram student, a tenth of its text marked, 10,000 words": lambda c, key: [
            student([marked(t, key) if c.random() < 0.1 else t for t in pool], 10_000, c)
        ],
        "4-gram student, a tenth of its text marked, 100,000 words": lambda c, key: [
            student([marked(t, key) if c.random() < 0.1 else t for t in pool], 100_000, c)
        ],
        "ten callers mixed, 2,000 replies": lambda chance, key: mixed(chance, key, 10, 2000),
    }


def measured(name, case, repetitions, pool=()):
    clean = frozenset(pool)
    found = []
    for seed in range(repetitions):
        key = f"{name} {seed}"
        found.append(log10_p(pooled(case(random.Random(f"{name}/{seed}"), key), clean), key))
    return sum(value < AIM for value in found), statistics.median(found)


def measured_faint(pool, share, reference, repetitions):
    rates = clean_rates(read(pool).counts)
    found = []
    for seed in range(repetitions):
        key = f"faint {share} {reference} {seed}"
        reading, clean = faint(pool, rates, key, key, share, 2000, reference)
        found.append(log10_p(reading, key, clean))
    return sum(value < AIM for value in found), statistics.median(found)


def accused(reading, callers, levels=(1e-2, 1e-3, 1e-4)):
    """Of innocent callers, how many have a p-value (corrected for the scores) below each level."""
    words = b"".join(code_word(SECRET, f"innocent {number}", 0) for number in range(callers))
    bits = np.unpackbits(np.frombuffer(words, dtype=np.uint8).reshape(callers, -1), axis=1, bitorder="little")
    least = np.zeros(callers)
    for model in MODELS:
        told = weights(reading, model)
        (used,) = np.nonzero(told)
        scores = (bits[:, used].astype(np.float32) @ told[used].astype(np.float32)).astype(np.int64)
        least = np.minimum(least, Lattice(told).log10_p(scores))
    return {level: int((10**least * len(MODELS) < level).sum()) for level in levels}


def wilson(hits, total):
    share, z = hits / total, 1.96
    middle, spread = share + z * z / (2 * total), z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (middle - spread) / (1 + z * z / total), (middle + spread) / (1 + z * z / total)


def row(name, hits, middle, repetitions):
    low, high = wilson(hits, repetitions)
    print(f"| {name} | {hits} of {repetitions} | {max(0, low):.0%} to {high:.0%} | {middle:.1f} |", flush=True)


def main(repetitions=40):
    pool = replies()
    for name, texts in (("clean text", pool), ("text marked for another", [marked(text, "other") for text in pool])):
        print(f"| innocents over {name} | {accused(read(texts), 50_000)} of 50,000 |", flush=True)
    for name, case in cases(pool).items():
        row(name, *measured(name, case, repetitions, pool), repetitions)
    for share in (0.2, 0.1, 0.05):
        for reference in (2_000, 20_000):
            name = f"2,000 distinct replies, {1 - share:.0%} clean, {reference:,} clean answers known"
            row(name, *measured_faint(pool, share, reference, repetitions), repetitions)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
