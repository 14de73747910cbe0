"""What a check of the log comes to: findings with their places, notices, and each chain in figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["ChainReport", "Finding", "Report"]

_MOST = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something broken, and where: `line` counts from 1 in its file, 0 for the file as a whole; `seq` None where it is not known."""

    file: str
    line: int
    seq: int | None
    what: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.what}" if self.seq is None else f"{place} (seq {self.seq}): {self.what}"


@dataclass(slots=True)
class ChainReport:
    """One chain: its lines, its records, its last hash, how many lines stand after the last checkpoint, and how many were lost."""

    chain: str
    lines: int = 0
    records: int = 0
    head: str = ""
    closed: bool = False
    unanchored: int = 0
    lost: int = 0
    signed: int = 0
    """Checkpoints whose signature by a given key holds."""
    unsigned: int = 0
    """Checkpoints without a signature, where no key was given to check any."""
    after: list[dict[str, Any]] = field(default_factory=list)
    """Ends of earlier chains that its first line names."""


@dataclass(slots=True)
class Report:
    """A whole check. `broken` has the first 100 findings, `more` counts the rest. Notices are no reason to distrust the log."""

    chains: list[ChainReport] = field(default_factory=list)
    broken: list[Finding] = field(default_factory=list)
    more: int = 0
    notices: list[str] = field(default_factory=list)

    @property
    def findings(self) -> int:
        """How many there are, those not kept included."""
        return len(self.broken) + self.more

    @property
    def records(self) -> int:
        return sum(chain.records for chain in self.chains)

    def add(self, finding: Finding) -> None:
        """Keep a finding, or count it once there are many."""
        if len(self.broken) < _MOST:
            self.broken.append(finding)
        else:
            self.more += 1
