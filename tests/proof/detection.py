"""Fits the general baseline and measures the signals on a labelled recording, with whole kinds of callers held out.

    python -m tests.proof.detection TRACE --fit gateway/risk/general.json     # on all honest callers of the recording
    python -m tests.proof.detection TRACE                                     # the tables of docs/detection.md

Honest kinds are split in two halves by name (every other one); each half is judged by a baseline fitted on the other. Hostile callers
are judged by the general baseline. Flagged: 30 decibans from two kinds of evidence; watched: 10.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import sqrt
from pathlib import Path
from statistics import median

import msgspec

from gateway.model.look import Look
from gateway.registry import names, resolve
from gateway.risk.baseline import Baseline, general
from gateway.risk.fitting import Peaks
from gateway.risk.sum import SPOKE
from gateway.signals.look import look_of
from gateway.trace import TraceRecord, read_trace
from gateway.truth import Truth, read_truths

WATCHED, FLAGGED, KINDS = 10.0, 30.0, 2
TEXT = frozenset({"elicitation", "templating", "coverage"})
DIALECTS = {
    "embeddings": "openai.embeddings",
    "responses": "openai.responses",
    "messages": "anthropic.messages",
    "completions": "openai.chat",
}


def look_at(record: TraceRecord) -> Look:
    """A record as signals see it."""
    dialect = DIALECTS[record.path.rsplit("/", 1)[-1]]
    if dialect == "openai.chat" and "chat" not in record.path:
        dialect = "openai.completions"
    document = msgspec.json.decode(record.body) if record.body else {}
    return look_of(
        dialect, document, at_us=record.at_us, key_id=record.key, status=record.status, output_tokens=record.usage.output
    )  # fmt: skip


def judged(looks: Iterable[Look], signals: Mapping[str, object], baseline: Baseline) -> tuple[int | None, int | None]:
    """After how many requests one caller is watched, and flagged."""
    states = {name: signal.fresh() for name, signal in signals.items()}
    watched = None
    for number, look in enumerate(looks, 1):
        told = []
        for name, signal in signals.items():
            signal.watch(states[name], look)
            told.append(signal.weigh(states[name], look.at_us, baseline))
        spoken = [evidence for evidence in told if evidence is not None]
        score = sum(evidence.weight for evidence in spoken)
        kinds = {evidence.kind for evidence in spoken if evidence.weight >= SPOKE}
        if score >= WATCHED:
            watched = watched or number
        if score >= FLAGGED and len(kinds) >= KINDS:
            return watched, number
    return watched, None


def interval(hits: int, of: int) -> str:
    """Wilson's 95% interval of a share."""
    if not of:
        return "-"
    z, share = 1.96, hits / of
    middle, half = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = ((middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of))
    return f"{max(0.0, low):.0%}-{min(1.0, high):.0%}"


def row(title: str, found: list[tuple[int | None, int | None]]) -> str:
    """One line of a table."""
    watched, flagged = [w for w, _ in found if w], [f for _, f in found if f]
    after = f"{median(flagged):.0f}" if flagged else "-"
    return (
        f"| {title} | {len(found)} | {len(watched)} ({interval(len(watched), len(found))}) "
        f"| {len(flagged)} ({interval(len(flagged), len(found))}) | {after} |"
    )


def tables(looks: Mapping[str, list[Look]], truths: Mapping[str, Truth], signals: Mapping[str, object]) -> None:
    """Prints both tables."""
    honest = sorted({truth.persona for truth in truths.values() if not truth.hostile})
    hostile = sorted({truth.persona for truth in truths.values() if truth.hostile})
    peaks = Peaks(signals)
    for key, seen in looks.items():
        if not truths[key].hostile:
            for look in seen:
                peaks.see(key, look)
    bases = {}
    for half in (honest[::2], honest[1::2]):
        fitted_on = frozenset(key for key in looks if not truths[key].hostile and truths[key].persona not in half)
        bases |= dict.fromkeys(half, peaks.baseline("half", fitted_on))
    everybody = []
    for persona in honest + hostile:
        found = [judged(looks[key], signals, bases.get(persona, general())) for key in looks if truths[key].persona == persona]
        print(row(persona, found))
        everybody.append((persona in hostile, found))
    for which, title in ((False, "all honest"), (True, "all hostile")):
        print(row(title, [one for kind, found in everybody if kind is which for one in found]))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--fit", type=Path)
    asked = parser.parse_args()
    signals = {name: resolve("signals", name) for name in names("signals") if hasattr(resolve("signals", name), "weigh")}
    looks = defaultdict(list)
    for record in read_trace(asked.trace):
        looks[record.key].append(look_at(record))
    truths = read_truths([asked.trace], looks)
    if asked.fit:
        peaks = Peaks(signals)
        for key, seen in looks.items():
            for look in seen if not truths[key].hostile else ():
                peaks.see(key, look)
        asked.fit.write_bytes(peaks.baseline("the honest callers of a composed recording, eighteen kinds").to_json())
        return
    print("all signals")
    tables(looks, truths, signals)
    print("without those that read text")
    tables(looks, truths, {name: signal for name, signal in signals.items() if name not in TEXT})


if __name__ == "__main__":
    main()
