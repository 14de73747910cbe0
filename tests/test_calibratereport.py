"""The report's numbers, and its intervals against known ones."""

from __future__ import annotations

import pytest

from gateway.calibrate import Calibration
from gateway.calibratereport import LEVELS, calibration_report, rate_interval, share_interval
from gateway.risk.baseline import fit


def test_levels_count_held_out_callers_and_say_what_it_would_be_with_the_suspected():
    found = Calibration(fit({"odd": [1.0, 9.0]}, 50, "a test"), told={"a": 12.0, "b": 3.0, "c": 0.0}, lived=1.5, suspected={"x": 31.0})
    levels = {level["decibans"]: level for level in calibration_report(found)["levels"]}
    assert tuple(levels) == LEVELS
    assert (levels[10]["reached"], levels[10]["of"], levels[10]["promised"]) == (1, 3, 0.1)
    assert levels[10]["per_life"] == pytest.approx(1 / 1.5)
    assert (levels[30]["reached"], levels[30]["with_suspects"]) == (0, 0.25)


def test_signals_are_told_with_what_they_are_worth_at_most():
    told = calibration_report(Calibration(fit({"odd": [1.0, 9.0]}, 99, "a test")))
    assert told["signals"]["odd"] == {"callers": 2, "median": 9.0, "highest": 9.0, "worth_at_most": 20.0}
    assert told["levels"][0]["share"] is None


@pytest.mark.parametrize(("events", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390)])
def test_rates_have_garwoods_interval(events, low, high):
    assert rate_interval(events) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_shares_have_wilsons_interval():
    assert share_interval(0, 271) == (0.0, pytest.approx(0.01398, abs=1e-4))
    assert share_interval(0, 0) == (0.0, 1.0)
    low, high = rate_interval(900)
    assert low == pytest.approx(842.2, abs=1)
    assert high == pytest.approx(960.8, abs=2)
