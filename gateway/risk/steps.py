"""Long work in short steps: a generator that yields when somebody else may go on, and returns what came of it.

What runs beside requests in one loop may not keep it busy for long, and what takes seconds of one core is done a little at a time. A
step is so much that it takes well under a millisecond.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from typing import TypeVar

__all__ = ["Steps", "counted", "finish", "in_order"]

T = TypeVar("T")
Steps = Generator[None, None, T]

_AT_ONCE = 2_048


def finish(steps: Steps[T]) -> T:
    """All of it at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def in_order(values: Sequence[int]) -> Steps[list[int]]:
    """The values, sorted: short runs first, and then two and two of them put together."""
    runs = []
    for at in range(0, len(values), _AT_ONCE):
        runs.append(sorted(values[at : at + _AT_ONCE]))
        yield
    while len(runs) > 1:
        pairs = []
        for at in range(0, len(runs), 2):
            # Two runs in order are put together in one walk.
            pairs.append(sorted(runs[at] + runs[at + 1]) if at + 1 < len(runs) else runs[at])
            yield
        runs = pairs
    return runs[0] if runs else []


def counted(values: Iterable[str]) -> Steps[Counter[str]]:
    """How often each is there, but for the empty one."""
    found: Counter[str] = Counter()
    for number, value in enumerate(values):
        if value:
            found[value] += 1
        if number % _AT_ONCE == _AT_ONCE - 1:
            yield
    return found
