"""How a replay weighs: each decided record goes through the live gateway's own weigher, one at a time, before the next is decided."""

from __future__ import annotations

from gateway.metrics import Metrics
from gateway.model.ruling import Ruling
from gateway.ports import HistoryStore
from gateway.registry import names, resolve
from gateway.replay import Replay
from gateway.risk.baseline import general
from gateway.risk.campaigns import Campaigns
from gateway.risk.links import Campaign
from gateway.risk.scales import MEMORY, Scales
from gateway.signals.base import Baseline
from gateway.trace import TraceRecord
from gateway.traceroad import Judged
from gateway.weigher import Weigher

__all__ = ["Weighing"]


class Weighing:
    """The scales of one replay, see `replay.Weigh`. `baseline`: the one that ships where none is given and the policy names none;
    `memory` in bytes."""

    def __init__(self, baseline: Baseline | None = None, *, memory: int = MEMORY) -> None:
        signals = {name: resolve("signals", name) for name in names("signals")}
        self._scales = Scales(signals, baseline or general(), memory=memory) if signals else None
        self._linked = Campaigns(self._scales) if self._scales is not None else None
        self._weigher: Weigher | None = None

    @property
    def campaigns(self) -> dict[str, Campaign]:
        """The campaigns that there are now, by id."""
        return {} if self._linked is None else {campaign.id: campaign for campaign in self._linked.found.values()}

    def __call__(self, record: TraceRecord, judged: Judged, history: HistoryStore) -> None:
        """Weigh one decided record. Its answer ended when the record says so."""
        if self._scales is None:
            return
        if self._weigher is None:
            self._weigher = Weigher(self._scales, history, Metrics(), cpu=_no_time, campaigns=self._linked)
        took_us = 0 if judged.refused else record.duration_us
        self._weigher.see(judged.end, judged.trail.arrival.at_us + took_us)
        self._weigher.weigh_some(0.0)

    def heard(self, ruling: Ruling) -> None:
        """A person decided: what is known of a cleared caller from before is dropped, as it is live."""
        if ruling.finding == "cleared" and self._scales is not None:
            self._scales.callers.clear(ruling.key_id, ruling.at_us)

    def finish(self, found: Replay) -> None:
        """Look for campaigns once more, after the last record: those since the last time would not be known otherwise."""
        if self._weigher is not None:
            self._weigher.link(found.policy, found.now_us)


def _no_time() -> float:
    """A replay weighs everything, however long it takes."""
    return 0.0
