"""The sink: order, durability, and what becomes of lines that cannot be written. Kills and full disks are real."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time

import pytest

from gateway.audit import segments as module
from gateway.audit.appendfile import AppendFile
from gateway.audit.folder import chain_folders, segments
from gateway.audit.query import Query, select
from gateway.audit.read import decode
from gateway.audit.verify import verify
from gateway.errors import AuditError, SettingsError
from gateway.metrics import Metrics
from gateway.model.ruling import Ruling
from tests.audit.making import a_record, an_opening, child, lines, record_ids, sink


@pytest.fixture(params=["on the loop", "apart", "synced"])
async def log(request, tmp_path, monkeypatch):
    """A started sink in each of its three ways to write."""
    if request.param == "apart":
        monkeypatch.setattr(module, "_SLOW_S", -1.0)
        monkeypatch.setattr(module, "_QUICK_S", -1.0)
    made = sink(tmp_path, durable="synced" if request.param == "synced" else "written")
    await made.start()
    yield made
    await made.aclose()


async def test_lines_stand_in_the_order_of_the_calls_and_on_disk_when_they_are_acknowledged(log, tmp_path):
    expected = []
    for turn in range(6):
        names = [f"t{turn}-{number}" for number in range(40)]
        await asyncio.gather(*(log.record(a_record(name)) if turn % 2 else log.opened(an_opening(name)) for name in names))
        expected += names
        assert [line["id"] for line in lines(tmp_path) if "id" in line] == expected
    assert verify(tmp_path).broken == []


async def test_a_line_whose_caller_was_cancelled_is_written_all_the_same(log, tmp_path):
    task = asyncio.ensure_future(log.record(a_record("left")))
    await asyncio.sleep(0)
    task.cancel()
    await log.record(a_record("stayed"))
    assert record_ids(tmp_path) == ["left", "stayed"]
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_line_that_waits_when_the_sink_closes_is_written(log, tmp_path):
    task = asyncio.ensure_future(log.record(a_record("last")))
    await asyncio.sleep(0)
    await log.aclose()
    await task
    assert [line["kind"] for line in lines(tmp_path)] == ["chain", "record", "closed"]
    with pytest.raises(AuditError, match="closed"):
        await log.record(a_record("late"))


async def test_a_record_is_found_by_its_id_as_it_is_stored(log):
    await log.opened(an_opening("d1"))
    assert await log.find("d1") is None
    await log.record(a_record("d1"))
    found = await log.find("d1")
    assert found["id"] == "d1"
    assert found["kind"] == "record"
    assert await log.find("d") is None
    assert await log.find('"x') is None
    assert await log.find("") is None


async def test_records_of_other_processes_and_of_earlier_ones_are_found_too(tmp_path):
    one, two = sink(tmp_path), sink(tmp_path)
    await one.start()
    await two.start()
    await one.record(a_record("of-one"))
    await two.record(a_record("of-two"))
    assert (await one.find("of-two"))["id"] == "of-two"
    await one.aclose()
    assert (await two.find("of-one"))["id"] == "of-one"
    await two.aclose()
    assert len(chain_folders(tmp_path)) == 2
    assert verify(tmp_path).broken == []


async def test_the_log_goes_on_in_further_segments(tmp_path):
    made = sink(tmp_path, segment_bytes=5000)
    await made.start()
    for number in range(30):
        await made.record(a_record(f"r{number}"))
    await made.aclose()
    assert len(segments(chain_folders(tmp_path)[0])) > 3
    assert record_ids(tmp_path) == [f"r{number}" for number in range(30)]
    assert verify(tmp_path).broken == []


async def test_checkpoints_come_while_lines_come_and_not_when_none_do(tmp_path):
    made = sink(tmp_path, every_us=20_000)
    await made.start()
    for number in range(10):
        await made.record(a_record(f"r{number}"))
        await asyncio.sleep(0.03)
    await asyncio.sleep(0.1)
    some = sum(line["kind"] == "checkpoint" for line in lines(tmp_path))
    assert 3 <= some <= 11
    await asyncio.sleep(0.1)
    assert sum(line["kind"] == "checkpoint" for line in lines(tmp_path)) == some
    await made.aclose()
    report = verify(tmp_path)
    assert report.broken == []
    assert report.chains[0].unanchored == 0


async def test_where_the_folder_is_taken_away_a_new_chain_begins_and_says_what_was_lost(tmp_path):
    metrics = Metrics()
    made = sink(tmp_path, metrics=metrics, every_us=50_000)
    await made.start()
    await made.record(a_record("before"))
    while made._writer.unmarked:  # until nothing is left to say, so that only the loss itself is a reason to write
        await asyncio.sleep(0.02)
    shutil.rmtree(tmp_path / "audit")
    (tmp_path / "audit").write_text("in the way")
    with pytest.raises(AuditError, match="cannot be written"):
        await made.record(a_record("lost-1"))
    with pytest.raises(AuditError):
        await made.opened(an_opening("lost-2"))
    assert made.healthy is False
    assert b"gateway_audit_up 0.0" in metrics.render()
    (tmp_path / "audit").unlink()
    while not made.healthy:  # nobody needs to send a request for that
        await asyncio.sleep(0.02)
    await made.record(a_record("after"))
    await made.aclose()
    assert record_ids(tmp_path) == ["after"]
    assert [line["lines"] for line in lines(tmp_path) if line["kind"] == "lost"] == [2]
    assert b"gateway_audit_up 1.0" in metrics.render()
    assert verify(tmp_path).broken == []


async def test_a_slow_disk_holds_the_loop_up_once_and_then_a_thread_waits_for_it(tmp_path, monkeypatch):
    made = sink(tmp_path)
    await made.start()
    append, threads = AppendFile.append, []

    def slow(self, data, *, sync=False):
        threads.append(threading.current_thread() is threading.main_thread())
        time.sleep(0.03)
        append(self, data, sync=sync)

    with monkeypatch.context() as patch:
        patch.setattr(AppendFile, "append", slow)
        for name in ("a", "b", "c"):
            await made.record(a_record(name))
    assert threads == [True, False, False]
    await made.record(a_record("d"))  # the last that the thread writes: the disk is quick again
    monkeypatch.setattr(AppendFile, "append", slow)
    await made.record(a_record("e"))
    assert threads[3:] == [True]
    await made.aclose()
    assert record_ids(tmp_path) == ["a", "b", "c", "d", "e"]


async def test_past_a_bound_lines_are_refused_at_once_and_counted(tmp_path, monkeypatch):
    made = sink(tmp_path)
    await made.start()
    monkeypatch.setattr(module, "_MAX_WAITING", 100)
    waits = asyncio.ensure_future(made.record(a_record("fits")))
    await asyncio.sleep(0)
    made._waiting = 101  # as while a disk does not take what waits
    with pytest.raises(AuditError, match="too many"):
        await made.record(a_record("does not"))
    await waits
    await made.record(a_record("again"))
    await made.aclose()
    assert [line["lines"] for line in lines(tmp_path) if line["kind"] == "lost"] == [1]


async def test_a_folder_that_cannot_be_made_is_told_at_the_start(tmp_path):
    (tmp_path / "audit").write_text("in the way")
    made = sink(tmp_path)
    with pytest.raises(SettingsError, match="choose another --data"):
        await made.start()
    await made.aclose()


async def test_what_a_killed_process_left_open_is_closed_at_the_next_start(tmp_path):
    process = await child(WRITER, tmp_path, 1, 0)
    await process.stdout.readline()
    process.kill()
    await process.communicate()
    made = sink(tmp_path)
    await made.start()
    await made.aclose()
    kinds = [line["kind"] for line in lines(tmp_path)]
    assert kinds.count("recovered") == 1
    report = verify(tmp_path)
    assert report.broken == []
    assert all(chain.closed for chain in report.chains)


WRITER = """
import asyncio, os, sys, pathlib
from tests.audit.making import a_record, an_opening, sink
async def client(log, name):
    number = 0
    while True:
        number += 1
        id_ = f"{name}-{number}"
        if number % 3 == 0:
            await log.opened(an_opening(id_))
        await log.record(a_record(id_))
        os.write(1, id_.encode() + b"\\n")
async def main():
    log = sink(pathlib.Path(sys.argv[1]), every_us=30_000, segment_bytes=200_000)
    await log.start()
    await asyncio.gather(*(client(log, f"p{sys.argv[3]}-c{n}") for n in range(int(sys.argv[2]))))
asyncio.run(main())
"""


async def test_of_a_process_killed_at_full_speed_each_acknowledged_record_is_in_the_log(tmp_path):
    acknowledged = []
    for turn in range(5):
        process = await child(WRITER, tmp_path, 24, turn)
        told = b""
        while told.count(b"\n") < 400 + 300 * turn:
            told += await process.stdout.read(65536)
        process.kill()
        rest, err = await process.communicate()
        assert b"Traceback" not in err
        acknowledged += (told + rest).decode().split("\n")[:-1]
        assert verify(tmp_path).broken == []
    made = sink(tmp_path)
    await made.start()
    await made.aclose()
    report = verify(tmp_path)
    assert report.broken == []
    assert report.notices == []
    written = [line for line in lines(tmp_path) if line["kind"] == "record"]
    names = {line["id"] for line in written}
    assert len(acknowledged) > 5 * 400
    assert set(acknowledged) <= names
    assert len(names) == len(written)
    assert {line["id"] for line in lines(tmp_path) if line["kind"] == "opened"} <= names
    assert not set(acknowledged) & {line["id"] for line in written if line["end"] == "interrupted"}


FULL = """
import asyncio, json, pathlib, resource, sys
from gateway.errors import AuditError
from gateway.audit.appendfile import AppendFile
from gateway.audit.folder import chain_folders, segments
from tests.audit.making import a_record, sink
async def main(durable):
    data = pathlib.Path(sys.argv[1])
    log = sink(data, durable=durable, every_us=50_000)
    await log.start()
    await log.record(a_record("before"))
    size = segments(chain_folders(data)[0])[0].stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 700, resource.RLIM_INFINITY))
    lost = []
    for n in range(3):
        results = await asyncio.gather(*(log.record(a_record(f"lost-{n}-{m}")) for m in range(4)), return_exceptions=True)
        lost += [type(result).__name__ for result in results]
    ill = log.healthy
    whole = segments(chain_folders(data)[0])[0].read_bytes().endswith(b"}\\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    while not log.healthy:
        await asyncio.sleep(0.01)
    await log.record(a_record("after"))
    await log.aclose()
    print(json.dumps([lost, ill, whole]))
asyncio.run(main(sys.argv[2]))
"""


@pytest.mark.parametrize("durable", ["written", "synced"])
async def test_on_a_full_disk_those_who_wait_are_told_and_the_log_says_what_is_missing_once_there_is_room(tmp_path, durable):
    process = await child(FULL, tmp_path, durable)
    out, err = await process.communicate()
    lost, healthy, whole = json.loads(out or b"[]") or [None, None, err.decode()]
    assert lost == ["AuditError"] * 12
    assert healthy is False
    assert whole is True
    assert record_ids(tmp_path) == ["before", "after"]
    assert [line["lines"] for line in lines(tmp_path) if line["kind"] == "lost"] == [12]
    report = verify(tmp_path)
    assert report.broken == []
    assert report.notices == [f"{report.chains[0].chain}: the gateway said that 12 lines could not be written"]


def test_a_sink_whose_loop_is_over_is_closed_from_another(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SLOW_S", -1.0)
    monkeypatch.setattr(module, "_QUICK_S", -1.0)
    loop = asyncio.new_event_loop()
    made = sink(tmp_path)
    loop.run_until_complete(made.start())
    loop.run_until_complete(made.record(a_record("first")))

    async def left_waiting():
        made._append(module.Entry("record", 1, module.record_members(a_record("second")), "second"))
        made._append(module.Entry("record", 1, module.record_members(a_record("third")), "third"))

    loop.run_until_complete(left_waiting())
    loop.close()
    asyncio.run(made.aclose())
    assert record_ids(tmp_path) == ["first", "second", "third"]
    assert lines(tmp_path)[-1]["kind"] == "closed"
    assert verify(tmp_path).broken == []


async def test_a_decision_of_a_person_is_a_line_of_the_chain_and_no_record(tmp_path):
    made = sink(tmp_path)
    await made.start()
    await made.record(a_record("first"))
    await made.ruling(Ruling("ab" * 16, "cleared", 1_790_000_000_000_000, "maria", 'one "exercise"\n,"kind":"record","at":1'))
    await made.aclose()
    [line] = [line for line in lines(tmp_path) if line["kind"] == "ruling"]
    assert (line["key"], line["key_id"], line["finding"], line["by"]) == ("fp:" + "ab" * 6, "ab" * 16, "cleared", "maria")
    assert (line["at"], line["heard"] > line["at"]) == (1_790_000_000_000_000, True)
    report = verify(tmp_path)
    assert (report.broken, report.notices, report.records) == ([], [], 1)
    assert [decode(found)["id"] for found in select(tmp_path, Query())] == ["first"]
