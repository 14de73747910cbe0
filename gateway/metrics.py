"""Metrics: every name once, with its kind, its labels and what it means. `docs/metrics.md` is written from this table.

Labels never hold what a client chooses (models, peers, keys): their values come from the code and from the policy. And a
metric keeps at most `MAX_SERIES` sets of label values all the same; what comes beyond is counted under `other`, so that sums
stay true and memory stays bounded.

`python -m gateway.metrics` prints `docs/metrics.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

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
    Metric("gateway_state_up", "gauge", "1 while the store of holds answers, 0 after it did not."),
    Metric("gateway_state_writes_total", "counter",
           "Writes of quota and verdicts to the file that keeps them over a restart: written, or failed and tried again.", ("outcome",)),
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
    Metric("gateway_audit_up", "gauge", "1 while audit lines can be written, 0 while they are being lost."),
)  # fmt: skip

Labels = tuple[str, ...]
C = TypeVar("C", Counter, Gauge, Histogram)


class _Plain(CollectorRegistry):
    """A registry that leaves out the times at which series were made, without a switch for the whole process."""

    def collect(self) -> Iterator[Family]:
        for family in super().collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


class Metrics:
    """The metrics of one gateway, in a registry of their own; see `ports.Meter`. A name or a number of labels that the table
    does not have is a mistake of the code: KeyError, ValueError."""

    content_type: str = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, max_series: int = MAX_SERIES) -> None:
        self._max_series = max_series
        self._registry = _Plain(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        # The series known so far, by name and label values: the hot path is one look-up here.
        self._counters: dict[tuple[str, Labels], Counter] = {}
        self._gauges: dict[tuple[str, Labels], Gauge] = {}
        self._histograms: dict[tuple[str, Labels], Histogram] = {}
        self._counter_of = {m.name: Counter(m.name, m.meaning, m.labels, registry=self._registry) for m in _of("counter")}
        self._gauge_of = {m.name: Gauge(m.name, m.meaning, m.labels, registry=self._registry) for m in _of("gauge")}
        self._histogram_of = {
            m.name: Histogram(m.name, m.meaning, m.labels, buckets=m.buckets, registry=self._registry) for m in _of("histogram")
        }
        self._series = {metric.name: 0 for metric in METRICS}

    def count(self, name: str, labels: Labels = (), amount: int = 1) -> None:
        """Add to a counter."""
        child = self._counters.get((name, labels))
        if child is None:
            child = self._child(self._counter_of[name], self._counters, name, labels)
        child.inc(amount)

    def gauge(self, name: str, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        child = self._gauges.get((name, labels))
        if child is None:
            child = self._child(self._gauge_of[name], self._gauges, name, labels)
        child.set(value)

    def observe(self, name: str, value: float, labels: Labels = ()) -> None:
        """Add one observation to a histogram."""
        child = self._histograms.get((name, labels))
        if child is None:
            child = self._child(self._histogram_of[name], self._histograms, name, labels)
        child.observe(value)

    def render(self) -> bytes:
        """All metrics as Prometheus text, those of the process and of Python included."""
        return generate_latest(self._registry)

    def _child(self, parent: C, known: dict[tuple[str, Labels], C], name: str, labels: Labels) -> C:
        """The series of these label values, or the metric's `other` once it has too many. Only kept ones are remembered here."""
        if not labels:
            known[(name, labels)] = parent
            return parent
        if self._series[name] >= self._max_series:
            return parent.labels(*[_OTHER] * len(labels))
        child = parent.labels(*[_printable(value) for value in labels])
        known[(name, labels)] = child
        self._series[name] += 1
        return child


def _of(kind: str) -> list[Metric]:
    return [metric for metric in METRICS if metric.kind == kind]


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
