"""How a caller's score went: a few points, packed, so that a verdict carries its own history wherever it is kept.

A point is added where the score moved by a deciban or six hours have passed. Of more than 32 every other one of the older half goes, so
that the recent past is told closely and the distant one in outline. 8 bytes a point: seconds (32 bits) and decibans (a 32-bit float).
"""

from __future__ import annotations

from struct import Struct as Packing

__all__ = ["MOST", "points", "went"]

MOST = 32
_POINT = Packing("<If")
_MOVED = 1.0
_AT_LEAST_EVERY_S = 6 * 3600


def points(course: bytes) -> list[tuple[int, float]]:
    """(Unix microseconds, decibans), oldest first. What is no course has no points."""
    if len(course) % _POINT.size:
        return []
    return [(seconds * 1_000_000, score) for seconds, score in _POINT.iter_unpack(course)]


def went(course: bytes, at_us: int, score: float) -> bytes:
    """The course with the score at this time, where it is worth a point."""
    seconds = min(max(0, at_us // 1_000_000), 0xFFFFFFFF)
    if course:
        last_s, last = _POINT.unpack_from(course, len(course) - _POINT.size)
        if abs(score - last) < _MOVED and seconds - last_s < _AT_LEAST_EVERY_S:
            return course
    course += _POINT.pack(seconds, score)
    return course if len(course) <= MOST * _POINT.size else _thinned(course)


def _thinned(course: bytes) -> bytes:
    size = _POINT.size
    rows = [course[at : at + size] for at in range(0, len(course), size)]
    half = len(rows) // 2
    return b"".join([*rows[:half:2], *rows[half:]])
