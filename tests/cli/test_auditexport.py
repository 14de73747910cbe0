"""`gateway audit export`: which records, in which form, and where they go."""

from __future__ import annotations

import gzip
import json

import pytest
from click.testing import CliRunner

from gateway.audit.query import Query, select
from gateway.cli import cli
from gateway.errors import AuditError, SettingsError
from gateway.model.caller import Caller
from gateway.trace import read_trace
from tests.audit.making import START, entry, opening, writer

SECOND = 1_000_000


@pytest.fixture
def data(tmp_path):
    """A log of three requests that end in another order than they come in, and one that nobody sent."""
    log = writer(tmp_path)
    log.append([
        opening("slow", START),
        entry("quick", START + SECOND, path="/v1/chat/completions"),
        entry("refused", START + 2 * SECOND, caller=None, status=401, end="refused"),
        entry("other", START + 2 * SECOND, caller=Caller("cd" * 16, "other")),
        entry("slow", START, ended_us=START + 3 * SECOND),
    ])  # fmt: skip
    log.close()
    return tmp_path


def export(data, *arguments):
    return CliRunner().invoke(cli, ["audit", "export", *map(str, arguments), "--data", str(data)])


def ids(result):
    return [json.loads(line)["id"] for line in result.stdout.splitlines()]


def test_without_filters_every_record_is_printed_as_it_is_stored(data):
    result = export(data)
    assert result.exit_code == 0
    assert result.stdout_bytes == b"".join(select(data, Query()))
    assert ids(result) == ["quick", "refused", "other", "slow"]


def test_filters_choose_records(data):
    assert ids(export(data, "--account", "oth*")) == ["other"]
    assert ids(export(data, "--key", "fp:" + "ab" * 6)) == ["quick", "slow"]
    assert ids(export(data, "--since", "2026-11-24T13:40:23.500")) == ["slow"]
    assert ids(export(data, "--until", "2026-11-24T13:40:22.500")) == ["quick"]


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
def test_a_trace_is_in_the_order_of_arrival_and_says_what_it_leaves_out(data, tmp_path, name):
    out = tmp_path / name
    result = export(data, "--format", "trace", "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"3 records in {out}\n1 left out, which have no caller or no path\n"
    assert [record.at_us for record in read_trace(out)] == [START, START + SECOND, START + 2 * SECOND]
    assert (out.read_bytes()[:2] == b"\x1f\x8b") is name.endswith(".gz")


def test_a_file_is_there_whole_or_not_at_all(data, tmp_path):
    out = tmp_path / "all.jsonl.gz"
    export(data, "--out", out)
    assert gzip.decompress(out.read_bytes()) == export(data).stdout_bytes
    missing = export(data, "--out", tmp_path / "nowhere" / "all.jsonl")
    assert missing.exit_code == 1
    assert isinstance(missing.exception, AuditError)
    assert "nowhere" in str(missing.exception)
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_what_is_no_log_or_no_time_is_said(data, tmp_path):
    assert isinstance(export(tmp_path / "empty").exception, SettingsError)
    assert export(data, "--since", "yesterday").exit_code == 2
    assert export(data, "--format", "parquet").exit_code == 2
