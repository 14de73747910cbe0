"""Ranks callers, and campaigns of callers, by how unlikely chance is to agree with a text as well as their code words do.

What a result says: whose code word is in the text. It does not say who leaked it: a caller whose answers were stolen scores too.
Corrected for everything that was tried: callers, epochs, scores, campaigns (Bonferroni, which holds whatever depends on what).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gateway.forensics.readings import MODELS, Reading, read, weights
from gateway.forensics.tails import Lattice, saddlepoint
from gateway.perturb.fingerprint import PERTURBATION
from gateway.perturb.fingerprint_code import code_word

__all__ = ["LIMITS", "CampaignFound", "Report", "Suspect", "attribute", "weigh"]

LIMITS = (
    "A p-value says how often chance would agree with the text as well, exactly, for a caller whose answers had no part in it.",
    "It says whose code word is in the text, not who leaked it: an account whose answers were stolen scores too.",
    "A caller of whom nothing is found may still be a source: short, terse, translated or wholly rewritten text carries no code word.",
    "Callers and epochs that are not in the list were not tested.",
)

_BATCH = 4096


class Suspect(Struct, frozen=True):
    """One caller in one epoch, by its best score.

    `log10_p` is exact, `log10_saddlepoint` its check, `log10_corrected` is after correction for all tests (0 at most: no evidence).
    `agreement` is the share of the text's `positions` where the commoner variant is the caller's; chance gives a half.
    """

    key_id: str
    epoch: int
    score: str
    log10_p: float
    log10_saddlepoint: float
    log10_corrected: float
    positions: int
    agreement: float


class CampaignFound(Struct, frozen=True):
    """Callers taken together, in all epochs; p by the saddlepoint approximation."""

    name: str
    callers: int
    score: str
    log10_p: float
    log10_corrected: float


class Report(Struct, frozen=True):
    """What was tested and what was found; suspects and campaigns with the strongest evidence first.

    `tests` is what the correction counts: (callers times epochs and campaigns) times scores.
    """

    suspects: tuple[Suspect, ...]
    campaigns: tuple[CampaignFound, ...]
    texts: int
    words: int
    places: int
    positions: int
    callers: int
    epochs: tuple[int, ...]
    scores: tuple[str, ...]
    tests: int
    perturbation: str
    limits: tuple[str, ...] = LIMITS


def attribute(
    texts: Iterable[str],
    callers: Sequence[str],
    *,
    secret: bytes,
    epochs: Sequence[int],
    campaigns: Mapping[str, Sequence[str]] | None = None,
    clean: Reading | None = None,
    most: int = 20,
) -> Report:
    """Reads texts and tests every caller in every epoch, and each campaign (a name and its callers).

    `secret` is the perturbations' (`gateway.perturb.base.Context.secret`), `clean` a reading of
    unmarked text of the same kind (`readings.weights` says what for), `most` how many suspects the report names.
    100,000 callers and 1,000 positions take seconds for each epoch.
    """
    return weigh(read(texts), callers, secret=secret, epochs=epochs, campaigns=campaigns, clean=clean, most=most)


def weigh(
    reading: Reading,
    callers: Sequence[str],
    *,
    secret: bytes,
    epochs: Sequence[int],
    campaigns: Mapping[str, Sequence[str]] | None = None,
    clean: Reading | None = None,
    most: int = 20,
) -> Report:
    """The same for texts that were read already."""
    callers, epochs = list(dict.fromkeys(callers)), list(dict.fromkeys(epochs))
    table = np.stack([weights(reading, model, clean) for model in MODELS])
    (used,) = np.nonzero(np.abs(table).sum(axis=0))
    table = table[:, used]
    lattices = [Lattice(row) for row in table]
    groups = campaigns or {}
    tests = max(1, (len(callers) * len(epochs) + len(groups)) * len(MODELS))
    best: list[tuple[float, str, int, int, int]] = []
    for epoch in epochs:
        for start in range(0, len(callers), _BATCH):
            batch = callers[start : start + _BATCH]
            scores = _scores(_bits(batch, epoch, secret, used), table)
            logs = np.stack([lattice.log10_p(scores[:, number]) for number, lattice in enumerate(lattices)], axis=1)
            chosen = logs.argmin(axis=1)
            least = logs[np.arange(len(batch)), chosen]
            for row in np.argsort(least, kind="stable")[:most].tolist():
                model = int(chosen[row])
                best.append((float(least[row]), batch[row], epoch, model, int(scores[row, model])))
        best = sorted(best)[:most]
    together = [_campaign(name, keys, epochs, secret, used, table, tests) for name, keys in groups.items()]
    signs = np.sign(reading.counts[used, 1] - reading.counts[used, 0])
    return Report(
        suspects=tuple(_suspect(found, table, used, signs, secret, tests) for found in best),
        campaigns=tuple(sorted(together, key=_strength)),
        texts=reading.texts,
        words=reading.words,
        places=reading.places,
        positions=len(used),
        callers=len(callers),
        epochs=tuple(epochs),
        scores=tuple(model.name for model in MODELS),
        tests=tests,
        perturbation=f"{PERTURBATION.name} {PERTURBATION.version}",
    )


def _bits(callers: Sequence[str], epoch: int, secret: bytes, used: NDArray[np.int64]) -> NDArray[np.float32]:
    """Rows of 0 and 1: the callers' bits at the positions that are used."""
    words = b"".join(code_word(secret, caller, epoch) for caller in callers)
    codes = np.frombuffer(words, dtype=np.uint8).reshape(len(callers), -1)
    found: NDArray[np.float32] = (codes[:, used >> 3] >> (used & 7).astype(np.uint8) & 1).astype(np.float32)
    return found


def _scores(bits: NDArray[np.float32], table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Exact: whole numbers below 2^24 lose nothing as float32."""
    scores: NDArray[np.int64] = np.rint(bits @ table.T.astype(np.float32)).astype(np.int64)
    return scores


def _corrected(log10_p: float, tests: int) -> float:
    return min(0.0, log10_p + math.log10(tests))


def _suspect(
    found: tuple[float, str, int, int, int],
    table: NDArray[np.int64],
    used: NDArray[np.int64],
    signs: NDArray[np.int64],
    secret: bytes,
    tests: int,
) -> Suspect:
    log10_p, key_id, epoch, model, score = found
    bits = _bits([key_id], epoch, secret, used)[0] * 2 - 1
    decided = signs != 0
    agreement = float((bits[decided] == signs[decided]).mean()) if decided.any() else 0.5
    return Suspect(
        key_id=key_id,
        epoch=epoch,
        score=MODELS[model].name,
        log10_p=log10_p,
        log10_saddlepoint=saddlepoint(table[model], score) if len(used) else 0.0,
        log10_corrected=_corrected(log10_p, tests),
        positions=int((table[model] != 0).sum()),
        agreement=round(agreement, 4),
    )


def _campaign(
    name: str,
    keys: Sequence[str],
    epochs: Sequence[int],
    secret: bytes,
    used: NDArray[np.int64],
    table: NDArray[np.int64],
    tests: int,
) -> CampaignFound:
    members = list(dict.fromkeys(keys))
    if not members or not len(used):
        return CampaignFound(name, len(members), MODELS[0].name, 0.0, 0.0)
    totals = np.zeros(len(MODELS), dtype=np.int64)
    for epoch in epochs:
        totals += _scores(_bits(members, epoch, secret, used), table).sum(axis=0)
    logs = [saddlepoint(row, int(total), len(members) * len(epochs)) for row, total in zip(table, totals, strict=True)]
    model = int(np.argmin(logs))
    return CampaignFound(name, len(members), MODELS[model].name, logs[model], _corrected(logs[model], tests))


def _strength(found: CampaignFound) -> float:
    return found.log10_p
