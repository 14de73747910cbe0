"""The verifier's reading of roots, proofs and signatures. Written against `docs/audit-format.md` alone.

A tree of n leaves has, left of the place where the largest power of two below n ends, a whole tree, and right of it the tree of
the rest.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

__all__ = ["PublicKeys", "Roots", "root_by"]


class Roots:
    """The root of the lines seen so far. `subtrees` has (height, root) of whole subtrees, each less high than the one before."""

    def __init__(self) -> None:
        self._subtrees: list[tuple[int, bytes]] = []

    def add(self, line_hash: str) -> None:
        """One more line."""
        height, root = 0, hashlib.sha256(b"\x00" + bytes.fromhex(line_hash)).digest()
        while self._subtrees and self._subtrees[-1][0] == height:
            _, left = self._subtrees.pop()
            height, root = height + 1, hashlib.sha256(b"\x01" + left + root).digest()
        self._subtrees.append((height, root))

    def now(self) -> str:
        """The root in hexadecimal."""
        if not self._subtrees:
            return hashlib.sha256(b"").hexdigest()
        _, root = self._subtrees[-1]
        for _, left in self._subtrees[-2::-1]:
            root = hashlib.sha256(b"\x01" + left + root).digest()
        return root.hex()


def root_by(line_hash: str, index: int, size: int, path: list[str]) -> str | None:
    """The root that a proof leads to, for line `index` of `size`; None where the path has another length than such a proof has.

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    here, last = index, size - 1
    root = hashlib.sha256(b"\x00" + bytes.fromhex(line_hash)).digest()
    for step in path:
        if last == 0:
            return None
        beside = bytes.fromhex(step)
        if here & 1 or here == last:
            root = hashlib.sha256(b"\x01" + beside + root).digest()
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\x01" + root + beside).digest()
        here, last = here >> 1, last >> 1
    return root.hex() if last == 0 else None


class PublicKeys:
    """The keys that may have signed, by name."""

    def __init__(self, files: list[Path]) -> None:
        """ValueError for a file that holds no Ed25519 public key in PEM, OSError for one that cannot be read."""
        self._keys: dict[str, Ed25519PublicKey] = {}
        for file in files:
            try:
                key = load_pem_public_key(file.read_bytes())
            except (ValueError, UnsupportedAlgorithm):
                raise ValueError(f"{file} holds no public key in PEM") from None
            if not isinstance(key, Ed25519PublicKey):
                raise ValueError(f"{file} holds no Ed25519 key")
            raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
            self._keys[hashlib.sha256(raw).hexdigest()[:16]] = key

    @property
    def names(self) -> list[str]:
        return sorted(self._keys)

    def fault(self, text: bytes, name: str, signature: str) -> str:
        """What is wrong with a signature, "" where it holds."""
        key = self._keys.get(name)
        if key is None:
            return f"it is signed by the key {name[:16]}, which is none of those given"
        try:
            key.verify(b64decode(signature, validate=True), text)
        except (InvalidSignature, NotBase64, ValueError):
            return f"its signature by the key {name[:16]} does not hold: it was altered"
        return ""
