"""A verdict carries how its score went: a few points, the recent past closely."""

from __future__ import annotations

import pytest

from gateway.risk.course import MOST, points, went

HOUR_US = 3600 * 1_000_000
NOW_US = 1_790_000_000_000_000


def test_a_point_is_added_where_the_score_moved_or_time_passed():
    course = went(b"", NOW_US, 4.0)
    assert went(course, NOW_US + 1_000_000, 4.5) == course
    course = went(course, NOW_US + 2_000_000, 6.0)
    course = went(course, NOW_US + 7 * HOUR_US, 6.1)
    assert points(course) == [(NOW_US, 4.0), (NOW_US + 2_000_000, 6.0), (NOW_US + 7 * HOUR_US, pytest.approx(6.1))]


def test_it_is_bounded_and_keeps_its_beginning_and_its_end():
    course = b""
    for number in range(1_000):
        course = went(course, NOW_US + number * HOUR_US, float(number % 50))
        assert len(points(course)) <= MOST
    assert points(course)[0] == (NOW_US, 0.0)
    assert points(course)[-1] == (NOW_US + 999 * HOUR_US, 49.0)
    assert points(course) == sorted(points(course))


def test_what_is_no_course_has_no_points():
    assert points(b"abc") == []
