"""`gateway audit`: read and verify the record of decisions, while a gateway may be writing it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.audit.folder import log_folder
from gateway.audit.query import Follower, Query, select
from gateway.audit.read import decode, find_records, last_records
from gateway.audit.report import Report
from gateway.audit.verify import verify as verify_log
from gateway.cli.auditexport import export
from gateway.cli.auditproof import check, given_keys, keys, prove, public_key_option, rotate
from gateway.cli.options import data_option, json_option, moment, print_json
from gateway.errors import SettingsError

__all__ = ["audit"]

_ENDS = ("complete", "refused", "client_gone", "upstream_failed", "upstream_truncated", "interrupted", "fault", "shutdown")
_POLL_S = 0.2


def _hash(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[0-9a-f]{64}", value):
        raise click.BadParameter("a head is 64 lower-case hex digits, as `gateway audit verify` prints it")
    return value


def _status(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"\d{1,3}|[1-5]xx", value):
        raise click.BadParameter("give a status such as 429, or a class such as 5xx")
    return value


@click.group()
def audit() -> None:
    """Read and verify the record of decisions.

    Example: gateway audit query --since 2h --account acme --end refused
    """


@audit.command(short_help="Show the last records, and what comes.")
@click.option("-n", "--lines", "count", type=click.IntRange(0, 100_000), default=20, show_default=True, help="How many records.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until interrupted.")
@data_option
@json_option
def tail(count: int, follow: bool, data: Path, as_json: bool) -> None:
    """Show the last records, a line each.

    Example: gateway audit tail -n 50 --follow
    """
    _there(data)
    follower = Follower(data)
    shown = last_records(data, count) if count else []
    _print(shown, as_json)
    already = set(shown)
    while follow:
        time.sleep(_POLL_S)
        _print((line for line in follower.poll() if line not in already), as_json)
        already = set()


@audit.command(short_help="Show the records that fit.")
@click.option("--since", callback=moment, help="Ended at or after: 2h ago, or 2026-11-24T13:00.")
@click.option("--until", callback=moment, help="Ended before.")
@click.option("--account", help="Account, or a glob.")
@click.option("--key", help="Fingerprint (fp:...), or the beginning of a key id.")
@click.option("--model", help="Model asked for, or a glob.")
@click.option("--end", type=click.Choice(_ENDS), help="How it ended.")
@click.option("--outcome", type=click.Choice(["forward", "refuse"]), help="What was decided.")
@click.option("--reason", help="Reason code such as limit.free-rpm, or a glob such as 'limit.*'.")
@click.option("--status", callback=_status, help="Status told to the client: 429, or 5xx.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), help="At most so many, the latest.")
@data_option
@json_option
def query(since: int | None, until: int | None, limit: int | None, data: Path, as_json: bool, **asked: str | None) -> None:
    """Show the records that fit, a line each, in the order in which they ended. Without filters: all.

    With --json each record is printed as it is stored, a JSON line each; `id` is what x-gateway-decision said.

    Example: gateway audit query --since 7d --key fp:9f2c61d07ab4 --status 4xx --json
    """
    _there(data)
    _print(select(data, Query(since, until, **asked), limit), as_json)


@audit.command(short_help="Show one record by its id.")
@click.argument("id_", metavar="ID")
@data_option
@json_option
def show(id_: str, data: Path, as_json: bool) -> None:
    """Show one record by its ID, which x-gateway-decision told the client. The beginning of an id will do where it fits one only.

    Example: gateway audit show 0193c0de4f2a
    """
    _there(data)
    if not re.fullmatch(r"[A-Za-z0-9_.-]{4,128}", id_):
        raise click.BadParameter("an id has letters, digits, - and _; give at least its first four", param_hint="ID")
    found = [decode(line) for line in find_records(data, id_)]
    if not found:
        click.echo(f"no record with the id {id_} in {log_folder(data)}", err=True)
        sys.exit(1)
    if len({record["id"] for record in found}) > 1:
        raise click.BadParameter(f"several records begin with {id_}: give more of it", param_hint="ID")
    if as_json:
        print_json(found[0])
        return
    for name, value in _flat(found[0]):
        click.echo(f"{name:<26} {_shown(value)}")


@audit.command(short_help="Check every line of the log.")
@click.option("--expect", callback=_hash, help="A head noted earlier: it must be there, and anchors what is before it.")
@public_key_option
@data_option
@json_option
def verify(expect: str | None, public_keys: tuple[Path, ...], data: Path, as_json: bool) -> None:
    """Check every line of the log: its hash, its place, the checkpoints, the chains that name each other.

    With --public-key each checkpoint must be signed by a key that is given. Exit status 0: all holds (notices may be printed); 1:
    something was altered, dropped, moved, inserted or cut, and where.

    Example: gateway audit verify --data gateway-data
    """
    _there(data)
    report = verify_log(data, expect=expect, keys=given_keys(public_keys), progress=_progress())
    if as_json:
        print_json(_document(report))
    else:
        _tell(report)
    sys.exit(1 if report.broken else 0)


for command in (export, keys, rotate, prove, check):
    audit.add_command(command)


# ── What is printed ─────────────────────────────────────────────────────────────────────────────


def _there(data: Path) -> None:
    if not log_folder(data).is_dir():
        raise SettingsError(f"there is no audit log in {log_folder(data)}; give the --data of the gateway")


def _print(lines: Iterable[bytes], as_json: bool) -> None:
    for line in lines:
        if as_json:
            click.echo(line, nl=False)
        else:
            click.echo(_for_people(decode(line)))
    sys.stdout.flush()


def _for_people(record: dict[str, Any]) -> str:
    """One line on one record: when, what was told, how it ended, who, what, why, how much, how long, which."""
    caller, facts, decision = record.get("caller") or {}, record.get("facts") or {}, record.get("decision") or {}
    usage = record.get("usage") or {}
    who = caller.get("account") or "-"
    if who == caller.get("key_id"):
        who = caller.get("key") or "-"
    took = f"{(record['ended'] - record['at']) / 1e6:.3f}s"
    what = facts.get("model") or f"{record.get('method', '')} {record.get('path', '')}".strip() or "-"
    done = "refuse" if decision.get("outcome") == "refuse" else decision.get("action", "-")
    why = f"{done}/{decision.get('reason', '-')}"
    tokens = f"{usage.get('input', 0)}+{usage.get('output', 0)}tok"
    columns = (_time(record["ended"]), f"{record['status']:3d}", record["end"], who, what, why, tokens, took, record["id"])
    return "  ".join(_plain(str(column)) for column in columns)


def _flat(members: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in members.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{name}.")
        elif name in {"at", "ended"} and not before:
            yield name, _time(value)
        else:
            yield _plain(before + name), value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(str(item)) for item in value) or "-"
    return "-" if value is None or value in ("", {}) else _plain(str(value))


def _time(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d %H:%M:%S}.{at_us // 1000 % 1000:03d}Z"


def _plain(text: str) -> str:
    """Without what a terminal would obey: models and paths are what clients send."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _progress() -> Any:
    """Lines read so far, on a terminal's standard error."""
    total = 0

    def tell(lines: int) -> None:
        nonlocal total
        total += lines
        if sys.stderr.isatty() and total >= 50_000:
            click.echo(f"\r{total:,} lines", nl=False, err=True)

    return tell


def _document(report: Report) -> dict[str, Any]:
    return {
        "ok": not report.broken,
        "records": report.records,
        "chains": [
            {
                "chain": chain.chain,
                "lines": chain.lines,
                "records": chain.records,
                "head": chain.head,
                "closed": chain.closed,
                "unanchored": chain.unanchored,
                "lost": chain.lost,
                "signed": chain.signed,
            }
            for chain in report.chains
        ],
        "broken": [{"file": found.file, "line": found.line, "seq": found.seq, "what": found.what} for found in report.broken],
        "more": report.more,
        "notices": report.notices,
    }


def _tell(report: Report) -> None:
    if sys.stderr.isatty():
        click.echo("\r", nl=False, err=True)
    for found in report.broken:
        click.echo(f"broken: {found}")
    if report.more:
        click.echo(f"broken: and {report.more} more")
    for notice in report.notices:
        click.echo(f"notice: {notice}")
    for chain in report.chains:
        click.echo(f"chain {chain.chain}: {chain.records} records, head {chain.head}{', closed' if chain.closed else ''}")
    click.echo(f"{'BROKEN' if report.broken else 'ok'}: {report.records} records in {len(report.chains)} chains")
