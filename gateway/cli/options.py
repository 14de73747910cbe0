"""Options that several subcommands share, spelled the same everywhere, and how results are printed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

__all__ = ["data_option", "json_option", "moment", "print_json", "state_options"]

F = TypeVar("F", bound=Callable[..., Any])

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("gateway-data"),
    show_default=True,
    envvar="GATEWAY_DATA",
    help="Folder of keys and the audit log.",
)
"""`--data DIR`, as a Path in `data`."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
"""`--json`, as a bool in `as_json`."""

_state_option = click.option(
    "--state",
    default="memory",
    show_default=True,
    envvar="GATEWAY_STATE",
    help="Where the shared state lives: memory, sqlite:FILE, redis://HOST:PORT/DB, redis+cluster://HOST:PORT,... or "
    "redis+sentinel://HOST:PORT,.../SERVICE/DB. One with a password belongs into GATEWAY_STATE: everybody on the machine sees flags.",
)


def state_options(command: F) -> F:
    """`--state` and `--data`, the same as those of `serve`."""
    return _state_option(data_option(command))


def moment(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """`2h` ago, a date or time such as 2026-11-24T13:00 (UTC where it names no zone), as Unix microseconds."""
    if value is None:
        return None
    if match := re.fullmatch(r"(\d{1,6})([smhdw])", value):
        return time.time_ns() // 1000 - int(match[1]) * _UNITS_S[match[2]] * 1_000_000
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("give a time ago (30m, 2h, 7d) or a date or time (2026-11-24, 2026-11-24T13:00+01:00)") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def print_json(value: object) -> None:
    """One JSON document on standard output, indented for people and still plain for programs."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
