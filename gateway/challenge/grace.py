"""A token for a caller that its operator has verified in person: with it no challenge is put, until it ends.

azv1.<until>.<mac>      the mac is keyed, over the caller's key id and the time
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

__all__ = ["granted", "holds"]

_VERSION = "azv1"
_LONGEST = 128


def granted(secret: bytes, key_id: str, until_s: int) -> str:
    """The token of one key, good until `until_s` (Unix seconds)."""
    return f"{_VERSION}.{until_s}.{_mac(secret, key_id, until_s)}"


def holds(secret: bytes, key_id: str, token: str, now_s: int) -> bool:
    """Whether a token is ours, of this key, and not over. Compared in constant time."""
    version, _, rest = token.partition(".")
    until, _, mac = rest.partition(".")
    if version != _VERSION or not until.isdigit() or len(token) > _LONGEST or not token.isascii():
        return False
    return hmac.compare_digest(mac.encode(), _mac(secret, key_id, int(until)).encode()) and now_s < int(until)


def _mac(secret: bytes, key_id: str, until_s: int) -> str:
    made = hmac.new(secret, f"{_VERSION}\0{key_id}\0{until_s}".encode(), hashlib.sha256).digest()[:16]
    return urlsafe_b64encode(made).rstrip(b"=").decode()
