"""Judges recorded and composed traffic by the live engine and tells, persona by persona, who was watched and who was flagged.

    python -m tests.proof.evaluation TRACE...                                       # the tables, the worst trace of several last
    python -m tests.proof.evaluation TRACE... --without elicitation,templating      # some signals off: what is found without?
    python -m tests.proof.evaluation --lab 51,52,53 --wordings b [--prompts F]... [--arrivals F]    # composed, one trace a seed

Everything as in `gateway replay`: a request is decided, then weighed, and what a trace says of itself is read after the last decision.
The policy is the one that ships, with every signal and linkage enforced and rungs at 10, 20 and 30.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from gateway.lab.cast import cast
from gateway.lab.clocks import read_arrivals
from gateway.lab.corpora import Corpora, read_prompts
from gateway.lab.personas import chosen
from gateway.lab.traffic import write_trace
from gateway.model.policy import Policy
from gateway.policy.load import load
from gateway.registry import names
from gateway.replay import replay
from gateway.replayweigh import Weighing
from gateway.trace import read_trace
from gateway.truth import read_truths
from tests.proof.detection import interval

CAPS = {"elicitation": 40, "probing": 25, "repeats": 20, "linkage": 40}
_LADDER = """
ladder:
  - { id: open,    at: 0,  do: allow }
  - { id: watched, at: 10, do: watch }
  - { id: slowed,  at: 20, do: throttle, share: 0.5 }
  - { id: blurred, at: 29, do: perturb, with: [logprobs] }
"""
_POLICY = """schema: gateway.policy/v1
name: judging
version: "1"
mode: enforce
callers:
  - { id: everyone, match: {}, tier: standard }
tiers:
  standard: { models: ["*"] }
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one caller. `watched`, `flagged`: after how many of its requests, None for never."""

    persona: str
    hostile: bool
    campaign: str | None
    requests: int
    watched: int | None
    flagged: int | None
    linked: bool


def policy(without: Iterable[str] = ()) -> Policy:
    """Every signal at enforce, but for those left out."""
    off = frozenset(without)
    rows = [
        f"  {name}: {{ level: {'off' if name in off else 'enforce'}, cap: {CAPS.get(name, 20)} }}"
        for name in (*names("signals"), "linkage")
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "judging.yaml"
        path.write_text(_POLICY + "\n".join(["signals:", "  kinds_needed: 2", *rows]) + _LADDER, encoding="utf-8")
        return load(path)


def judged(trace: Path, rules: Policy) -> list[Fate]:
    """Every caller of one trace after a replay."""
    weighing = Weighing()
    found = asyncio.run(replay(rules, read_trace(trace), weighing))
    weighing.finish(found)
    truths = read_truths([trace], found.callers)
    linked = {key for campaign in weighing.campaigns.values() for key in campaign.callers}
    fates = []
    for key, caller in found.callers.items():
        truth, flagged = truths[key], caller.flagged_at
        watched = min((reached.request for reached in caller.first.values()), default=None)
        fates.append(
            Fate(
                truth.persona,
                truth.hostile,
                truth.campaign,
                caller.requests,
                watched,
                flagged.request if flagged else None,
                key in linked,
            )
        )
    return fates


def composed(
    seed: int, folder: Path, *, half: str, callers: int, prompts: list[Path], arrivals: Path | None, personas: str = "all"
) -> Path:
    """A rehearsal of this seed, as `gateway lab traffic` writes it."""
    path = folder / f"lab-{seed}.jsonl.gz"
    corpora = Corpora(tuple(read_prompts(each) for each in prompts))
    recorded = read_arrivals(arrivals) if arrivals else ()
    players = cast(chosen(personas), callers, days=10.0, seed=seed, hostile=0.3, recorded=recorded)
    write_trace(path, players, corpora, seed=seed, half=half)
    return path


def row(name: str, fates: list[Fate], worst: Mapping[str, float] | None = None) -> str:
    """One line of the table. `worst`: the worst trace's share, flagged for hostile ones."""
    watched, flagged = [fate for fate in fates if fate.watched], [fate.flagged for fate in fates if fate.flagged]
    least = f" | {worst[name]:.0%}" if worst is not None else ""
    of, after = len(fates), f"{median(flagged):.0f}" if flagged else "-"
    return (
        f"| {name} | {of} | {len(watched)} ({interval(len(watched), of)}) | {len(flagged)} ({interval(len(flagged), of)}) | {after} "
        f"| {sum(fate.linked for fate in fates)}{least} |"
    )


def tables(runs: list[list[Fate]]) -> None:
    """Prints all personas of all runs together, with the worst run of each: fewest hostile flagged, most honest ones."""
    print("| kind | callers | watched (95%) | flagged (95%) | median requests until flagged | linked | worst trace, flagged |")
    print("|---|---|---|---|---|---|---|")
    by: dict[tuple[bool, str], list[list[Fate]]] = defaultdict(list)
    for run in runs:
        mine: dict[tuple[bool, str], list[Fate]] = defaultdict(list)
        for fate in run:
            mine[fate.hostile, fate.persona].append(fate)
            mine[fate.hostile, "all hostile" if fate.hostile else "all honest"].append(fate)
        for kind, fates in mine.items():
            by[kind].append(fates)
    for hostile, name in sorted(by, key=lambda kind: (kind[0], kind[1].startswith("all"), kind[1])):
        shares = [sum(fate.flagged is not None for fate in fates) / len(fates) for fates in by[hostile, name]]
        worst = {name: min(shares) if hostile else max(shares)}
        print(row(name, [fate for fates in by[hostile, name] for fate in fates], worst))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trace", type=Path, nargs="*")
    parser.add_argument("--without", default="")
    parser.add_argument("--lab", default="")
    parser.add_argument("--wordings", default="b", choices=["all", "a", "b"])
    parser.add_argument("--callers", type=int, default=320)
    parser.add_argument("--personas", default="all")
    parser.add_argument("--prompts", type=Path, action="append", default=[])
    parser.add_argument("--arrivals", type=Path)
    asked = parser.parse_args()
    rules = policy(filter(None, asked.without.split(",")))
    with tempfile.TemporaryDirectory() as folder:
        traces = list(asked.trace)
        for seed in filter(None, asked.lab.split(",")):
            traces.append(
                composed(
                    int(seed), Path(folder), half=asked.wordings, callers=asked.callers, prompts=asked.prompts,
                    arrivals=asked.arrivals, personas=asked.personas,
                )
            )  # fmt: skip
        tables([judged(trace, rules) for trace in traces])


if __name__ == "__main__":
    main()
