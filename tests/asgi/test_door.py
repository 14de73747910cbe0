"""The coarse guard per peer address."""

from __future__ import annotations

import threading
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asgi.door import Door
from gateway.model.policy import DoorRules

PEER = "192.0.2.1"


class Clock:
    """Seconds, as far as the test has turned them."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def door(clock, rate="3/minute", count="failed", exempt=(), capacity=100):
    return Door(DoorRules(rate=rate, count=count, exempt=tuple(map(ip_network, exempt))), capacity=capacity, clock=clock)


def fail(guard, peer=PEER, times=3):
    for _ in range(times):
        guard.failed(peer)


def test_a_peer_that_fails_too_often_waits_and_others_do_not(clock):
    guard = door(clock)
    fail(guard, times=2)
    assert guard.refuses(PEER) is None
    guard.failed(PEER)
    assert guard.refuses(PEER) > 0
    assert guard.refuses("192.0.2.2") is None


def test_requests_that_do_not_fail_do_not_count(clock):
    guard = door(clock)
    assert [guard.refuses(PEER) for _ in range(100)] == [None] * 100


def test_the_wait_told_is_the_wait_that_is(clock):
    guard = door(clock)
    fail(guard)
    wait = guard.refuses(PEER)
    clock.now += (wait - 2000) / 1e6
    assert guard.refuses(PEER) is not None
    clock.now += 0.003
    assert guard.refuses(PEER) is None


@given(failures=st.integers(1, 8), later=st.floats(0, 150), rate=st.integers(1, 5))
def test_no_wait_is_longer_than_two_windows_and_none_is_told_too_short(failures, later, rate):
    clock = Clock()
    guard = door(clock, rate=f"{rate}/minute")
    for _ in range(failures):
        guard.failed(PEER)
        clock.now += later / failures
    wait = guard.refuses(PEER)
    if wait is not None:
        assert 0 < wait <= 120_000_000
        clock.now += wait / 1e6
        assert guard.refuses(PEER) is None


def test_all_requests_count_where_the_policy_says_so(clock):
    guard = door(clock, count="all")
    assert [guard.refuses(PEER) for _ in range(3)] == [None] * 3
    assert guard.refuses(PEER) > 0
    guard.failed(PEER)
    clock.now += 61
    assert guard.refuses("192.0.2.2") is None


def test_several_rates_hold_together(clock):
    guard = door(clock, rate="2/second;3/minute", count="all")
    assert [guard.refuses(PEER) is None for _ in range(3)] == [True, True, False]
    clock.now += 5
    assert guard.refuses(PEER) is None
    assert guard.refuses(PEER) > 1_000_000


@pytest.mark.parametrize(
    ("peer", "exempt"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("::1", "::1/128"),
        ("2001:db8::", "2001:db8::7/128"),
        ("2001:db8::", "2001:db8::/32"),
        ("", "127.0.0.0/8"),
    ],
)
def test_exempt_networks_and_peers_of_no_address_are_never_refused(clock, peer, exempt):
    for count in ("failed", "all"):
        guard = door(clock, count=count, exempt=[exempt])
        fail(guard, peer, times=10)
        assert [guard.refuses(peer) for _ in range(10)] == [None] * 10


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8:0:1::", "testclient"])
def test_others_are_refused_beside_exempt_networks(clock, peer):
    guard = door(clock, exempt=["127.0.0.0/8", "::1/128", "2001:db8::/64"])
    fail(guard, peer)
    assert guard.refuses(peer) > 0


def test_loopback_is_exempt_by_default():
    guard = Door(DoorRules())
    for peer in ("127.0.0.1", "::1"):
        fail(guard, peer, times=100)
        assert guard.refuses(peer) is None


def test_without_a_rate_nobody_is_refused(clock):
    for count in ("failed", "all"):
        guard = door(clock, rate=None, count=count)
        fail(guard, times=100)
        assert guard.refuses(PEER) is None


def test_memory_is_bounded_and_the_least_recent_are_forgotten(clock):
    guard = door(clock, capacity=10)
    fail(guard)
    for n in range(9):
        guard.failed(f"198.51.100.{n}")
    assert guard.refuses(PEER) is not None
    guard.failed("198.51.100.99")
    assert guard.refuses(PEER) is None


def test_a_guard_starts_no_thread(clock):
    before = threading.active_count()
    guard = door(clock)
    fail(guard)
    guard.refuses(PEER)
    assert threading.active_count() == before


def test_a_rate_that_cannot_be_read_is_refused_at_once(clock):
    with pytest.raises(ValueError):
        door(clock, rate="a few per day")
