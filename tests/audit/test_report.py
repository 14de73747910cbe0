"""What a check comes to, in words and figures."""

from __future__ import annotations

from gateway.audit.report import ChainReport, Finding, Report


def test_a_finding_reads_as_a_place_and_what_is_wrong_there():
    assert str(Finding("c/000001.jsonl", 7, 6, "altered")) == "c/000001.jsonl:7 (seq 6): altered"
    assert str(Finding("c/000002.jsonl", 0, None, "missing")) == "c/000002.jsonl: missing"


def test_findings_past_the_hundredth_are_counted():
    report = Report(chains=[ChainReport("a", records=2), ChainReport("b", records=3)])
    for number in range(130):
        report.add(Finding("f", number, None, "x"))
    assert (len(report.broken), report.more, report.findings, report.records) == (100, 30, 130, 5)
