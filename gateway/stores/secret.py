"""The rules for a deployment's secret, the same in every state that keeps one."""

from __future__ import annotations

import hmac
import secrets

from gateway.errors import SettingsError

__all__ = ["SHORTEST", "agreed", "candidate"]

SHORTEST = 32
"""Bytes that a secret has at least."""


def candidate(proposed: bytes | None) -> bytes:
    """The secret to put where there is none: what was proposed, else a fresh one. SettingsError when it is too short."""
    if proposed is None:
        return secrets.token_bytes(SHORTEST)
    if len(proposed) < SHORTEST:
        raise SettingsError(
            f"the secret has {len(proposed)} bytes and must have at least {SHORTEST}: set GATEWAY_SECRET to a longer one "
            "(`openssl rand -hex 32` makes one), or leave it out and the state keeps one of its own"
        )
    return proposed


def agreed(kept: bytes, proposed: bytes | None, where: str) -> bytes:
    """The secret that the state keeps; SettingsError when the environment says another."""
    if proposed is not None and not hmac.compare_digest(kept, proposed):
        raise SettingsError(
            f"GATEWAY_SECRET is not the secret that {where} was made with, so no key kept there would be known: "
            "set the first one again, leave it out, or give another --state and --data"
        )
    return kept
