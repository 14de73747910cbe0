"""Issuing keys: the one place where a key of ours is made. It is shown once; what stays is its keyed hash."""

from __future__ import annotations

import base64
import os

from gateway.model.caller import KeyRecord, key_id_of
from gateway.ports import KeyStore

__all__ = ["PREFIX", "issue_key", "new_key"]

PREFIX = "azg_"


def new_key() -> str:
    """A fresh key: `azg_` and 40 letters and digits, 200 bits of chance."""
    return PREFIX + base64.b32encode(os.urandom(25)).decode("ascii").lower()


async def issue_key(
    store: KeyStore,
    secret: bytes,
    *,
    now_us: int,
    account: str | None = None,
    tier: str | None = None,
    tags: frozenset[str] = frozenset(),
    expires_us: int | None = None,
    note: str = "",
    limits: tuple[tuple[str, int], ...] = (),
) -> tuple[str, KeyRecord]:
    """Make a key and store its record under the deployment's secret; returns (the key, its record). Times in Unix microseconds."""
    key = new_key()
    record = KeyRecord(
        key_id=key_id_of(secret, key.encode()),
        account=account,
        tier=tier,
        tags=tags,
        created_us=now_us,
        expires_us=expires_us,
        note=note,
        limits=limits,
    )
    await store.put(record)
    return key, record
