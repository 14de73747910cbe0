"""Reading: heads, tails, merging of chains, finding one record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.folder import chain_folders, log_folder, segments
from gateway.audit.read import decode, find_records, head_of, is_record, last_records, lines_of, records, tail_of
from tests.audit.making import START, checkpoint, entry, opening, small, writer


def ids(found):
    return [decode(line)["id"] for line in found]


@given(whole=st.lists(st.binary(max_size=50).map(lambda text: text.replace(b"\n", b".")), max_size=5), torn=st.binary(max_size=50))
def test_the_tail_of_a_file_is_its_last_whole_line_and_what_is_torn(tmp_path, whole, torn):
    torn = torn.replace(b"\n", b".")
    path = tmp_path / "f"
    text = b"".join(line + b"\n" for line in whole)
    path.write_bytes(text + torn)
    tail = tail_of(path)
    assert tail.line == (whole[-1] + b"\n" if whole else b"")
    assert (tail.whole, tail.torn) == (len(text), len(torn))
    assert list(lines_of(path)) == [line + b"\n" for line in whole]


def test_the_tail_is_found_behind_a_long_torn_line(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"a\n" + b"b" * 3_000_000 + b"\n" + b"c" * 2_000_000)
    tail = tail_of(path)
    assert (len(tail.line), tail.whole, tail.torn) == (3_000_001, 3_000_003, 2_000_000)


def test_a_head_is_read_from_a_line_of_the_log_only(tmp_path):
    log = writer(tmp_path)
    log.append([entry("a")])
    log.close()
    line = list(lines_of(segments(log.folder)[0]))[1]
    head = head_of(line)
    assert (head.seq, head.kind, head.at_us, head.hash) == (1, "record", START, decode(line)["hash"])
    assert head_of(line[:-1]) is None
    assert head_of(b"something\n") is None
    assert is_record(line)


def test_chains_are_merged_by_the_time_their_records_were_made(tmp_path):
    one, two, three = writer(tmp_path), writer(tmp_path), writer(tmp_path)
    for number in range(30):
        at = START + number * 1_000_000
        (one, two, three)[number % 3].append([opening(f"r{number}", at), small(f"r{number}", at)])
        one.append([checkpoint(at)])
    assert ids(line for _, line in records(tmp_path)) == [f"r{number}" for number in range(30)]
    assert ids(last_records(tmp_path, 7)) == [f"r{number}" for number in range(23, 30)]
    assert len(last_records(tmp_path, 99)) == 30
    for log in (one, two, three):
        log.close()


def test_a_log_that_is_not_there_has_no_records(tmp_path):
    assert list(records(tmp_path)) == []
    assert last_records(tmp_path, 5) == []
    assert find_records(tmp_path, "abcd") == []


def test_a_folder_of_very_many_chains_is_read_without_opening_all_at_once(tmp_path):
    resource = pytest.importorskip("resource")
    log = writer(tmp_path)
    log.append([small("r", START)])
    log.close()
    for number in range(400):
        folder = log_folder(tmp_path) / f"20270101T{number // 60:02d}{number % 60:02d}00Z-{number:08x}"
        folder.mkdir()
        (folder / "000001.jsonl").write_bytes(segments(log.folder)[0].read_bytes().replace(b'"id":"r"', b'"id":"s"'))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 250), hard))
    try:
        assert len(chain_folders(tmp_path)) == 401
        assert sum(1 for _ in records(tmp_path)) == 401
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_record_is_found_by_its_id_or_the_beginning_of_it_newest_chain_first(tmp_path):
    for turn in ("aa", "bb"):
        log = writer(tmp_path, segment_bytes=3000)
        log.append([opening(f"{turn}-stream")])
        for number in range(30):
            log.append([small(f"{turn}{number:04d}")])
        log.close()
    assert ids(find_records(tmp_path, "aa0017", whole=True)) == ["aa0017"]
    assert len(set(ids(find_records(tmp_path, "bb002", limit=20)))) == 10
    assert len(find_records(tmp_path, "bb002")) == 2
    assert find_records(tmp_path, "aa001", whole=True) == []
    assert find_records(tmp_path, "bb-stream") == []


def test_an_id_that_straddles_two_blocks_of_a_segment_is_found(tmp_path):
    log = writer(tmp_path)
    while log.append([small(f"n{number}") for number in range(2000)]) and segments(log.folder)[0].stat().st_size < (1 << 20) - 300:
        pass
    free = (1 << 20) - segments(log.folder)[0].stat().st_size
    if free > 0:
        log.append([small("x" * (free % 1000))])
    log.append([small("needle0001")])
    log.close()
    assert ids(find_records(tmp_path, "needle0001")) == ["needle0001"]
