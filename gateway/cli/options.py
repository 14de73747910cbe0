"""Options that several subcommands share, spelled the same everywhere, and how results are printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

__all__ = ["data_option", "json_option", "print_json", "state_options"]

F = TypeVar("F", bound=Callable[..., Any])

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


def print_json(value: object) -> None:
    """One JSON document on standard output, indented for people and still plain for programs."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
