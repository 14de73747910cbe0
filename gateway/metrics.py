"""Metrics: every name once, with its kind, its labels and what it means. `docs/metrics.md` is written from this table.

Labels never hold what a client chooses (models, peers, keys): their values come from the code and from the policy. And a
metric keeps at most `MAX_SERIES` sets of label values all the same; what comes beyond is counted under `other`, so that sums
stay true and memory stays bounded.

`python -m gateway.metrics` prints `docs/metrics.md`.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.utils import floatToGoString

__all__ = ["MAX_SERIES", "METRICS", "Metric", "Metrics", "document"]

MAX_SERIES = 200
"""Sets of label values that one metric keeps."""

_OTHER = "other"
_ANSWER_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_WRITE_S = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `buckets` in the metric's own unit, histograms only."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


METRICS: tuple[Metric, ...] = (
    Metric("gateway_requests_total", "counter", "Requests that came to an end, each of which has one audit record.",
           ("operation", "outcome", "end")),
    Metric("gateway_request_duration_seconds", "histogram", "From a request's arrival until its record is made.",
           ("operation",), _ANSWER_S),
    Metric("gateway_first_byte_seconds", "histogram", "From a request's arrival to the first byte of its answer's body.",
           ("operation",), _ANSWER_S),
    Metric("gateway_in_flight", "gauge", "Requests under way in this process."),
    Metric("gateway_refusals_total", "counter", "Requests that the gateway itself refused, by reason code.", ("reason",)),
    Metric("gateway_shadow_total", "counter", "What limits and rungs in shadow would have done, by their id.", ("what",)),
    Metric("gateway_disconnects_total", "counter", "Clients that left before their answer's end."),
    Metric("gateway_upstream_errors_total", "counter", "Answers that an upstream did not give, or broke off.", ("upstream", "fault")),
    Metric("gateway_concurrency_limit", "gauge",
           "Most requests at once that this process sends to an upstream: as written, or as its adaptive limit finds.", ("upstream",)),
    Metric("gateway_queue_length", "gauge", "Requests that wait for a place at an upstream.", ("upstream",)),
    Metric("gateway_queue_wait_seconds", "histogram", "How long those waited that had to and got a place.", ("upstream", "priority"),
           _ANSWER_S),
    Metric("gateway_saturated_total", "counter",
           "Requests without a place: the queue was full, none came free in time (late), or the upstream is cooling down.",
           ("upstream", "why", "priority")),
    Metric("gateway_tokens_total", "counter", "Tokens that were settled, by where the number comes from.", ("direction", "source")),
    Metric("gateway_holds_total", "counter", "Attempts to hold quota: taken, refused, failed, or unknown (no answer in time).",
           ("outcome",)),
    Metric("gateway_slices_total", "counter",
           "Slices that streams asked for beyond their hold: taken, refused, closed (the hold was open no longer), lost (no answer).",
           ("outcome",)),
    Metric("gateway_streams_cut_total", "counter", "Streams that were ended at their budget, by the reason code of what was spent.",
           ("reason",)),
    Metric("gateway_settles_total", "counter", "Holds that were settled, by what the store said.", ("outcome",)),
    Metric("gateway_settles_owed", "gauge", "Settles that the shared store did not take yet and that are sent again until it does."),
    Metric("gateway_state_up", "gauge", "1 while the store of holds answers, 0 after it did not."),
    Metric("gateway_state_writes_total", "counter",
           "Writes of quota and verdicts to the file that keeps them over a restart: written, or failed and tried again.",
           ("outcome",)),
    Metric("gateway_state_lost_total", "counter", "Takes that the store did not answer, by what the policy then does.",
           ("mode",)),
    Metric("gateway_policy_reloads_total", "counter", "Attempts to load the policy anew, by what came of them.", ("outcome",)),
    Metric("gateway_policy_loaded_timestamp_seconds", "gauge", "When the running policy was loaded, Unix time."),
    Metric("gateway_audit_lost_total", "counter", "Audit lines not written, or not while their answer waited."),
    Metric("gateway_audit_records_total", "counter", "Audit records on disk, as durable as the policy asks."),
    Metric("gateway_audit_bytes_total", "counter", "Bytes appended to the audit log."),
    Metric("gateway_audit_write_seconds", "histogram", "One write of the audit log: all lines of one tick of the loop.", (), _WRITE_S),
    Metric("gateway_audit_errors_total", "counter", "Writes of the audit log that failed, by the system's name of the error.",
           ("error",)),
    Metric("gateway_weighed_total", "counter", "Requests that detection took in, after their end."),
    Metric("gateway_weigh_shed_total", "counter",
           "Requests that detection did not take in: its queue was full, held its part of this caller, a signal failed (fault), or"
           " other processes could not be told (unshared).",
           ("why",)),
    Metric("gateway_weigh_share", "gauge", "Share of requests that were weighed and not shed, since the start."),
    Metric("gateway_weigh_queued", "gauge", "Requests that wait to be weighed."),
    Metric("gateway_weigh_seconds", "histogram", "CPU that weighing one request took, on the average of a batch.", (), _WRITE_S),
    Metric("gateway_weigh_cpu_microseconds_total", "counter",
           "CPU of detection: weighing requests, linking callers, sharing with other processes.", ("part",)),
    Metric("gateway_weigh_share_failures_total", "counter",
           "Times that the shared state did not take, or tell, what detection learnt of callers."),
    Metric("gateway_weigh_callers", "gauge", "Callers that detection remembers in this process."),
    Metric("gateway_audit_up", "gauge", "1 while audit lines can be written, 0 while they are being lost."),
)  # fmt: skip

Labels = tuple[str, ...]
Series = tuple[str, Labels]
"""One metric's name and the values of its labels."""

_TABLE = {metric.name: metric for metric in METRICS}


class _Spread:
    """One series of a histogram: how many observations fell into each bucket, the last beyond all bounds, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def told(self) -> list[tuple[str, float]]:
        """Buckets as Prometheus has them: each with all that is at or below its bound."""
        names = [*map(floatToGoString, self.bounds), "+Inf"]
        return list(zip(names, map(float, accumulate(self.counts)), strict=True))


class Metrics:
    """The metrics of one gateway, in a registry of their own; see `ports.Meter`. A name or a number of labels that the table
    does not have is a mistake of the code: KeyError, ValueError.

    Values are plain numbers, made into Prometheus' form when somebody asks: counting costs 0.2 us, where a counter of its
    client with its lock takes 0.6 us and a histogram 2 us.
    """

    content_type: str = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, max_series: int = MAX_SERIES) -> None:
        self._max_series = max_series
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(self)
        self._numbers: dict[Series, float] = {}
        self._spreads: dict[Series, _Spread] = {}
        self._series = dict.fromkeys(_TABLE, 0)
        for metric in METRICS:
            if not metric.labels and metric.kind == "histogram":
                self._spreads[metric.name, ()] = _Spread(metric.buckets)
            elif not metric.labels:
                self._numbers[metric.name, ()] = 0.0

    def count(self, name: str, labels: Labels = (), amount: int = 1) -> None:
        """Add to a counter."""
        series = name, labels
        if series not in self._numbers:
            series = self._new(name, labels, "counter")
        self._numbers[series] += amount

    def gauge(self, name: str, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        series = name, labels
        if series not in self._numbers:
            series = self._new(name, labels, "gauge")
        self._numbers[series] = value

    def observe(self, name: str, value: float, labels: Labels = ()) -> None:
        """Add one observation to a histogram."""
        series = name, labels
        if series not in self._spreads:
            series = self._new(name, labels, "histogram")
        self._spreads[series].add(value)

    def render(self) -> bytes:
        """All metrics as Prometheus text, those of the process and of Python included."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Family]:
        """What the registry asks of a collector: every metric of the table with its series."""
        for metric in METRICS:
            if metric.kind == "histogram":
                spread = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
                for (name, labels), values in self._spreads.items():
                    if name == metric.name:
                        spread.add_metric(labels, values.told(), values.total)
                yield spread
                continue
            made = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = made(metric.name, metric.meaning, labels=metric.labels)
            for (name, labels), value in self._numbers.items():
                if name == metric.name:
                    family.add_metric(labels, value)
            yield family

    def _new(self, name: str, labels: Labels, kind: str) -> Series:
        """The series of label values that are not known as they are: as they can be printed, or `other` once there are too many."""
        metric = _TABLE[name]
        if metric.kind != kind:
            raise KeyError(f"{name} is no {kind}")
        if len(labels) != len(metric.labels):
            raise ValueError(f"{name} has {len(metric.labels)} labels, not {len(labels)}")
        series = name, tuple([_printable(value) for value in labels])
        held: dict[Series, Any] = self._spreads if kind == "histogram" else self._numbers
        if series not in held and self._series[name] >= self._max_series:
            series = name, (_OTHER,) * len(labels)
        if series not in held:
            held[series] = _Spread(metric.buckets) if kind == "histogram" else 0.0
            self._series[name] += 1
        return series


def _printable(value: str) -> str:
    """A label value that can be encoded, bounded in length."""
    return value[:120].encode("utf-8", "replace").decode()


def document() -> str:
    """The text of `docs/metrics.md`."""
    lines = [
        "# Metrics",
        "",
        "Written from `gateway/metrics.py` by `python -m gateway.metrics > docs/metrics.md`; do not edit by hand.",
        "",
        "They are served as Prometheus text at `/metrics` of the admin plane, together with those of the process (`process_*`)",
        "and of Python (`python_*`). With several workers each process has its own; sum them. Label values come from the code",
        "and from the policy, never from a client: neither models nor keys nor addresses are labels. A metric keeps at most",
        f"{MAX_SERIES} sets of label values and counts what comes beyond under `{_OTHER}`.",
        "",
        "| name | kind | labels | meaning |",
        "|---|---|---|---|",
    ]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
