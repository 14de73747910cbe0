"""What does not answer is left alone, and asked again gently: one call after each pause, and never all processes at once."""

from __future__ import annotations

import pytest

from gateway.stores.breaker import Breaker


class Time:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def breaker(time):
    return Breaker(patience_s=0.1, now=time, chance=lambda: 1.0)


def opened(breaker, time):
    while not breaker.open:
        time.now_s += 0.03
        breaker.failed()
    return breaker


def test_one_slow_moment_opens_nothing_however_many_calls_it_fails(breaker):
    for _ in range(200):
        breaker.failed()
    assert breaker.allows()


def test_it_opens_when_nothing_is_answered_for_longer_than_a_moment(breaker, time):
    assert opened(breaker, time).open
    assert not breaker.allows()


def test_an_answer_in_between_begins_the_count_anew(breaker, time):
    for _ in range(50):
        for _ in range(4):
            breaker.failed()
        time.now_s += 0.2
        breaker.answered()
    assert not breaker.open


def test_after_a_pause_one_call_may_try_and_the_pauses_double_up_to_a_bound(breaker, time):
    opened(breaker, time)
    pauses, last = [], time.now_s
    while len(pauses) < 8:
        time.now_s += 0.005
        if breaker.allows():
            assert not breaker.allows()
            breaker.failed()
            pauses.append(round(time.now_s - last, 2))
            last = time.now_s
    assert pauses == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0], abs=0.011)


def test_the_first_answer_closes_it(breaker, time):
    opened(breaker, time)
    time.now_s += 1
    assert breaker.allows()
    breaker.answered()
    assert [breaker.allows() for _ in range(3)] == [True] * 3


def test_processes_that_lost_it_in_the_same_instant_try_again_at_different_ones(time):
    tries = set()
    for chance in (0.0, 0.25, 0.5, 0.75, 1.0):
        time.now_s = 100.0
        breaker = opened(Breaker(patience_s=0.1, now=time, chance=lambda chance=chance: chance), time)
        while not breaker.allows():
            time.now_s += 0.001
        tries.add(round(time.now_s, 3))
    assert len(tries) == 5
