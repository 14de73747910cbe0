"""How long an upstream asks to be left alone: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, 10.2.3)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from gateway.dialects.base import Headers

__all__ = ["retry_after_us"]

_LONGEST_US = 366 * 86_400_000_000


def retry_after_us(headers: Headers, now_us: int) -> int | None:
    """Microseconds from `now_us` (Unix), never negative; None where nothing is asked, or nothing that can be understood."""
    fields = dict(headers)
    exact = _number(fields.get(b"retry-after-ms"), 1_000)
    if exact is not None:
        return exact
    value = fields.get(b"retry-after")
    return None if value is None else _number(value, 1_000_000) if value.strip()[:1].isdigit() else _until(value, now_us)


def _number(value: bytes | None, unit_us: int) -> int | None:
    try:
        asked = float(value) * unit_us if value is not None else -1.0
    except ValueError:
        return None
    return int(min(asked, _LONGEST_US)) if asked >= 0 else None


def _until(value: bytes, now_us: int) -> int | None:
    try:
        at = parsedate_to_datetime(value.decode("latin-1")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(int(at * 1_000_000) - now_us, 0), _LONGEST_US)
