"""`gateway replay`: what a policy, its signals and its ladder would have made of recorded traffic, caller by caller."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from gateway.cli.beside import issued
from gateway.cli.options import json_option, print_json, state_options
from gateway.errors import GatewayError
from gateway.model.caller import KeyRecord
from gateway.model.policy import Policy
from gateway.model.ruling import Ruling
from gateway.policy.load import find, load
from gateway.replay import Replay, merged, replay
from gateway.replayreport import report_of
from gateway.replayrulings import read_rulings
from gateway.replayweigh import Weighing
from gateway.trace import TraceRecord, read_trace
from gateway.truth import read_truths

__all__ = ["replay_command"]

_STEPS = 1000


@click.command("replay")
@click.argument("traces", metavar="TRACE...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--policy", "policy_name", required=True, metavar="FILE", help="The policy to judge by, a file or the name of a shipped one."
)
@click.option(
    "--report", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.json", help="Where the report goes."
)
@click.option("--first", "at_most", type=click.IntRange(1), metavar="N", help="Replay only the first N records of each trace.")
@click.option("--keys", "with_keys", is_flag=True, help="Take tiers, tags and limits of their own from the issued keys in the state.")
@click.option("--rulings", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Take decisions into account: what `gateway risk decisions --json` prints.")  # fmt: skip
@state_options
@json_option
def replay_command(
    traces: tuple[Path, ...],
    policy_name: str,
    report: Path,
    at_most: int | None,
    with_keys: bool,
    rulings: Path | None,
    state: str,
    data: Path,
    as_json: bool,
) -> None:
    """Run recorded requests (gateway.trace/v1, plain or gzip) through the live engine on a virtual clock, and write OUT.json.

    The report tells of each caller when it first reached each rung of the ladder, where it stands at the end and why, as if the
    policy's mode were `enforce`; what is in shadow by itself stays so. Several traces are merged by time. What a trace says of
    itself under `truth` is read when all is decided, to count how many were found. Nothing is written but the report. What people
    decided counts only where it is given with --rulings.

    Exits 0 when the report is written, whatever it says.

    Example: gateway replay traces/monday.jsonl.gz traces/tuesday.jsonl.gz --policy policies/default.yaml --report monday.json
    """
    policy = load(find(policy_name))
    _writable(report)
    keys = asyncio.run(issued(state, data)) if with_keys else {}
    decided = [] if rulings is None else read_rulings(rulings)
    began = time.monotonic()
    weighing = Weighing(memory=policy.memory)
    found = _run(policy, traces, at_most, keys, decided, weighing)
    truths = read_truths(traces, found.callers, at_most=at_most)
    document = report_of(found, truths, weighing.campaigns, seconds=time.monotonic() - began)
    _write(report, document)
    if as_json:
        print_json({**{name: value for name, value in document.items() if name not in {"callers", "campaigns"}}, "report": str(report)})
    else:
        _print(document, report)


def _run(
    policy: Policy,
    traces: tuple[Path, ...],
    at_most: int | None,
    keys: dict[str, KeyRecord],
    decided: list[Ruling],
    weighing: Weighing,
) -> Replay:
    """Run the traces, with a bar on standard error where somebody watches."""
    with click.progressbar(length=_STEPS * len(traces), label="replay", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        records = merged([_read(trace, at_most, bar) for trace in traces])
        found = asyncio.run(replay(policy, records, weighing, keys=keys, rulings=decided, heard=weighing.heard))
    weighing.finish(found)
    return found


def _read(trace: Path, at_most: int | None, bar: Any) -> Iterator[TraceRecord]:
    done = 0

    def told(share: float) -> None:
        nonlocal done
        bar.update(int(share * _STEPS) - done)
        done = int(share * _STEPS)

    yield from read_trace(trace, told=told, at_most=at_most)


# ── The report ──────────────────────────────────────────────────────────────────────────────────


def _writable(report: Path) -> None:
    """Said before the work, not after it."""
    folder = report.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise click.UsageError(f"--report {report}: {folder} is no folder that can be written to")


def _write(report: Path, document: dict[str, Any]) -> None:
    """Whole or not at all."""
    partial = report.with_name(f"{report.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        partial.replace(report)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise GatewayError(f"{report}: the report cannot be written: {error.strerror or error}") from error


def _print(document: dict[str, Any], report: Path) -> None:
    click.echo(f"policy   {document['policy']}")
    click.echo(f"records  {document['records']} of {len(document['callers'])} callers in {document['seconds']:.1f} s")
    if document["requests_of_callers_not_told"]:
        click.echo(
            f"         {document['requests_of_callers_not_told']} requests came from further callers, who are not told one by one"
        )
    click.echo(f"signals  {_signals(document['signals'])}")
    told = document["summary"]
    for side in ("hostile", "honest", "unlabelled"):
        if told[side]["callers"]:
            click.echo(f"{side:<11}{_counts(told[side])}")
    for name, counts in told["personas"].items():
        click.echo(f"  {name:<24}{_counts(counts)}")
    click.echo(f"report   {report}")


def _signals(levels: dict[str, str]) -> str:
    enforced = [name for name, level in levels.items() if level == "enforce"]
    return ", ".join(enforced) if enforced else "none is enforced: what they say is told, and is nobody's score"


def _counts(counts: dict[str, Any]) -> str:
    words = f"{counts['callers']:>6} callers, {counts['flagged']:>5} flagged, {counts['watched']:>5} watched"
    median = counts["median_requests_to_flag"]
    return words + (f"; half of the flagged by request {median:g}" if median is not None else "")
