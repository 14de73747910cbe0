"""Sealed reasoning: what a client hands back in the next turn so that the model knows what it thought, unreadable and tamper-proof.

The key stands here for all to see: a stand-in keeps no secrets. What matters is that a changed seal is refused, as real endpoints do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

__all__ = ["seal", "unseal"]

_KEY = b"the demo keeps no secrets"
_TAG = 16


def seal(text: str) -> str:
    """The text sealed, in base64."""
    plain = text.encode()
    tag = _tag(plain)
    return base64.b64encode(tag + _mixed(plain, tag)).decode()


def unseal(sealed: str) -> str | None:
    """The text that was sealed, None where the seal is broken."""
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        return None
    tag, plain = raw[:_TAG], _mixed(raw[_TAG:], raw[:_TAG])
    return plain.decode() if tag == _tag(plain) else None


def _tag(plain: bytes) -> bytes:
    return hashlib.blake2b(plain, key=_KEY, digest_size=_TAG).digest()


def _mixed(data: bytes, tag: bytes) -> bytes:
    """Exclusive-or with a key stream; doing it twice gives the data again."""
    stream = hashlib.shake_256(_KEY + tag).digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")
