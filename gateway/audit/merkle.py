"""A Merkle tree over a chain's lines, so that one line can be shown to somebody without the others.

The tree of RFC 6962, section 2.1, over the `hash` members of the lines: a leaf is SHA-256(0x00, hash), a node SHA-256(0x01, left,
right), hashes as 32 bytes. Pure. The verifier has its own reading of `docs/audit-format.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = ["Tree", "path_of"]


class Tree:
    """The tree's edge only: the roots of its whole subtrees, largest first. Takes two hashes a line on average."""

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def push(self, line_hash: str) -> None:
        """One more line, by its hash in hexadecimal."""
        node, size = _leaf(line_hash), self.size
        while size & 1:
            node = _node(self._peaks.pop(), node)
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> str:
        """The root in hexadecimal; of no lines the SHA-256 of nothing."""
        if not self._peaks:
            return hashlib.sha256().hexdigest()
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        return root.hex()

    def copy(self) -> Tree:
        """The same place, to go back to."""
        twin = Tree()
        twin.size, twin._peaks = self.size, self._peaks[:]
        return twin


def path_of(line_hashes: Sequence[str], index: int) -> list[str]:
    """The audit path of line `index` in the tree of these lines, from the leaf up, in hexadecimal. IndexError where there is none."""
    if not 0 <= index < len(line_hashes):
        raise IndexError(f"no line {index} among {len(line_hashes)}")
    level = [_leaf(line_hash) for line_hash in line_hashes]
    path = []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside].hex())
        pairs = [_node(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
        level = [*pairs, level[-1]] if len(level) & 1 else pairs
        index >>= 1
    return path


def _leaf(line_hash: str) -> bytes:
    return hashlib.sha256(b"\0" + bytes.fromhex(line_hash)).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
