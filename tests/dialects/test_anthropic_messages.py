"""Anthropic's messages at the door: what is read of a request, what a cap changes in it, and that nothing else is touched."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.anthropic_messages import AnthropicMessages
from gateway.errors import BadRequest
from gateway.model.decision import Refusal
from gateway.model.policy import FeatureCaps
from gateway.model.request import NO_USAGE

DIALECT = AnthropicMessages()
ASK = {"model": "claude-x", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello there"}]}


def parse(**other):
    body = json.dumps({**ASK, **other}).encode()
    return DIALECT.parse(body, length=len(body))


def edit(body, cap):
    facts = DIALECT.parse(body, length=len(body))
    return DIALECT.edit(body, facts, FeatureCaps(max_output=cap), ask_usage=True)


def test_what_is_acted_on_is_read():
    facts = parse(stream=True, system="Be brief.", tools=[{"name": "f"}], temperature=0.5)
    assert (facts.dialect, facts.operation, facts.model, facts.stream) == ("anthropic.messages", "messages", "claude-x", True)
    assert (facts.max_output, facts.choices, facts.logprobs, facts.logit_bias) == (100, 1, -1, None)
    assert (facts.estimate.output, facts.estimate.output_given) == (100, True)
    assert facts.ambiguous == ""
    assert not facts.usage_asked


def test_system_and_tools_count_in_the_estimate():
    plain = parse().estimate.input
    assert plain > 0
    assert parse(system="a word " * 100).estimate.input > plain + 100
    assert parse(tools=[{"name": "f", "description": "a word " * 100}]).estimate.input > plain + 100


def test_an_image_is_not_counted_by_its_base64():
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo" * 20_000}
    assert parse(messages=[{"role": "user", "content": [{"type": "image", "source": source}]}]).estimate.input < 5_000


def test_the_size_on_the_wire_and_of_what_the_model_reads_are_kept_apart():
    body = b'{"model":"m","messages":["Hello"],"system":"Be brief.","tools":null}'
    facts = DIALECT.parse(body, length=40)
    assert (facts.body_size, facts.input_size) == (40, len(b'["Hello"]"Be brief."'))


def test_a_request_without_a_bound_is_taken_as_compatible_servers_take_it():
    facts = DIALECT.parse(b'{"model":"m","messages":[]}', length=27)
    assert facts.max_output is None
    assert not facts.estimate.output_given
    assert facts.estimate.output > 0


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nonsense", b'{"model": 7}', b'{"max_tokens": "many"}', b'{"max_tokens": 1.5}', b'{"stream": 1}']
)
def test_what_cannot_be_read_is_a_bad_request(body):
    with pytest.raises(BadRequest) as caught:
        DIALECT.parse(body, length=len(body))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","max_tokens":1,"max_\\u0074okens":9}',
        b'{"model":"a","MAX_TOKENS":9}',
        b'\xef\xbb\xbf{"model":"a"}',
        b'{"model":"a","system":"\xff"}',
    ],
)
def test_what_parsers_read_differently_is_said_so(body):
    assert DIALECT.parse(body, length=len(body)).ambiguous


def test_the_bound_on_the_output_is_clipped_by_text_and_all_else_stays():
    body = b'{ "max_tokens" : 4096 ,"model":"m","temperature":1.0e0,\n"new_field":{"max_tokens":4096}, "messages":[]}'
    edited = edit(body, 100)
    assert edited.body == body.replace(b'"max_tokens" : 4096', b'"max_tokens" : 100')
    assert edited.changed == ("clipped.max_output",)


@pytest.mark.parametrize("cap", [None, 100, 101])
def test_within_the_cap_the_body_is_the_very_same(cap):
    body = json.dumps(ASK).encode()
    edited = edit(body, cap)
    assert edited.body is body
    assert edited.changed == ()


@pytest.mark.parametrize("body", [b'{"model":"m","messages":[]}', b'{"model":"m","messages":[],"max_tokens":null}'])
def test_a_missing_bound_is_written_where_there_is_a_cap(body):
    edited = edit(body, 50)
    assert json.loads(edited.body) == {"model": "m", "messages": [], "max_tokens": 50}
    assert edited.changed == ("clipped.max_output",)


def test_a_budget_for_reasoning_beyond_the_cap_goes_down_with_it():
    body = b'{"model":"m","max_tokens":9000,"thinking":{"type":"enabled", "budget_tokens":8000}}'
    assert json.loads(edit(body, 4000).body)["thinking"] == {"type": "enabled", "budget_tokens": 3999}
    assert json.loads(edit(body, 500).body)["thinking"]["budget_tokens"] == 1024
    assert json.loads(edit(body, 8500).body)["thinking"]["budget_tokens"] == 8000


def test_usage_is_never_asked_for_as_it_always_comes():
    body = json.dumps({**ASK, "stream": True}).encode()
    facts = DIALECT.parse(body, length=len(body))
    assert DIALECT.edit(body, facts, FeatureCaps(logprobs=-1, choices=1), ask_usage=True).body is body


@given(
    cap=st.integers(0, 200),
    limit=st.integers(0, 200) | st.none(),
    other=st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
def test_an_edited_body_differs_in_nothing_but_the_bound(cap, limit, other):
    ask = {
        **{key: value for key, value in other.items() if key.casefold() not in {"max_tokens", "thinking"}},
        "model": "m",
        "max_tokens": limit,
    }
    body = json.dumps(ask, ensure_ascii=False).encode()
    edited = json.loads(edit(body, cap).body)
    assert edited == {**ask, "max_tokens": cap if limit is None else min(cap, limit)}


@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
def test_an_error_of_the_upstream_costs_nothing_and_passes_as_it_is(status):
    relay = DIALECT.relay(parse(), status, [(b"content-type", b"application/json")], hide_usage=False)
    body = b'{"type":"error","error":{"type":"overloaded_error"},"usage":{"input_tokens":9,"output_tokens":9}}'
    assert relay.feed(body) + relay.finish() == body
    assert relay.seen().usage == NO_USAGE


def test_refusals_are_in_anthropics_envelope_also_where_problem_details_are_accepted():
    refusal = Refusal("model_denied", 404, "There is no such model.", "model.denied", final=True)
    answer = DIALECT.refuse(refusal, request_id="req_1", problem=True)
    assert answer.status == 404
    assert json.loads(answer.body) == {
        "type": "error",
        "error": {"type": "not_found_error", "message": "There is no such model."},
        "request_id": "req_1",
    }
