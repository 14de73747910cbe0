"""The writer: whole batches or nothing, segments one after another, checkpoints in the chain and beside it."""

from __future__ import annotations

import json
import shutil

import pytest

from gateway.audit.folder import chain_folders, claim, segments
from gateway.audit.read import decode, head_of, lines_of, read_place
from gateway.audit.verify import verify
from tests.audit.making import START, abandon, checkpoint, entry, lines, opening, record_ids, small, writer


def test_a_chain_begins_with_its_own_name_and_ends_with_its_count(tmp_path):
    log = writer(tmp_path)
    log.append([entry("a"), entry("b")])
    log.close()
    first, *records, last = lines(tmp_path)
    assert (first["kind"], first["chain"], first["seq"]) == ("chain", log.folder.name, 0)
    assert [record["id"] for record in records] == ["a", "b"]
    assert (last["kind"], last["records"]) == ("closed", 2)


def test_segments_follow_one_another_and_the_chain_goes_on_through_them(tmp_path):
    log = writer(tmp_path, segment_bytes=2000)
    for number in range(20):
        log.append([small(f"r{number}")])
    log.close()
    files = segments(log.folder)
    assert len(files) >= 2
    assert [int(path.stem) for path in files] == list(range(1, len(files) + 1))
    heads = [head_of(line) for path in files for line in lines_of(path)]
    assert [head.seq for head in heads] == list(range(22))
    assert verify(tmp_path).records == 20


def test_a_checkpoint_names_the_oldest_stream_that_is_open(tmp_path):
    log = writer(tmp_path)
    for batch in (
        [checkpoint()],
        [opening("s1"), opening("s2"), checkpoint()],
        [entry("s1")],
        [checkpoint()],
        [entry("s2")],
        [checkpoint()],
    ):
        log.append(batch)
    marks = [line for line in lines(tmp_path) if line["kind"] == "checkpoint"]
    assert [mark["open"] for mark in marks] == [marks[0]["seq"], 2, 3, marks[3]["seq"]]
    assert [mark["records"] for mark in marks] == [0, 0, 1, 2]
    log.close()


def test_each_checkpoint_is_noted_beside_the_chain(tmp_path):
    log = writer(tmp_path)
    log.append([entry("a"), checkpoint(START + 7)])
    log.close()
    noted = [json.loads(line) for line in (log.folder / "checkpoints.jsonl").read_text().splitlines()]
    own = [line for line in lines(tmp_path) if line["kind"] in {"checkpoint", "closed"}]
    assert [(line["seq"], line["head"], line["at"]) for line in noted] == [(line["seq"], line["hash"], line["at"]) for line in own]
    assert {line["chain"] for line in noted} == {log.folder.name}


def test_a_batch_that_fails_leaves_chain_and_count_as_they_were_and_what_was_lost_is_said_later(tmp_path):
    log = writer(tmp_path)
    log.append([entry("a")])
    shutil.move(log.folder, tmp_path / "away")
    (tmp_path / "away/000001.jsonl").rename(tmp_path / "kept")
    (tmp_path / "kept").unlink()
    (tmp_path / "audit").rmdir()
    (tmp_path / "audit").write_text("a file where the folder should be")
    batch = [entry("b"), entry("c")]
    with pytest.raises(OSError, match="audit"):
        log.append(batch)
    log.forget(batch)
    (tmp_path / "audit").unlink()
    log.append([entry("d")])
    log.close()
    found = lines(tmp_path)
    assert [line["kind"] for line in found] == ["chain", "lost", "record", "closed"]
    assert found[1]["lines"] == 2
    assert verify(tmp_path).broken == []


def test_where_the_segment_is_removed_the_chain_goes_on_and_the_loss_is_found(tmp_path):
    log = writer(tmp_path)
    log.append([entry("a")])
    segments(log.folder)[0].unlink()
    log.append([entry("b")])
    log.close()
    assert record_ids(tmp_path) == ["b"]
    assert str(verify(tmp_path).broken[0]).endswith("000001.jsonl: this segment is missing")


def test_records_written_lately_can_be_found_in_their_place_and_older_ones_are_forgotten(tmp_path):
    log = writer(tmp_path)
    log.append([small(f"r{number}") for number in range(4097)])
    assert log.place("r0") is None
    place = log.place("r4096")
    assert decode(read_place(*place))["id"] == "r4096"
    log.close()


def test_a_chain_names_the_ends_of_those_that_are_closed_before_it(tmp_path):
    one = writer(tmp_path)
    one.close()
    two = writer(tmp_path)
    three = writer(tmp_path)
    last_of_one = decode(list(lines_of(segments(one.folder)[0]))[-1])
    for later in (two, three):
        first = decode(next(lines_of(segments(later.folder)[0])))
        assert first["after"] == [{"chain": one.folder.name, "seq": last_of_one["seq"], "head": last_of_one["hash"]}]
    two.close()
    three.close()


def test_a_chain_is_locked_while_its_writer_lives(tmp_path):
    log = writer(tmp_path)
    assert claim(chain_folders(tmp_path)[0]) is None
    abandon(log)
    assert claim(chain_folders(tmp_path)[0]) is not None


def test_checkpoints_wait_where_their_file_cannot_be_written_and_come_later(tmp_path):
    log = writer(tmp_path)
    (log.folder / "checkpoints.jsonl").mkdir()
    log.append([entry("a"), checkpoint(START + 1)])
    (log.folder / "checkpoints.jsonl").rmdir()
    log.append([entry("b"), checkpoint(START + 2)])
    log.close()
    assert len((log.folder / "checkpoints.jsonl").read_text().splitlines()) == 3
    assert verify(tmp_path).broken == []
