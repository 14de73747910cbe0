"""Recorded traffic is read line by line, plain or packed; mistakes name their line, and `truth` never gets in."""

from __future__ import annotations

import dataclasses
import gzip
import json

import pytest

from gateway import trace
from gateway.errors import TraceError
from gateway.model.request import NO_USAGE
from gateway.trace import TraceRecord, read_trace

LINE = {
    "at": 1790005204.152,
    "key": "k-1",
    "account": "a-1",
    "peer": "192.0.2.1",
    "headers": {"user-agent": "x/1"},
    "attributes": {"asn": "AS1", "created": 1735959647, "verified": True, "payment": None},
    "method": "POST",
    "path": "/v1/chat/completions",
    "request": {"model": "m", "messages": []},
    "response": {"status": 200, "ttft_ms": 655, "duration_ms": 1722, "usage": {"input_tokens": 66, "output_tokens": 79}},
    "truth": {"persona": "app_chat", "hostile": True, "campaign": "c"},
}


@pytest.fixture
def write(tmp_path):
    """A trace file of these records (dicts, or bytes as they shall stand)."""

    def written(*records, packed=False):
        path = tmp_path / ("t.jsonl.gz" if packed else "t.jsonl")
        lines = b"".join((record if isinstance(record, bytes) else json.dumps(record).encode()) + b"\n" for record in records)
        path.write_bytes(gzip.compress(lines) if packed else lines)
        return path

    return written


@pytest.mark.parametrize("packed", [False, True])
def test_a_record_has_all_that_is_known_of_a_request(write, packed):
    (record,) = read_trace(write(LINE, packed=packed))
    assert (record.at_us, record.key, record.account, record.peer) == (1790005204152000, "k-1", "a-1", "192.0.2.1")
    assert record.attributes == {"asn": "AS1", "created": "1735959647", "verified": "true"}
    assert json.loads(record.body) == LINE["request"]
    assert (record.status, record.first_byte_us, record.duration_us) == (200, 655_000, 1_722_000)
    assert (record.usage.input, record.usage.output) == (66, 79)


def test_the_truth_is_not_among_what_a_record_can_say(write):
    (record,) = read_trace(write(LINE))
    assert "truth" not in {field.name for field in dataclasses.fields(TraceRecord)}
    assert "app_chat" not in repr(record)


def test_what_may_be_absent_may_be_absent(write):
    (record,) = read_trace(write({"at": 1, "key": "k", "method": "GET", "path": "/v1/models", "request": None}))
    assert (record.account, record.peer, record.body, record.answer, record.usage) == (None, "", b"", b"", NO_USAGE)


def test_the_body_is_the_bytes_that_were_recorded(write):
    (record,) = read_trace(write(b'{"at":1,"key":"k","method":"POST","path":"/v1/x","request":{"a" :  1,"a":2}}'))
    assert record.body == b'{"a" :  1,"a":2}'


def test_only_as_many_records_as_asked_for_are_read(write):
    path = write(LINE, LINE, b"not a record")
    assert len(list(read_trace(path, at_most=2))) == 2
    with pytest.raises(TraceError, match=r"t\.jsonl:3: not a record of gateway\.trace/v1"):
        list(read_trace(path))


@pytest.mark.parametrize("line", [b"{}", b"[]", b'{"at":"x"}', b'{"at":1e400,"key":"k","method":"GET","path":"/"}', b"\xff"])
def test_a_line_that_is_no_record_is_told_by_its_number(write, line):
    with pytest.raises(TraceError, match=r":2: not a record"):
        list(read_trace(write(LINE, line)))


def test_empty_lines_are_passed_over(write):
    assert len(list(read_trace(write(LINE, b"", LINE)))) == 2


def test_a_packed_file_that_was_cut_says_so(write):
    path = write(*[LINE] * 50, packed=True)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TraceError, match="compressed file is broken"):
        list(read_trace(path))


def test_a_file_that_is_not_there_is_a_trace_error(tmp_path):
    with pytest.raises(TraceError, match="cannot be read"):
        list(read_trace(tmp_path / "nothing"))


def test_a_line_without_an_end_does_not_fill_the_memory(write, monkeypatch):
    monkeypatch.setattr(trace, "LONGEST_LINE", 1000)
    with pytest.raises(TraceError, match=r":2: a record of more than"):
        list(read_trace(write(LINE, b" " * 5000)))


def test_progress_is_told_as_a_share_that_ends_at_one(write):
    told = []
    list(read_trace(write(*[LINE] * 600), told=told.append))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 3
