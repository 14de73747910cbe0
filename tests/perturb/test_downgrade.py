"""Another model answers."""

from __future__ import annotations

from gateway.perturb.downgrade import PERTURBATION, DowngradeOptions
from tests.perturb.test_logprobs import context


def test_another_model_is_asked_and_named():
    options = DowngradeOptions(to="small")
    assert PERTURBATION.request({"model": "m"}, context(), options) == {"model": "small"}
    assert PERTURBATION.answer(context(), options) is None
    assert PERTURBATION.request({"model": "m"}, context("openai.embeddings"), options) == {}


def test_a_policy_may_have_the_first_one_named():
    edit = PERTURBATION.answer(context(), DowngradeOptions(to="small", named=False))
    (after,) = edit.edit({"model": "small", "response": {"model": "small"}, "choices": []})
    assert (after["model"], after["response"]["model"], edit.count) == ("m", "m", 2)
