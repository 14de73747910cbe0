"""Where the log lies: one folder a chain, numbered segments in it, and a lock that tells whether its writer lives."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["CHECKPOINTS", "chain_folders", "claim", "log_folder", "new_name", "segment_path", "segments", "started_us", "wait_for"]

CHECKPOINTS = "checkpoints.jsonl"
_CHAIN = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}\Z")
_SEGMENT = re.compile(r"\d{6,}\.jsonl\Z")


def log_folder(data: Path) -> Path:
    """The folder of all chains under `--data`."""
    return data / "audit"


def chain_folders(data: Path) -> list[Path]:
    """The chains' folders, the one begun first in front; empty where there is no log."""
    try:
        return sorted(path for path in log_folder(data).iterdir() if _CHAIN.match(path.name))
    except FileNotFoundError:
        return []


def segments(chain: Path) -> list[Path]:
    """A chain's segments in order."""
    try:
        return sorted((path for path in chain.iterdir() if _SEGMENT.match(path.name)), key=lambda path: int(path.stem))
    except FileNotFoundError:
        return []


def segment_path(chain: Path, number: int) -> Path:
    """Where segment `number`, from 1, of a chain lies."""
    return chain / f"{number:06d}.jsonl"


def new_name(now_us: int) -> str:
    """A name for a chain that begins now."""
    return f"{datetime.fromtimestamp(now_us / 1e6, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def started_us(chain: Path) -> int:
    """When a chain began, to the second, in Unix microseconds."""
    stamp = chain.name.partition("-")[0]
    return int(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()) * 1_000_000


def claim(folder: Path) -> int | None:
    """An open descriptor that holds the folder's lock until it is closed or the process ends; None while another process has it."""
    try:
        return _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def wait_for(folder: Path) -> int:
    """As `claim`, waiting until the lock is free."""
    return _locked(folder, fcntl.LOCK_EX)


def _locked(folder: Path, how: int) -> int:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, how)
    except BaseException:
        os.close(fd)
        raise
    return fd
