"""What a process gives out of its slices: never what has drained or ended, in the order of their ends, growing with demand."""

from __future__ import annotations

import pytest

from gateway.stores.slices import LARGEST_SHARE, Pool, Slice, life_s
from tests.support.quota import bucket, lifetime, sliding, slots


def pool_of(claim, *slices):
    pool = Pool(claim)
    for told, since, due in slices:
        pool.grant(Slice(f"{since}", claim, told, since, due))
    return pool


def test_a_slice_is_given_out_until_it_is_used_up_or_over():
    pool = pool_of(sliding(100), (10, 0.0, 2.0))
    assert [part.amount for part in pool.spend(4, 0.5)] == [4]
    assert pool.covers(sliding(100), 6, 1.9)
    assert not pool.covers(sliding(100), 7, 1.9)
    assert pool.idle(1.9) == 6
    assert not pool.covers(sliding(100), 1, 2.0)
    assert pool.idle(2.0) == 0


def test_what_ends_first_goes_first_and_a_request_may_have_parts_of_several():
    pool = pool_of(sliding(100), (3, 0.0, 1.0), (5, 0.5, 2.0))
    parts = pool.spend(6, 0.6)
    assert [(part.slice.due, part.amount) for part in parts] == [(1.0, 3), (2.0, 3)]


def test_of_a_bucket_what_is_idle_drains_as_fast_as_the_bucket_and_no_refund_of_that_is_left():
    pool = pool_of(bucket(60), (30, 0.0, 20.0))
    assert pool.idle(0.0) == 30
    assert pool.idle(10.0) == 30 - 11
    pool.spend(19, 10.0)
    assert pool.idle(10.0) == 0
    assert pool.slices[0].keep == 30


def test_the_truth_takes_the_place_of_what_was_given_out():
    pool = pool_of(sliding(100), (10, 0.0, 2.0))
    parts = pool.spend(8, 0.0)
    pool.settle(parts, 8, 3, 1.0)
    assert (pool.idle(1.0), pool.slices[0].open) == (7, 0)


def test_what_a_settle_comes_to_beyond_its_hold_is_debt_and_is_paid_first():
    pool = pool_of(sliding(100), (10, 0.0, 2.0))
    pool.settle(pool.spend(4, 0.0), 4, 9, 1.0)
    assert (pool.debt, pool.idle(1.0)) == (5, 1)
    pool.pay(1.0)
    assert (pool.debt, pool.idle(1.0), pool.slices[0].keep) == (0, 1, 9)


def test_a_want_of_nothing_needs_to_have_asked_and_no_debt():
    claim = sliding(100)
    assert not Pool(claim).covers(claim, 0, 0.0)
    pool = pool_of(claim, (0, 0.0, 2.0))
    assert pool.covers(claim, 0, 0.0)
    pool.debt = 1
    assert not pool.covers(claim, 0, 0.0)


def test_a_caller_on_a_smaller_share_of_a_limit_looks_at_all_that_is_used_of_it():
    pool = pool_of(sliding(100), (20, 0.0, 2.0))
    pool.used = 60
    assert pool.covers(sliding(100), 10, 0.0)
    assert pool.covers(sliding(50), 10, 0.0)
    assert not pool.covers(sliding(45), 10, 0.0)


def test_slices_double_while_they_are_used_up_and_shrink_when_half_comes_back():
    pool = Pool(sliding(1000))
    sizes = []
    for _ in range(12):
        pool.grant(Slice("s", pool.claim, pool.size, 0.0, 2.0))
        sizes.append(pool.size)
    assert sizes[:4] == [2, 4, 8, 16]
    assert sizes[-1] == 1000 // LARGEST_SHARE
    pool.end(pool.slices[-1], 1.0)
    assert pool.size == 1000 // LARGEST_SHARE // 4


@pytest.mark.parametrize(
    ("claim", "life"),
    [
        (sliding(1, window_us=60_000_000), 2.0),
        (sliding(1, window_us=3_000_000), 0.1),
        (sliding(1, window_us=100_000), 0.05),
        (lifetime(1), 2.0),
        (slots(1, lease_us=5_000_000), 2.0),
    ],
)
def test_a_slice_lives_a_small_part_of_its_window_and_never_long(claim, life):
    assert life_s(claim) == pytest.approx(life)


def test_a_state_tells_what_others_could_not_have_either_way():
    pool = pool_of(sliding(100), (20, 0.0, 2.0))
    pool.used, pool.reset_us, pool.seen = 50, 60_000_000, 0.0
    pool.spend(5, 0.0)
    state = pool.state(sliding(100), True, 0, 1.0)
    assert (state.used, state.remaining, state.reset_us, state.retry_us) == (35, 65, 59_000_000, 0)
