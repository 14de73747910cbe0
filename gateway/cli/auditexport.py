"""`gateway audit export`: the record of decisions for other tools, as it is stored or as recorded traffic."""

from __future__ import annotations

import contextlib
import gzip
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import click

from gateway.audit.export import traced
from gateway.audit.folder import log_folder
from gateway.audit.query import Query, select
from gateway.cli.options import data_option, moment
from gateway.errors import AuditError, SettingsError

__all__ = ["export"]


@click.command(short_help="Write the records for other tools.")
@click.option("--since", callback=moment, help="Ended at or after: 2h ago, or 2026-11-24T13:00.")
@click.option("--until", callback=moment, help="Ended before.")
@click.option("--account", help="Account, or a glob.")
@click.option("--key", help="Fingerprint (fp:...), or the beginning of a key id.")
@click.option("--format", "form", type=click.Choice(["jsonl", "trace"]), default="jsonl", show_default=True,
              help="jsonl: each record as it is stored; trace: recorded traffic for `gateway replay`.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it to a file instead of standard output; compressed where the name ends in .gz.")  # fmt: skip
@data_option
def export(since: int | None, until: int | None, account: str | None, key: str | None, form: str, out: Path | None, data: Path) -> None:
    """Write the records that fit, without filters all, one JSON object a line.

    As `jsonl` each stands as in the log, in the order in which they ended; as `trace` (gateway.trace/v1) in the order in which the
    requests arrived, with the parameters that are recorded and without prompts, which the log never has.

    Example: gateway audit export --since 7d --format trace --out week.jsonl.gz
    """
    if not log_folder(data).is_dir():
        raise SettingsError(f"there is no audit log in {log_folder(data)}; give the --data of the gateway")
    left: list[int] = [0, 0]

    def counted(lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            left[0] += 1
            yield line

    def leave_out() -> None:
        left[1] += 1

    records = select(data, Query(since, until, account=account, key=key))
    try:
        _write(counted(traced(records, leave_out) if form == "trace" else records), out)
    except BrokenPipeError:
        raise
    except OSError as error:
        where = error.filename or out or "standard output"
        raise AuditError(f"the export cannot be written ({where}): {error.strerror or error}; nothing was kept of it") from error
    if out is not None:
        click.echo(f"{left[0]} record{'s' * (left[0] != 1)} in {out}", err=True)
    if left[1]:
        click.echo(f"{left[1]} left out, which have no caller or no path", err=True)


def _write(lines: Iterable[bytes], out: Path | None) -> None:
    """To a file whole or not at all, or to standard output."""
    if out is None:
        sys.stdout.buffer.writelines(lines)
        sys.stdout.flush()
        return
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    try:
        with _opened(partial, packed=out.suffix == ".gz") as file:
            file.writelines(lines)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(path: Path, *, packed: bool) -> Iterator[IO[bytes]]:
    with path.open("xb") as raw:
        if not packed:
            yield raw
            return
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=cast(Any, raw)) as file:
            yield cast(IO[bytes], file)
