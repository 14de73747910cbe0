"""Checking the proof of one record, with nothing but the proof and the public key. Written against `docs/audit-format.md` alone.

1. The line's shape, and its own hash.
2. The path from that hash to the root that the checkpoint states, at the place that the line states for itself.
3. The checkpoint's signature, by one of the keys given.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from gateway.audit.verify_marks import mark_of
from gateway.audit.verify_tree import PublicKeys, root_by

__all__ = ["proof_fault"]

_LINE = re.compile(
    r'(\{"v":1,"seq":(0|[1-9][0-9]*),"prev":"[0-9a-f]{64}","kind":"record","at":.*),"hash":"([0-9a-f]{64})"\}\n', re.DOTALL
)
_LONGEST_PATH = 64


def proof_fault(document: Any, keys: PublicKeys) -> str:
    """What is wrong with a proof, as read from its JSON; "" where the record stood in the log when the checkpoint was signed."""
    if not isinstance(document, dict) or document.get("format") != "gateway.audit-proof/v1":
        return "this is no proof of format gateway.audit-proof/v1"
    line, index, size = (document.get(name) for name in ("line", "index", "size"))
    path: Any = document.get("path")
    match = _LINE.fullmatch(line) if isinstance(line, str) else None
    if match is None or not isinstance(line, str):
        return "its line is not a record of the log"
    try:
        json.loads(line)
    except ValueError:
        return "its line is not JSON"
    if hashlib.sha256(match[1].encode()).hexdigest() != match[3]:
        return "its line was altered: it does not have the hash that it states"
    if not (isinstance(index, int) and isinstance(size, int) and _is_path(path)) or int(match[2]) != index:
        return "its path is none, or not of the place that the line states"
    text = document.get("checkpoint")
    mark = mark_of(text.encode()) if isinstance(text, str) else None
    if mark is None or not mark.root or mark.seq + 1 != size:
        return "its checkpoint is none, or not of the size that it states"
    if root_by(match[3], index, size, path) != mark.root:
        return "its path does not lead to the root that the checkpoint states"
    return keys.fault(mark.signed, mark.key, mark.signature) if mark.signature else "its checkpoint is not signed"


def _is_path(path: Any) -> bool:
    return (
        isinstance(path, list)
        and len(path) <= _LONGEST_PATH
        and all(isinstance(step, str) and re.fullmatch(r"[0-9a-f]{64}", step) for step in path)
    )
