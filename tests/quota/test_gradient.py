"""The gradient finds the knee of a saturating server: where more at once is only more waiting."""

from __future__ import annotations

import pytest

from gateway.quota.gradient import GRADIENT, PROBE
from gateway.quota.pulse import Sample
from tests.support.saturating import Saturating


def settled(capacity, *, seconds=60, **server):
    """(server, estimate) after a minute of getting used to each other and as long of being watched."""
    server = Saturating(capacity, **server)
    estimate = server.run(GRADIENT.start(1000), 60)
    return server, server.run(estimate, seconds)


def median(values):
    return sorted(values)[len(values) // 2]


@pytest.mark.parametrize(("capacity", "spread"), [(8, 0.3), (32, 0.1), (32, 0.3), (32, 1.0), (100, 0.3)])
def test_it_finds_the_knee_of_a_server(capacity, spread):
    server, _ = settled(capacity, spread=spread)
    # The room of a limit's square root is waiting on purpose: without it growth could never be noticed.
    assert capacity * 0.9 <= median(server.limits) <= capacity * 1.4 + capacity**0.5


def test_the_server_is_kept_busy_although_nobody_waits_in_it():
    server, _ = settled(32, spread=0.1)
    possible = 60 * 32 / 0.1
    assert server.served > 0.94 * possible


def test_a_start_far_above_the_knee_is_not_taken_for_the_model_s_own_pace():
    server, estimate = settled(3)
    assert estimate.limit < 12
    assert server.served > 0.9 * 60 * 3 / 0.105


def test_a_model_that_becomes_slower_for_good_gets_its_places_back():
    server, estimate = settled(32)
    slower = Saturating(32, service_us=300_000)
    slower.now = server.now
    slower.run(slower.run(estimate, 60), 60)
    assert median(slower.limits[-500:]) >= 28


def test_a_server_that_loses_half_its_workers_gets_fewer_requests():
    server, estimate = settled(32)
    half = Saturating(16)
    half.now = server.now
    half.run(half.run(estimate, 60), 30)
    assert median(half.limits) <= 16 * 1.4 + 4


def test_a_drop_takes_a_tenth_at_once():
    estimate = GRADIENT.start(1000)
    assert estimate.on_sample(Sample(5, None, 20, "dropped"), 9).value == pytest.approx(estimate.value * 0.9)


def test_a_probe_opens_only_a_part_of_the_limit_and_looks_only_at_what_was_sent_in_it():
    estimate, now = GRADIENT.start(1000), 0
    while estimate.before is None:
        now += 10_000
        estimate = estimate.on_sample(Sample(now - 5_000, 5_000, estimate.limit), now)
    assert estimate.limit == int(estimate.value * PROBE)
    assert estimate.on_sample(Sample(now, 5_000, int(estimate.value)), now + 5_000) is estimate
