"""After a kill: the torn line is cut, open streams are closed as interrupted, the chain is ended, and all of it stands in the chain."""

from __future__ import annotations

import pytest

from gateway.audit.folder import CHECKPOINTS, segments
from gateway.audit.recover import Recovered, recover_all
from gateway.audit.verify import verify
from tests.audit.making import START, abandon, checkpoint, entry, lines, opening, record_ids, small, writer

NOW = START + 60_000_000


def killed(tmp_path, entries=(), torn=b"", **options):
    log = writer(tmp_path, **options)
    for batch in entries:
        log.append(batch)
    abandon(log)
    with open(segments(log.folder)[-1], "ab") as file:
        file.write(torn)
    return log


def test_a_torn_line_is_cut_and_the_cut_is_said(tmp_path):
    log = killed(tmp_path, [[entry("a")]], torn=b'{"v":1,"seq":2,"pr')
    assert recover_all(tmp_path, NOW) == [Recovered(log.folder.name, cut=18)]
    assert [line["kind"] for line in lines(tmp_path)] == ["chain", "record", "recovered", "closed"]
    assert lines(tmp_path)[2]["cut"] == 18
    assert verify(tmp_path).broken == []


def test_streams_left_open_get_a_record_that_says_interrupted(tmp_path):
    log = killed(tmp_path, [[opening("s1"), opening("s2"), opening("s3")], [entry("s2")]])
    assert recover_all(tmp_path, NOW) == [Recovered(log.folder.name, orphans=("s1", "s3"))]
    ends = {line["id"]: (line["end"], line["at"], line["ended"]) for line in lines(tmp_path) if line["kind"] == "record"}
    assert ends["s1"] == ends["s3"] == ("interrupted", START, NOW)
    assert ends["s2"][0] == "complete"
    assert lines(tmp_path)[-1]["records"] == 3


def test_streams_opened_long_before_the_last_checkpoint_are_found_across_segments(tmp_path):
    batches = [[opening("old")], *[[small(f"r{number}"), checkpoint(START + number)] for number in range(30)], [opening("new")]]
    log = killed(tmp_path, batches, segment_bytes=2000)
    assert len(segments(log.folder)) > 3
    assert recover_all(tmp_path, NOW)[0].orphans == ("old", "new")
    report = verify(tmp_path)
    assert report.broken == []
    assert report.records == 32
    assert lines(tmp_path)[-1]["records"] == 32


def test_a_chain_is_recovered_once_and_then_left_alone(tmp_path):
    killed(tmp_path, [[opening("s1")]], torn=b"{")
    recover_all(tmp_path, NOW)
    before = lines(tmp_path)
    assert recover_all(tmp_path, NOW) == []
    assert lines(tmp_path) == before


def test_a_recovery_that_was_itself_killed_is_gone_on_with(tmp_path):
    log = killed(tmp_path, [[opening("s1"), opening("s2")]])
    recover_all(tmp_path, NOW)
    path = segments(log.folder)[-1]
    text = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(text[:-2]) + text[-2][:30])
    (log.folder / CHECKPOINTS).unlink()
    assert recover_all(tmp_path, NOW)[0].orphans == ("s2",)
    assert sorted(record_ids(tmp_path)) == ["s1", "s2"]
    assert verify(tmp_path).broken == []


def test_a_chain_whose_writer_lives_is_left_alone(tmp_path):
    log = writer(tmp_path)
    log.append([opening("s1")])
    assert recover_all(tmp_path, NOW) == []
    log.append([entry("s1")])
    log.close()
    assert recover_all(tmp_path, NOW) == []
    assert verify(tmp_path).broken == []


@pytest.mark.parametrize("torn", [b"", b'{"v":1,"seq":0'])
def test_a_chain_that_never_had_a_whole_line_is_removed(tmp_path, torn):
    log = killed(tmp_path)
    segments(log.folder)[0].write_bytes(torn)
    assert recover_all(tmp_path, NOW) == []
    assert not log.folder.exists()


def test_a_new_segment_that_got_no_line_yet_is_used(tmp_path):
    log = killed(tmp_path, [[entry("a"), opening("s1")]])
    (log.folder / "000002.jsonl").write_bytes(b'{"v":1,')
    assert recover_all(tmp_path, NOW) == [Recovered(log.folder.name, cut=7, orphans=("s1",))]
    assert verify(tmp_path).broken == []


def test_a_torn_checkpoint_is_replaced(tmp_path):
    log = killed(tmp_path, [[entry("a"), checkpoint()]])
    path = log.folder / CHECKPOINTS
    path.write_bytes(path.read_bytes()[:-5])
    recover_all(tmp_path, NOW)
    assert path.read_bytes().endswith(b"}\n")


def test_a_chain_that_does_not_end_like_a_log_is_left_for_the_operator(tmp_path):
    log = killed(tmp_path, [[entry("a")]], torn=b"something else\n")
    text = segments(log.folder)[0].read_bytes()
    assert "verify" in recover_all(tmp_path, NOW)[0].problem
    assert segments(log.folder)[0].read_bytes() == text
