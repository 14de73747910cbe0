"""What a value is worth: by how many benign callers ever came as high."""

from __future__ import annotations

from math import inf, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RegistryError
from gateway.model.baseline import Fitted
from gateway.registry import names
from gateway.risk.baseline import Baseline, fit, general, over_general, read_baseline

HUNDRED = fit({"odd": [float(number) for number in range(1, 21)]}, 99, "a test")


@pytest.mark.parametrize(("value", "as_high"), [(0.5, 20), (1.0, 20), (20.0, 1), (20.1, 0), (1e9, 0), (inf, 0)])
def test_a_weight_is_the_inverse_of_the_share_that_came_as_high(value, as_high):
    assert HUNDRED.weight("odd", value) == pytest.approx(10 * log10(100 / (as_high + 1)))


@pytest.mark.parametrize("value", [0.0, -3.0, -inf, float("nan")])
def test_nothing_odd_is_worth_nothing(value):
    assert HUNDRED.weight("odd", value) == 0


def test_a_signal_without_a_baseline_is_worth_nothing():
    assert HUNDRED.weight("unknown", 100.0) == 0


@given(st.lists(st.floats(-5, 50), min_size=1, max_size=80), st.floats(0.5, 20))
def test_benign_callers_pass_a_weight_no_more_often_than_it_says(peaks, bar):
    baseline = fit({"odd": peaks}, len(peaks), "a test")
    passed = sum(baseline.weight("odd", round(peak, 2)) > bar for peak in peaks)
    assert passed <= (len(peaks) + 1) * 10 ** (-bar / 10)


def test_it_is_the_same_after_a_file():
    assert read_baseline(HUNDRED.fitted.to_json()) == HUNDRED


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        HUNDRED.fitted.to_json().replace(b"v2", b"v9"),
        HUNDRED.fitted.to_json().replace(b"99", b"3"),
        HUNDRED.fitted.to_json()[:-9],
    ],
)
def test_what_is_no_baseline_says_so(raw):
    with pytest.raises(RegistryError, match=r"this is no baseline: .*; write one anew from recorded traffic"):
        read_baseline(raw)


SUMS = fit({"odd": []}, 999, "a test", sums=[30.0] * 4 + [20.0] * 40)


@pytest.mark.parametrize(("score", "as_high"), [(0.1, 44), (19.9, 44), (20.5, 4), (30.0, 4), (31.0, 0)])
def test_a_sum_is_worth_no_more_than_so_many_callers_bear_out(score, as_high):
    assert SUMS.combined(score) == pytest.approx(min(score, 10 * log10(1000 / (as_high + 1))))


@given(st.lists(st.floats(-5, 60), max_size=50), st.floats(-10, 60), st.floats(-10, 60))
def test_a_lower_sum_is_never_worth_more(sums, one, other):
    baseline = fit({}, 60, "a test", sums=sums)
    assert baseline.combined(min(one, other)) <= baseline.combined(max(one, other))


def test_without_peaks_of_sums_a_sum_is_what_it_is():
    assert HUNDRED.combined(55.0) == 55.0


def test_callers_seen_for_days_are_parts_of_lives():
    assert fit({"odd": [5.0]}, 900, "a test", lives=99.0).weight("odd", 9.0) == pytest.approx(20.0)


def test_a_caller_it_was_fitted_on_is_judged_by_the_others():
    assert HUNDRED.among_members.weight("odd", 20.0) == pytest.approx(10 * log10(100 / 1))
    assert HUNDRED.weight("odd", 20.0) == pytest.approx(10 * log10(100 / 2))


def test_ones_own_callers_lower_what_the_general_baseline_says_and_do_not_raise_it():
    general_one = Fitted(999, 999.0, {"odd": ()})
    own = Baseline(Fitted(99, 99.0, {"odd": (10.0,) * 9}), general_one)
    assert own.weight("odd", 10.0) == pytest.approx(10.0)  # nine of a hundred of one's own, whatever the thousand others do
    assert own.weight("odd", 11.0) == pytest.approx(10 * log10(1099))


def test_what_does_not_stand_alone_stands_on_the_one_that_ships():
    assert over_general(Fitted(1, 0.1, {})).lives == pytest.approx(general().lives + 0.1)
    assert over_general(Fitted(1, 0.1, {}, alone=True)).lives == pytest.approx(0.1)


def test_the_one_that_ships_tells_thirty_decibans_where_thousands_of_lives_bear_them_out():
    assert general().ceiling > 30


def test_the_one_that_ships_knows_every_signal_that_ships():
    assert set(general().peaks) >= set(names("signals"))
    assert general().callers > 200
