"""`gateway calibrate`: a baseline of one's own traffic, with a report on how it judges callers that it was not fitted on."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from gateway.calibrate import Rules, calibrate
from gateway.calibratepicture import reliability_svg
from gateway.calibratereport import calibration_report
from gateway.cli.options import json_option, print_json
from gateway.errors import GatewayError, RegistryError, SettingsError
from gateway.model.baseline import MOST_FILE
from gateway.policy.units import duration_us
from gateway.replay import merged
from gateway.risk.baseline import general, read_baseline
from gateway.trace import TraceRecord, read_trace

__all__ = ["broken", "calibrate_command"]

_STEPS = 1000
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("calibrate")
@click.argument("traces", metavar="TRACE...", nargs=-1, required=True, type=_FILE)
@click.option("--out", required=True, type=_FILE, metavar="BASELINE", help="Where the baseline goes; a policy's `signals.baseline`.")
@click.option("--report", type=_FILE, metavar="OUT.json", help="Where the report goes.")
@click.option("--picture", type=_FILE, metavar="OUT.svg", help="Where the reliability plot goes.")
@click.option("--holdout", default=0.5, show_default=True, type=click.FloatRange(0.05, 0.95), help="Share of callers to judge.")
@click.option("--previous", type=_FILE, metavar="BASELINE", help="The baseline in force; without, the one that ships.")
@click.option("--exclude", type=_FILE, metavar="FILE", help="Key ids not to learn from, one a line: callers confirmed to copy.")
@click.option("--cleared", type=_FILE, metavar="FILE", help="Key ids to learn from however they look, one a line: callers cleared.")
@click.option("--suspect", default=20.0, show_default=True, type=click.FloatRange(1.0, 1000.0), metavar="DECIBANS",
              help="Callers told as much by the baseline in force are not learned from.")  # fmt: skip
@click.option("--quarantine", default="7d", show_default=True, metavar="TIME", help="Traffic younger than this is not learned from.")
@click.option("--most-move", default=3.0, show_default=True, type=click.FloatRange(0.1, 40.0), metavar="DECIBANS",
              help="How far one calibration may move what anything is worth.")  # fmt: skip
@click.option("--alone", is_flag=True, help="Without the callers of the baseline that ships; takes thousands of your own.")
@json_option
def calibrate_command(
    traces: tuple[Path, ...],
    out: Path,
    report: Path | None,
    picture: Path | None,
    holdout: float,
    previous: Path | None,
    exclude: Path | None,
    cleared: Path | None,
    suspect: float,
    quarantine: str,
    most_move: float,
    alone: bool,
    as_json: bool,
) -> None:
    """Fit a baseline on recorded traffic (gateway.trace/v1, plain or gzip), taken for benign but for callers that are left out.

    Part of the callers is held out and judged: the report says how many of them would have come to each level. The traces are read
    twice. What a trace says of itself under `truth` is never read.

    Exits 0; 1 where the held-out callers came to 10, 20 or 30 decibans surely more often than these promise.

    Example: gateway calibrate traces/*.jsonl.gz --out baseline.json --report baseline-report.json --picture baseline.svg
    """
    for target in (out, report, picture):
        _writable(target)
    rules = Rules(
        holdout=holdout,
        suspect=suspect,
        quarantine_us=_duration(quarantine),
        most_move=most_move,
        excluded=_key_ids(exclude),
        cleared=_key_ids(cleared),
        alone=alone,
    )
    source = f"recorded traffic: {', '.join(trace.name for trace in traces)}"[:400]
    with click.progressbar(length=2 * _STEPS * len(traces), label="calibrate", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        found = calibrate(
            lambda: merged([_read(trace, bar) for trace in traces]),
            _previous(previous),
            rules,
            now_us=time.time_ns() // 1000,
            source=source,
        )
    told = calibration_report(found)
    _write(out, found.baseline.fitted.to_json())
    if report is not None:
        _write(report, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    if picture is not None:
        _write(picture, reliability_svg(told).encode())
    print_json({**told, "baseline": str(out)}) if as_json else _print(told, out)
    sys.exit(1 if broken(told) else 0)


def broken(report: dict[str, Any]) -> list[int]:
    """The levels of a ladder at which even the low end of the interval is above what is promised."""
    return [level["decibans"] for level in report["levels"] if level["decibans"] % 10 == 0 and level["share_95"][0] > level["promised"]]


def _read(trace: Path, bar: Any) -> Iterator[TraceRecord]:
    done = 0

    def told(share: float) -> None:
        nonlocal done
        bar.update(int(share * _STEPS) - done)
        done = int(share * _STEPS)

    yield from read_trace(trace, told=told)


def _previous(path: Path | None) -> Any:
    if path is None:
        return general()
    try:
        with path.open("rb") as stream:
            return read_baseline(stream.read(MOST_FILE + 1))
    except OSError as error:
        raise SettingsError(f"--previous {path}: cannot be read: {error.strerror or type(error).__name__}") from None
    except RegistryError as error:
        raise SettingsError(f"--previous {path}: {error}") from None


def _key_ids(path: Path | None) -> frozenset[str]:
    if path is None:
        return frozenset()
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: no list of key ids, one a line ({type(error).__name__})") from None
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _duration(text: str) -> int:
    try:
        return duration_us(text)
    except ValueError as error:
        raise click.UsageError(f"--quarantine {text}: {error}") from None


def _writable(path: Path | None) -> None:
    """Said before the work, not after it."""
    folder = path.resolve().parent if path is not None else None
    if folder is not None and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise click.UsageError(f"{path}: {folder} is no folder that can be written to")


def _write(path: Path, contents: bytes) -> None:
    """Whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(contents)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise GatewayError(f"{path}: cannot be written: {error.strerror or error}") from error


def _print(told: dict[str, Any], out: Path) -> None:
    callers, left, lives = told["callers"], told["left_out"], told["lives"]
    click.echo(f"callers   {callers['used']} learned from; judged {callers['held_out']} by the other {callers['fitted']}")
    click.echo(f"lives     {lives['own']:g} of 90 days of activity, {lives['all']:g} with the general baseline's")
    click.echo(f"left out  {left['suspected_callers']} suspected callers, {left['excluded_callers']} excluded ones")
    click.echo(f"          {left['young_records']} records as too young, {left['records_no_dialect_reads']} that no dialect reads")
    for name, many in told["peaks_lowered"].items():
        click.echo(f"bounded   {name}: {many} peaks count for less than they are")
    click.echo(f"ceiling   nothing is worth more than {told['ceiling']:.1f} decibans")
    for name, signal in {**told["signals"], "sum": told["sum"]}.items():
        some = f"{signal['callers']} callers have some, up to {signal['highest']}" if signal["callers"] else "nobody has any"
        click.echo(f"  {name:<14}{some}; worth at most {signal['worth_at_most']:.1f}")
    for level in told["levels"]:
        click.echo(_line(level))
    for level in broken(told):
        click.echo(f"problem   {level} decibans were told more often than promised: these callers are unlike those fitted on")
    click.echo(f"baseline  {out}: name it in the policy's `signals.baseline`")


def _line(level: dict[str, Any]) -> str:
    low, high = level["share_95"]
    seen = f"told {level['decibans']:>3}  {level['reached']} of {level['of']} held-out callers ({low:.2%} to {high:.2%})"
    return f"{seen}, promised {level['promised']:.2%}; {level['with_suspects'] or 0:.2%} if those suspected are honest"
