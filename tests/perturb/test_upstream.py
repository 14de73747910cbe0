"""Parameters for the model's own defences."""

from __future__ import annotations

from gateway.model.value import replace
from gateway.perturb.upstream import PERTURBATION, UpstreamOptions
from tests.perturb.test_logprobs import context

OPTIONS = UpstreamOptions(set={"vllm_xargs": {"watermark": "on", "key": "{key}"}})


def test_objects_are_merged_and_the_key_is_the_callers_own():
    here = context()
    (asked,) = PERTURBATION.request({"vllm_xargs": {"mine": 1}}, here, OPTIONS).values()
    assert asked["mine"] == 1
    assert asked["watermark"] == "on"
    assert len(asked["key"]) == 16
    assert PERTURBATION.request({}, here, OPTIONS)["vllm_xargs"]["key"] == asked["key"]
    assert PERTURBATION.request({}, replace(here, key_id="other"), OPTIONS)["vllm_xargs"]["key"] != asked["key"]
    assert PERTURBATION.request({}, replace(here, epoch=2), OPTIONS)["vllm_xargs"]["key"] != asked["key"]


def test_what_answers_nothing_is_not_asked():
    assert PERTURBATION.request({}, context("openai.embeddings"), OPTIONS) == {}
