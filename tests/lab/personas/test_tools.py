"""Agents with tools: a help desk's few against ever other ones."""

from __future__ import annotations

import json

from tests.lab.asking import asks


def names(one):
    return {tool["function"]["name"] for tool in one.body["tools"]}


def test_a_help_desk_has_the_same_tools_always_and_the_collector_others_each_time():
    assert len({frozenset(names(one)) for one in asks("support_bot", 60)}) == 1
    assert len({frozenset(names(one)) for one in asks("tool_trajectory", 60)}) > 12


def test_calls_in_a_conversation_name_a_tool_that_is_there_and_have_their_results():
    for persona in ("support_bot", "tool_trajectory"):
        seen = 0
        for one in asks(persona, 60):
            called = [call for message in one.body["messages"] for call in message.get("tool_calls", ())]
            returned = {message["tool_call_id"] for message in one.body["messages"] if message["role"] == "tool"}
            assert {call["id"] for call in called} == returned
            assert {call["function"]["name"] for call in called} <= names(one)
            assert all(json.loads(call["function"]["arguments"])["query"] for call in called)
            seen += len(called)
        assert seen > 10, persona


def test_the_help_desk_says_whose_it_is():
    systems = {one.body["messages"][0]["content"] for one in asks("support_bot", 40)}
    assert len(systems) == 1
    assert all(one.body["messages"][0]["role"] == "system" for one in asks("support_bot", 5))
