"""What one calibration may move, and that a crowd of poisoned callers moves no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.risk.baseline import fit
from gateway.risk.bounded import held

BEFORE = fit({"odd": [1.0] * 20}, 999, "before", sums=[5.0] * 10)


@given(st.lists(st.floats(0.5, 60), min_size=1, max_size=80), st.floats(0.5, 6))
def test_no_value_is_worth_less_by_more_than_the_bound(peaks, most):
    after, _ = held(fit({"odd": peaks}, 999, "after", sums=peaks), BEFORE, most)
    for value in (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0):
        assert after.weight("odd", value) >= BEFORE.weight("odd", value) - most - 1e-9
        assert after.combined(value) >= BEFORE.combined(value) - most - 1e-9


def test_who_was_lowered_is_counted_and_who_fits_stays():
    after, lowered = held(fit({"odd": [1.0] * 19 + [40.0] * 100}, 999, "after"), BEFORE, 3.0)
    assert after.peaks["odd"] == (1.0,) * 40  # half the weight of 1.0 goes; none of 40.0 may
    assert lowered["odd"] == 119
    assert held(BEFORE, BEFORE, 3.0) == (BEFORE, {})


def test_many_new_names_do_not_raise_the_ceiling_at_once():
    after, _ = held(fit({"odd": []}, 100_000, "after"), BEFORE, 3.0)
    assert after.ceiling == pytest.approx(BEFORE.ceiling + 3.0)


def test_a_signal_that_is_new_is_learned_as_it_is():
    after, lowered = held(fit({"new": [40.0] * 500}, 999, "after"), BEFORE, 3.0)
    assert (len(after.peaks["new"]), lowered) == (500, {})
