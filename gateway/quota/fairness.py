"""Whose turn it is: the order in which waiting requests get the places that come free.

Two levels, both on virtual times: between priority classes in the ratio of `WEIGHTS`, and within a class by turns between callers,
each turn weighted by a throttled caller's share (self-clocked fair queueing, Golestani 1994: a turn's tag is the clock when its line
began, or the line's last tag, plus one over the weight; the least tag is served, and the clock is then that tag). Whoever comes new
stands behind those whose turn is due, so whoever waits is served after a bounded number of turns, whatever the others send.

The queue is bounded. When it is full, the newest request of the longest line of the lowest class is put out, which is the newcomer
itself where no line of its class or below is longer than his own: a noisy caller pushes out his own requests, not others'.

Not frozen, since hundreds may wait; but it knows neither clock nor loop, and the same calls give the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gateway.model.limit import Priority

__all__ = ["CLASSES", "WEIGHTS", "FairQueue", "Waiting"]

WEIGHTS: dict[Priority, int] = {"high": 16, "normal": 8, "low": 4, "batch": 1}
"""Places that each class gets while all have someone waiting."""

CLASSES: tuple[Priority, ...] = tuple(WEIGHTS)
"""From the class served most to the one served least."""

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Waiting(Generic[T]):
    """One request that waits. `weight`: a caller's share of a turn, above 0 and at most 1."""

    item: T
    caller: str
    priority: Priority
    weight: float = 1.0


@dataclass(slots=True)
class _Class(Generic[T]):
    """The lines of one class, by caller. `served` is the class's own virtual time among the classes, `clock` that of its callers;
    `tags` when each line's turn is due."""

    lines: dict[str, dict[int, Waiting[T]]] = field(default_factory=dict)
    tags: dict[str, float] = field(default_factory=dict)
    clock: float = 0.0
    served: float = 0.0

    def turns(self) -> list[str]:
        """Callers with a line, in the order of their turns; of equals who has waited longest."""
        return sorted(self.lines, key=self.tags.__getitem__)


class FairQueue(Generic[T]):
    """At most `longest` requests that wait. All operations cost at most the number of requests waiting."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._classes: dict[Priority, _Class[T]] = {name: _Class() for name in CLASSES}
        self._clock = 0.0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, waiting: Waiting[T]) -> Waiting[T] | None:
        """Let a request wait. Returns the one that is put out for it where the queue is full: another's, or itself."""
        out = self._put_out(waiting) if self._length >= self.longest else None
        if out is waiting:
            return out
        if out is not None:
            self.remove(out)
        group = self._classes[waiting.priority]
        if not group.lines:
            group.served = max(group.served, self._clock)
        line = group.lines.get(waiting.caller)
        if line is None:
            line = group.lines[waiting.caller] = {}
            group.tags[waiting.caller] = group.clock + 1.0 / waiting.weight
        line[id(waiting)] = waiting
        self._length += 1
        return out

    def pop(self, ready: Callable[[Waiting[T]], bool]) -> Waiting[T] | None:
        """The request whose turn it is among those that are `ready`, the first such of its line; None where none is."""
        for name in sorted((name for name in CLASSES if self._classes[name].lines), key=lambda name: self._classes[name].served):
            group = self._classes[name]
            for caller in group.turns():
                chosen = next((waiting for waiting in group.lines[caller].values() if ready(waiting)), None)
                if chosen is not None:
                    self._serve(group, chosen)
                    return chosen
            # None of this class can go now: the turns that the others have meanwhile are not owed to it.
            group.served = max(group.served, self._clock)
        return None

    def remove(self, waiting: Waiting[T]) -> bool:
        """Take a request out of its line, whose turn does not count; False where it does not wait any more."""
        group = self._classes[waiting.priority]
        line = group.lines.get(waiting.caller)
        if line is None or line.pop(id(waiting), None) is None:
            return False
        self._length -= 1
        if not line:
            del group.lines[waiting.caller], group.tags[waiting.caller]
        return True

    def _serve(self, group: _Class[T], chosen: Waiting[T]) -> None:
        """Take a request out of its line, and move the clocks on."""
        group.clock = max(group.clock, group.tags[chosen.caller])
        self.remove(chosen)
        line = group.lines.get(chosen.caller)
        if line is not None:
            group.tags[chosen.caller] += 1.0 / next(iter(line.values())).weight
        self._clock = max(self._clock, group.served)
        group.served += 1.0 / WEIGHTS[chosen.priority]

    def _put_out(self, newcomer: Waiting[T]) -> Waiting[T]:
        """Whose request has no room: of the lowest class at or below the newcomer's, the newest of the longest line."""
        for name in reversed(CLASSES):
            lines = self._classes[name].lines
            if name == newcomer.priority:
                own = len(lines.get(newcomer.caller, ())) + 1
                longest = max(lines.values(), key=len, default=None)
                return newcomer if longest is None or len(longest) <= own else next(reversed(longest.values()))
            if lines:
                return next(reversed(max(lines.values(), key=len).values()))
        raise AssertionError("every class is one of CLASSES")
