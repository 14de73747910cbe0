"""How an upstream feels, told in windows of samples."""

from __future__ import annotations

from gateway.quota.pulse import DRIFT, LONGEST_WINDOW, NO_PULSE, SETTLING, WINDOW_SAMPLES, WINDOW_US, Sample


def beat(pulse, rtt, *, per_token=None, count=WINDOW_SAMPLES, start=0, inflight=3):
    """A window of equal samples; the last comes when the window is long enough."""
    for number in range(count):
        now = start + (WINDOW_US if number == count - 1 else 0)
        pulse = pulse.add(Sample(start, rtt, inflight, per_token=per_token), now)
    return pulse


def test_an_open_window_says_nothing():
    assert beat(NO_PULSE, 100, count=WINDOW_SAMPLES - 1).slow == 0.0


def test_the_first_window_is_the_least_so_far():
    pulse = beat(NO_PULSE, 100)
    assert (pulse.slow, pulse.least_rtt) == (1.0, 100.0)


def test_a_slower_window_is_told_against_the_least_which_drifts_up():
    pulse = beat(beat(NO_PULSE, 100), 200)
    assert pulse.slow == 2.0
    assert pulse.least_rtt == 100 + DRIFT * 100


def test_a_faster_window_moves_the_least_part_of_the_way_for_it_may_be_luck():
    pulse = beat(beat(NO_PULSE, 200), 100)
    assert pulse.slow == 1.0
    assert pulse.least_rtt == 200 - SETTLING * 100


def test_a_model_that_has_become_slower_for_good_is_not_a_queue_for_ever():
    pulse = beat(NO_PULSE, 100)
    for _ in range(2000):
        pulse = beat(pulse, 300)
    assert pulse.slow < 1.05


def test_who_measured_while_there_was_room_has_the_least_anew():
    pulse = beat(beat(NO_PULSE, 100, per_token=10), 300, per_token=20).renewed()
    assert (pulse.least_rtt, pulse.least_per_token) == (300.0, 20.0)


def test_times_that_differ_by_nature_count_as_slow_only_beyond_their_doubt():
    pulse = beat(NO_PULSE, 100)
    for number in range(WINDOW_SAMPLES):
        pulse = pulse.add(Sample(0, 120 + 30 * (number % 4), 3), WINDOW_US * (3 if number == WINDOW_SAMPLES - 1 else 2))
    assert pulse.doubt > 1.0
    assert pulse.slow < pulse.rtt / 100


def test_tokens_that_come_slower_are_noticed_although_the_first_comes_in_time():
    pulse = beat(beat(NO_PULSE, 100, per_token=10), 100, per_token=25)
    assert pulse.slow == 2.5


def test_a_few_long_prompts_among_short_ones_are_no_queue():
    pulse = beat(NO_PULSE, 100)
    for number in range(WINDOW_SAMPLES):
        rtt = 5000 if number % 2 else 100
        pulse = pulse.add(Sample(0, rtt, 3), WINDOW_US * 3 if number == WINDOW_SAMPLES - 1 else WINDOW_US * 2)
    assert pulse.slow == 1.0


def test_times_that_few_samples_have_say_nothing():
    pulse = beat(beat(NO_PULSE, 100), None)
    assert (pulse.slow, pulse.least_rtt) == (1.0, 100.0)


def test_a_window_is_bounded_however_fast_samples_come():
    pulse = NO_PULSE
    for _ in range(LONGEST_WINDOW):
        pulse = pulse.add(Sample(0, 7, 1), 0)
    assert pulse.slow == 1.0
    assert pulse.add(Sample(0, 7, 1), 0).seen == 1


def test_the_most_under_way_in_a_window_is_kept():
    assert beat(NO_PULSE, 100, inflight=9).busy == 9
