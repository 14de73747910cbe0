"""AIMD, and what every estimate promises: bounds that always hold, and no growth that was not earned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quota.adaptive import AIMD, BACK_OFF, FIRST
from gateway.quota.pulse import Sample
from gateway.registry import TABLES, resolve
from tests.support.saturating import Saturating

CRAFTS = [resolve("concurrency", name) for name in TABLES["concurrency"]]
SAMPLES = st.lists(
    st.builds(
        Sample,
        start=st.integers(0, 10**9),
        rtt=st.none() | st.integers(0, 10**8),
        inflight=st.integers(1, 500),
        kind=st.sampled_from(["success", "ignored", "dropped"]),
        per_token=st.none() | st.integers(0, 10**6),
    ),
    max_size=200,
)


@pytest.mark.parametrize("craft", CRAFTS, ids=list(TABLES["concurrency"]))
@given(samples=SAMPLES, most=st.integers(1, 300), other=st.integers(1, 300))
def test_no_samples_take_a_limit_out_of_its_bounds(craft, samples, most, other):
    estimate = craft.start(most)
    for number, sample in enumerate(samples):
        assert 1 <= estimate.limit <= most
        estimate = estimate.on_sample(sample, sample.start + number)
    assert 1 <= estimate.limit <= most
    assert 1 <= estimate.bounded(other).limit <= other


@pytest.mark.parametrize("craft", CRAFTS, ids=list(TABLES["concurrency"]))
def test_what_is_ignored_moves_nothing(craft):
    estimate = craft.start(100)
    assert estimate.on_sample(Sample(0, 5, 20, "ignored"), 9) is estimate


@pytest.mark.parametrize("craft", CRAFTS, ids=list(TABLES["concurrency"]))
def test_a_limit_that_nobody_comes_near_does_not_grow(craft):
    estimate = craft.start(100)
    for number in range(2000):
        estimate = estimate.on_sample(Sample(number * 1000, 500, 3), number * 1000 + 500)
    assert estimate.limit == FIRST


def test_aimd_grows_by_one_for_each_round():
    estimate = AIMD.start(100)
    for number in range(FIRST):
        estimate = estimate.on_sample(Sample(number, 5, FIRST), number + 5)
    assert FIRST + 0.9 < estimate.value <= FIRST + 1


def test_one_overload_counts_once_however_many_it_drops():
    estimate = AIMD.start(100)
    for number in range(10):
        estimate = estimate.on_sample(Sample(number, None, FIRST, "dropped"), 1000 + number)
    assert estimate.value == FIRST * BACK_OFF
    assert estimate.on_sample(Sample(2000, None, FIRST, "dropped"), 3000).value == pytest.approx(FIRST * BACK_OFF**2)


def test_aimd_steps_back_where_answers_take_twice_as_long():
    estimate, now = AIMD.start(100), 0
    for rtt in (100_000, 300_000):
        before = estimate.value
        for _ in range(40):
            now += 10_000
            estimate = estimate.on_sample(Sample(now, rtt, FIRST), now)
    assert estimate.value < before


def test_aimd_finds_the_edge_of_a_server_that_refuses_and_recovers_when_it_has_more_room():
    server = Saturating(16, longest=8)
    estimate = server.run(AIMD.start(500), 30)
    estimate = server.run(estimate, 30)
    assert 16 <= min(server.limits[100:]) <= max(server.limits) <= 30
    assert server.dropped < 0.02 * server.served
    larger = Saturating(48, longest=8)
    larger.now = server.now
    larger.run(larger.run(estimate, 60), 20)
    assert min(larger.limits) >= 40
