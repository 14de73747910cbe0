"""Labelled traffic: composes what the cast asks in order of time and writes it as a trace (`gateway.trace/v1`).

Each caller's arrivals are sorted and merged over a heap, texts are made when their time comes: memory grows with the number of
callers (a few KiB each), not with that of requests. The same seed, personas and files give the same bytes.
"""

from __future__ import annotations

import gzip
import heapq
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO, Any, cast

import msgspec

from gateway.errors import SettingsError
from gateway.lab.cast import BEGINS, Player
from gateway.lab.corpora import Corpora
from gateway.lab.dice import between, dice
from gateway.lab.personas.base import Ask, Half, Part, draw_manner

__all__ = ["Written", "compose", "write_trace"]

_TOLD_EVERY = 256
_FAILED = 0.01
_FAILURES = (429, 500, 503)
_TOKEN_US = 18_000
_LATENCIES_MS = (80.0, 900.0)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: records, bytes of the file, and per persona callers and requests."""

    records: int
    size: int
    callers: dict[str, int]
    requests: dict[str, int]


class _Voice:
    """A player at work: its program's manner, and what it asks next."""

    def __init__(self, player: Player, corpora: Corpora, seed: int, half: Half) -> None:
        chance = dice("voice", seed, player.identity.key)
        self._part = Part(chance, corpora, draw_manner(chance), player.member, half)
        self._player = player
        self._asks: Iterator[Ask] = player.persona.composer(self._part)
        self._wire = dice("wire", seed, player.identity.key)

    def record(self, at_us: int) -> dict[str, Any]:
        """The next request, as a line of a trace."""
        asked, who, persona = next(self._asks), self._player.identity, self._player.persona
        return {
            "at": (BEGINS * 1_000_000 + at_us) / 1_000_000,
            "key": who.key,
            "account": who.account,
            "peer": who.peers[0] if self._wire.random() < 0.8 else self._wire.choice(who.peers),
            "headers": {"user-agent": who.agent},
            "attributes": who.attributes(),
            "method": "POST",
            "path": asked.path,
            "request": asked.body,
            "response": _response(self._wire, asked),
            "truth": {"persona": persona.name, "hostile": persona.hostile, "campaign": self._player.campaign},
        }


def _response(chance: Random, asked: Ask) -> dict[str, Any]:
    first = round(between(chance, *_LATENCIES_MS))
    if chance.random() < _FAILED:
        usage = {"input_tokens": 0, "output_tokens": 0}
        return {"status": chance.choice(_FAILURES), "ttft_ms": first, "duration_ms": first, "usage": usage}
    lasts = first + asked.output_tokens * _TOKEN_US // 1000
    usage = {"input_tokens": asked.input_tokens, "output_tokens": asked.output_tokens}
    return {"status": 200, "ttft_ms": first, "duration_ms": lasts, "usage": usage}


def compose(players: Sequence[Player], corpora: Corpora, *, seed: int, half: Half = "all") -> Iterator[dict[str, Any]]:
    """Every request of every player in order of arrival. A player takes room from its first request to its last."""
    voices: dict[int, _Voice] = {}
    heap = [(player.times[0], number, 0) for number, player in enumerate(players) if player.times]
    heapq.heapify(heap)
    while heap:
        at_us, number, done = heap[0]
        player = players[number]
        if number not in voices:
            voices[number] = _Voice(player, corpora, seed, half)
        yield voices[number].record(at_us)
        if done + 1 < len(player.times):
            heapq.heapreplace(heap, (player.times[done + 1], number, done + 1))
        else:
            heapq.heappop(heap)
            del voices[number]


def write_trace(
    path: Path,
    players: Sequence[Player],
    corpora: Corpora,
    *,
    seed: int,
    half: Half = "all",
    told: Callable[[int, int], None] | None = None,
) -> Written:
    """Write the whole trace, packed where the name ends in `.gz`; it appears under its name once it is complete.

    `told` hears records done and all of them, now and then. SettingsError where the file cannot be written.
    """
    total, done = sum(len(player.times) for player in players), 0
    requests: Counter[str] = Counter()
    growing = path.with_name(f"{path.name}.part")
    encoder = msgspec.json.Encoder()
    try:
        with _opened(growing, packed=path.suffix == ".gz") as file:
            for done, record in enumerate(compose(players, corpora, seed=seed, half=half), 1):
                file.write(encoder.encode(record) + b"\n")
                requests[record["truth"]["persona"]] += 1
                if told is not None and (done % _TOLD_EVERY == 0 or done == total):
                    told(done, total)
        os.replace(growing, path)
    except OSError as error:
        raise SettingsError(f"--out {path}: cannot be written: {error.strerror or error}") from error
    finally:
        growing.unlink(missing_ok=True)
    callers = Counter(player.persona.name for player in players)
    return Written(done, path.stat().st_size, dict(sorted(callers.items())), dict(sorted(requests.items())))


@contextmanager
def _opened(path: Path, *, packed: bool) -> Iterator[IO[bytes]]:
    """A file to write, packed without the time and name that would make equal contents differ."""
    with path.open("wb") as file:
        if not packed:
            yield file
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packing:
            yield cast("IO[bytes]", packing)
