"""The ranking as a picture: a bar for each suspect, as long as the evidence is strong after correction."""

from __future__ import annotations

from html import escape

from gateway.forensics.attribute import Report
from gateway.model.caller import fingerprint

__all__ = ["ranking_svg"]

_LEFT, _WIDE, _ROW, _TOP = 220, 460, 22, 70
_INK, _PALE, _BAR, _MARK = "#333333", "#dddddd", "#1f5fa8", "#c53030"
_AIM = 6.0


def ranking_svg(report: Report) -> str:
    """A whole SVG document: minus log10 of the corrected p-value of each suspect and campaign; the dashed line is one in a million."""
    rows = [(f"{fingerprint(one.key_id)}, epoch {one.epoch}", -one.log10_corrected) for one in report.suspects]
    rows = [(f"{one.name} ({one.callers} keys)", -one.log10_corrected) for one in report.campaigns] + rows
    most = max([value for _, value in rows] + [_AIM * 1.25])
    height = _TOP + _ROW * len(rows) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDE + 80}" height="{height}" font-family="sans-serif" '
        f'font-size="12" fill="{_INK}">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="20" y="26" font-size="14">Whose code word is in the text: -log10 p, corrected</text>',
        f'<text x="20" y="46">{report.texts} texts, {report.positions} positions; {report.callers} callers, '
        f"{len(report.epochs)} epochs, {report.tests} tests</text>",
    ]
    for number, (name, value) in enumerate(rows):
        y = _TOP + _ROW * number
        length = max(1.0, _WIDE * value / most)
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name[:34])}</text>'
            f'<rect x="{_LEFT}" y="{y + 3}" width="{length:.1f}" height="{_ROW - 7}" fill="{_BAR if value >= _AIM else _PALE}"/>'
            f'<text x="{_LEFT + length + 5:.1f}" y="{y + 14}">{value:.1f}</text>'
        )
    x = _LEFT + _WIDE * _AIM / most
    parts.append(f'<line x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{height - 34}" stroke="{_MARK}" stroke-dasharray="5 4"/>')
    parts.append(f'<text x="{x:.1f}" y="{height - 18}" text-anchor="middle" fill="{_MARK}">one in a million</text></svg>')
    return "\n".join(parts) + "\n"
