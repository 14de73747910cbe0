"""The next token's distribution."""

from __future__ import annotations

import math

import pytest

from gateway.demo.distribution import COLDEST, Distribution
from gateway.demo.vocabulary import SIZE
from gateway.demo.weights import logits

AT = ("subject", "nature", 3)


@pytest.mark.parametrize("bias", [(), ((7, 100.0), (9, -100.0), (11, 0.5))])
@pytest.mark.parametrize("temperature", [COLDEST, 0.3, 1.0, 2.0])
def test_it_is_the_softmax_of_the_logits(temperature, bias):
    there = Distribution(*AT, temperature, bias)
    values = logits(*AT)
    for token, added in bias:
        values[token] += added
    peak = max(values)
    total = sum(math.exp((value - peak) / temperature) for value in values)
    for token in (0, 7, 9, 11, 200, SIZE - 1):
        assert there.logprob(token) == pytest.approx((values[token] - peak) / temperature - math.log(total))
    assert sum(math.exp(there.logprob(token)) for token in range(SIZE)) == pytest.approx(1.0)


def test_the_likeliest_come_first():
    there = Distribution(*AT, 1.0)
    every = sorted(((token, there.logprob(token)) for token in range(SIZE)), key=lambda pair: -pair[1])
    assert there.top(5) == every[:5]
    assert there.top(50) == every[:50]
    assert there.likeliest == every[0][0]
    assert there.least == pytest.approx(every[-1][1])


def test_draws_follow_the_probabilities():
    there = Distribution(*AT, 1.0)
    drawn = [there.draw((i + 0.5) / 20_000) for i in range(20_000)]
    for token, logprob in there.top(10):
        assert drawn.count(token) / 20_000 == pytest.approx(math.exp(logprob), abs=1e-4)
    assert 0 <= there.draw(math.nextafter(1.0, 0.0)) < SIZE


def test_draws_from_the_nucleus_stay_in_it():
    there = Distribution(*AT, 1.0)
    drawn = {there.draw(i / 2000, top_p=0.5) for i in range(2000)}
    mass, nucleus = 0.0, set()
    for token, logprob in there.top(SIZE):
        nucleus.add(token)
        mass += math.exp(logprob)
        if mass >= 0.5:
            break
    assert drawn == nucleus
    assert {there.draw(i / 50, top_p=1e-9) for i in range(50)} == {there.likeliest}
    assert len({there.draw(i / 20_000, top_p=0.9999999) for i in range(20_000)}) > 200


def test_cold_takes_the_likeliest_and_tells_the_distribution_of_temperature_1():
    cold, warm = Distribution(*AT, 0.0), Distribution(*AT, 1.0)
    assert {cold.draw(i / 50) for i in range(50)} == {warm.likeliest}
    assert cold.top(3) == warm.top(3)


def test_a_bias_of_a_hundred_decides():
    assert {Distribution(*AT, 1.0, ((1500, 100.0),)).draw((i + 0.5) / 50) for i in range(50)} == {1500}
    likeliest = Distribution(*AT, 0.0).likeliest
    assert Distribution(*AT, 0.0, ((likeliest, -100.0),)).likeliest != likeliest
