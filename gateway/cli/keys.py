"""`gateway keys`: issue, list and revoke the keys of callers. A key is shown once, when it is made; its keyed hash is what stays."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.cli.beside import beside
from gateway.cli.options import json_option, print_json, state_options
from gateway.issue import issue_key
from gateway.model.caller import KeyRecord, fingerprint, key_id_of
from gateway.model.limit import MAX_AMOUNT
from gateway.ports import KeyStore

__all__ = ["keys"]

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MOST_LIMITS = 64
_LONGEST_WORD = 128
_LONGEST_NOTE = 500
_FARTHEST_US = 100 * 366 * 86_400 * 1_000_000
"""No expiry is farther than a hundred years: no calendar prints what is beyond the year 9999."""


@contextlib.asynccontextmanager
async def _opened(state: str, data: Path) -> AsyncIterator[tuple[KeyStore, bytes]]:
    """The key store and the deployment's secret, beside a gateway that may be running on them."""
    async with beside(state, data) as opened:
        yield opened.keys, opened.secret


def _expiry(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """`30d`, `12h` from now, or a date such as 2027-01-31 (its first instant in UTC); Unix microseconds."""
    if value is None:
        return None
    now = time.time_ns() // 1000
    if match := re.fullmatch(r"([0-9]{1,6})([smhdw])", value):
        expires = now + int(match[1]) * _UNITS_S[match[2]] * 1_000_000
    else:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise click.BadParameter("give a time from now (30d, 12h) or a date (2027-01-31)") from None
        expires = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000)
        if expires <= now:
            raise click.BadParameter(f"{value} is in the past")
    if expires > now + _FARTHEST_US:
        raise click.BadParameter(f"{value} is more than a hundred years away: leave --expires out for a key that stays")
    return expires


def _word(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Names that stand in policies and records: printable, bounded, and not empty."""
    for word in value if isinstance(value, tuple) else (value,):
        if word is not None and not (len(word) <= _LONGEST_WORD and word.isprintable() and word.strip()):
            raise click.BadParameter(f"must have 1 to {_LONGEST_WORD} printable characters")
    return value


def _note(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A note is printed beside its key in lists: one line, and nothing that a terminal would obey."""
    if len(value) > _LONGEST_NOTE or not value.isprintable():
        raise click.BadParameter(f"must be one line of at most {_LONGEST_NOTE} printable characters")
    return value


def _limits(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """`free-rpm=100` as pairs, each limit once, by id. Whether a policy has such a limit is not known here."""
    found: dict[str, int] = {}
    for text in value:
        match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9_.\-]{0,63})=([0-9]{1,16})", text)
        if match is None or int(match[2]) > MAX_AMOUNT:
            raise click.BadParameter(f"write ID=AMOUNT with a whole amount of at most 2^53, like free-rpm=100, not {text[:100]!r}")
        if match[1] in found:
            raise click.BadParameter(f"{match[1]} is given twice")
        found[match[1]] = int(match[2])
    if len(found) > _MOST_LIMITS:
        raise click.BadParameter(f"a key has at most {_MOST_LIMITS} amounts of its own: give it a tier with others")
    return tuple(sorted(found.items()))


@click.group()
def keys() -> None:
    """Create, list and revoke the keys of callers.

    Example: gateway keys create --account acme --tier standard --tag paid --expires 90d
    """


@keys.command()
@state_options
@click.option("--account", callback=_word, help="Who owns the key; without one the key is its own account.")
@click.option("--tier", callback=_word, help="The tier this key asks for; the policy's caller rules have the last word.")
@click.option("--tag", "tags", multiple=True, callback=_word, help="A tag that caller rules can match; may be given several times.")
@click.option("--expires", callback=_expiry, metavar="WHEN", help="30d, 12h, or a date such as 2027-01-31.")
@click.option(
    "--limit", "limits", multiple=True, callback=_limits, metavar="ID=AMOUNT",
    help="The key's own amount of a limit that the policy counts per key or account, such as free-rpm=100 (of money: whole units); "
    "may be given several times.",
)  # fmt: skip
@click.option("--note", default="", callback=_note, help="For people: who has it and why.")
@json_option
def create(
    state: str,
    data: Path,
    account: str | None,
    tier: str | None,
    tags: tuple[str, ...],
    expires: int | None,
    limits: tuple[tuple[str, int], ...],
    note: str,
    as_json: bool,
) -> None:
    """Make a key. It is printed once and cannot be shown again.

    Example: gateway keys create --account acme --tag paid --json
    """

    async def made() -> tuple[str, KeyRecord]:
        async with _opened(state, data) as (store, secret):
            now = time.time_ns() // 1000
            return await issue_key(
                store,
                secret,
                now_us=now,
                account=account,
                tier=tier,
                tags=frozenset(tags),
                expires_us=expires,
                note=note,
                limits=limits,
            )

    key, record = asyncio.run(made())
    if as_json:
        print_json({"key": key, **_shown(record)})
    else:
        click.echo(key)
        click.echo(f"{fingerprint(record.key_id)}  {_described(record)}  (shown once: keep it now)", err=True)


@keys.command("list")
@state_options
@json_option
def list_(state: str, data: Path, as_json: bool) -> None:
    """List issued keys by fingerprint, oldest first.

    Example: gateway keys list --state redis://127.0.0.1:6379/0
    """

    async def found() -> list[KeyRecord]:
        async with _opened(state, data) as (store, _):
            return await store.list()

    records = asyncio.run(found())
    if as_json:
        print_json([_shown(record) for record in records])
        return
    for record in records:
        click.echo(f"{fingerprint(record.key_id)}  {record.state(time.time_ns() // 1000):<8}  {_described(record)}")
    if not records:
        click.echo("no keys yet: gateway keys create --account NAME", err=True)


@keys.command()
@state_options
@click.argument("key_fingerprint", metavar="FINGERPRINT")
@json_option
def revoke(state: str, data: Path, key_fingerprint: str, as_json: bool) -> None:
    """Revoke a key; every running gateway on this state refuses it within a second.

    Example: gateway keys revoke fp:9f2c61d07ab4
    """
    prefix = key_fingerprint.removeprefix("fp:").lower()
    if not re.fullmatch(r"[0-9a-f]{8,32}", prefix):
        raise click.BadParameter(
            "give a fingerprint as `gateway keys list` shows it (fp: and at least 8 hex digits)", param_hint="FINGERPRINT"
        )

    async def revoked() -> KeyRecord | None:
        async with _opened(state, data) as (store, _):
            return await store.revoke(prefix, time.time_ns() // 1000)

    record = asyncio.run(revoked())
    if as_json:
        print_json({"revoked": record is not None, **(_shown(record) if record else {})})
    elif record is not None:
        click.echo(f"{fingerprint(record.key_id)} is revoked")
    if record is None:
        click.echo(f"no single active key begins with {prefix}: see `gateway keys list`", err=True)
        sys.exit(1)


@keys.command("fingerprint")
@state_options
@json_option
def fingerprint_(state: str, data: Path, as_json: bool) -> None:
    """Tell the fingerprint of a key, which is read from standard input so that it stays out of the shell's history.

    Example: gateway keys fingerprint < key.txt
    """
    key = (click.prompt("Key", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not key:
        raise click.UsageError("no key on standard input")

    async def secret() -> bytes:
        async with _opened(state, data) as (_, found):
            return found

    told = fingerprint(key_id_of(asyncio.run(secret()), key.encode()))
    if as_json:
        print_json({"fingerprint": told})
    else:
        click.echo(told)


def _shown(record: KeyRecord) -> dict[str, object]:
    return {
        "fingerprint": fingerprint(record.key_id),
        "key_id": record.key_id,
        "account": record.account,
        "tier": record.tier,
        "tags": sorted(record.tags),
        "state": record.state(time.time_ns() // 1000),
        "created": _moment(record.created_us),
        "expires": _moment(record.expires_us),
        "revoked": _moment(record.revoked_us),
        "limits": dict(record.limits),
        "note": record.note,
    }


def _described(record: KeyRecord) -> str:
    parts = [f"account {record.account}" if record.account else "no account"]
    if record.tier:
        parts.append(f"tier {record.tier}")
    if record.tags:
        parts.append("tags " + ", ".join(sorted(record.tags)))
    if record.expires_us is not None:
        parts.append(f"expires {_moment(record.expires_us)}")
    if record.limits:
        parts.append("limits " + ", ".join(f"{name}={amount}" for name, amount in record.limits))
    if record.note:
        parts.append(record.note)
    return "  ".join(parts)


def _moment(us: int | None) -> str | None:
    return None if us is None else datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
