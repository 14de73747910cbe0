"""What a value is worth: by how many benign callers ever came as high."""

from __future__ import annotations

from math import inf, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RegistryError
from gateway.registry import names
from gateway.risk.baseline import fit, general, read_baseline

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
    assert read_baseline(HUNDRED.to_json()) == HUNDRED


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{}", HUNDRED.to_json().replace(b"v1", b"v9"), HUNDRED.to_json().replace(b"99", b"3"), HUNDRED.to_json()[:-9]],
)
def test_what_is_no_baseline_says_so(raw):
    with pytest.raises(RegistryError, match=r"this is no baseline: .*; write one anew from recorded traffic"):
        read_baseline(raw)


def test_the_one_that_ships_knows_every_signal_that_ships():
    assert set(general().peaks) >= set(names("signals"))
    assert general().callers > 200
