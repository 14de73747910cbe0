"""The one who writes a chain: lines in, whole batches on disk or nothing, segments one after another, checkpoints beside them.

Knows neither the loop nor who waits: `segments.SegmentSink` calls it, from one thread at a time.
"""

from __future__ import annotations

import os
import platform
from base64 import b64encode
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple, Protocol

from gateway.audit.appendfile import AppendFile
from gateway.audit.chain import Chain
from gateway.audit.folder import CHECKPOINTS, chain_folders, claim, log_folder, new_name, segment_path, segments, wait_for
from gateway.audit.lines import encode
from gateway.audit.merkle import Tree
from gateway.audit.read import head_of, tail_of

__all__ = ["SEGMENT_BYTES", "ChainWriter", "Entry", "Place", "Signs", "mark"]

SEGMENT_BYTES = 64 << 20
"""A segment of this size or more is followed by a new one."""

_AFTER = 64
_MARKS_PENDING = 100
_PLACES = 4096


class Entry(NamedTuple):
    """One line to be: its kind, its time in Unix microseconds, its further members as JSON, and the id it is about, if any."""

    kind: str
    at_us: int
    members: bytes = b"{}"
    id: str = ""


class Place(NamedTuple):
    """Where a line lies: file, offset and length."""

    path: Path
    offset: int
    length: int


class Signs(Protocol):
    """Who signs checkpoints; see `signing.Signer`."""

    @property
    def name(self) -> str: ...
    def sign(self, text: bytes) -> bytes: ...
    def refresh(self) -> None: ...


def mark(chain: str, at_us: int, place: Chain, tree: Tree, signer: Signs | None = None) -> bytes:
    """The line of `checkpoints.jsonl` for the line that a chain, and the tree of its lines, has just come to."""
    members = {"chain": chain, "seq": place.seq - 1, "head": place.head, "at": at_us, "root": tree.root()}
    if signer is None:
        return b'{"v":1,' + encode(members)[1:] + b"\n"
    text = b'{"v":1,' + encode({**members, "key": signer.name})[1:-1]
    return text + b',"sig":"%b"}\n' % b64encode(signer.sign(text))


class ChainWriter:
    """Writes one chain under `data`, made by `begin`. All errors are OSError, and a failed call has changed nothing."""

    def __init__(
        self,
        data: Path,
        now: Callable[[], int],
        *,
        synced: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        signer: Signs | None = None,
    ) -> None:
        self._data = data
        self._now = now
        self.signer = signer
        self._synced = synced
        self._segment_bytes = segment_bytes
        self._folder = data
        self._lock = -1
        self._chain = Chain()
        self._tree = Tree()
        self._first: list[Entry] = []
        self._segment: AppendFile | None = None
        self._number = 0
        self._marks: AppendFile | None = None
        self._marks_due: list[bytes] = []
        self._records = 0
        self._open: dict[str, int] = {}
        self._places: dict[str, Place] = {}
        self.unmarked = 0
        """Lines since the last checkpoint."""
        self.lost = 0
        """Lines that could not be written, to be said in the log as soon as it can be written again; since `lost_since`."""
        self.lost_since = 0

    @property
    def folder(self) -> Path:
        """The chain's own folder."""
        return self._folder

    def begin(self) -> None:
        """Begin a chain of one's own: its folder, its lock, its first line."""
        self._let_go()
        root = log_folder(self._data)
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        gate = wait_for(root)
        try:
            self._folder = root / new_name(self._now())
            self._folder.mkdir(mode=0o700)
            lock = claim(self._folder)
            self._lock = -1 if lock is None else lock
            after = _ends(self._data)
        finally:
            os.close(gate)
        self._chain, self._tree, self._number, self._records = Chain(), Tree(), 0, 0
        self._open, self._places, self._marks_due = {}, {}, []
        first = {
            "chain": self._folder.name,
            "version": _version(),
            "host": platform.node(),
            "pid": os.getpid(),
            "after": after,
        }
        self._first = [Entry("chain", self._now(), encode(first))]
        self.append([])

    def append(self, entries: Sequence[Entry]) -> int:
        """Write these lines, all or none, and say how many bytes that came to. What was lost before is said first."""
        self._make_ready()
        ahead = self._first if self._chain.seq == 0 else []
        if self.lost:
            ahead = [*ahead, Entry("lost", self._now(), encode({"lines": self.lost, "since": self.lost_since}))]
        size = self._append([*ahead, *entries] if ahead else entries)
        self.lost = 0
        return size

    def forget(self, entries: Sequence[Entry]) -> None:
        """These could not be written: count them, and no longer wait for the record of what they open or end."""
        if not self.lost:
            self.lost_since = self._now()
        self.lost += sum(entry.id != "" for entry in entries)
        for entry in entries:
            if entry.kind == "record":
                self._open.pop(entry.id, None)

    def place(self, record_id: str) -> Place | None:
        """Where a record written lately lies."""
        return self._places.get(record_id)

    def close(self) -> None:
        """Write the chain's last line and let its folder go."""
        try:
            if self._segment is not None:
                self.append([Entry("closed", self._now())])
        finally:
            self._let_go()

    # ── One batch ───────────────────────────────────────────────────────────────────────────────

    def _append(self, entries: Sequence[Entry]) -> int:
        chain, tree, marks, records, begun = self._chain.copy(), self._tree.copy(), [], self._records, self._chain.seq
        segment = self._next_segment()
        oldest = next(iter(self._open.values()), None)
        lines = []
        for entry in entries:
            records += entry.kind == "record"
            if entry.kind == "opened" and oldest is None:
                oldest = chain.seq
            members = (
                encode({"records": records, "open": chain.seq if oldest is None else oldest})
                if entry.kind in {"checkpoint", "closed"}
                else entry.members
            )
            lines.append(chain.line(entry.kind, entry.at_us, members))
            tree.push(chain.head)
            if entry.kind in {"checkpoint", "closed"}:
                marks.append(self._mark(entry.at_us, chain, tree))
        offset = segment.size
        blob = b"".join(lines)
        segment.append(blob, sync=self._synced)
        self._chain, self._tree, self._records = chain, tree, records
        self._note(entries, lines, begun, offset)
        self._write_marks(marks)
        return len(blob)

    def _note(self, entries: Sequence[Entry], lines: list[bytes], seq: int, offset: int) -> None:
        """Remember what is open and where records lie, now that the lines are on disk."""
        path = self._segment.path if self._segment is not None else self._folder
        for entry, line in zip(entries, lines, strict=True):
            self.unmarked = 0 if entry.kind == "checkpoint" else self.unmarked + 1
            if entry.kind == "opened":
                self._open[entry.id] = seq
            elif entry.kind == "record":
                self._open.pop(entry.id, None)
                self._places[entry.id] = Place(path, offset, len(line))
                if len(self._places) > _PLACES:
                    del self._places[next(iter(self._places))]
            seq += 1
            offset += len(line)

    def _mark(self, at_us: int, chain: Chain, tree: Tree) -> bytes:
        if self.signer is not None:
            self.signer.refresh()
        return mark(self._folder.name, at_us, chain, tree, self.signer)

    def _write_marks(self, marks: list[bytes]) -> None:
        """Append to `checkpoints.jsonl`. Where that fails the lines are on disk all the same: the marks are kept for next time."""
        self._marks_due += marks
        if not marks:
            return
        try:
            if self._marks is None or self._marks.removed:
                self._marks = AppendFile(self._folder / CHECKPOINTS, new=False)
            self._marks.append(b"".join(self._marks_due), sync=self._synced)
        except OSError:
            return
        self._marks_due = []

    @property
    def may_mark(self) -> bool:
        """Whether a further checkpoint is sensible: not while many wait for their line in `checkpoints.jsonl`."""
        return len(self._marks_due) < _MARKS_PENDING

    # ── Segments ────────────────────────────────────────────────────────────────────────────────

    def _make_ready(self) -> None:
        """Where the segment was removed go on in the next; where the whole folder was, in a chain of its own."""
        if self._segment is not None and self._segment.removed:
            self._segment.close()
            self._segment = None
        if self._segment is None and self._chain.seq and not self._folder.is_dir():
            self.begin()

    def _next_segment(self) -> AppendFile:
        segment = self._segment
        if segment is not None and segment.size < self._segment_bytes:
            return segment
        made = AppendFile(segment_path(self._folder, self._number + 1), new=True)
        if self._synced:
            _sync_folder(self._folder)
        if segment is not None:
            segment.close()
        self._segment, self._number = made, self._number + 1
        return made

    def _let_go(self) -> None:
        for file in (self._segment, self._marks):
            if file is not None:
                file.close()
        self._segment = self._marks = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _ends(data: Path) -> list[dict[str, object]]:
    """The last lines of the latest chains that are closed, so that a chain that is taken away is missed."""
    ends: list[dict[str, object]] = []
    for chain in chain_folders(data)[-_AFTER:]:
        files = segments(chain)
        head = head_of(tail_of(files[-1]).line) if files else None
        if head is not None and head.kind == "closed":
            ends.append({"chain": chain.name, "seq": head.seq, "head": head.hash})
    return ends


def _version() -> str:
    """The gateway's version, "" where it runs without being installed."""
    try:
        return version("azeotrope")
    except PackageNotFoundError:
        return ""


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
