"""Checking the log. Written against `docs/audit-format.md` alone: nothing here is shared with what writes.

    1. Follow each chain through its segments, line by line: shape, number, link, hash.
    2. Hold each checkpoint in it against the next line of `checkpoints.jsonl`, with the root of all lines so far and its signature.
    3. At its end, ask what that file still says of lines that are not there.
    4. Ask where the earlier chains are that the first lines name, and the head that was expected.

A gateway may be writing meanwhile. After a broken line the check goes on, so that all are found. Memory does not grow with the log.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gateway.audit.report import ChainReport, Finding, Report
from gateway.audit.verify_marks import Mark, Marks
from gateway.audit.verify_tree import PublicKeys, Roots

__all__ = ["verify"]

_ZEROS = "0" * 64
_LONGEST = 1 << 20
_TAIL = 76
_HEAD = re.compile(rb'\{"v":1,"seq":(0|[1-9][0-9]*),"prev":"([0-9a-f]{64})","kind":"([a-z]+)","at":-?[0-9]+[,}]')
_END = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n')
_FOLDER = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_FILE = re.compile(r"[0-9]{6,}\.jsonl")
_MARKS = "checkpoints.jsonl"
_EVERY = 50_000


def verify(
    data: Path,
    *,
    expect: str | None = None,
    keys: PublicKeys | None = None,
    progress: Callable[[int], None] = lambda lines: None,
) -> Report:
    """Check the log under `data`. `expect`: a hash that must be there, which anchors its chain up to it. `keys`: by one of which each
    checkpoint must be signed, None: signatures are not asked for. `progress` is told how many further lines were read, from time
    to time. OSError where the log cannot be read, FileNotFoundError where there is none."""
    root = data / "audit"
    report = Report()
    met = False
    for folder in sorted(path for path in root.iterdir() if _FOLDER.fullmatch(path.name)):
        with Marks(folder / _MARKS) as marks:
            check = _Check(folder, marks, report, expect, keys, progress)
            check.run()
        met |= check.met
    _check_named(report)
    if expect is not None and not met:
        report.add(Finding("audit", 0, None, f"no line has the expected hash {expect}: the log was cut or rewritten"))
    return report


class _Check:
    """The check of one chain."""

    def __init__(
        self,
        folder: Path,
        marks: Marks,
        report: Report,
        expect: str | None,
        keys: PublicKeys | None,
        progress: Callable[[int], None],
    ) -> None:
        self.met = False
        self._keys = keys
        self._roots = Roots()
        self._chain = ChainReport(folder.name, head=_ZEROS)
        self._folder = folder
        self._marks = marks
        self._report = report
        self._expect = expect and expect.encode()
        self._progress = progress
        self._seq = 0
        self._unsure = 0
        """Lines just before that could not be read: the next one's number may be higher by as many."""
        self._prev: tuple[bytes, ...] = (_ZEROS.encode(),)
        """What the next line may name as the one before: two hashes where that was altered, none where it could not be read."""
        self._anchor = -1
        self._unmarked: Finding | None = None
        self._before = report.findings

    def run(self) -> None:
        """Check the chain and put what came of it into the report."""
        for count, (file, number, line) in enumerate(self._lines(), 1):
            self._line(file, number, line)
            if count % _EVERY == 0:
                self._progress(_EVERY)
        self._progress(self._chain.lines % _EVERY)
        self._compare_rest()
        self._report.chains.append(self._chain)
        self._conclude()

    # ── 1. The chain ────────────────────────────────────────────────────────────────────────────

    def _lines(self) -> Iterator[tuple[str, int, bytes]]:
        """(file, line number, line) of all segments."""
        number = 1
        while True:
            path = self._folder / f"{number:06d}.jsonl"
            if path.exists():
                yield from self._segment(path, number)
                number += 1
                continue
            later = [int(file.stem) for file in self._folder.iterdir() if _FILE.fullmatch(file.name)]
            if max(later, default=0) < number:
                return
            self._say(path.name, 0, None, "this segment is missing")
            number = min(other for other in later if other > number)

    def _segment(self, path: Path, number: int) -> Iterator[tuple[str, int, bytes]]:
        """A segment's lines. Whether another follows is asked before it is read: if so, its writer is done with it."""
        following = self._folder / f"{number + 1:06d}.jsonl"
        good, count, rest = 0, 0, b""
        with open(path, "rb", buffering=1 << 20) as file:
            while True:
                final, rest = following.exists(), b""
                file.seek(good)
                while line := file.readline(_LONGEST):
                    if not line.endswith(b"\n") and len(line) < _LONGEST:
                        rest = line
                        break
                    good += len(line)
                    count += 1
                    yield path.name, count, line
                if final or not following.exists():
                    break
        if rest and final:
            self._say(path.name, count + 1, self._seq, f"{len(rest)} bytes of an incomplete line, though the chain goes on after it")
        elif rest:
            self._notice(f"{path.name}:{count + 1}: {len(rest)} bytes of an incomplete last line, as a kill leaves them")

    def _line(self, file: str, number: int, line: bytes) -> None:
        chain = self._chain
        chain.lines += 1
        computed = hashlib.sha256(memoryview(line)[:-_TAIL]).hexdigest().encode()
        # Nearly every line is a sound record in its place, and is seen to be one by two comparisons.
        if (
            len(self._prev) == 1
            and line.startswith(b'{"v":1,"seq":%d,"prev":"%b","kind":"record","at":' % (self._seq, self._prev[0]))
            and line.endswith(b',"hash":"%b"}\n' % computed)
            and computed != self._expect
            and not chain.closed
        ):
            chain.records += 1
            self._seq += 1
            self._prev = (computed,)
            self._roots.add(computed.decode())
            return
        head, end = _HEAD.match(line), _END.fullmatch(line, max(0, len(line) - _TAIL))
        if head is None or end is None:
            self._say(file, number, self._seq, "this is not a line of the log")
            self._unsure, self._prev = self._unsure + 1, ()
            return
        self._sound_shape(file, number, line, head, end[1], computed)

    def _sound_shape(self, file: str, number: int, line: bytes, head: re.Match[bytes], stated: bytes, computed: bytes) -> None:
        chain, seq, kind = self._chain, int(head[1]), head[3].decode()
        altered = computed != stated
        if altered:
            self._say(file, number, seq, "this line was altered: it does not have the hash that it states")
        if chain.closed:
            self._say(file, number, seq, "this line stands after the chain's last one")
        if not self._follows(file, number, seq, head[2]):
            return
        self._seq, self._unsure = seq + 1, 0
        self._prev = (stated, computed) if altered else (stated,)
        self._roots.add(stated.decode())
        chain.records += kind == "record"
        if not altered and stated == self._expect:
            self.met, self._anchor = True, max(self._anchor, seq)
        mark = self._marks.peek() if altered else None
        if mark is not None and mark.seq == seq:
            self._marks.take()
        if not altered and kind not in {"record", "opened"}:
            self._special(file, number, seq, kind, line)

    def _follows(self, file: str, number: int, seq: int, prev: bytes) -> bool:
        """Number and link. False for a line that is out of its place: the next one is held against the line before it."""
        if seq < self._seq:
            self._say(file, number, seq, f"this line was moved or inserted here, where line {self._seq} should be")
            return False
        if seq > self._seq + self._unsure:
            gap = seq - self._seq
            self._say(file, number, seq, f"{gap} lines are missing before this one" if gap > 1 else "a line is missing before this one")
        elif self._prev and prev not in self._prev:
            self._say(file, number, seq, "this line does not follow the one before: one of the two was exchanged or inserted")
        return True

    def _special(self, file: str, number: int, seq: int, kind: str, line: bytes) -> None:
        try:
            members: dict[str, Any] = json.loads(line)
        except ValueError:
            self._say(file, number, seq, "this line is not JSON")
            return
        if (kind == "chain") != (seq == 0):
            self._say(file, number, seq, "a chain begins with its `chain` line and has no other")
        if kind == "chain":
            if members.get("chain") != self._folder.name:
                self._say(file, number, seq, f"this is the chain {members.get('chain')}, in the folder of another")
            after = members.get("after")
            self._chain.after = [end for end in after if isinstance(end, dict)] if isinstance(after, list) else []
        elif kind in {"checkpoint", "closed"}:
            self._checkpoint(file, number, seq, members)
            self._chain.closed = kind == "closed"
        elif kind == "lost":
            self._chain.lost += members["lines"] if isinstance(members.get("lines"), int) else 0

    # ── 2. Checkpoints ──────────────────────────────────────────────────────────────────────────

    def _checkpoint(self, file: str, number: int, seq: int, members: dict[str, Any]) -> None:
        head = self._prev[0].decode()
        if members.get("records") != self._chain.records and self._report.findings == self._before:
            self._say(file, number, seq, f"this checkpoint counts {members.get('records')} records, there are {self._chain.records}")
        if self._unmarked is not None:
            self._report.add(self._unmarked)
            self._unmarked = None
        while (mark := self._marks.peek()) is not None and mark.seq < seq:
            self._marks.take()
            self._say(_MARKS, mark.line, mark.seq if mark.seq >= 0 else None, "this names no checkpoint of the chain, or not in order")
        lacking = Finding(self._place(file), number, seq, f"{_MARKS} lacks this checkpoint: that file was cut or rewritten")
        if mark is None:
            # The very last one may be missing there: a kill, or a gateway that is just about to write it.
            self._unmarked = lacking
        elif mark.seq > seq:
            self._report.add(lacking)
        else:
            self._marks.take()
            if (mark.head, mark.chain, mark.at_us) == (head, self._folder.name, members.get("at")):
                self._anchor = max(self._anchor, seq)
                self._signed(mark)
            else:
                self._say(file, number, seq, f"{_MARKS} does not fit this line: the chain or that file was rewritten")

    def _signed(self, mark: Mark) -> None:
        """Root and signature of a checkpoint that fits its line."""
        if mark.root and mark.root != self._roots.now() and self._report.findings == self._before:
            self._say(_MARKS, mark.line, mark.seq, "the root that it states is not that of the lines up to it: that file was rewritten")
        if self._keys is None:
            self._chain.unsigned += not mark.signature
            return
        fault = self._keys.fault(mark.signed, mark.key, mark.signature) if mark.signature else "it is not signed"
        if fault:
            self._say(_MARKS, mark.line, mark.seq, fault)
        else:
            self._chain.signed += 1

    # ── 3. The end ──────────────────────────────────────────────────────────────────────────────

    def _compare_rest(self) -> None:
        """Checkpoints noted beside the chain that the chain does not have. Those noted while it was read are not asked for."""
        while (mark := self._marks.peek()) is not None and mark.settled:
            self._marks.take()
            if mark.seq < 0:
                self._say(_MARKS, mark.line, None, "this does not name a checkpoint")
            elif mark.seq >= self._seq:
                left = f"it ends with line {self._seq - 1}" if self._seq else "nothing of it is left"
                self._say(_MARKS, mark.line, mark.seq, f"the chain has no such line, its tail was cut off: {left}")
            else:
                self._say(_MARKS, mark.line, mark.seq, "this line of the chain is not a checkpoint, or not one in order")
        if self._marks.torn:
            self._notice(f"{_MARKS}: {self._marks.torn} bytes of an incomplete last line, as a kill leaves them")

    def _conclude(self) -> None:
        chain = self._chain
        chain.head = self._prev[0].decode() if self._prev else ""
        chain.unanchored = max(0, self._seq - 1 - self._anchor)
        if not chain.lines:
            self._notice("no whole line yet")
        elif chain.unanchored and self._report.findings == self._before:
            noun = "line stands" if chain.unanchored == 1 else f"{chain.unanchored} lines stand"
            self._notice(f"the last {noun} after the last checkpoint: unanchored")
        if chain.lost:
            self._notice(f"the gateway said that {chain.lost} lines could not be written")

    def _place(self, file: str) -> str:
        return f"{self._folder.name}/{file}"

    def _notice(self, what: str) -> None:
        self._report.notices.append(f"{self._folder.name}: {what}")

    def _say(self, file: str, line: int, seq: int | None, what: str) -> None:
        self._report.add(Finding(self._place(file), line, seq, what))


# ── 4. Chains that others name ──────────────────────────────────────────────────────────────────


def _check_named(report: Report) -> None:
    chains = {chain.chain: chain for chain in report.chains}
    named = {(str(after.get("chain")), str(after.get("head"))): chain.chain for chain in report.chains for after in chain.after}
    for (name, head), by in named.items():
        if name not in chains:
            report.add(Finding(f"{by}/000001.jsonl", 1, 0, f"the chain {name} that this line names is missing"))
        elif chains[name].head != head:
            what = f"the chain {name} ended with the hash {head[:16]}..., as this line says, and no longer does"
            report.add(Finding(f"{by}/000001.jsonl", 1, 0, what))
