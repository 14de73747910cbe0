"""The chain: each line of the audit log holds the hash of the line before, so that none can be changed unnoticed.

Pure: lines in, bytes out. The format is that of `docs/audit-format.md`; the verifier has its own reading of that page.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["GENESIS", "MAX_LINE", "Chain"]

GENESIS = "0" * 64
"""`prev` of a chain's first line."""

MAX_LINE = 1 << 20
"""Bytes of the longest line, newline included."""


@dataclass(slots=True)
class Chain:
    """Where a chain stands: the next line's number and the last line's hash. Copies are cheap; a failed write goes back to one."""

    seq: int = 0
    head: str = GENESIS

    def line(self, kind: str, at_us: int, members: bytes) -> bytes:
        """The next line, newline included; the chain stands after it. `members` is a JSON object without v, seq, prev, kind, at, hash.

        ValueError when the line would be too long; the chain then stands where it stood.
        """
        inner = members[1:-1]
        comma = b"," if inner else b""
        text = b'{"v":1,"seq":%d,"prev":"%b","kind":"%b","at":%d%b%b' % (
            self.seq, self.head.encode(), kind.encode(), at_us, comma, inner,
        )  # fmt: skip
        if len(text) + 76 > MAX_LINE:
            raise ValueError(f"a line of {len(text)} bytes is too long for the log")
        head = hashlib.sha256(text).hexdigest()
        self.seq, self.head = self.seq + 1, head
        return b'%b,"hash":"%b"}\n' % (text, head.encode())

    def copy(self) -> Chain:
        """The same place, to go back to."""
        return Chain(self.seq, self.head)
