"""Probes of the last layer and the products that use the same parameters."""

from __future__ import annotations

import itertools

from tests.lab.asking import asks, said


def test_harvest_and_classifier_ask_for_log_probabilities_of_one_token():
    for name in ("logit_harvest", "logprob_classifier"):
        for one in asks(name, 20):
            assert (one.body["max_tokens"], one.body["logprobs"], one.output_tokens) == (1, True, 1)
        assert {asks(name, 1, seed=seed)[0].body["top_logprobs"] for seed in range(40)} == {2, 5, 20}


def test_the_harvest_lifts_other_tokens_each_time_over_the_same_prefix():
    found = asks("logit_harvest", 100)
    assert len({tuple(one.body["logit_bias"]) for one in found}) == 100
    assert len({said(one) for one in found}) < 15


def test_the_classifier_never_sees_a_text_twice():
    assert len({said(one) for one in asks("logprob_classifier", 100)}) == 100


def test_bisecting_closes_in_on_one_token_by_halves():
    ((token, _),) = asks("bias_bisect", 1)[0].body["logit_bias"].items()
    tried = [one.body["logit_bias"][token] for one in asks("bias_bisect", 6)]
    assert tried[0] == 20.0
    steps = [abs(b - a) for a, b in itertools.pairwise(tried)]
    assert all(later < earlier for earlier, later in itertools.pairwise(steps))


def test_banned_words_stay_the_same():
    found = asks("banned_words", 50)
    assert len({tuple(one.body["logit_bias"].items()) for one in found}) == 1
    assert len({said(one) for one in found}) > 40
