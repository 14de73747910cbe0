"""`gateway policy diff`: what an edit changes, whose usage it forgets, and on a recorded trace whom it would treat otherwise."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gateway.cli.beside import issued
from gateway.cli.options import json_option, print_json, state_options
from gateway.cli.policytried import print_tried, tried_plain
from gateway.model.caller import KeyRecord
from gateway.model.policy import Policy
from gateway.policy.load import find, load
from gateway.policydiff import Change, Difference, difference
from gateway.policyreplay import Replayed, replayed
from gateway.replay import merged
from gateway.trace import TraceRecord, read_trace

__all__ = ["diff"]

_LONGEST_VALUE = 120
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": "~"}
_STEPS = 1000
_JUDGED = "judged by caller rules, tiers, limits, signals and the ladder; not by the door"
_WITHOUT_KEYS = ", nor by what a key's own record says (--keys)"


@click.command("diff")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--replay", "traces", multiple=True, type=click.Path(dir_okay=False, path_type=Path), metavar="TRACE",
              help="Recorded traffic (gateway.trace/v1, plain or gzip) to try both on; may be repeated: merged by time.")  # fmt: skip
@click.option("--first", "at_most", type=click.IntRange(1), metavar="N", help="Try only the first N records of each trace.")
@click.option("--keys", "with_keys", is_flag=True, help="Take tiers, tags and limits of their own from the issued keys in the state.")
@state_options
@click.option("--exit-code", is_flag=True, help="Exit 1 where anything differs, for scripts.")
@json_option
def diff(
    old: str,
    new: str,
    traces: tuple[Path, ...],
    at_most: int | None,
    with_keys: bool,
    state: str,
    data: Path,
    exit_code: bool,
    as_json: bool,
) -> None:
    """Say what is different in policy NEW, and of each limit whether what was used is kept or counting starts anew.

    With --replay, recorded requests are judged by both policies as by the live engine, on a virtual clock: which callers get another
    rule, tier or limit, who reaches another rung of the ladder and when, which campaigns are found, and how many requests would be
    refused. Rungs are told as if the mode were `enforce`, refusals by each policy's own. A trace knows callers by key id, account and
    attributes; with --keys the keys issued in --state say the rest.

    Exits 0; with --exit-code 1 where anything differs.

    Example: gateway policy diff policies/default.yaml edited.yaml --replay traces/monday.jsonl.gz
    """
    before, after = load(find(old)), load(find(new))
    found = difference(before, after)
    keys = asyncio.run(issued(state, data)) if traces and with_keys else {}
    tried = _tried(before, after, traces, at_most, keys) if traces else None
    judged = _JUDGED + ("" if with_keys else _WITHOUT_KEYS)
    if as_json:
        print_json(_as_plain(found, tried, judged))
    else:
        _print(found)
        if tried is not None:
            print_tried(tried, judged)
    sys.exit(1 if exit_code and (found.changes or (tried is not None and tried.affected)) else 0)


# ── Replay ──────────────────────────────────────────────────────────────────────────────────────


def _tried(before: Policy, after: Policy, traces: tuple[Path, ...], at_most: int | None, keys: dict[str, KeyRecord]) -> Replayed:
    """Run the traces, with a bar on standard error where somebody watches."""
    with click.progressbar(length=_STEPS * len(traces), label="replay", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        records = merged([_read(trace, at_most, bar) for trace in traces])
        return asyncio.run(replayed(before, after, records, keys=keys))


def _read(trace: Path, at_most: int | None, bar: Any) -> Iterator[TraceRecord]:
    done = 0

    def told(share: float) -> None:
        nonlocal done
        bar.update(int(share * _STEPS) - done)
        done = int(share * _STEPS)

    yield from read_trace(trace, told=told, at_most=at_most)


# ── What is different ───────────────────────────────────────────────────────────────────────────


def _as_plain(found: Difference, tried: Replayed | None, judged: str) -> dict[str, Any]:
    """`old`, `new` (labels), `changes`, and `replay` (null without a trace)."""
    return {
        "old": found.old,
        "new": found.new,
        "changes": [asdict(change) for change in found.changes],
        "replay": None if tried is None else tried_plain(tried, judged),
    }


def _print(found: Difference) -> None:
    click.echo(f"old  {found.old}")
    click.echo(f"new  {found.new}")
    if not found.changes:
        click.echo("no difference: both do the same")
    section = ""
    for change in found.changes:
        if change.section != section:
            section = change.section
            click.echo(section)
        click.echo(f"  {_SIGNS[change.kind]} {change.where}: {_described(change)}")
    anew = sum(change.usage == "anew" and change.kind == "changed" for change in found.changes)
    if anew:
        click.echo(f"{anew} limit{'s' * (anew != 1)} would start anew: what was used of {'them' if anew != 1 else 'it'} is forgotten")


def _described(change: Change) -> str:
    usage = {"kept": "; what was used is kept", "anew": "; counting starts anew", "": ""}[change.usage]
    if change.words:
        return change.words + usage
    if change.kind == "moved":
        return f"in another order: {', '.join(change.before)} -> {', '.join(change.after)}"
    if isinstance(change.before, list) and isinstance(change.after, list):
        return _list_change(change.before, change.after)
    parts = [_value(change.before)] if change.kind != "added" else []
    parts += [_value(change.after)] if change.kind != "removed" else []
    words = " -> ".join(parts)
    return f"{words} (microseconds)" if change.where.endswith("_us") else words


def _list_change(before: list[Any], after: list[Any]) -> str:
    had, gets = Counter(map(_value, before)), Counter(map(_value, after))
    signed = [f"+ {value}" for value in gets - had] + [f"- {value}" for value in had - gets]
    return ", ".join(signed) if signed else f"{_value(before)} -> {_value(after)}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(_tidy(value), ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _tidy(value: Any) -> Any:
    """A value without the fields that say nothing."""
    if isinstance(value, list):
        return [_tidy(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _tidy(entry) for name, entry in value.items() if entry is not None and entry != [] and name != "id"}
    return value
