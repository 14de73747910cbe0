"""Chat completion bodies: the facts read from them, and the edits that leave all other bytes alone."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.openai_chat import OpenAIChat
from gateway.errors import BadRequest
from gateway.model.policy import BiasCap, FeatureCaps

CHAT = OpenAIChat()
MESSAGES = '"messages":[{"role":"user","content":"hello there"}]'
NO_CAPS = FeatureCaps()


def body(members=""):
    return f'{{"model":"m",{MESSAGES}{"," if members else ""}{members}}}'.encode()


def facts(members=""):
    text = body(members)
    return CHAT.parse(text, length=len(text))


def edited(members, caps=NO_CAPS, *, ask=False):
    text = body(members)
    result = CHAT.edit(text, CHAT.parse(text, length=len(text)), caps, ask_usage=ask)
    assert result.body is text or result.changed
    assert (result.body is text) == (not result.changed)
    return result.body.decode(), result.changed


def test_a_plain_request_has_the_defaults():
    plain = facts()
    assert (plain.dialect, plain.operation, plain.model) == ("openai.chat", "chat", "m")
    assert (plain.stream, plain.choices, plain.logprobs, plain.logit_bias, plain.max_output) == (False, 1, -1, None, None)
    assert (plain.usage_asked, plain.stores, plain.stored_refs, plain.ambiguous) == (False, False, (), "")
    assert plain.body_size == len(body())
    assert plain.input_size == len('[{"role":"user","content":"hello there"}]')
    assert (plain.estimate.output, plain.estimate.output_given) == (CHAT.max_output_default, False)
    assert plain.estimate.input > 0


@pytest.mark.parametrize(
    ("members", "bound"),
    [
        ('"max_tokens":5', 5),
        ('"max_completion_tokens":6', 6),
        ('"max_tokens":5,"max_completion_tokens":6', 6),
        ('"max_tokens":5.0', 5),
        ('"max_tokens":-1', None),
        ('"max_tokens":null', None),
        ('"max_tokens":1e300', 2**31),
    ],
)
def test_the_bound_on_output_is_the_larger_of_its_two_spellings(members, bound):
    assert facts(members).max_output == bound


def test_each_choice_may_use_the_whole_bound():
    estimate = facts('"n":3,"max_tokens":50').estimate
    assert (estimate.output, estimate.output_given) == (150, True)
    assert facts('"n":3').estimate.output == 3 * CHAT.max_output_default


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        ('"logprobs":true', 0),
        ('"logprobs":true,"top_logprobs":5', 5),
        ('"logprobs":false', -1),
        ('"logprobs":false,"top_logprobs":0', -1),
        ('"top_logprobs":5', 5),
        ('"prompt_logprobs":0', 0),
        ('"logprobs":true,"top_logprobs":-1', 1 << 20),
    ],
)
def test_log_probabilities_are_the_alternatives_asked_for(members, asked):
    assert facts(members).logprobs == asked


def test_a_bias_is_known_by_its_range():
    assert facts('"logit_bias":{"5":-100,"6":2.5}').logit_bias == (-100.0, 2.5)
    assert facts('"logit_bias":{}').logit_bias is None
    assert facts('"logit_bias":null').logit_bias is None


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        ('"stream":true', False),
        ('"stream":true,"stream_options":null', False),
        ('"stream":true,"stream_options":{"include_usage":false}', False),
        ('"stream":true,"stream_options":{"include_usage":true}', True),
    ],
)
def test_whether_the_client_asked_for_usage_is_known(members, asked):
    assert facts(members).usage_asked is asked


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ('"n":1,"n":9', "`n` is given more than once"),
        ('"logit_bias":{"5":-100,"5":100}', "`logit_bias` names a token more than once"),
        ('"stream_options":{"include_usage":true,"include_usage":false}', "`include_usage` is given more than once"),
    ],
)
def test_what_parsers_read_differently_is_said(members, why):
    assert facts(members).ambiguous == why


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ('"n":"2"', "n"), ('"n":2.5', "n"), ('"stream":"true"', "stream"), ('"logprobs":5', "logprobs"),
        ('"logit_bias":[1]', "logit_bias"),
        ('"logit_bias":{"5":"x"}', "logit_bias"), ('"logit_bias":{"5":true}', "logit_bias"), ('"stream_options":[]', "stream_options"),
        ('"max_tokens":true', "max_tokens"),
    ],
)  # fmt: skip
def test_a_field_of_the_wrong_type_is_named(members, param):
    with pytest.raises(BadRequest) as caught:
        facts(members)
    assert caught.value.param == param


def test_stored_objects_that_messages_name_are_found_even_when_spelt_with_escapes():
    parts = '{"type":"file","file":{"file_id":"file-1"}},{"type":"file","file":{"f\\u0069le_id":"file-2","file_id":"file-3"}}'
    message = f'"x":1,"messages":[{{"role":"user","content":[{parts}]}},{{"role":"assistant","audio":{{"id":"audio-1"}}}}]'
    text = f'{{"model":"m",{message},"metadata":{{"file_id":"not-one"}}}}'.encode()
    assert sorted(CHAT.parse(text, length=0).stored_refs) == ["audio-1", "file-1", "file-2", "file-3"]


def test_more_stored_objects_than_can_be_looked_up_are_refused_whatever_the_policy():
    parts = ",".join(f'{{"file_id":"file-{n}"}}' for n in range(300))
    with pytest.raises(BadRequest) as caught:
        CHAT.parse(f'{{"messages":[{parts}]}}'.encode(), length=0)
    assert caught.value.status == 413


def test_an_answer_that_is_to_be_stored_is_known():
    assert facts('"store":true').stores


# ── Edits ─────────────────────────────────────────────────────────────────────────────────────────


def test_where_nothing_is_over_a_cap_the_body_is_the_very_same_object():
    caps = FeatureCaps(logprobs=5, choices=2, max_output=100, logit_bias=BiasCap("values", (-100.0,)))
    for members in ('"logprobs":true,"top_logprobs":5,"n":2,"max_tokens":100', '"n":2,"max_tokens":100,"logit_bias":{"5":-100}'):
        assert edited(members, caps) == (body(members).decode(), ())


@pytest.mark.parametrize(
    ("members", "caps", "result", "changed"),
    [
        ('"logprobs": true, "top_logprobs": 9, "n":1', FeatureCaps(logprobs=2),
         '"logprobs": true, "top_logprobs": 2, "n":1', "clipped.logprobs"),
        ('"logprobs":true,"top_logprobs":9,"n":1', FeatureCaps(logprobs=-1), '"n":1', "clipped.logprobs"),
        ('"top_logprobs":-1', FeatureCaps(logprobs=0), '"top_logprobs":0', "clipped.logprobs"),
        ('"prompt_logprobs":4,"n":1', FeatureCaps(logprobs=-1), '"n":1', "clipped.logprobs"),
        ('"n":7', FeatureCaps(choices=2), '"n":2', "clipped.choices"),
        ('"max_tokens":500', FeatureCaps(max_output=64), '"max_tokens":64', "clipped.max_output"),
        ('"max_tokens":5,"max_completion_tokens":500', FeatureCaps(max_output=64),
         '"max_tokens":5,"max_completion_tokens":64', "clipped.max_output"),
        ('"max_tokens":-1', FeatureCaps(max_output=64), '"max_tokens":64', "clipped.max_output"),
        ('"logit_bias":{"5":-100,"6":50},"n":1', FeatureCaps(logit_bias=BiasCap("strip")), '"n":1', "stripped.logit_bias"),
        ('"logit_bias":{"5":-100,"6":50}', FeatureCaps(logit_bias=BiasCap("values", (-100.0,))),
         '"logit_bias":{"5":-100}', "stripped.logit_bias"),
        ('"n":1,"logit_bias":{"6":50}', FeatureCaps(logit_bias=BiasCap("values", (-100.0,))), '"n":1', "stripped.logit_bias"),
    ],
)  # fmt: skip
def test_over_a_cap_only_that_field_changes(members, caps, result, changed):
    assert edited(members, caps) == (body(result).decode(), (changed,))


@pytest.mark.parametrize("members", ["", '"max_completion_tokens":null'])
def test_a_cap_on_output_holds_where_the_client_sets_no_bound(members):
    text, changed = edited(members, FeatureCaps(max_output=64))
    assert json.loads(text)["max_completion_tokens"] == 64
    assert changed == ("clipped.max_output",)


def test_caps_that_deny_leave_the_bias_to_the_refusal():
    assert edited('"logit_bias":{"5":1}', FeatureCaps(logit_bias=BiasCap("deny")))[1] == ()


@pytest.mark.parametrize(
    ("options", "result"),
    [
        ("", '{"stream_options":{"include_usage":true},"model":"m",' + MESSAGES + ',"stream":true}'),
        (',"stream_options":null', body('"stream":true,"stream_options":{"include_usage":true}').decode()),
        (',"stream_options":{ }', body('"stream":true,"stream_options":{"include_usage":true }').decode()),
        (',"stream_options":{"include_usage":false}', body('"stream":true,"stream_options":{"include_usage":true}').decode()),
        (
            ',"stream_options":{"include_obfuscation": false}',
            body('"stream":true,"stream_options":{"include_usage":true,"include_obfuscation": false}').decode(),
        ),
    ],
)
def test_usage_is_asked_for_by_one_member_alone(options, result):
    assert edited('"stream":true' + options, ask=True) == (result, ("usage_asked",))


def test_asking_and_clipping_go_together():
    text, changed = edited('"stream":true,"n":9', FeatureCaps(choices=1, max_output=5), ask=True)
    value = json.loads(text)
    assert changed == ("clipped.choices", "clipped.max_output", "usage_asked")
    assert (value["n"], value["max_completion_tokens"], value["stream_options"]) == (1, 5, {"include_usage": True})
