"""Limits: what one request can ever take, and the truth per count."""

from __future__ import annotations

import pytest

from gateway.model.limit import MAX_AMOUNT, Amounts, Claim, Count, Limit
from gateway.model.request import Usage
from gateway.model.value import replace

LIMIT = Limit("tpm", Count.TOKENS, "sliding", 100, 60_000_000, ("key",), burst=40)


def test_a_bucket_is_as_deep_as_its_burst_and_a_window_as_its_amount():
    assert LIMIT.capacity == 100
    assert replace(LIMIT, window="bucket").capacity == 40


def test_a_claim_has_the_capacity_that_the_ladder_left_it():
    claim = Claim(LIMIT, "k", "s", amount=50, burst=20, want=1)
    assert claim.capacity == 50
    assert replace(claim, limit=replace(LIMIT, window="bucket")).capacity == 20


@pytest.mark.parametrize(
    ("count", "amount"),
    [
        ("requests", 1), ("tokens", 30), ("input_tokens", 10), ("output_tokens", 20), ("cached_input_tokens", 5),
        ("reasoning_tokens", 15), ("money", 99), ("bytes", 70), ("concurrent", 0),
    ],
)  # fmt: skip
def test_each_count_is_settled_by_its_own_truth(count, amount):
    amounts = Amounts.of(Usage(input=10, output=20, cached=5, reasoning=15, micro_cost=99), bytes_moved=70)
    assert amounts.for_count(Count(count)) == amount


@pytest.mark.parametrize(("weight", "charged"), [(1_000, 30), (3_000, 90), (1, 1), (0, 0), (1_001, 31)])
def test_a_claim_is_charged_by_its_weight_rounded_up(weight, charged):
    claim = Claim(LIMIT, "k", "s", amount=50, burst=20, want=1, weight=weight)
    assert Amounts(1, 10, 20, 70).for_claim(claim) == charged


def test_another_span_is_another_word_in_the_counters_name():
    month = replace(LIMIT, window="calendar", period="month", zone="Asia/Tokyo")
    assert {LIMIT.span, month.span, replace(month, zone="UTC").span, replace(month, period="day").span} == {
        "60000000", "month@Asia/Tokyo", "month@UTC", "day@Asia/Tokyo",
    }  # fmt: skip


def test_a_calendar_claims_window_is_the_period_of_its_arrival():
    claim = Claim(LIMIT, "k", "s", amount=50, burst=20, want=1)
    assert claim.window_us == 60_000_000
    assert replace(claim, periods=(0, 10, 33, 90)).window_us == 23


def test_every_count_has_a_truth():
    for count in Count:
        assert Amounts(1, 1, 1, 1).for_count(count) in {0, 1, 2}


def test_a_request_that_asked_nothing_of_the_upstream_counts_as_none():
    assert Amounts.of(Usage(), bytes_moved=0, requests=0).for_count(Count.REQUESTS) == 0


def test_amounts_stay_exact_as_doubles():
    assert float(MAX_AMOUNT) == MAX_AMOUNT
    assert float(MAX_AMOUNT + 1) == MAX_AMOUNT
