"""Stop texts in a stream: what may be the beginning of one is kept back until it is certain."""

from __future__ import annotations

from typing import Generic, TypeVar

__all__ = ["StopWatch"]

T = TypeVar("T")


class StopWatch(Generic[T]):
    """Feed items with their texts; get back those that surely stand before any stop text.

    Once `found` names a stop text the watch is over; `cut` is then the item it begins in, with the text before it ("" for none).
    """

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._kept: list[tuple[T, str]] = []
        self.found: str | None = None
        self.cut: tuple[T, str] | None = None

    def feed(self, item: T, text: str) -> list[T]:
        """The items that are certain now."""
        if not self._stops:
            return [item]
        self._kept.append((item, text))
        joined = "".join(text for _, text in self._kept)
        places = [(joined.find(stop), stop) for stop in self._stops if stop in joined]
        if places:
            at, self.found = min(places)
            return self._release(at, cut=True)
        return self._release(len(joined) - self._doubtful(joined))

    def flush(self) -> list[T]:
        """What was kept back, at the end of the text."""
        kept, self._kept = [item for item, _ in self._kept], []
        return kept

    def _doubtful(self, joined: str) -> int:
        """The length of the longest end of the text that is the beginning of a stop text."""
        lengths = (
            length for stop in self._stops for length in range(min(len(stop) - 1, len(joined)), 0, -1) if joined.endswith(stop[:length])
        )
        return max(lengths, default=0)

    def _release(self, upto: int, *, cut: bool = False) -> list[T]:
        out: list[T] = []
        while self._kept and len(self._kept[0][1]) <= upto:
            item, text = self._kept.pop(0)
            upto -= len(text)
            out.append(item)
        if cut:
            self.cut = (self._kept[0][0], self._kept[0][1][:upto])
            self._kept = []
        return out
