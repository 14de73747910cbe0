"""The older completions, as the official SDK sees them."""

from __future__ import annotations

import math

import openai
import pytest

from gateway.demo.openai_completions import read_token_texts
from gateway.demo.vocabulary import SIZE, token_id


def ask(client, **other):
    return client.completions.create(**{"model": "m", "prompt": "The river", "seed": 7, **other})


def test_it_answers_sixteen_tokens_unless_told_otherwise(client):
    answer = ask(client)
    assert answer.object == "text_completion"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 16
    assert answer.usage.prompt_tokens == 2


def test_echo_repeats_the_prompt(client):
    plain, echoed = ask(client).choices[0].text, ask(client, echo=True).choices[0].text
    assert echoed == "The river" + plain


def test_logprobs_and_offsets_belong_to_the_text(client):
    choice = ask(client, logprobs=3).choices[0]
    told = choice.logprobs
    assert "".join(told.tokens) == choice.text
    assert [choice.text[at : at + len(token)] for at, token in zip(told.text_offset, told.tokens, strict=True)] == told.tokens
    for token, logprob, top in zip(told.tokens, told.token_logprobs, told.top_logprobs, strict=True):
        assert len(top) == 3
        assert top.get(token, logprob) == logprob


def test_an_echoed_prompt_is_scored_by_the_model_itself(client):
    told = ask(client, prompt="The river crosses zzz the forest.", echo=True, logprobs=1, max_tokens=0).choices[0].logprobs
    assert told.tokens == ["The", " river", " crosses", " zzz", " the", " forest", "."]
    assert told.token_logprobs[0] is None
    assert told.top_logprobs[0] is None
    assert told.token_logprobs[3] == min(told.token_logprobs[1:])
    assert told.text_offset == [0, 3, 9, 17, 21, 25, 32]


def test_several_prompts_come_in_order_and_token_ids_are_texts(client):
    ids = [token_id(" river"), token_id(" meets")]
    answer = ask(client, prompt=[ids, ids], n=2, echo=True, max_tokens=2)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert all(choice.text.startswith(" river meets") for choice in answer.choices)
    assert ask(client, prompt=ids, echo=True, max_tokens=1).choices[0].text.startswith(" river meets")
    assert answer.usage.prompt_tokens == 4
    assert answer.usage.completion_tokens == 8


def test_ids_of_a_larger_vocabulary_are_folded_into_this_one():
    assert read_token_texts([token_id(" river") + 3 * SIZE]) == " river"


def test_best_of_gives_the_likeliest_and_charges_all(client):
    one = ask(client, best_of=5, logprobs=0, max_tokens=8)
    all_five = ask(client, n=5, logprobs=0, max_tokens=8)
    means = [sum(choice.logprobs.token_logprobs) / len(choice.logprobs.tokens) for choice in all_five.choices]
    best = max(range(5), key=means.__getitem__)
    assert one.choices[0].text == all_five.choices[best].text
    assert one.usage.completion_tokens == 40
    assert len(one.choices) == 1


def test_a_stream_says_what_the_whole_answer_says(client):
    whole = ask(client, n=2, echo=True, logprobs=2)
    texts, tokens = ["", ""], [[], []]
    chunks = list(ask(client, n=2, echo=True, logprobs=2, stream=True, stream_options={"include_usage": True}))
    for chunk in chunks[:-1]:
        choice = chunk.choices[0]
        texts[choice.index] += choice.text
        if choice.logprobs:
            tokens[choice.index] += zip(
                choice.logprobs.tokens, choice.logprobs.token_logprobs, choice.logprobs.text_offset, strict=True
            )
    assert texts == [choice.text for choice in whole.choices]
    for choice, told in zip(whole.choices, tokens, strict=True):
        assert told == list(zip(choice.logprobs.tokens, choice.logprobs.token_logprobs, choice.logprobs.text_offset, strict=True))
    assert chunks[-1].usage == whole.usage


def test_a_suffix_counts_as_input(client):
    assert ask(client, suffix="in the sea").usage.prompt_tokens > ask(client).usage.prompt_tokens


def test_stop_and_bias_work_here_too(client):
    assert ask(client, logit_bias={str(token_id(" otter")): 100}, max_tokens=2).choices[0].text == "otter otter"
    text = ask(client, max_tokens=30).choices[0].text
    assert ask(client, max_tokens=30, stop=" ").choices[0].text == text.split()[0]


def test_the_scores_of_all_tokens_are_probabilities(client):
    told = ask(client, logprobs=5, max_tokens=40).choices[0].logprobs
    assert all(0 < math.exp(logprob) <= 1 for logprob in told.token_logprobs)


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": [["x"]]}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"logprobs": 6}, "logprobs"),
        ({"n": 3, "best_of": 2}, "best_of"),
        ({"best_of": 3, "stream": True}, "best_of"),
        ({"max_tokens": 30_000, "n": 2}, "max_tokens"),
    ],
)
def test_a_bad_request_is_refused_with_the_field_that_is_wrong(client, wrong, param):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **wrong)
    assert caught.value.param == param
