"""Sorting more lines than fit into memory: sorted runs in temporary files, merged as they are read."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, cast

__all__ = ["ordered"]

_RUN_BYTES = 64 << 20
_MOST_RUNS = 64
"""Files that are open at once; more runs than that are first merged into one."""

_DIGITS, _BUFFER = 20, 1 << 18


def ordered(pairs: Iterable[tuple[int, bytes]], *, run_bytes: int = _RUN_BYTES, most_runs: int = _MOST_RUNS) -> Iterator[bytes]:
    """Lines (newline included) by their number, from 0 on; of equal numbers in the order in which they came.

    About `run_bytes` of them are held at once, the rest lies in files without a name. OSError where those cannot be written.
    """
    runs: list[IO[bytes]] = []
    held: list[bytes] = []
    size = 0
    try:
        for number, line in pairs:
            held.append(b"%0*d%b" % (_DIGITS, max(0, number), line))
            size += len(line) + _DIGITS
            if size >= run_bytes:
                if len(runs) >= most_runs:
                    _join(runs)
                runs.append(_run(sorted(held, key=_number)))
                held, size = [], 0
        held.sort(key=_number)
        for line in heapq.merge(*runs, held, key=_number):
            yield line[_DIGITS:]
    finally:
        for run in runs:
            run.close()


def _join(runs: list[IO[bytes]]) -> None:
    """Make one of them. It comes first, as they did, so that of equal numbers order is kept."""
    merged = _run(heapq.merge(*runs, key=_number))
    while runs:
        runs.pop().close()
    runs.append(merged)


def _run(lines: Iterable[bytes]) -> IO[bytes]:
    file = cast(IO[bytes], tempfile.TemporaryFile(buffering=_BUFFER))  # noqa: SIM115 - `ordered` closes it
    try:
        file.writelines(lines)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _number(line: bytes) -> bytes:
    return line[:_DIGITS]
