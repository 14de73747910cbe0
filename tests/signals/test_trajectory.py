"""Trajectory: ever other tools."""

from __future__ import annotations

from gateway.signals.trajectory import SIGNAL
from tests.signals.callers import look, said


def tools(*names):
    return [{"type": "function", "function": {"name": name}} for name in names]


def test_new_tools_every_time_are_told_with_numbers():
    evidence = said(SIGNAL, [look("Do it.", tools=tools(f"one_{number}", f"two_{number}")) for number in range(20)])
    assert evidence.seen == "19 of 20 requests bring tools not met before"
    assert evidence.weight > 10


def test_other_tools_now_and_then_are_a_products():
    assert said(SIGNAL, [look("Do it.", tools=tools(f"one_{number // 8}")) for number in range(80)]) is None


def test_one_new_tool_among_three_known_ones_is_no_news():
    assert said(SIGNAL, [look("Do it.", tools=tools("open", "close", f"new_{number}")) for number in range(40)]) is None


def test_tools_told_of_in_the_text_change_with_the_set():
    told = [look("\n".join([*(f"tool{place}(query)" for place in range(1 + number % 4)), "Do it."])) for number in range(40)]
    assert said(SIGNAL, told).weight > 10
    assert said(SIGNAL, told[:1] * 40) is None
