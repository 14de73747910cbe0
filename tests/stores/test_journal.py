"""What an embedded gateway still knows after its end: what was written, and never more than was used."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.metrics import Metrics
from gateway.model.evidence import Evidence, Verdict
from gateway.model.limit import Amounts, Count, Hold
from gateway.model.value import replace
from gateway.stores import journal as journal_module
from gateway.stores.journal import Changes
from tests.support.embedded import Embedded
from tests.support.quota import MINUTE_US, HandClock, bucket, calendar, lifetime, sliding, slots

HOUR_US = 60 * MINUTE_US
HOURLY = sliding(1_000, 100, window_us=HOUR_US)
SPENT = Amounts(requests=1, input=30, output=0, bytes=0)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def opened(tmp_path, clock):
    """`await opened()` starts the next process on the same file; what still lives is killed at the end."""
    living = []

    async def start(**options):
        living.append(await Embedded.open(tmp_path / "gateway.db", clock, **options))
        return living[-1]

    yield start
    for process in living:
        await process.die()


async def take(process, hold_id, *claims):
    return (await process.holds.take(Hold(hold_id, claims, 0))).held


async def settle(process, hold_id, *claims, amounts=SPENT):
    return (await process.holds.settle(Hold(hold_id, claims, 0), amounts)).outcome


# ── What survives ───────────────────────────────────────────────────────────────────────────────


async def test_windows_take_up_again_where_they_stood(opened, clock):
    claims = HOURLY, bucket(600, 100, name="tpm", window_us=HOUR_US)
    first = await opened()
    assert await take(first, "a", *claims)
    assert await settle(first, "a", *claims) == "settled"
    await first.end()
    second = await opened()
    assert await second.used(*claims) == [30, 30]
    clock.now_us += MINUTE_US
    assert await second.used(*claims) == [30, 20]
    clock.now_us += HOUR_US
    assert await second.used(*claims) == [0, 0]


async def test_a_lifetime_is_one_over_any_number_of_restarts_and_a_day_is_one_day(opened, clock):
    budget, daily = lifetime(100, 30), calendar(1_000, 30)
    for n in range(3):
        process = await opened()
        assert await take(process, f"h{n}", budget, daily)
        await process.end()
    last = await opened()
    assert not await take(last, "h3", budget, daily)
    assert await last.used(budget, daily) == [90, 90]
    await last.end()
    clock.now_us += 24 * HOUR_US
    assert await (await opened()).used(budget, calendar(1_000, at_us=clock.now_us)) == [90, 0]


async def test_holds_in_flight_at_a_crash_count_as_estimated_and_their_slots_are_free(opened):
    claims = HOURLY, slots(1, lease_us=HOUR_US)
    first = await opened()
    assert await take(first, "a", *claims)
    await first.flush()
    await first.die()
    second = await opened()
    assert await second.used(*claims) == [100, 0]
    assert await settle(second, "a", *claims) == "unknown_id"
    assert await second.used(*claims) == [100, 0]


async def test_what_was_refunded_is_refunded_after_the_restart_too(opened):
    first = await opened()
    await take(first, "a", HOURLY)
    await first.flush()
    await settle(first, "a", HOURLY, amounts=Amounts(0, 0, 0, 0))
    await first.flush()
    assert await first.rows() == 0
    await first.die()
    assert await (await opened()).used(HOURLY) == [0]


async def test_verdicts_stand_again_and_the_forgotten_stay_forgotten(opened):
    verdict = Verdict(31.5, frozenset({"wording", "arrival"}), "c1", (Evidence("cadence", "1", "arrival", 9.5, "x", "y"),), 40.0)
    first = await opened()
    for number in range(5):
        first.verdicts.put(f"key{number}", replace(verdict, score=float(number)))
    await first.end()
    second = await opened()
    assert second.verdicts.standing("key3") == replace(verdict, score=3.0)
    second.verdicts._capacity = 4
    second.verdicts.put("key9", verdict)
    await second.end()
    third = await opened()
    assert third.verdicts.standing("key9") == verdict
    assert await third.rows("verdicts") == 4


async def test_an_edited_limit_keeps_its_usage_over_a_restart(opened):
    first = await opened()
    await take(first, "a", sliding(1_000, 100, window_us=HOUR_US))
    await first.end()
    second = await opened()
    edited = sliding(120, 10, window_us=HOUR_US)
    assert await take(second, "b", edited)
    assert await second.used(edited) == [110]


# ── What is written, and when ───────────────────────────────────────────────────────────────────


async def test_slots_and_windows_of_seconds_are_not_written(opened):
    process = await opened()
    await take(process, "a", slots(5, lease_us=HOUR_US), sliding(10, window_us=5_000_000), bucket(10, name="b", window_us=1_000_000))
    assert await process.flush()
    assert await process.rows() == 0


async def test_a_counter_costs_one_row_however_often_it_is_charged_and_none_once_it_is_unused(opened, clock):
    process = await opened()
    for n in range(200):
        await take(process, f"h{n}", replace(HOURLY, want=1))
    await process.flush()
    assert (await process.rows(), await process.rows("limits")) == (1, 1)
    clock.now_us += HOUR_US + MINUTE_US
    for n in range(4):
        await take(process, f"i{n}", sliding(10, slot=f"s{n}", window_us=5_000_000))
    await process.flush()
    assert await process.rows() == 0


async def test_of_too_many_counters_the_forgotten_leave_the_file_too(opened):
    process = await opened(capacity=10)
    for n in range(50):
        await take(process, f"h{n}", sliding(10, slot=f"s{n}", window_us=HOUR_US))
        await process.flush()
    assert await process.rows() == 10


async def test_what_has_run_out_meanwhile_is_dropped_at_the_start(opened, clock):
    first = await opened()
    for n in range(20):
        await take(first, f"h{n}", sliding(10, slot=f"s{n}", window_us=HOUR_US))
    await first.end()
    clock.now_us += 2 * HOUR_US
    second = await opened()
    await second.flush()
    assert await second.rows() == 0
    await second.end()
    third = await opened()
    assert await third.rows("limits") == 0


async def test_more_changes_than_one_write_takes_are_written_in_several(opened, monkeypatch):
    monkeypatch.setattr(journal_module, "_MOST", 16)
    process = await opened()
    for n in range(100):
        await take(process, f"h{n}", sliding(10, slot=f"s{n}", window_us=HOUR_US))
        process.verdicts.put(f"key{n}", Verdict(score=1.0))
    await process.flush()
    assert (await process.rows(), await process.rows("verdicts"), len(process.counters)) == (100, 100, 0)


async def test_it_writes_by_itself_and_once_more_at_the_end(opened):
    process = await opened()
    process.journal.start()
    await take(process, "a", HOURLY)
    for _ in range(100):
        if await process.rows():
            break
        await asyncio.sleep(0.02)
    assert await process.rows() == 1
    await take(process, "b", HOURLY)
    await process.end()
    assert await (await opened()).used(HOURLY) == [200]


def test_what_a_loop_that_is_over_was_writing_is_written_in_the_next(tmp_path, clock):
    async def begin():
        process = await Embedded.open(tmp_path / "gateway.db", clock)
        process.journal.start()
        await take(process, "a", HOURLY)
        process.journal._writing = process.journal._collected()
        process.journal._task.cancel()
        return process

    async def end(process):
        await process.end()
        again = await Embedded.open(tmp_path / "gateway.db", clock)
        try:
            return await again.used(HOURLY)
        finally:
            await again.die()

    assert asyncio.run(end(asyncio.run(begin()))) == [100]


async def test_rows_that_cannot_be_read_are_said_so_and_the_others_hold(opened, caplog):
    first = await opened()
    await take(first, "a", HOURLY, sliding(10, 3, name="odd", window_us=HOUR_US))
    await first.flush()
    await first.database.run(lambda connection: connection.execute("UPDATE counters SET state = '[1' WHERE key LIKE 'odd%'"))
    await first.die()
    second = await opened()
    assert await second.used(HOURLY) == [100]
    assert "1 counters or verdicts that were kept cannot be read any more" in caplog.text
    await second.flush()
    assert await second.rows() == 1


# ── A clock that steps, and a disk that is full ─────────────────────────────────────────────────


async def test_a_clock_that_was_set_back_before_the_restart_gives_nothing_back_and_takes_nothing(opened, clock):
    claims = HOURLY, bucket(600, 600, name="tpm", window_us=HOUR_US)
    first = await opened()
    await take(first, "a", *claims)
    await first.end()
    clock.now_us -= 24 * HOUR_US
    second = await opened()
    assert await second.used(*claims) == [100, 600]
    for _ in range(60):
        clock.now_us += MINUTE_US
        await second.flush()
    assert await second.used(*claims) == [0, 0]


async def test_a_clock_that_is_wrong_at_the_start_and_then_set_right_gives_no_time_twice(opened, clock):
    """A machine without a battery behind its clock: it starts in 1970."""
    first = await opened()
    await take(first, "a", HOURLY)
    await first.end()
    right, clock.now_us = clock.now_us, 0
    second = await opened()
    assert await second.used(HOURLY) == [100]
    clock.now_us = right + 10 * MINUTE_US
    assert await second.used(HOURLY) == [100]
    assert second.holds.time() == right + 10 * MINUTE_US


@pytest.mark.parametrize("fault", ["max_page_count=1", "query_only=1"])
async def test_a_disk_that_is_full_stops_nothing_is_counted_and_is_said_once(opened, caplog, fault):
    caplog.set_level(logging.WARNING)
    metrics = Metrics()
    process = await opened()
    process.journal.measure(metrics)
    await process.set(fault)
    for n in range(300):
        assert await take(process, f"h{n}", sliding(10, slot=f"s{n}", window_us=HOUR_US))
    assert [await process.flush() for _ in range(3)] == [False, False, False]
    assert caplog.text.count("cannot be kept for a restart") == 1
    assert "full" in caplog.text or "readonly" in caplog.text
    await process.set(fault.partition("=")[0] + ("=0" if "query" in fault else "=1000000"))
    assert await process.flush()
    assert caplog.text.count("are kept for a restart again") == 1
    page = metrics.render().decode()
    assert 'gateway_state_writes_total{outcome="failed"} 3.0' in page
    assert 'gateway_state_writes_total{outcome="written"} 1.0' in page
    assert await process.rows() == 300
    await process.die()
    again = await opened()
    assert await again.used(*(sliding(10, slot=f"s{n}", window_us=HOUR_US) for n in range(300))) == [1] * 300


async def test_what_waits_for_a_disk_is_bounded(opened, monkeypatch):
    monkeypatch.setattr(journal_module, "_MOST_WAITING", 60)
    process = await opened(capacity=40)
    await process.set("query_only=1")
    for n in range(500):
        await take(process, f"h{n}", sliding(10, slot=f"s{n}", window_us=HOUR_US))
        if n % 10 == 9:
            assert not await process.flush()
            assert len(process.counters) <= 60
    assert len(process.counters) >= 40


def test_changes_come_in_the_order_in_which_they_were_made():
    changes = Changes()
    for key in "cabac":
        changes.mark(key)
    assert (len(changes), changes.take(2), changes.take(9)) == (3, ["c", "a"], ["b"])


# ── Any sequence, cut at any write ──────────────────────────────────────────────────────────────

KINDS = [
    sliding(10**6, name="s", window_us=HOUR_US),
    bucket(10**6, name="b", window_us=10_000 * HOUR_US),
    calendar(10**6, name="d"),
    lifetime(10**6, name="l"),
    slots(99, name="c"),
]
steps = st.one_of(
    st.tuples(st.just("take"), st.integers(0, 9), st.integers(0, 500)),
    st.tuples(st.just("settle"), st.integers(0, 9), st.integers(0, 900)),
    st.tuples(st.just("flush"), st.just(0), st.just(0)),
)


async def crashed(sequence):
    """Walk it, die, start again: what was used at the last write, estimates of open holds included, and what is found."""
    clock = HandClock()
    with tempfile.TemporaryDirectory() as folder:
        process = await Embedded.open(Path(folder) / "gateway.db", clock)
        open_holds, written = {}, [0] * len(KINDS)
        for number, (what, which, amount) in enumerate(sequence):
            clock.now_us += 1_000
            if what == "take" and which not in open_holds:
                claims = tuple(replace(claim, want=amount) for claim in KINDS)
                open_holds[which] = Hold(f"h{number}", claims, 0)
                await process.holds.take(open_holds[which])
            elif what == "settle" and which in open_holds:
                await process.holds.settle(open_holds.pop(which), Amounts(1, amount, 0, 0))
            elif what == "flush":
                await process.flush()
                written = await process.used(*KINDS)
        await process.die()
        again = await Embedded.open(Path(folder) / "gateway.db", clock)
        found = await again.used(*KINDS)
        await again.die()
    return [*written[:-1], 0], found


@settings(max_examples=60)
@given(st.lists(steps, max_size=30))
def test_after_a_crash_exactly_what_was_written_counts_estimates_of_open_holds_included(sequence):
    written, found = asyncio.run(crashed(sequence))
    assert found == written


async def test_counts_are_kept_apart_by_key(opened):
    first = await opened()
    claims = [
        sliding(10, 1, name=count.value, count=count, slot="a'b\"c\n☃", window_us=HOUR_US) for count in (Count.TOKENS, Count.BYTES)
    ]
    await take(first, "a", *claims)
    await first.end()
    assert await (await opened()).used(*claims) == [1, 1]
