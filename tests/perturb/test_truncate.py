"""A lower bound on output."""

from __future__ import annotations

import pytest

from gateway.perturb.truncate import PERTURBATION, TruncateOptions
from tests.perturb.test_logprobs import context


@pytest.mark.parametrize(
    ("dialect", "asked", "changes"),
    [
        ("openai.chat", {}, {"max_completion_tokens": 100}),
        ("openai.chat", {"max_tokens": 500}, {"max_tokens": 100}),
        ("openai.chat", {"max_tokens": 50}, {}),
        ("openai.completions", {}, {"max_tokens": 100}),
        ("openai.responses", {"max_output_tokens": 500}, {"max_output_tokens": 100}),
        ("anthropic.messages", {"max_tokens": 9000, "thinking": {"budget_tokens": 2000}}, {"max_tokens": 2001}),
        ("openai.embeddings", {}, {}),
    ],
)
def test_the_bound_is_lowered_or_set(dialect, asked, changes):
    assert PERTURBATION.request(asked, context(dialect), TruncateOptions(max_tokens=100)) == changes
