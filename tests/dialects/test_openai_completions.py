"""Completion bodies: prompts of all shapes, and choices by `n` or `best_of`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from gateway.dialects.openai_completions import OpenAICompletions
from gateway.errors import BadRequest
from gateway.model.policy import BiasCap, FeatureCaps
from gateway.model.request import Usage
from tests.dialects.streams import CUTS, EVENTS, USAGE, event, passed

COMPLETIONS = OpenAICompletions()


def parse(**members):
    text = json.dumps({"model": "m", "prompt": "Say this", **members}).encode()
    return COMPLETIONS.parse(text, length=len(text))


def edit(caps, *, ask=False, **members):
    text = json.dumps({"model": "m", "prompt": "Say this", **members}).encode()
    result = COMPLETIONS.edit(text, COMPLETIONS.parse(text, length=0), caps, ask_usage=ask)
    assert (result.body is text) == (not result.changed)
    return json.loads(result.body), result.changed


@pytest.mark.parametrize(
    ("prompt", "given_tokens", "prompts"),
    [
        ("one text", None, 1),
        (["one", "two", "three"], None, 3),
        ([1, 2, 3, 4], 4, 1),
        ([[1, 2], [3, 4, 5]], 5, 2),
        ([], None, 1),
        (None, None, 1),
    ],
)
def test_a_prompt_may_be_text_texts_or_tokens(prompt, given_tokens, prompts):
    facts = parse(prompt=prompt, max_tokens=10)
    assert facts.estimate.output == 10 * prompts
    assert facts.estimate.input > 0
    assert given_tokens is None or facts.estimate.input == given_tokens


def test_the_apis_own_default_bounds_an_answer_without_a_bound():
    assert (parse().estimate.output, parse().estimate.output_given, parse().max_output) == (16, False, None)


def test_choices_are_n_or_best_of_where_that_is_more():
    assert (parse().choices, parse(n=3).choices, parse(best_of=5).choices, parse(n=3, best_of=5).choices) == (1, 3, 5, 5)
    assert parse(n=2, best_of=5, max_tokens=10, prompt=["a", "b"]).estimate.output == 100


@pytest.mark.parametrize(("value", "asked"), [(None, -1), (0, 0), (5, 5), (-1, 1 << 20)])
def test_log_probabilities_are_a_number_here(value, asked):
    assert parse(logprobs=value).logprobs == asked


def test_a_field_of_the_wrong_type_is_named():
    with pytest.raises(BadRequest) as caught:
        parse(best_of="many")
    assert caught.value.param == "best_of"


def test_caps_clip_by_text():
    caps = FeatureCaps(logprobs=1, choices=2, max_output=8, logit_bias=BiasCap("strip"))
    value, changed = edit(caps, logprobs=5, n=3, best_of=4, max_tokens=100, logit_bias={"5": 1}, seed=7)
    assert value == {"model": "m", "prompt": "Say this", "logprobs": 1, "n": 2, "best_of": 2, "max_tokens": 8, "seed": 7}
    assert changed == ("clipped.logprobs", "clipped.choices", "clipped.max_output", "stripped.logit_bias")
    assert edit(FeatureCaps(logprobs=-1), logprobs=0)[0] == {"model": "m", "prompt": "Say this"}


def test_a_cap_on_output_holds_without_a_bound():
    assert edit(FeatureCaps(max_output=8))[0]["max_tokens"] == 8


def test_usage_is_asked_for_and_nothing_else_is_changed():
    assert edit(FeatureCaps(), ask=True, stream=True) == (
        {"model": "m", "prompt": "Say this", "stream": True, "stream_options": {"include_usage": True}},
        ("usage_asked",),
    )
    assert edit(FeatureCaps())[1] == ()


def stream(*, asked):
    null = {"usage": None} if asked else {}
    texts = [{"id": "cmpl-1", "choices": [{"text": text, "index": 0, "finish_reason": None}], **null} for text in (" one", " two")]
    last = [{"id": "cmpl-1", "choices": [{"text": "", "index": 0, "finish_reason": "length"}], **null}]
    usage = [{"id": "cmpl-1", "choices": [], "usage": USAGE}] if asked else []
    return b"".join(event(value) for value in texts + last + usage) + event("[DONE]")


@given(CUTS)
def test_a_stream_is_counted_by_its_texts_and_the_usage_asked_for_is_hidden(cuts):
    facts = parse(stream=True)
    out, end, seen = passed(COMPLETIONS.relay(facts, 200, EVENTS, hide_usage=True), stream(asked=True), cuts)
    assert out + end == stream(asked=False)
    assert (seen.usage.output, seen.usage.source, seen.finish) == (10, "upstream", "length")
    counted = passed(COMPLETIONS.relay(facts, 200, EVENTS, hide_usage=False), stream(asked=False), cuts)[2]
    assert counted.usage == Usage(facts.estimate.input, 2, source="counted")
