"""MinHash of word triples by one permutation: what two texts have in common, from 32 numbers each.

Each triple is hashed once; the hash's upper five bits choose one of 32 places, the smallest hash of a place stays (one-permutation
hashing: Li, Owen and Zhang 2012). An empty place borrows from the next that is not, changed by the distance (Shrivastava and Li 2014),
so that short texts compare too. The share of equal places estimates the Jaccard similarity of the sets of triples, with a standard
error of at most 0.09.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

__all__ = ["PLACES", "alike", "minhash", "word_hashes"]

PLACES = 32
_BITS = 0xFFFFFFFF
_STEP = 0x27D4EB2F


def word_hashes(words: Sequence[str]) -> list[int]:
    """32 bits per word. Words have no spaces in them: so all are encoded at once."""
    return [crc32(word) for word in " ".join(words).encode("utf-8", "surrogatepass").split(b" ")] if words else []


def minhash(hashes: Sequence[int]) -> tuple[int, ...]:
    """The sketch of a text by the hashes of its words; () of no words. Texts of one or two words have one triple, filled up."""
    if not hashes:
        return ()
    if len(hashes) < 3:
        hashes = [*hashes, 0, 0][:3]
    triples = zip(hashes, hashes[1:], hashes[2:], strict=False)
    # The words' hashes are well mixed already, so small odd factors do: what matters is that the order of words does.
    mixed = {(a * 3 + b * 7 + c * 13) & _BITS for a, b, c in triples}
    # In falling order the smallest of each place comes last, and stays.
    least = {value >> 27: value for value in sorted(mixed, reverse=True)}
    if len(least) < PLACES:
        _fill(least)
    return tuple([least[place] for place in range(PLACES)])


def alike(one: Sequence[int], other: Sequence[int]) -> float:
    """Estimated Jaccard similarity of two sketches, 0.0 to 1.0; 0.0 where either is empty."""
    if not one or not other:
        return 0.0
    return sum(a == b for a, b in zip(one, other, strict=True)) / PLACES


def _fill(least: dict[int, int]) -> None:
    """Fill the empty places, from the last to the first: each with what its neighbour has, one step on. Beyond the last comes the first
    again."""
    first = min(least)
    value, distance = least[first], 0
    for place in range(first - 1 + PLACES, first, -1):
        place %= PLACES
        if place in least:
            value, distance = least[place], 0
        else:
            distance += 1
            least[place] = (value + distance * _STEP) & _BITS
