"""Shows one record to a third party without the others: the line, the path from it to a signed root, and the checkpoint that has it.

The document is described in `docs/audit-format.md`; `verify_proof` checks one, from that page alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gateway.audit.folder import CHECKPOINTS, chain_folders, segments
from gateway.audit.merkle import path_of
from gateway.audit.read import head_of, lines_of

__all__ = ["FORMAT", "proof_of"]

FORMAT = "gateway.audit-proof/v1"


def proof_of(data: Path, record_id: str) -> dict[str, Any] | None:
    """The proof of a record by its whole id; None where there is no such record, ValueError where no checkpoint covers it yet."""
    needle = b'"id":"%b"' % record_id.encode()
    for chain in reversed(chain_folders(data)):
        hashes: list[str] = []
        found: tuple[int, bytes] | None = None
        for path in segments(chain):
            for line in lines_of(path):
                head = head_of(line)
                if head is None:
                    raise ValueError(f"{chain.name}/{path.name} is broken: run `gateway audit verify`")
                hashes.append(head.hash)
                if head.kind == "record" and needle in line[:400]:
                    found = head.seq, line
        if found is not None:
            return _document(chain, found[0], found[1], hashes)
    return None


def _document(chain: Path, seq: int, line: bytes, hashes: list[str]) -> dict[str, Any]:
    """By the first checkpoint that covers the line: what comes later adds nothing."""
    for mark in lines_of(chain / CHECKPOINTS):
        last = int(msgspec.json.decode(mark)["seq"])
        if last >= seq and b'"root":' in mark:
            return {
                "format": FORMAT,
                "line": line.decode(),
                "index": seq,
                "size": last + 1,
                "path": path_of(hashes[: last + 1], seq),
                "checkpoint": mark.decode(),
            }
    raise ValueError("no checkpoint covers this record yet: the next is written within seconds of it")
