"""MinHash of word triples by one permutation: what two texts have in common, from 32 numbers each.

Each triple is hashed once; the hash's upper five bits choose one of 32 places, the smallest hash of a place stays (one-permutation
hashing: Li, Owen and Zhang 2012). An empty place borrows from the next that is not, changed by the distance (Shrivastava and Li 2014),
so that short texts compare too. The share of equal places estimates the Jaccard similarity of the sets of triples, with a standard
error of at most 0.09.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from sys import byteorder
from zlib import crc32

__all__ = ["PLACES", "alike", "minhash", "word_hashes"]

PLACES = 32
_BITS = 0xFFFFFFFF
_EMPTY = 1 << 32
_STEP = 0x27D4EB2F


def word_hashes(words: Sequence[str]) -> list[int]:
    """32 bits per word. Words have no spaces in them: so all are encoded at once."""
    return list(map(crc32, " ".join(words).encode("utf-8", "surrogatepass").split(b" "))) if words else []


def minhash(hashes: Sequence[int]) -> tuple[int, ...]:
    """The sketch of a text by the hashes of its words; () of no words. Texts of one or two words have one triple, filled up."""
    if not hashes:
        return ()
    if len(hashes) < 3:
        hashes = [*hashes, 0, 0][:3]
    # The words' hashes are well mixed already, so small odd factors do: what matters is that the order of words does. All triples are
    # reckoned at once, as one large number with 64 bits for each: 23 times 32 bits never run over.
    row = int.from_bytes(_lanes("Q", hashes).tobytes(), "little")
    row = row * 3 + (row >> 64) * 7 + (row >> 128) * 13
    mixed = _lanes("I", row.to_bytes(8 * len(hashes) + 8, "little"))[: 2 * len(hashes) - 4 : 2]
    least = [_EMPTY] * PLACES
    for value in mixed:
        if least[value >> 27] > value:  # noqa: PLR1730 (a call of min for each value takes twice as long)
            least[value >> 27] = value
    return _filled(least) if _EMPTY in least else tuple(least)


def alike(one: Sequence[int], other: Sequence[int]) -> float:
    """Estimated Jaccard similarity of two sketches, 0.0 to 1.0; 0.0 where either is empty."""
    if not one or not other:
        return 0.0
    return sum(a == b for a, b in zip(one, other, strict=True)) / PLACES


def _lanes(code: str, values: Sequence[int] | bytes) -> array[int]:
    """Numbers as they lie in memory, the lowest byte first on every machine."""
    lanes = array(code, values)
    if byteorder == "big":
        lanes.byteswap()
    return lanes


def _filled(least: list[int]) -> tuple[int, ...]:
    """All places, from the last to the first: an empty one has what its neighbour has, one step on. Beyond the last comes the first
    again."""
    first = next(place for place, value in enumerate(least) if value != _EMPTY)
    value, away = least[first], first * _STEP
    for place in range(PLACES - 1, -1, -1):
        found = least[place]
        if found == _EMPTY:
            away += _STEP
            least[place] = (value + away) & _BITS
        else:
            value, away = found, 0
    return tuple(least)
