"""The reliability plot of a calibration, as SVG: what a level promises against how many held-out callers came there.

Both axes are in decibans: across, what callers were told; up, ten times the logarithm of one over the share that reached it. On or
above the line the promise is kept. A bar is the 95% interval; where nobody came, it is open at the top.
"""

from __future__ import annotations

from html import escape
from math import log10
from typing import Any

__all__ = ["reliability_svg"]

_WIDTH, _HEIGHT, _LEFT, _TOP, _SIDE, _MOST = 560, 460, 70, 50, 340, 40.0
_INK, _PALE, _DOT = "#333333", "#cccccc", "#1f5fa8"


def reliability_svg(report: dict[str, Any]) -> str:
    """A whole SVG document, of a report's `levels`."""
    levels, of = report["levels"], report["callers"]["held_out"]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 24, f"Decibans told, and how seldom {of} held-out callers came there", size=14),
        *_grid(),
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(_MOST)}" y2="{_y(_MOST)}" stroke="{_INK}" stroke-dasharray="5 4"/>',
        _text(_x(31), _y(28), "promised"),
    ]
    for level in levels:
        parts += _point(level)
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _grid() -> list[str]:
    parts = []
    for mark in range(0, int(_MOST) + 1, 10):
        parts += [
            f'<line x1="{_x(mark)}" y1="{_y(0)}" x2="{_x(mark)}" y2="{_y(_MOST)}" stroke="{_PALE}"/>',
            f'<line x1="{_x(0)}" y1="{_y(mark)}" x2="{_x(_MOST)}" y2="{_y(mark)}" stroke="{_PALE}"/>',
            _text(_x(mark), _y(0) + 18, str(mark), anchor="middle"),
            _text(_x(0) - 8, _y(mark) + 4, f"1 in {10 ** (mark // 10):,}", anchor="end"),
        ]
    return [*parts, _text(_x(_MOST / 2), _y(0) + 40, "decibans told at any time", anchor="middle")]


def _point(level: dict[str, Any]) -> list[str]:
    x = _x(level["decibans"])
    low, high = level["share_95"]
    top, bottom = _seldom(low), _seldom(high)
    parts = [f'<line x1="{x}" y1="{_y(top)}" x2="{x}" y2="{_y(bottom)}" stroke="{_DOT}" stroke-width="2"/>']
    if level["reached"]:
        parts.append(f'<circle cx="{x}" cy="{_y(_seldom(level["share"]))}" r="4" fill="{_DOT}"/>')
    parts.append(_text(x, _y(_MOST) - 4, f"{level['reached']}", anchor="middle"))
    return parts


def _seldom(share: float) -> float:
    return _MOST if share <= 0 else min(_MOST, -10 * log10(share))


def _x(decibans: float) -> float:
    return round(_LEFT + _SIDE * decibans / _MOST, 1)


def _y(decibans: float) -> float:
    return round(_TOP + _SIDE * (1 - decibans / _MOST), 1)


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}">{escape(text)}</text>'
