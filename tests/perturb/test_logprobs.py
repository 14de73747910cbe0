"""Log probabilities as a flagged caller gets them."""

from __future__ import annotations

import copy

import pytest

from gateway.perturb.base import Context
from gateway.perturb.logprobs import PERTURBATION, LogprobsOptions


def context(dialect="openai.chat", **other):
    told = {
        "secret": b"s" * 32,
        "key_id": "k",
        "account": "a",
        "epoch": 1,
        "dialect": dialect,
        "model": "m",
        "digest": b"d" * 32,
        "at_us": 0,
    }
    return Context(**{**told, **other})


def token(word, value, *others):
    top = [{"token": name, "logprob": logprob, "bytes": []} for name, logprob in others]
    return {"token": word, "logprob": value, "bytes": [], "top_logprobs": top}


CHAT = {"choices": [{"index": 0, "logprobs": {"content": [token("a", -0.131, ("a", -0.131), ("b", -2.217), ("c", -2.219))]}}]}
COLUMNS = {
    "choices": [{"text": "a", "logprobs": {"tokens": ["a"], "token_logprobs": [-0.131], "top_logprobs": [{"b": -2.2, "a": -0.131}]}}]
}


def edited(document, dialect="openai.chat", key_id="k", **options):
    edit = PERTURBATION.answer(context(dialect, key_id=key_id), LogprobsOptions(**options))
    (after,) = edit.edit(copy.deepcopy(document))
    return after, edit


def told(document):
    return document["choices"][0]["logprobs"]["content"][0]


def test_alternatives_are_cut_and_values_are_round():
    after, edit = edited(CHAT, keep=2, round=0.5)
    assert told(after)["logprob"] == 0.0
    assert [entry["logprob"] for entry in told(after)["top_logprobs"]] == [0.0, -2.0]
    assert edit.count == 1


def test_the_columns_of_completions_are_edited_alike():
    after, _ = edited(COLUMNS, "openai.completions", keep=1, round=0.1)
    assert after["choices"][0]["logprobs"] == {"tokens": ["a"], "token_logprobs": [-0.1], "top_logprobs": [{"a": -0.1}]}


def test_a_blur_keeps_the_order_and_asking_again_gives_the_same():
    first, _ = edited(CHAT, keep=3, round=None, noise=1.0)
    again, _ = edited(CHAT, keep=3, round=None, noise=1.0)
    other, _ = edited(CHAT, key_id="other", keep=3, round=None, noise=1.0)
    values = [entry["logprob"] for entry in told(first)["top_logprobs"]]
    assert values == sorted(values, reverse=True)
    assert [entry["token"] for entry in told(first)["top_logprobs"]] == ["a", "b", "c"]
    assert told(first)["logprob"] == values[0], "the chosen token is told as its alternative is"
    assert first == again != other


@pytest.mark.parametrize(
    ("document", "null"),
    [
        (CHAT, {"choices": [{"index": 0, "logprobs": None}]}),
        ({"type": "response.output_text.delta", "delta": "a", "logprobs": [token("a", -1.0)]},
         {"type": "response.output_text.delta", "delta": "a", "logprobs": []}),
    ],
)  # fmt: skip
def test_dropped_ones_have_their_dialects_null_form(document, null):
    assert edited(document, drop=True)[0] == null


def test_a_prompts_log_probabilities_are_never_told():
    assert edited({"choices": [], "prompt_logprobs": [{"1": {"logprob": -1.0}}]})[0]["prompt_logprobs"] is None


@pytest.mark.parametrize(("rule", "left"), [("bans", {"2": -100}), ("strip", None)])
def test_of_a_bias_the_bans_are_left_or_nothing(rule, left):
    asked = {"logit_bias": {"1": 5, "2": -100}}
    assert PERTURBATION.request(asked, context(), LogprobsOptions(logit_bias=rule)) == {"logit_bias": left}


def test_a_bias_that_only_bans_is_not_written_anew():
    assert PERTURBATION.request({"logit_bias": {"2": -100}}, context(), LogprobsOptions()) == {}
    assert PERTURBATION.request({"logit_bias": {"1": 5}}, context(), LogprobsOptions(logit_bias="allow")) == {}


def test_anthropic_has_none():
    assert PERTURBATION.answer(context("anthropic.messages"), LogprobsOptions()) is None
