"""Looked-up keys kept for a moment, so that a busy key costs its store one look-up per moment and not one per request."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from gateway.model.caller import KeyRecord

__all__ = ["HEX_PREFIX", "KeyCache", "fits_one"]

_REMEMBERED_S = 3600.0

HEX_PREFIX = 8
"""Digits of a key id that a prefix must have at least."""


class KeyCache:
    """At most `capacity` answers, each for `keep_s` seconds: well under the second within which a revocation must be seen.

    That there is no such key is an answer too, kept as long: whoever guesses keys does not reach the store each time.
    """

    def __init__(self, *, keep_s: float = 0.5, capacity: int = 20_000, now: Callable[[], float] = time.monotonic) -> None:
        self._keep_s = keep_s
        self._capacity = capacity
        self._now = now
        self._answers: OrderedDict[str, tuple[KeyRecord | None, float]] = OrderedDict()

    def get(self, key_id: str) -> tuple[KeyRecord | None] | None:
        """The answer in a tuple, or None when none is known."""
        found = self._answers.get(key_id)
        return None if found is None or found[1] <= self._now() else (found[0],)

    def remembered(self, key_id: str) -> KeyRecord | None:
        """The record that was read last, an hour ago at most: for while the store does not answer, and nobody can revoke there."""
        record, until = self._answers.get(key_id, (None, 0.0))
        return record if self._now() < until + _REMEMBERED_S else None

    def began(self) -> float:
        """When a look-up begins: its answer counts from then, not from when it arrives."""
        return self._now()

    def put(self, key_id: str, record: KeyRecord | None, began: float) -> None:
        """Keep an answer of a look-up that began then; the oldest gives way."""
        self._answers[key_id] = (record, began + self._keep_s)
        self._answers.move_to_end(key_id)
        if len(self._answers) > self._capacity:
            self._answers.popitem(last=False)

    def drop(self, key_id: str) -> None:
        """Forget an answer, because the key was changed here."""
        self._answers.pop(key_id, None)


def fits_one(prefix: str, key_ids: Sequence[str]) -> str | None:
    """The one key id that a prefix of at least eight hex digits stands for; None when it is none or several."""
    if len(prefix) < HEX_PREFIX or any(digit not in "0123456789abcdef" for digit in prefix):
        return None
    fitting = [key_id for key_id in key_ids if key_id.startswith(prefix)]
    return fitting[0] if len(fitting) == 1 else None
