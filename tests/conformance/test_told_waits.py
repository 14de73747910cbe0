"""What a refused client is told to wait is true: then the same request passes, if nobody else took; and it is not much too long.

By hand on a clock that stands, for every kind of window; and on a real Redis by its own clock, in windows of a fifth of a second.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.claims import refusal_for
from gateway.dialects import anthropic_words, openai_words
from gateway.dialects.ietf import ietf_headers
from gateway.dialects.told import pointless_to_retry, retry_after_ms, retry_after_s
from gateway.model.limit import Amounts, Hold
from gateway.model.request import RequestFacts
from gateway.quota.sliding import slice_us
from gateway.stores.memory_holds import MemoryHolds
from gateway.stores.redis import line_to
from gateway.stores.redis_holds import RedisHolds
from tests.support.quota import MINUTE_US, HandClock, bucket, calendar, lifetime, sliding

AMOUNT = 20
FACTS = RequestFacts("openai", "openai.chat", model="m")

KINDS = {
    "sliding": lambda want, now: sliding(AMOUNT, want),
    "bucket": lambda want, now: bucket(AMOUNT, want, burst=AMOUNT + 5),
    "calendar": lambda want, now: calendar(AMOUNT, want, zone="Europe/Berlin", at_us=now),
}
histories = st.lists(
    st.tuples(st.integers(1, 8), st.integers(0, 12), st.integers(0, 15_000_000) | st.integers(0, 50_000)), min_size=3, max_size=40
)
"""What is taken, what it comes to, and the pause after it in microseconds."""


async def used_up(holds, kind, history, clock):
    """A claim that was refused, after a history of takes and settles, with the state that says so; None where none was."""
    for number, (want, true, pause) in enumerate(history):
        hold = Hold(f"h{number}", (kind(want, clock.now_us),), clock.now_us)
        taken = await holds.take(hold)
        if not taken.held:
            return taken
        await holds.settle(hold, Amounts(1, true, 0, 0))
        clock.now_us += pause
    return None


async def passes(holds, claims, number):
    """Whether these claims are held now; they are given back at once."""
    hold = Hold(f"again{number}", tuple(claims), 0)
    held = (await holds.take(hold)).held
    if held:
        await holds.settle(hold, Amounts(0, 0, 0, 0))
    return held


@pytest.mark.parametrize("name", KINDS)
@given(history=histories)
async def test_who_waits_as_told_is_let_in_and_no_sooner_where_time_is_counted_exactly(name, history):
    clock = HandClock()
    holds = MemoryHolds(clock)
    taken = await used_up(holds, KINDS[name], history, clock)
    if taken is None:
        return
    refusal = refusal_for(taken.states, FACTS)
    claims = [state.claim for state in taken.states]
    start = clock.now_us
    if name != "sliding" and refusal.retry_us > 2:
        clock.now_us = start + refusal.retry_us - 2
        assert not await passes(holds, claims, "early")
    clock.now_us = start + refusal.retry_us
    assert await passes(holds, claims, "told")
    clock.now_us = start + retry_after_ms(refusal.retry_us) * 1000
    assert await passes(holds, claims, "ms")
    clock.now_us = start + retry_after_s(refusal.retry_us) * 1_000_000
    assert await passes(holds, claims, "s")


@given(history=histories)
async def test_a_sliding_window_says_less_than_a_slice_more_than_an_exact_one(history):
    clock = HandClock()
    holds, charged = MemoryHolds(clock), []
    for number, (want, _, pause) in enumerate(history):
        taken = await holds.take(Hold(f"h{number}", (sliding(AMOUNT, want),), clock.now_us))
        if not taken.held:
            break
        charged.append((clock.now_us, want))
        clock.now_us += pause
    else:
        return
    left = sum(amount for moment, amount in charged if moment > clock.now_us - MINUTE_US)
    exact = 0
    for moment, amount in charged:
        if left + want <= AMOUNT:
            break
        if moment > clock.now_us - MINUTE_US:
            left -= amount
            exact = moment + MINUTE_US - clock.now_us
    told = refusal_for(taken.states, FACTS).retry_us
    assert 0 <= told - exact < slice_us(MINUTE_US)
    assert told <= MINUTE_US


@given(wants=st.tuples(st.integers(1, 20), st.integers(1, 20)), pause=st.integers(0, MINUTE_US))
async def test_of_several_limits_in_the_way_the_longest_wait_is_told(wants, pause):
    clock = HandClock()
    holds = MemoryHolds(clock)
    assert (await holds.take(Hold("a", (sliding(AMOUNT, AMOUNT), bucket(AMOUNT, AMOUNT)), 0))).held
    clock.now_us += pause
    taken = await holds.take(Hold("b", (sliding(AMOUNT, wants[0]), bucket(AMOUNT, wants[1])), 0))
    if not taken.held:
        clock.now_us += refusal_for(taken.states, FACTS).retry_us
        assert await passes(holds, [state.claim for state in taken.states], "told")


@given(history=histories, kind=st.sampled_from(sorted(KINDS)))
async def test_all_headers_of_a_refusal_agree(history, kind):
    clock = HandClock()
    taken = await used_up(MemoryHolds(clock), KINDS[kind], history, clock)
    if taken is None:
        return
    refusal = refusal_for(taken.states, FACTS)
    for words in (openai_words, anthropic_words):
        headers = dict(words.retry_headers(refusal))
        after = int(headers[b"retry-after"])
        assert (after - 1) * 1_000_000 < refusal.retry_us <= after * 1_000_000
        assert (headers.get(b"x-should-retry") == b"false") is pointless_to_retry(refusal) is (refusal.retry_us > 60_000_000)
        resets = dict(ietf_headers(taken.states, now_us=clock.now_us))[b"ratelimit"].split(b";t=")
        assert int(resets[1]) == after


async def test_a_spent_lifetime_has_no_wait_and_is_not_asked_again():
    holds = MemoryHolds(HandClock())
    assert (await holds.take(Hold("a", (lifetime(10, 8),), 0))).held
    taken = await holds.take(Hold("b", (lifetime(10, 3),), 0))
    refusal = refusal_for(taken.states, FACTS)
    assert (refusal.retry_us, refusal.final, refusal.code) == (None, True, "insufficient_quota")
    assert openai_words.retry_headers(refusal) == [(b"x-should-retry", b"false")]
    assert openai_words.error_object(refusal)["type"] == "insufficient_quota"
    assert anthropic_words.retry_headers(refusal) == [(b"x-should-retry", b"false")]
    assert b";t=" not in dict(ietf_headers(taken.states, now_us=0))[b"ratelimit"]


async def test_a_calendar_month_is_told_to_its_end_and_not_asked_again():
    clock = HandClock()
    holds = MemoryHolds(clock)
    claim = calendar(10, 8, period="month", at_us=clock.now_us)
    assert (await holds.take(Hold("a", (claim,), 0))).held
    refusal = refusal_for((await holds.take(Hold("b", (claim,), 0))).states, FACTS)
    assert refusal.retry_us == claim.periods[2] - clock.now_us
    assert (b"x-should-retry", b"false") in openai_words.retry_headers(refusal)


# ── By a real Redis's own clock ─────────────────────────────────────────────────────────────────

WINDOW_US = 200_000
names = (f"w{number}" for number in itertools.count())


@pytest.fixture
async def redis_holds(redis_url):
    line = line_to(redis_url + "?deadline_ms=5000")
    yield RedisHolds(line)
    await line.aclose()


@pytest.mark.parametrize("kind", [sliding, bucket])
@pytest.mark.parametrize("pauses_ms", [(0, 0, 0), (40, 30, 20), (0, 90, 3)])
async def test_redis_tells_a_true_wait_by_its_own_clock(redis_holds, kind, pauses_ms):
    name = next(names)
    for number, pause in enumerate(pauses_ms):
        taken = await redis_holds.take(Hold(f"{name}-{number}", (kind(9, 3, name=name, window_us=WINDOW_US),), 0))
        assert taken.held
        await asyncio.sleep(pause / 1000)
    claims = (kind(9, 4, name=name, window_us=WINDOW_US),)
    taken = await redis_holds.take(Hold(f"{name}-refused", claims, 0))
    if taken.held:  # this machine was slow
        return
    refusal = refusal_for(taken.states, FACTS)
    assert 0 < refusal.retry_us <= WINDOW_US
    await asyncio.sleep(retry_after_ms(refusal.retry_us) / 1000)
    assert (await redis_holds.take(Hold(f"{name}-again", claims, 0))).held
