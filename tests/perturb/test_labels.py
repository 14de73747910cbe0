"""Rounded scores."""

from __future__ import annotations

from gateway.perturb.labels import PERTURBATION, LabelsOptions
from tests.perturb.test_logprobs import context


def test_scores_are_rounded_and_nothing_else_is():
    edit = PERTURBATION.answer(context("opaque", route="POST /moderations"), LabelsOptions(round=0.1))
    document = {"results": [{"flagged": True, "category_scores": {"a": 0.9321, "b": 0.0412}, "index": 3}], "usage": {"n": 7}}
    (after,) = edit.edit(document)
    assert after["results"] == [{"flagged": True, "category_scores": {"a": 0.9, "b": 0.0}, "index": 3}]
    assert after["usage"] == {"n": 7}
    assert edit.count == 2


def test_no_score_passes_another():
    scores = [0.91, 0.9, 0.52, 0.49, 0.03]
    edit = PERTURBATION.answer(context("opaque", route="POST /rerank"), LabelsOptions(round=0.25))
    (after,) = edit.edit({"results": [{"relevance_score": score} for score in scores]})
    told = [entry["relevance_score"] for entry in after["results"]]
    assert told == sorted(told, reverse=True)


def test_other_routes_have_none():
    assert PERTURBATION.answer(context(), LabelsOptions()) is None
