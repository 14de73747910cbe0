"""What is remembered of each caller: every signal's state, within a budget of memory.

Callers seen lately are held as they are; those before them packed, as JSON. When the budget is spent the least interesting are
forgotten: the lowest score first, of equals whoever has been silent longest. What is packed can go to another process, and stand
there in the place of what that one knew.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from gateway.model.evidence import Verdict
from gateway.model.value import replace
from gateway.risk.sum import Peaks
from gateway.signals.base import Signal, State

__all__ = ["MOST_BYTES", "Callers", "Known"]

MOST_BYTES = 8 * 1024
"""Bytes that one caller may take; one that is held unpacked is reckoned at so much, whatever it really takes."""

_MOST_CLEARED = 10_000

_OVERHEAD = 700
"""Bytes for the key, the entries that lead to a packed caller, and its place in the order of forgetting."""


@dataclass(slots=True)
class Known:
    """What is known of one caller. `at_us`: its last request; `score`: its last; `rule`: the caller rule that it matched last."""

    at_us: int = 0
    requests: int = 0
    score: float = 0.0
    rule: str = ""
    peaks: Peaks = ()
    states: dict[str, State] = field(default_factory=dict)
    carried: Verdict | None = None
    """The verdict that it came with, of a time before its states: fading from `carried_us` on, it stands until its own is larger."""
    carried_us: int = 0
    since_us: int = 0
    """When the caller was cleared last: nothing from before is in here."""
    token: str = ""
    """Whose writing it is in the shared state; "" where it is in none. See `ports.EvidenceStore`."""


class _Packed(msgspec.Struct, array_like=True):
    at_us: int
    requests: int
    score: float
    rule: str
    peaks: Peaks
    states: dict[str, tuple[str, Any]]
    carried: Verdict | None = None
    carried_us: int = 0
    token: str = ""
    since_us: int = 0


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Packed)


class Callers:
    """All callers that are remembered, by key id. `memory` in bytes; a quarter of it is for callers held unpacked."""

    def __init__(self, signals: Mapping[str, Signal], memory: int) -> None:
        self._signals = signals
        self._most_open = max(1, memory // 4 // MOST_BYTES)
        self._memory = memory
        self._open: OrderedDict[str, Known] = OrderedDict()
        self._packed: dict[str, tuple[bytes, int]] = {}
        self._order: list[tuple[float, int, str]] = []
        self._bytes = 0
        self._serial = count()
        self.forgotten = 0
        self._cleared: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._open) + len(self._packed)

    @property
    def size(self) -> int:
        """Bytes that are reckoned for all of them; never more than the budget, but for one caller."""
        return self._bytes + len(self._open) * MOST_BYTES

    def keys(self) -> Iterator[str]:
        """The key ids of all, those seen longest ago first among those packed."""
        yield from self._packed
        yield from self._open

    def of(self, key_id: str) -> Known:
        """A caller to be written to, made where it is not known yet. It is the most recent from now on."""
        known = self._open.get(key_id)
        if known is not None:
            self._open.move_to_end(key_id)
            return known
        known = self._open[key_id] = self._anew(key_id, self._unpacked(key_id) or Known())
        while len(self._open) > self._most_open:
            self._pack(*self._open.popitem(last=False))
        while self._packed and self.size > self._memory:
            self._forget()
        return known

    def find(self, key_id: str) -> Known | None:
        """A caller to look at, None where nothing is known of it."""
        known = self._open.get(key_id)
        if known is not None:
            return known
        packed = self._packed.get(key_id)
        return None if packed is None else self._read(packed[0])

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._open or key_id in self._packed

    def clear(self, key_id: str, at_us: int) -> None:
        """What was seen of a caller up to then counts no more: a state from before is emptied, here and wherever one is taken up."""
        self._cleared.pop(key_id, None)
        self._cleared[key_id] = at_us
        if len(self._cleared) > _MOST_CLEARED:
            del self._cleared[next(iter(self._cleared))]
        if key_id in self:
            self._anew(key_id, self.of(key_id))

    def _anew(self, key_id: str, known: Known, since_us: int = 0) -> Known:
        since_us = max(since_us, self._cleared.get(key_id, 0))
        if known.since_us < since_us:
            known.states, known.carried, known.peaks, known.score, known.since_us = {}, None, (), 0.0, since_us
        return known

    def drop(self, key_id: str) -> bool:
        """Forget one caller; whether it was known."""
        return self._open.pop(key_id, None) is not None or self._take_out(key_id) is not None

    def dump(self, key_id: str) -> bytes | None:
        """One caller as another process can read it, None where it is not known."""
        known = self._open.get(key_id)
        if known is not None:
            return self._written(known)
        packed = self._packed.get(key_id)
        return None if packed is None else packed[0]

    def put(self, key_id: str, packed: bytes, token: str) -> None:
        """What another process knows of a caller stands in the place of what is known here. ValueError where it cannot be read.

        States of other versions are left out, and all of what is from before the caller was cleared."""
        known = self._read(packed)
        known.token = token
        # It is made or found first: whoever has to go for it is packed or forgotten by that.
        self._open[key_id] = self._anew(key_id, known, self.of(key_id).since_us)

    # ── Packing ─────────────────────────────────────────────────────────────────────────────────

    def _written(self, known: Known) -> bytes:
        states = {name: (self._signals[name].version, self._signals[name].dump(state)) for name, state in known.states.items()}
        return _ENCODER.encode(
            _Packed(
                known.at_us,
                known.requests,
                known.score,
                known.rule,
                known.peaks,
                states,
                known.carried,
                known.carried_us,
                known.token,
                known.since_us,
            )
        )

    def _read(self, packed: bytes) -> Known:
        plain = _DECODER.decode(packed)
        states = {}
        for name, (version, dumped) in plain.states.items():
            signal = self._signals.get(name)
            if signal is not None and signal.version == version:
                try:
                    states[name] = signal.load(dumped)
                except (TypeError, KeyError, IndexError) as error:
                    raise ValueError(f"the state of {name} cannot be read: {type(error).__name__}") from error
        return Known(
            plain.at_us,
            plain.requests,
            plain.score,
            plain.rule,
            plain.peaks,
            states,
            plain.carried,
            plain.carried_us,
            plain.since_us,
            plain.token,
        )

    def _pack(self, key_id: str, known: Known) -> None:
        packed = self._written(known)
        if len(packed) > MOST_BYTES - _OVERHEAD:
            # A signal that keeps more than it may has no memory of callers who are not about.
            packed = self._written(replace(known, states={}))
        serial = next(self._serial)
        self._packed[key_id] = packed, serial
        self._bytes += len(packed) + _OVERHEAD
        heapq.heappush(self._order, (known.score, serial, key_id))
        if len(self._order) > 2 * len(self._packed) + 64:
            live = self._packed
            self._order = [entry for entry in self._order if live.get(entry[2], (b"", -1))[1] == entry[1]]
            heapq.heapify(self._order)

    def _unpacked(self, key_id: str) -> Known | None:
        packed = self._take_out(key_id)
        return None if packed is None else self._read(packed)

    def _take_out(self, key_id: str) -> bytes | None:
        found = self._packed.pop(key_id, None)
        if found is None:
            return None
        self._bytes -= len(found[0]) + _OVERHEAD
        return found[0]

    def _forget(self) -> None:
        while True:
            _, serial, key_id = heapq.heappop(self._order)
            if self._packed.get(key_id, (b"", -1))[1] == serial:
                self._take_out(key_id)
                self.forgotten += 1
                return
