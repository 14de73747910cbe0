"""What requests cost, to the micro-unit."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from gateway.core import pricing
from gateway.core.pricing import micro_cost, price_of, priced
from gateway.model.policy import Price
from gateway.model.request import NO_USAGE, Usage

BIG, REST = Price("big-*", 2_500_000, 10_000_000, 1_250_000, 12_000_000), Price("*", 1, 1)


def test_the_first_price_that_fits_a_model_is_its_price():
    assert price_of((BIG, REST), "big-1") is BIG
    assert price_of((BIG, REST), "small") is REST
    assert price_of((BIG,), "small") is None
    assert price_of((BIG, REST), "") is None


def test_another_list_of_prices_is_looked_up_anew_and_what_is_remembered_is_bounded():
    assert [price_of(prices, "m") for prices in ((REST,), (), (REST,))] == [REST, None, REST]
    for number in range(3_000):
        assert price_of((BIG,), f"big-{number}") is BIG
    assert len(pricing._known) <= 1024


def test_cached_input_and_reasoning_have_prices_of_their_own():
    cost = micro_cost(BIG, input=1_000_000, output=1_000_000, cached=400_000, reasoning=100_000)
    assert cost == 600_000 * 2.5 + 400_000 * 1.25 + 900_000 * 10 + 100_000 * 12


def test_where_they_have_none_they_cost_what_the_others_do():
    plain = Price("*", 3_000_000, 5_000_000)
    assert micro_cost(plain, input=7, output=9, cached=7, reasoning=9) == micro_cost(plain, input=7, output=9) == 66


def test_a_cost_is_rounded_up_once():
    assert micro_cost(REST, input=1, output=1) == 1
    assert micro_cost(REST, input=500_000, output=500_001) == 2
    assert micro_cost(REST, input=0, output=0) == 0


counts = st.integers(0, 10**7)
prices = st.integers(0, 10**12)


@given(
    input=counts, output=counts, cached=counts, reasoning=counts, each=st.tuples(prices, prices, st.none() | prices, st.none() | prices)
)
def test_the_sum_is_exact_and_never_below_the_price(input, output, cached, reasoning, each):
    price = Price("*", *each)
    cached_in, reasoned = min(cached, input), min(reasoning, output)
    exact = Fraction((input - cached_in) * price.input + (output - reasoned) * price.output, 10**6)
    exact += Fraction(cached_in * (price.input if price.cached is None else price.cached), 10**6)
    exact += Fraction(reasoned * (price.output if price.reasoning is None else price.reasoning), 10**6)
    assert micro_cost(price, input=input, output=output, cached=cached, reasoning=reasoning) == ceil(exact)


def test_usage_is_told_with_its_cost_and_none_where_there_is_no_price():
    usage = Usage(input=10, output=4, cached=10, source="upstream")
    assert priced(usage, (BIG,), "big-1").micro_cost == 53
    assert priced(usage, (BIG,), "small") is usage
    assert priced(NO_USAGE, (BIG,), "big-1") is NO_USAGE
