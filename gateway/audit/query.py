"""Choosing records: by time, by caller, by what was asked and how it ended."""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.audit.folder import chain_folders, segment_path, segments
from gateway.audit.read import decode, is_record, lines_of, records

__all__ = ["Follower", "Query", "select"]


@dataclass(frozen=True, slots=True)
class Query:
    """All that is given must hold. Times are Unix microseconds of a record's end, `until_us` exclusive. `key` is a fingerprint or
    a prefix of a key id. `account`, `model` and `reason` may be globs. `status` is three digits or `4xx`."""

    since_us: int | None = None
    until_us: int | None = None
    account: str | None = None
    key: str | None = None
    model: str | None = None
    end: str | None = None
    outcome: str | None = None
    reason: str | None = None
    status: str | None = None

    def in_time(self, ended_us: int) -> bool:
        """Whether a record made at that time may belong."""
        return (self.since_us is None or ended_us >= self.since_us) and (self.until_us is None or ended_us < self.until_us)

    @property
    def only_time(self) -> bool:
        """Nothing but the time is asked, so that no record need be read for it."""
        return Query(self.since_us, self.until_us) == self

    def fits(self, record: dict[str, Any]) -> bool:
        """Whether a record, as decoded, has everything but the time."""
        caller, facts, decision = record.get("caller") or {}, record.get("facts") or {}, record.get("decision") or {}
        return (
            _like(self.account, caller.get("account"))
            and _like(self.model, facts.get("model"))
            and _like(self.reason, decision.get("reason"))
            and (self.key is None or str(caller.get("key_id", "")).startswith(self.key.removeprefix("fp:")))
            and self.end in {None, record.get("end")}
            and self.outcome in {None, decision.get("outcome")}
            and (self.status is None or _status(self.status, int(record.get("status", 0))))
        )


def select(data: Path, query: Query, limit: int | None = None) -> Iterator[bytes]:
    """The lines of the records that fit, in the order of their ends; with `limit` the latest so many."""
    found = (line for ended, line in records(data) if query.in_time(ended) and (query.only_time or query.fits(decode(line))))
    return found if limit is None else iter(deque(found, limit))


class Follower:
    """What is added to the log from now on, by any process: ask `poll` from time to time."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._read: dict[Path, tuple[int, int]] = {}
        for chain in chain_folders(data):
            files = segments(chain)
            if files:
                self._read[chain] = (int(files[-1].stem), files[-1].stat().st_size)

    def poll(self) -> list[bytes]:
        """The record lines that have come since, chain by chain."""
        new: list[bytes] = []
        for chain in chain_folders(self._data):
            number, offset = self._read.get(chain, (1, 0))
            while (path := segment_path(chain, number)).exists():
                following = segment_path(chain, number + 1).exists()
                for line in lines_of(path, offset):
                    offset += len(line)
                    if is_record(line):
                        new.append(line)
                self._read[chain] = (number, offset)
                if not following:
                    break
                number, offset = number + 1, 0
        return new


def _like(glob: str | None, value: Any) -> bool:
    return glob is None or (isinstance(value, str) and fnmatch.fnmatchcase(value, glob))


def _status(wanted: str, status: int) -> bool:
    return f"{status // 100}xx" == wanted or str(status) == wanted
