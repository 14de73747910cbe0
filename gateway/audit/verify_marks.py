"""The verifier's reading of `checkpoints.jsonl`: along with the chain, line by line. Written against `docs/audit-format.md` alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = ["Mark", "Marks", "mark_of"]

_LONGEST = 1 << 20
_MARK = re.compile(
    rb'(\{"v":1,"chain":"([^"]+)","seq":(0|[1-9][0-9]*),"head":"([0-9a-f]{64})","at":(-?[0-9]+)'
    rb'(?:,"root":"([0-9a-f]{64})"(?:,"key":"([0-9a-f]{16})")?)?)(?:,"sig":"([A-Za-z0-9+/=]{88})")?\}\n'
)


class Mark(NamedTuple):
    """One line of `checkpoints.jsonl`. `settled`: it was there before the chain was read, so its line must be there too.

    `root`, and `signed` (the text that is signed), `key`, `signature`: empty in a line that has none.
    """

    line: int
    chain: str
    seq: int
    head: str
    at_us: int
    settled: bool
    root: str = ""
    signed: bytes = b""
    key: str = ""
    signature: str = ""


class Marks:
    """`checkpoints.jsonl`, read along with the chain, since its lines come in the chain's order."""

    def __init__(self, path: Path) -> None:
        self.torn = 0
        self._file: BinaryIO | None = None
        self._path = path
        self._ahead: Mark | None = None
        self._line = 0
        self._size = path.stat().st_size if path.exists() else 0

    def __enter__(self) -> Marks:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def peek(self) -> Mark | None:
        """The next one, None while there is none; a line that is none has seq -1."""
        if self._ahead is None:
            self._ahead = self._read()
        return self._ahead

    def take(self) -> None:
        """Go on to the one after."""
        self._ahead = None

    def _read(self) -> Mark | None:
        if self._file is None:
            if not self._path.exists():
                return None
            self._file = open(self._path, "rb")  # noqa: SIM115 - closed by __exit__
        begin = self._file.tell()
        text = self._file.readline(_LONGEST)
        if not text.endswith(b"\n"):
            self.torn = len(text)
            self._file.seek(begin)
            return None
        self._line += 1
        match = _MARK.fullmatch(text)
        if match is None:
            return Mark(self._line, "", -1, "", 0, True)
        return _read_mark(match, self._line, settled=begin < self._size)


def _read_mark(match: re.Match[bytes], line: int, *, settled: bool) -> Mark:
    """A line that has a mark's shape, with what is signed of it."""
    text, chain, seq, head, at, root, key, signature = (part or b"" for part in match.groups())
    return Mark(
        line,
        chain.decode("utf-8", "replace"),
        int(seq),
        head.decode(),
        int(at),
        settled,
        root.decode(),
        text if signature else b"",
        key.decode(),
        signature.decode(),
    )


def mark_of(text: bytes) -> Mark | None:
    """A mark on its own, as a proof carries it; None where it is none."""
    match = _MARK.fullmatch(text)
    return None if match is None else _read_mark(match, 1, settled=True)
