"""What every API asks of the demo, and how fields are read."""

from __future__ import annotations

import pytest

from gateway.demo.ask import (
    MOST_TOKENS,
    Fault,
    Prompt,
    flag,
    number,
    part,
    read_bias,
    read_limit,
    read_messages,
    read_model,
    read_seed,
    read_stops,
    reasons,
    required,
    text_of,
    whole,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "output_text", "text": "b"}]}], "a\nb"),
        ({"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}, "f\n{}"),
        ({"type": "function_call_output", "call_id": "x", "output": "sunny"}, "sunny"),
        (None, ""),
        (True, ""),
    ],
)
def test_the_text_of_messages_blocks_and_items(value, text):
    assert text_of(value) == text


def test_a_text_nested_without_end_is_cut_off():
    nested = "deep"
    for _ in range(100):
        nested = [nested]
    assert text_of(nested) == ""


def test_tools_count_but_have_no_theme():
    prompt = Prompt("a river", [{"name": "get_password_of_the_computer"}])
    assert prompt.theme == "nature"
    assert prompt.tokens > Prompt("a river").tokens
    assert prompt.number != Prompt("a river").number


def test_only_long_prompts_are_told_as_cached():
    assert Prompt("a " * 1000).cached_tokens == 0
    assert Prompt("a" + " a" * 1299).cached_tokens == 1280


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("demo", None, False),
        ("demo-reasoning", None, True),
        ("org/o3-mini", None, True),
        ("deepseek-r1", None, True),
        ("kimi-thinking", None, True),
        ("gpt-4o", None, False),
        ("foo3", None, False),
        ("demo", "low", True),
        ("demo-reasoning", "none", False),
        ("demo-reasoning", "minimal", False),
    ],
)
def test_the_effort_decides_about_reasoning_or_else_the_models_name(model, effort, expected):
    assert reasons(model, effort) is expected


def test_fields_that_fit_are_read():
    assert number({"x": 1}, "x", 0, 2, 9) == 1.0
    assert number({}, "x", 0, 2, 9) == 9
    assert whole({"x": 2.0}, "x", 0, 2, 9) == 2
    assert required({"x": []}, "x", list) == []
    assert read_model({"model": "m"}) == "m"
    assert read_seed({"seed": -5}) == -5
    assert read_stops({"stop": "a"}) == ("a",)
    assert read_stops({"stop": ["a", "", "b"]}) == ("a", "b")
    assert read_bias({"logit_bias": {"7": 1, "3": -100, "999999": 5, "12345678901": 5}}) == ((3, -100.0), (7, 1.0))
    assert part({}, "x") == {}
    assert flag({"x": True}, "x")
    assert not flag({"x": None}, "x")


def test_all_choices_together_stay_below_the_most():
    assert read_limit({"b": 9}, "a", "b") == 9
    assert read_limit({}, "a", choices=MOST_TOKENS) == 1
    with pytest.raises(Fault, match="too large"):
        read_limit({"a": MOST_TOKENS}, "a", choices=2)


@pytest.mark.parametrize(
    ("read", "code"),
    [
        (lambda: number({"x": True}, "x", 0, 2, 1), "invalid_type"),
        (lambda: number({"x": 3}, "x", 0, 2, 1), "invalid_value"),
        (lambda: whole({"x": 0.5}, "x", 0, 2, 1), "invalid_type"),
        (lambda: required({}, "x", str), "missing_required_parameter"),
        (lambda: required({"x": 1}, "x", str), "invalid_type"),
        (lambda: read_model({"model": 5}), "missing_required_parameter"),
        (lambda: read_messages({"messages": ["x"]}), "invalid_type"),
        (lambda: read_seed({"seed": True}), "invalid_type"),
        (lambda: read_stops({"stop": {}, "x": 1} | {"stop": {"a": 1}}), "invalid_type"),
        (lambda: read_bias({"logit_bias": [1]}), "invalid_type"),
        (lambda: read_bias({"logit_bias": {"-1": 1}}), "invalid_value"),
        (lambda: part({"x": []}, "x"), "invalid_type"),
        (lambda: flag({"x": 1}, "x"), "invalid_type"),
    ],
)
def test_fields_that_do_not_fit_are_refused_with_a_code(read, code):
    with pytest.raises(Fault) as caught:
        read()
    assert caught.value.code == code
    assert caught.value.status == 400
