"""What tokens cost: decimals as they are written, to the last place."""

from __future__ import annotations

import pytest

from gateway.model.policy import Price


def prices(small, text):
    return small.policy(more=f"prices:\n{text}").prices


def test_prices_are_micro_units_per_million_tokens_in_the_files_order(small):
    found = prices(
        small, '  big-*: { input: 2.50, output: 10, cached_input: 1.25, reasoning: "12.5" }\n  "*": { input: 0.1, output: 0 }\n'
    )
    assert found == (Price("big-*", 2_500_000, 10_000_000, 1_250_000, 12_500_000), Price("*", 100_000, 0))


@pytest.mark.parametrize("written", ["0.000001", '"0.000001"', "1e-6"])
def test_a_price_is_the_decimal_that_is_written(small, written):
    assert prices(small, f'  "*": {{ input: {written}, output: 1 }}\n')[0].input == 1


@pytest.mark.parametrize("written", ["-1", "1000001", ".inf", "true", "[1]", "0.0000001", '"1,5"', '""'])
def test_what_is_no_price_is_told_so(small, written):
    (problem,) = small.problems(more=f'prices:\n  "*": {{ input: {written}, output: 1 }}\n')
    assert "prices.*.input" in problem


def test_a_price_without_a_value_is_no_price(small):
    assert small.problems(more='prices:\n  "*": { input: 1, output: 1, reasoning: }\n')


def test_the_currency_is_a_name(small):
    assert small.policy().currency == "USD"
    assert small.policy(more="currency: EUR\n").currency == "EUR"


def test_prices_and_their_order_are_part_of_the_digest(small):
    one, other = "  a: { input: 1, output: 1 }\n", '  "*": { input: 2, output: 2 }\n'
    digests = {small.policy(more=f"prices:\n{text}").digest for text in (one + other, other + one, one)}
    assert len(digests | {small.policy().digest}) == 4
