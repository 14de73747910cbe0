"""The reliability plot is a picture by itself: well-formed, and its points where the numbers say."""

from __future__ import annotations

from xml.etree import ElementTree

from gateway.calibrate import Calibration
from gateway.calibratepicture import reliability_svg
from gateway.calibratereport import LEVELS, calibration_report
from gateway.risk.baseline import fit

SVG = "{http://www.w3.org/2000/svg}"


def picture(told):
    return ElementTree.fromstring(reliability_svg(calibration_report(Calibration(fit({}, 9, "a test"), told=told, lived=1.0))))


def test_each_level_that_somebody_reached_has_its_dot_the_rarer_the_higher():
    dots = picture({str(number): 6.0 if number < 10 else 12.0 if number == 10 else 0.0 for number in range(100)}).findall(
        f"{SVG}circle"
    )
    assert [float(dot.get("cx")) for dot in dots] == sorted(float(dot.get("cx")) for dot in dots)
    assert len(dots) == 2
    assert float(dots[1].get("cy")) < float(dots[0].get("cy"))


def test_where_nobody_came_there_is_the_interval_alone():
    shown = picture({"a": 0.0})
    assert shown.findall(f"{SVG}circle") == []
    assert len([line for line in shown.findall(f"{SVG}line") if line.get("stroke-width") == "2"]) == len(LEVELS)
