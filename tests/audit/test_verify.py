"""The verifier: whatever is done to a log is found, and the place is said; what a kill leaves behind is told apart."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.folder import CHECKPOINTS, segments
from gateway.audit.verify import verify
from tests.audit.making import START, abandon, checkpoint, entry, opening, small, writer


def built(data, *, closed):
    """A log of 3 segments, 5 checkpoints and, unless it is closed, 5 lines after the last."""
    log = writer(data, segment_bytes=6000)
    for number in range(25):
        log.append([opening(f"s{number}"), entry(f"r{number}")] if number % 4 == 0 else [small(f"q{number}")])
        if number % 5 == 2:
            log.append([checkpoint(START + number)])
    if closed:
        log.close()
    else:
        abandon(log)
    return log.folder


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """The files of a closed log and of one whose writer was killed: {name: bytes} each, with the folder's name."""
    made = {}
    for closed in (True, False):
        folder = built(tmp_path_factory.mktemp("log"), closed=closed)
        made[closed] = (folder.name, {path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    return made


def checked(tmp_path, name, files, **options):
    """The report on a log that has these files."""
    folder = Path(tmp_path) / "audit" / name
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_bytes(text)
    return verify(Path(tmp_path), **options)


def places(report):
    return {(found.file.rpartition("/")[2], found.line) for found in report.broken}


def texts(files):
    return [name for name in files if name != CHECKPOINTS]


def every_line(files):
    return [(name, number) for name in texts(files) for number in range(len(files[name].splitlines()))]


def test_an_untouched_log_holds(logs, tmp_path):
    for closed, (name, files) in logs.items():
        report = checked(tmp_path / str(closed), name, files)
        assert report.broken == []
        assert report.records == 25
        assert len(files) == 4
        assert report.chains[0].closed is closed
        assert bool(report.notices) is not closed


@given(data=st.data())
def test_a_flipped_byte_is_found_in_its_line(logs, tmp_path, data):
    name, files = logs[True]
    file = data.draw(st.sampled_from(texts(files)))
    text = bytearray(files[file])
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    line = files[file][:at].count(b"\n") + 1
    report = checked(tmp_path, name, {**files, file: bytes(text)})
    assert report.broken
    if file != texts(files)[-1] or at != len(text) - 1:
        assert {(file, line), (file, line + 1)} & places(report)


@given(data=st.data())
def test_a_flipped_byte_in_the_checkpoints_is_found(logs, tmp_path, data):
    name, files = logs[True]
    text = bytearray(files[CHECKPOINTS])
    at = data.draw(st.integers(0, len(text) - 2))  # the very last newline is what a kill may lack
    text[at] ^= data.draw(st.integers(1, 255))
    assert checked(tmp_path, name, {**files, CHECKPOINTS: bytes(text)}).broken


@given(data=st.data())
def test_a_dropped_line_is_found_where_it_was(logs, tmp_path, data):
    name, files = logs[True]
    file, number = data.draw(st.sampled_from(every_line(files)))
    kept = files[file].splitlines(keepends=True)
    del kept[number]
    report = checked(tmp_path, name, {**files, file: b"".join(kept)})
    following = (file, number + 1) if number < len(kept) else (texts(files)[min(texts(files).index(file) + 1, 2)], 1)
    last = every_line(files)[-1] == (file, number)
    assert report.broken
    assert last or following in places(report)
    if number < len(kept):
        assert any("missing before" in found.what for found in report.broken)


@given(data=st.data())
def test_two_swapped_lines_are_found(logs, tmp_path, data):
    name, files = logs[True]
    one, other = data.draw(st.lists(st.sampled_from(every_line(files)), min_size=2, max_size=2, unique=True))
    split = {file: files[file].splitlines(keepends=True) for file in texts(files)}
    split[one[0]][one[1]], split[other[0]][other[1]] = split[other[0]][other[1]], split[one[0]][one[1]]
    report = checked(tmp_path, name, {**files, **{file: b"".join(parts) for file, parts in split.items()}})
    first = min(one, other)
    assert (first[0], first[1] + 1) in places(report)


@given(data=st.data(), forged=st.booleans())
def test_an_inserted_line_is_found_even_if_it_has_a_hash_of_its_own(logs, tmp_path, data, forged):
    name, files = logs[True]
    file, number = data.draw(st.sampled_from(every_line(files)))
    parts = files[file].splitlines(keepends=True)
    copied = data.draw(st.sampled_from(parts))
    if forged:
        before = [line for other in texts(files) for line in files[other].splitlines(keepends=True)]
        index = before.index(parts[number])
        prev = before[index - 1][-67:-3] if index else b"0" * 64
        text = b'{"v":1,"seq":%d,"prev":"%b","kind":"record","at":1,"id":"forged"' % (index, prev)
        copied = text + b',"hash":"' + hashlib.sha256(text).hexdigest().encode() + b'"}\n'
    parts.insert(number, copied)
    report = checked(tmp_path, name, {**files, file: b"".join(parts)})
    assert {(file, number + 1), (file, number + 2)} & places(report)


def test_a_line_exchanged_for_another_of_the_same_number_and_a_hash_of_its_own_is_found(logs, tmp_path):
    name, files = logs[True]
    for file, number in every_line(files)[:-1]:
        parts = files[file].splitlines(keepends=True)
        text = parts[number][:-76].replace(b'"at":', b'"at":1')
        parts[number] = text + b',"hash":"' + hashlib.sha256(text).hexdigest().encode() + b'"}\n'
        report = checked(tmp_path, name, {**files, file: b"".join(parts)})
        assert any("does not follow the one before" in found.what for found in report.broken)


def test_a_record_added_behind_the_last_line_is_found_though_its_chain_is_right(logs, tmp_path):
    name, files = logs[True]
    last = files["000003.jsonl"].splitlines(keepends=True)[-1]
    text = b'{"v":1,"seq":%d,"prev":"%b","kind":"record","at":1,"id":"late"' % (json.loads(last)["seq"] + 1, last[-67:-3])
    line = text + b',"hash":"' + hashlib.sha256(text).hexdigest().encode() + b'"}\n'
    report = checked(tmp_path, name, {**files, "000003.jsonl": files["000003.jsonl"] + line})
    assert ["after the chain's last" in found.what for found in report.broken] == [True]


@given(data=st.data(), closed=st.booleans())
def test_a_cut_tail_is_found_unless_it_is_what_a_kill_leaves(logs, tmp_path, data, closed):
    name, files = logs[closed]
    last = texts(files)[-1]
    text = files[last]
    cut = data.draw(st.integers(0, len(text) - 1))
    report = checked(tmp_path, name, {**files, last: text[:cut]})
    marked = text.rfind(b'"kind":"closed"' if closed else b'"kind":"checkpoint"')
    end_of_marked = text.index(b"\n", marked) + 1 if marked >= 0 else 0
    if cut < end_of_marked:
        assert any("cut off" in found.what for found in report.broken)
        return
    assert report.broken == []
    assert any("unanchored" in notice for notice in report.notices) == (b"\n" in text[end_of_marked:cut])
    assert any("incomplete last line" in notice for notice in report.notices) == (text[:cut][-1:] != b"\n")


@given(data=st.data())
def test_any_mixture_of_edits_is_found(logs, tmp_path, data):
    name, files = logs[True]
    file = data.draw(st.sampled_from(texts(files)))
    parts = files[file].splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(parts) - 1)))
        match data.draw(st.sampled_from(["drop", "double", "move", "change", "empty"])):
            case "drop" if parts:
                del parts[at]
            case "double" if parts:
                parts.insert(at, parts[data.draw(st.integers(0, len(parts) - 1))])
            case "move" if parts:
                parts.insert(data.draw(st.integers(0, len(parts) - 1)), parts.pop(at))
            case "change" if parts:
                parts[at] = data.draw(st.binary(max_size=90)) + parts[at][data.draw(st.integers(0, 90)) :]
            case _:
                parts.insert(at, b"\n")
    text = b"".join(parts)
    assert bool(checked(tmp_path, name, {**files, file: text}).broken) == (text != files[file])


def test_a_chain_without_lines_is_said_to_have_none_left(logs, tmp_path):
    name, files = logs[True]
    report = checked(tmp_path, name, {CHECKPOINTS: files[CHECKPOINTS], "000001.jsonl": b""})
    assert "nothing of it is left" in report.broken[0].what


def test_a_removed_segment_is_found_wherever_it_was(logs, tmp_path):
    name, files = logs[True]
    for file in texts(files):
        report = checked(tmp_path, name, {other: text for other, text in files.items() if other != file})
        assert report.broken
        if file != texts(files)[-1]:
            assert (file, 0) in places(report)


def test_removed_or_shortened_checkpoints_are_found(logs, tmp_path):
    name, files = logs[True]
    marks = files[CHECKPOINTS].splitlines(keepends=True)
    for left in range(len(marks) - 1):
        assert checked(tmp_path, name, {**files, CHECKPOINTS: b"".join(marks[:left])}).broken
    assert checked(tmp_path, name, {file: text for file, text in files.items() if file != CHECKPOINTS}).broken


def test_the_last_checkpoint_alone_may_be_missing_beside_the_chain_for_a_kill_can_come_between(logs, tmp_path):
    name, files = logs[True]
    marks = files[CHECKPOINTS].splitlines(keepends=True)
    report = checked(tmp_path, name, {**files, CHECKPOINTS: b"".join(marks[:-1])})
    assert report.broken == []
    assert "unanchored" in report.notices[0]


def test_an_expected_head_anchors_the_end_and_is_missed_where_it_was_cut_off(logs, tmp_path):
    name, files = logs[False]
    report = checked(tmp_path, name, files)
    head, last = report.chains[0].head, texts(files)[-1]
    assert report.chains[0].unanchored > 0
    anchored = checked(tmp_path, name, files, expect=head)
    assert anchored.broken == []
    assert anchored.chains[0].unanchored == 0
    cut = b"".join(files[last].splitlines(keepends=True)[:-1])
    assert checked(tmp_path, name, {**files, last: cut}).broken == []
    assert "expected hash" in checked(tmp_path, name, {**files, last: cut}, expect=head).broken[0].what


def test_a_chain_rewritten_from_some_line_on_does_not_fit_its_checkpoints(logs, tmp_path):
    name, files = logs[True]
    prev, rewritten = b"0" * 64, {}
    for file in texts(files):
        rewritten[file] = b""
        for line in files[file].splitlines(keepends=True):
            text = line[:-76].replace(b'"id":"q1"', b'"id":"zz"')
            start = text.index(b'"prev":"') + 8
            text = text[:start] + prev + text[start + 64 :]
            prev = hashlib.sha256(text).hexdigest().encode()
            rewritten[file] += text + b',"hash":"' + prev + b'"}\n'
    report = checked(tmp_path, name, {**files, **rewritten})
    assert all("does not fit" in found.what for found in report.broken)
    assert len(report.broken) == 6


def test_a_chain_in_the_folder_of_another_is_found(logs, tmp_path):
    _, files = logs[True]
    assert any("folder of another" in found.what for found in checked(tmp_path, "20200101T000000Z-00000000", files).broken)


def test_a_chain_that_was_taken_away_or_cut_is_missed_by_the_next(tmp_path):
    first = built(tmp_path, closed=True)
    writer(tmp_path).close()
    assert verify(tmp_path).broken == []
    shutil.rmtree(first)
    assert f"the chain {first.name} that this line names is missing" in verify(tmp_path).broken[0].what


def test_a_closed_chain_emptied_with_its_checkpoints_is_missed_by_the_next(tmp_path):
    first = built(tmp_path, closed=True)
    writer(tmp_path).close()
    for path in first.iterdir():
        path.write_bytes(b"")
    assert verify(tmp_path).broken


def test_many_findings_are_counted_and_the_first_hundred_kept(logs, tmp_path):
    name, files = logs[True]
    report = checked(tmp_path, name, {**files, "000001.jsonl": b"x\n" * 500})
    assert len(report.broken) == 100
    assert report.more >= 400
    assert report.findings == 100 + report.more


def test_a_line_that_never_ends_is_not_read_into_memory(logs, tmp_path):
    name, files = logs[True]
    report = checked(tmp_path, name, {**files, "000002.jsonl": files["000002.jsonl"] + b"y" * (3 << 20)})
    assert any("not a line of the log" in found.what for found in report.broken)


def test_a_gateway_may_be_writing(tmp_path):
    log = writer(tmp_path, segment_bytes=3000)

    def goes_on(lines):
        log.append([small("more"), checkpoint()])
        log.append([small("and more")])

    log.append([small(f"r{number}") for number in range(20)])
    log.append([checkpoint()])
    for _ in range(20):
        assert verify(tmp_path, progress=goes_on).broken == []
        with open(segments(log.folder)[-1], "ab") as half:
            size = half.tell()
            half.write(b'{"v":1,"se')
        assert verify(tmp_path).broken == []
        with open(segments(log.folder)[-1], "ab") as half:
            half.truncate(size)
    log.close()
    assert verify(tmp_path).broken == []


def test_a_gateway_may_go_on_to_the_next_segment_just_when_this_one_was_read_to_its_end(tmp_path, monkeypatch):
    log = writer(tmp_path, segment_bytes=2000)
    log.append([small(f"r{number}") for number in range(5)])
    exists, asked = Path.exists, []

    def goes_on(path):
        if path.name == "000002.jsonl":
            asked.append(path)
            if len(asked) == 2:
                log.append([small("ends this one " + "x" * 999)])
                log.append([small("begins the next")])
        return exists(path)

    monkeypatch.setattr(Path, "exists", goes_on)
    report = verify(tmp_path)
    assert report.broken == []
    assert report.records == 7
    log.close()


def test_what_the_gateway_itself_lost_is_told(tmp_path):
    log = writer(tmp_path)
    log.forget([entry("a"), entry("b")])
    log.append([entry("c")])
    log.close()
    report = verify(tmp_path)
    assert report.broken == []
    assert report.notices == [f"{log.folder.name}: the gateway said that 2 lines could not be written"]


def test_the_verifier_imports_nothing_of_the_writer(root):
    for file in ("verify", "verify_marks", "verify_tree", "verify_proof", "report"):
        text = (root / f"gateway/audit/{file}.py").read_text()
        ours = [line for line in text.splitlines() if line.startswith(("from gateway", "import gateway"))]
        assert all(line.startswith(("from gateway.audit.report", "from gateway.audit.verify")) for line in ours)
