"""What people decided, as a replay comes to it: each decision holds from its own time on, as it does live.

The file is what `gateway risk decisions --json` prints. Decisions are matched by key id, so the trace must know callers as the
state does; one that the audit log was exported to does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path

import msgspec

from gateway.errors import RiskError
from gateway.model.ruling import Ruling

__all__ = ["Decided", "read_rulings"]

_MOST_BYTES = 64 * 1024 * 1024


class Decided:
    """Decisions in the order of their times; `of` is what stands on a caller now."""

    def __init__(self, rulings: Iterable[Ruling] = ()) -> None:
        self._ahead = deque(sorted(rulings, key=lambda ruling: ruling.at_us))
        self._standing: dict[str, Ruling] = {}

    def of(self, key_id: str) -> Ruling | None:
        """See `rulings.Rulings.of`."""
        return self._standing.get(key_id)

    def until(self, now_us: int) -> list[Ruling]:
        """Go by those that were taken up to now (Unix microseconds); gives the ones that are new."""
        came: list[Ruling] = []
        while self._ahead and self._ahead[0].at_us <= now_us:
            ruling = self._ahead.popleft()
            self._standing[ruling.key_id] = ruling
            came.append(ruling)
        return came


def read_rulings(path: Path) -> list[Ruling]:
    """The decisions of a file. RiskError where it cannot be read or holds something else."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise RiskError(f"{path}: more than {_MOST_BYTES >> 20} MB: these are no decisions")
        return msgspec.json.decode(path.read_bytes(), type=list[Ruling])
    except OSError as error:
        raise RiskError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RiskError(f"{path}: not what `gateway risk decisions --json` prints ({error})") from error
