"""What Anthropic's messages refuse, in Anthropic's words."""

from __future__ import annotations

import anthropic
import pytest

from gateway.demo.anthropic_read import read
from gateway.demo.ask import Fault


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"model": None}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages.0.role"),
        ({"temperature": 1.5}, "temperature"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "thinking.enabled.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "max_tokens"),
        ({"thinking": {"type": "deep"}}, "thinking.type"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"stop_sequences": [5]}, "stop_sequences"),
    ],
)
def test_a_wrong_field_is_named(wrong, param):
    body = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], **wrong}
    with pytest.raises(Fault) as caught:
        read({name: value for name, value in body.items() if value is not None})
    assert caught.value.param == param
    assert caught.value.status == 400


def test_the_sdk_sees_the_error_as_anthropic_shapes_it(claude):
    with pytest.raises(anthropic.BadRequestError) as caught:
        claude.messages.create(model="m", max_tokens=0, messages=[{"role": "user", "content": "hi"}])
    assert caught.value.body["type"] == "error"
    assert caught.value.body["error"]["type"] == "invalid_request_error"
    assert "max_tokens" in caught.value.body["error"]["message"]
    assert caught.value.body["request_id"] == caught.value.request_id


def test_thinking_follows_the_request_or_else_the_models_name():
    base = {"max_tokens": 2000, "messages": [{"role": "user", "content": "hi"}]}
    assert not read({**base, "model": "m"}).ask.reason
    assert read({**base, "model": "demo-reasoning"}).ask.reason
    assert not read({**base, "model": "demo-reasoning", "thinking": {"type": "disabled"}}).ask.reason
    assert read({**base, "model": "m", "thinking": {"type": "adaptive"}}).ask.reason
