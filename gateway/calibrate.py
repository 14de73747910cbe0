"""Fits a baseline on an operator's own recorded traffic, and says how it would have judged callers that it was not fitted on.

Traffic is taken for benign, but for whom it must not learn from: callers that are excluded by name (confirmed ones), callers whose
evidence under the baseline in force comes to `suspect` at any time unless they were cleared, and whatever is younger than the
quarantine, since incidents come to light late. What one calibration moves is bounded, so that nobody can teach it a new normal at once.
What a trace says of itself under `truth` is never read.

1. Every caller's peaks, signal by signal, and its highest sum under the baseline in force.
2. Suspects are set aside; the rest is split, by whole callers and by a hash of their key ids.
3. Again over the traffic: the highest sums by the baseline of the fitted half, and by that of all.
4. The held-out callers are judged by the fitted half: that is the report. The baseline itself is that of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import msgspec

from gateway.dialects.routes import dialect_for, normal_path
from gateway.errors import TraceError
from gateway.model.baseline import Fitted
from gateway.model.look import Look
from gateway.registry import names, resolve
from gateway.risk.baseline import Baseline, over_general
from gateway.risk.bounded import held
from gateway.risk.fitting import Peaks, Sums
from gateway.signals.look import look_of
from gateway.trace import TraceRecord

__all__ = ["Calibration", "Rules", "calibrate", "look_at"]

_DAY_US = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Rules:
    """How to calibrate. `holdout`: share of callers to judge; `suspect` and `most_move` in decibans; `quarantine_us` before now;
    `excluded` and `cleared` key ids; `alone`: without the baseline that ships."""

    holdout: float = 0.5
    suspect: float = 20.0
    quarantine_us: int = 7 * _DAY_US
    most_move: float = 3.0
    excluded: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()
    alone: bool = False


@dataclass(slots=True)
class Calibration:
    """What came of it. `baseline` knows all callers but those left out; `told` by held-out caller the most decibans it was ever told
    by the baseline of the others, `lived` their lives of 90 days; `suspected` with what they were told; `lowered` by signal (and
    `sum`) how many peaks the bound on moves lowered."""

    baseline: Baseline
    records: int = 0
    young: int = 0
    unread: int = 0
    excluded: int = 0
    fitted: int = 0
    told: dict[str, float] = field(default_factory=dict)
    lived: float = 0.0
    suspected: dict[str, float] = field(default_factory=dict)
    lowered: dict[str, int] = field(default_factory=dict)


def look_at(record: TraceRecord) -> Look | None:
    """A record as signals see it; None where they do not (a route that no dialect reads)."""
    dialect = dialect_for(record.method, normal_path(record.path.partition("?")[0]))
    if dialect.name == "opaque":
        return None
    try:
        document: Any = msgspec.json.decode(record.body) if record.body else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = {}
    return look_of(
        dialect.name,
        document if isinstance(document, dict) else {},
        at_us=record.at_us,
        key_id=record.key,
        account=record.account or "",
        peer=record.peer,
        status=record.status,
        input_tokens=record.usage.input,
        output_tokens=record.usage.output,
        ttft_us=record.first_byte_us,
        duration_us=record.duration_us,
        attributes=tuple(sorted(record.attributes.items())),
    )


def calibrate(read: Callable[[], Iterable[TraceRecord]], previous: Baseline, rules: Rules, *, now_us: int, source: str) -> Calibration:
    """The procedure above. `read` gives the records anew, in order of arrival, whenever it is called.

    TraceError where nobody is left to learn from."""
    signals = {name: resolve("signals", name) for name in names("signals")}
    peaks, before = Peaks(signals), Sums(signals, {"previous": previous})
    found = Calibration(previous)
    for look in _benign(read(), rules, now_us, found):
        peaks.see(look.key_id, look)
        before.see(look.key_id, look)
    for caller in peaks.callers():
        told = previous.combined(before.peaks["previous"][caller])
        if told >= rules.suspect and caller not in rules.cleared:
            found.suspected[caller] = told
    kept = [caller for caller in peaks.callers() if caller not in found.suspected]
    out = frozenset(caller for caller in kept if _drawn(caller) < rules.holdout)
    fit = [caller for caller in kept if caller not in out]
    if not fit:
        raise TraceError(f"nobody is left to learn from: {len(peaks)} callers were read, {len(found.suspected)} of them set aside")
    found.fitted, found.lived = len(fit), sum(peaks.life(caller) for caller in out)
    some = _bounded(_own(peaks, fit, source, rules), previous, rules, {})
    all_ = _bounded(_own(peaks, kept, source, rules), previous, rules, found.lowered)
    sums = Sums(signals, {"judged": some, "fitted": some.among_members, "all": all_.among_members})
    among = frozenset(kept)
    for look in _benign(read(), rules, now_us, None):
        if look.key_id in among:
            sums.see(look.key_id, look)
    some = _bounded(_with_sums(some, [sums.peaks["fitted"][caller] for caller in fit]), previous, rules, {})
    found.told = {caller: some.combined(sums.peaks["judged"][caller]) for caller in sorted(out)}
    found.baseline = _bounded(_with_sums(all_, [sums.peaks["all"][caller] for caller in kept]), previous, rules, found.lowered)
    return found


def _benign(records: Iterable[TraceRecord], rules: Rules, now_us: int, told: Calibration | None) -> Iterable[Look]:
    """The looks that may be learned from; what was passed over is counted in `told`."""
    newest, excluded = now_us - rules.quarantine_us, set()
    count = told or Calibration(Baseline(Fitted(0, 0.0, {})))
    for record in records:
        count.records += 1
        if record.key in rules.excluded:
            excluded.add(record.key)
        elif rules.quarantine_us and record.at_us > newest:
            count.young += 1
        elif (look := look_at(record)) is None:
            count.unread += 1
        else:
            yield look
    count.excluded = len(excluded)


def _drawn(caller: str) -> float:
    """A caller's place in [0, 1), the same whenever it is asked for."""
    return int.from_bytes(sha256(b"gateway calibrate " + caller.encode()).digest()[:8], "big") / 2**64


def _own(peaks: Peaks, callers: list[str], source: str, rules: Rules) -> Baseline:
    return over_general(replace(peaks.baseline(source, callers).fitted, alone=rules.alone))


def _with_sums(baseline: Baseline, sums: list[float]) -> Baseline:
    fitted = baseline.fitted
    return Baseline(fitted.with_sums(sums), baseline.under)


def _bounded(baseline: Baseline, previous: Baseline, rules: Rules, lowered: dict[str, int]) -> Baseline:
    bounded, many = held(baseline, previous, rules.most_move)
    lowered.update(many)
    return bounded
