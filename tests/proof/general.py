"""Fits the general baseline: the honest callers of the laboratory, 90 days of activity each, and those of labelled recordings.

    python -m tests.proof.general --out gateway/risk/general.json --seeds 12 --callers 500 \
        --prompts PROMPTS.jsonl [--prompts ...] --arrivals RATES.csv.gz --recording TRACE.jsonl.gz

Whatever changes a signal's statistic makes it due again. Callers of the laboratory are made one after the other and not kept, so that
their number costs time alone. A caller is given as many requests as its persona's clock has in a week or so, once a day at least; a
third of them four times as many: counts are halved from 400 requests on, and a life has to go past that.

Every caller is played twice: once for the peaks, once for the sums, by a baseline that knows the peaks.
"""

from __future__ import annotations

import argparse
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random

import msgspec

from gateway.calibrate import look_at
from gateway.lab.cast import Player, cast
from gateway.lab.clocks import read_arrivals
from gateway.lab.corpora import Corpora, read_prompts
from gateway.lab.personas import chosen
from gateway.lab.traffic import compose
from gateway.model.baseline import LIFE_DAYS
from gateway.model.look import Look
from gateway.registry import names, resolve
from gateway.risk.baseline import Baseline
from gateway.risk.fitting import Peaks, Sums
from gateway.trace import read_trace, record_of
from gateway.truth import read_truths

_DAY_US = 86_400 * 1_000_000

Lives = dict[str, str]
"""Caller -> persona."""


def longer(player: Player) -> Player:
    """The same caller with 90 days of activity: on every day some requests, in the pace of its own clock within the day."""
    chance = Random(sha256(player.identity.key.encode()).digest())
    wanted = max(LIFE_DAYS, len(player.times) * (4 if chance.random() < 1 / 3 else 1))
    of_day = [at % _DAY_US for at in player.times]
    days = [*range(LIFE_DAYS), *(chance.randrange(LIFE_DAYS) for _ in range(wanted - LIFE_DAYS))]
    return replace(player, times=array("q", sorted(day * _DAY_US + chance.choice(of_day) for day in days)))


def laboratory(seed: int, callers: int, prompts: Sequence[Path], arrivals: Path | None) -> Iterator[tuple[str, str, list[Look]]]:
    """(caller, persona, its looks) of every honest caller of one seed."""
    corpora = Corpora(tuple(read_prompts(path) for path in prompts))
    recorded = read_arrivals(arrivals) if arrivals is not None else ()
    for player in cast(chosen("honest"), callers, days=7.0, seed=seed, hostile=0.0, recorded=recorded):
        lived = longer(player)
        looks = [look_at(record_of(msgspec.json.encode(line))) for line in compose([lived], corpora, seed=seed)]
        yield f"{seed}/{player.identity.key}", player.persona.name, looks


def recording(path: Path) -> Iterator[tuple[str, str, list[Look]]]:
    """The same of the honest callers of a labelled recording."""
    looks: dict[str, list[Look]] = defaultdict(list)
    for record in read_trace(path):
        looks[record.key].append(look_at(record))
    for key, truth in read_truths([path], looks).items():
        if not truth.hostile:
            yield f"{path.name}/{key}", truth.persona, looks[key]


def everybody(asked: argparse.Namespace) -> Iterator[tuple[str, str, list[Look]]]:
    """All callers, one after the other, told on the way."""
    for path in asked.recording:
        yield from recording(path)
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        print(f"seed {seed}", file=sys.stderr, flush=True)
        yield from laboratory(seed, asked.callers, asked.prompts, asked.arrivals)


def fitted(asked: argparse.Namespace) -> tuple[Baseline, dict[str, float], Lives]:
    """The baseline, with each caller's highest sum and persona."""
    signals = {name: resolve("signals", name) for name in names("signals")}
    peaks, personas = Peaks(signals), {}
    for caller, persona, looks in everybody(asked):
        personas[caller] = persona
        for look in looks:
            peaks.see(caller, look)
        peaks.close(caller)
    first = peaks.baseline("first pass")
    sums = Sums(signals, {"members": first.among_members})
    for caller, _, looks in everybody(asked):
        for look in looks:
            sums.see(caller, look)
        sums.close(caller)
    found = sums.peaks["members"]
    source = f"{asked.seeds * asked.callers} callers of the laboratory, 25 honest kinds, 90 days of activity each"
    if asked.recording:
        source += f", and {len(peaks) - asked.seeds * asked.callers} honest callers of a composed recording"
    return peaks.baseline(source, sums=found), found, personas


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=1001)
    parser.add_argument("--callers", type=int, default=500)
    parser.add_argument("--prompts", type=Path, action="append", default=[])
    parser.add_argument("--arrivals", type=Path)
    parser.add_argument("--recording", type=Path, action="append", default=[])
    asked = parser.parse_args()
    baseline, sums, personas = fitted(asked)
    asked.out.write_bytes(baseline.fitted.to_json())
    print(f"{baseline.callers} callers, {baseline.lives:.0f} lives, nothing above {baseline.ceiling:.1f}")
    for level in (5, 10, 15, 20, 25, 28, 30, 32):
        high = sorted((caller for caller in sums if sums[caller] >= level), key=lambda caller: -sums[caller])
        kinds = sorted({personas[caller] for caller in high})
        print(f"sum {level:>3}: {len(high):>5} callers, worth {baseline.combined(level):.1f}; {', '.join(kinds)}")


if __name__ == "__main__":
    main()
