"""What the next process does about a chain whose writer died: cuts the torn line, closes the streams left open, ends the chain.

Nothing whole is ever taken away, and what was done stands in the chain itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.audit.appendfile import AppendFile
from gateway.audit.chain import Chain
from gateway.audit.folder import CHECKPOINTS, chain_folders, claim, log_folder, segments, wait_for
from gateway.audit.lines import encode, interrupted
from gateway.audit.merkle import Tree
from gateway.audit.read import Head, decode, head_of, lines_of, tail_of
from gateway.audit.writer import Signs, mark

__all__ = ["Recovered", "recover", "recover_all"]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done about one chain: bytes of a torn last line that were cut, and the ids of streams closed as interrupted.

    `problem` says why a chain was left as it is, "" where it was not.
    """

    chain: str
    cut: int = 0
    orphans: tuple[str, ...] = ()
    problem: str = ""


def recover_all(data: Path, now_us: int, signer: Signs | None = None) -> list[Recovered]:
    """Recover every chain whose writer is dead. One process at a time; those of living processes are left alone.

    OSError only when the folder of all chains cannot be made or locked.
    """
    root = log_folder(data)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    done = []
    gate = wait_for(root)
    try:
        for chain in chain_folders(data):
            try:
                result = _if_dead(chain, now_us, signer)
            except (OSError, msgspec.DecodeError, KeyError) as error:
                result = Recovered(chain.name, problem=f"{type(error).__name__}: {error}")
            if result is not None:
                done.append(result)
    finally:
        os.close(gate)
    return done


def _if_dead(chain: Path, now_us: int, signer: Signs | None) -> Recovered | None:
    lock = claim(chain)
    if lock is None:
        return None
    try:
        return recover(chain, now_us, signer)
    finally:
        os.close(lock)


def recover(chain: Path, now_us: int, signer: Signs | None = None) -> Recovered | None:
    """Recover one chain, whose lock the caller has; None where it is closed, so that there is nothing to do."""
    files = segments(chain)
    tails = [(path, tail_of(path)) for path in files[-2:]]
    whole = [(path, tail) for path, tail in tails if tail.line]
    if not whole:
        return _remove_unbegun(chain, files)
    path, tail = whole[-1]
    head = head_of(tail.line)
    if head is None:
        return Recovered(chain.name, problem=f"the last line of {path.name} is not a line of the log; run `gateway audit verify`")
    if head.kind == "closed":
        return None
    return _wind_up(chain, tails[-1][0], head, sum(tail.torn for _, tail in tails), now_us, signer)


def _wind_up(chain: Path, path: Path, last: Head, torn: int, now_us: int, signer: Signs | None) -> Recovered:
    """1. Find what is open. 2. Cut what is torn. 3. Say so, record the interrupted, and close."""
    orphans, records = _open_at_end(chain)
    tree = _tree_of(chain)
    file = AppendFile(path, new=False)
    try:
        file.cut(tail_of(path).whole)
        place = Chain(last.seq + 1, last.hash)
        lines = [place.line("recovered", now_us, encode({"cut": torn, "orphans": len(orphans)}))]
        lines += [place.line("record", int(opened["at"]), interrupted(opened, now_us)) for opened in orphans]
        lines.append(place.line("closed", now_us, encode({"records": records + len(orphans), "open": place.seq})))
        file.append(b"".join(lines), sync=True)
    finally:
        file.close()
    for line in lines:
        _push(tree, line)
    _mark_closed(chain, mark(chain.name, now_us, place, tree, signer))
    return Recovered(chain.name, torn, tuple(str(opened["id"]) for opened in orphans))


def _tree_of(chain: Path) -> Tree:
    """The tree of the lines that a chain has. All of it is read: a dead writer's chain is one of some days at most."""
    tree = Tree()
    for path in segments(chain):
        for line in lines_of(path):
            _push(tree, line)
    return tree


def _push(tree: Tree, line: bytes) -> None:
    head = head_of(line)
    if head is not None:
        tree.push(head.hash)


def _mark_closed(chain: Path, line: bytes) -> None:
    """The last line of `checkpoints.jsonl`, in place of one that was torn."""
    file = AppendFile(chain / CHECKPOINTS, new=False)
    try:
        file.cut(tail_of(file.path).whole)
        file.append(line, sync=True)
    finally:
        file.close()


def _open_at_end(chain: Path) -> tuple[list[dict[str, Any]], int]:
    """The openings that have no record, and how many records there are. Reads from the oldest line that the last checkpoint needs."""
    files = segments(chain)
    oldest, marked, records = _last_checkpoint(files)
    opened: dict[str, dict[str, Any]] = {}
    for path in _from(files, oldest):
        for line in lines_of(path):
            head = head_of(line)
            if head is None or head.seq < oldest or head.kind not in {"opened", "record"}:
                continue
            members = decode(line)
            if head.kind == "opened":
                opened[members["id"]] = members
            else:
                opened.pop(members["id"], None)
                records += head.seq > marked
    return list(opened.values()), records


def _last_checkpoint(files: list[Path]) -> tuple[int, int, int]:
    """(line of the oldest open stream, line of the checkpoint, records so far) of a chain's last checkpoint; (0, -1, 0) for none."""
    for path in reversed(files):
        found = b""
        for line in lines_of(path):
            if b'"kind":"checkpoint"' in line[:200] or b'"kind":"closed"' in line[:200]:
                found = line
        if found:
            members = decode(found)
            return int(members["open"]), int(members["seq"]), int(members["records"])
    return 0, -1, 0


def _from(files: list[Path], seq: int) -> list[Path]:
    """The segments from the one on that holds line `seq`."""
    for index in range(len(files) - 1, 0, -1):
        head = head_of(next(lines_of(files[index]), b""))
        if head is not None and head.seq <= seq:
            return files[index:]
    return files


def _remove_unbegun(chain: Path, files: list[Path]) -> Recovered | None:
    """A chain without one whole line: its writer died before it promised anything."""
    if len(files) > 1 or (chain / CHECKPOINTS).exists():
        return Recovered(chain.name, problem="its last segments hold no whole line; run `gateway audit verify`")
    for path in files:
        path.unlink()
    chain.rmdir()
    return None
