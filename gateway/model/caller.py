"""Who calls: the caller as the rest of the house knows it. The secret key itself never gets this far."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

__all__ = ["ANONYMOUS", "NO_LIMITS", "Caller", "KeyRecord", "Source", "fingerprint", "key_id_of"]

Source = Literal["issued", "client", "asserted", "anonymous"]
_NOTHING: Mapping[str, str] = MappingProxyType({})
NO_LIMITS: Mapping[str, int] = MappingProxyType({})


def key_id_of(secret: bytes, credential: bytes) -> str:
    """32 hex digits that stand for a credential everywhere: HMAC-SHA256 under the deployment's secret, cut to 128 bits."""
    return hmac.digest(secret, b"key\0" + credential, "sha256").hex()[:32]


def fingerprint(key_id: str) -> str:
    """The short form people read and policies name: `fp:` and the first 12 digits of the key id."""
    return "fp:" + key_id[:12]


class Caller(Struct, frozen=True):
    """One caller of one request.

    `account` is the key id where no account is known: such a caller is its own account.
    `tier` is what the key or a trusted proxy says; the policy has the last word.
    `peer` is the network address, IPv6 grouped by /64.
    `limits` are amounts of its own, by the id of the limit whose amount they stand in for; see `KeyRecord`.
    """

    key_id: str
    account: str
    tier: str | None = None
    tags: frozenset[str] = frozenset()
    peer: str = ""
    attributes: Mapping[str, str] = _NOTHING
    source: Source = "issued"
    limits: Mapping[str, int] = NO_LIMITS


ANONYMOUS = Caller(key_id="", account="", source="anonymous")


class KeyRecord(Struct, frozen=True):
    """An issued key as it is stored: everything but the key. Times are Unix microseconds, None for never.

    `limits` are pairs of a limit's id and the amount that this key has of it in place of the policy's, by id, in whole units of what
    the limit counts (of money: whole units of the currency, not micro-units). They hold for limits that are counted per key or account.
    """

    key_id: str
    account: str | None
    tier: str | None
    tags: frozenset[str]
    created_us: int
    expires_us: int | None = None
    revoked_us: int | None = None
    note: str = ""
    limits: tuple[tuple[str, int], ...] = ()

    def state(self, now_us: int) -> Literal["active", "expired", "revoked"]:
        if self.revoked_us is not None and self.revoked_us <= now_us:
            return "revoked"
        if self.expires_us is not None and self.expires_us <= now_us:
            return "expired"
        return "active"
