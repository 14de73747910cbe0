"""Which tool is called."""

from __future__ import annotations

import pytest

from gateway.demo.ask import Fault
from gateway.demo.tools import choose_tool, read_tools

TOOLS = {"get_weather": {}, "sendMail": {}}


def user(text):
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("text", "tool"),
    [("What is the weather?", "get_weather"), ("Send them a mail", "sendMail"), ("Get it", None), ("The weathering", None)],
)
def test_a_free_choice_follows_the_words(text, tool):
    chosen = choose_tool(TOOLS, ("auto", ""), user(text))
    assert (chosen[0] if chosen else None) == tool


def test_only_the_last_words_of_the_user_count():
    assert choose_tool(TOOLS, ("auto", ""), [*user("weather"), *user("thanks")]) is None
    assert choose_tool(TOOLS, ("auto", ""), [*user("weather"), {"role": "tool", "content": "weather"}]) is None
    result = [{"role": "user", "content": [{"type": "tool_result", "content": "weather"}]}]
    assert choose_tool(TOOLS, ("auto", ""), result) is None
    assert choose_tool(TOOLS, ("auto", ""), []) is None


def test_a_demand_is_met():
    assert choose_tool(TOOLS, ("required", ""), user("hi")) == ("get_weather", {})
    assert choose_tool(TOOLS, ("required", ""), user("mail")) == ("sendMail", {})
    assert choose_tool(TOOLS, ("named", "sendMail"), user("hi")) == ("sendMail", {})
    assert choose_tool(TOOLS, ("none", ""), user("weather")) is None


@pytest.mark.parametrize(("tools", "choice"), [({}, ("required", "")), (TOOLS, ("named", "other"))])
def test_a_demand_that_cannot_be_met_is_refused(tools, choice):
    with pytest.raises(Fault):
        choose_tool(tools, choice, user("hi"))


def test_tools_are_read_in_each_shape():
    schema = {"type": "object", "properties": {"x": {}}}
    nothing = {"type": "object", "properties": {}}
    assert read_tools({"tools": [{"type": "function", "function": {"name": "a", "parameters": schema}}]}, nested=True) == {"a": schema}
    assert read_tools({"tools": [{"type": "function", "name": "a"}, {"type": "web_search"}]}, nested=False) == {"a": nothing}
    assert read_tools({"tools": [{"name": "a", "input_schema": schema}]}, nested=False, schema="input_schema") == {"a": schema}
    assert read_tools({}, nested=True) == {}
