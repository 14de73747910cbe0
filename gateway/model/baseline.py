"""A fitted baseline as it stands in its file: how far benign callers ever came, signal by signal and in sum.

`gateway.risk.baseline` says what a value is worth by it; the policy names the file (`signals.baseline`), and carries what was read.
The file is versioned JSON with a digest of its own, so that one that was cut short or edited by hand is not taken for another.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil, isfinite

import msgspec

__all__ = ["FORM", "GRID", "LIFE_DAYS", "MOST_FILE", "Fitted", "read_fitted", "tail"]

FORM = "gateway.baseline/v2"
LIFE_DAYS = 90
"""Days of activity that a promise of the ladder is given for."""
MOST_FILE = 4 * 1024 * 1024
"""Bytes of a file at most."""

GRID = 0.5
"""Decibans that values are rounded up to multiples of."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """`callers` benign callers whose activity comes to `lives` times 90 days. `peaks`: by signal the highest values above 0 that each
    of those who had any reached, ascending; `sums`: the highest sums of weights. `alone`: it says all there is to say; else it is read
    together with the baseline that ships. `source` says in words whose traffic it was."""

    callers: int
    lives: float
    peaks: Mapping[str, tuple[float, ...]]
    sums: tuple[float, ...] = ()
    source: str = ""
    alone: bool = False
    digest: str = field(default="", compare=False)

    def with_sums(self, sums: Iterable[float]) -> Fitted:
        """The same with the peaks of its callers' sums."""
        return replace(self, sums=tail(sums), digest="")

    def to_json(self) -> bytes:
        """The form that `read_fitted` reads."""
        form = _Form(
            form=FORM,
            source=self.source,
            callers=self.callers,
            lives=round(self.lives, 4),
            alone=self.alone,
            peaks={name: _counted(self.peaks[name]) for name in sorted(self.peaks)},
            sums=_counted(self.sums),
            digest="",
        )
        form.digest = _digest(form)
        return msgspec.json.encode(form).replace(b'],"', b'],\n"').replace(b',"peaks"', b',\n"peaks"') + b"\n"


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    form: str
    source: str
    callers: int
    lives: float
    alone: bool
    peaks: dict[str, list[tuple[float, int]]]
    sums: list[tuple[float, int]]
    digest: str


def tail(values: Iterable[float]) -> tuple[float, ...]:
    """Values above 0, each rounded up to the next half deciban, ascending: coarser, and never less than it was."""
    return tuple(sorted(ceil(round(value / GRID, 6)) * GRID for value in values if isfinite(value) and value > 0))


def read_fitted(raw: bytes) -> Fitted:
    """The baseline written in JSON. ValueError says what is wrong with it."""
    try:
        form = msgspec.json.decode(raw, type=_Form)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    if form.form != FORM:
        raise ValueError(f"form is {form.form[:40]!r}, this gateway reads {FORM!r}")
    told, form.digest = form.digest, ""
    if told != _digest(form):
        raise ValueError("its digest does not fit what it says: it was cut short or altered")
    if form.callers < 0 or not 0 <= form.lives <= form.callers:
        raise ValueError("callers and their lives are counted from 0, and nobody has more than one life")
    for pairs in (*form.peaks.values(), form.sums):
        if any(many < 1 or not value > 0 for value, many in pairs) or sum(many for _, many in pairs) > form.callers:
            raise ValueError("a caller has one peak at most, above 0")
    return Fitted(
        form.callers,
        form.lives,
        {name: _spread(pairs) for name, pairs in form.peaks.items()},
        _spread(form.sums),
        form.source,
        form.alone,
        told,
    )


def _digest(form: _Form) -> str:
    return hashlib.sha256(msgspec.json.encode(form, order="sorted")).hexdigest()


def _counted(values: Iterable[float]) -> list[tuple[float, int]]:
    return sorted(Counter(values).items())


def _spread(pairs: list[tuple[float, int]]) -> tuple[float, ...]:
    return tuple(sorted(value for value, many in pairs for _ in range(many)))
