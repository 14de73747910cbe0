"""Signals, ladder, response as they are written."""

from __future__ import annotations

from gateway.policy.schema_judging import ResponseBlock, RungBlock, SignalsBlock

SECTION = {"half_life": "12h", "cadence": {"level": "enforce", "cap": 15}}


def test_signals_hold_a_block_for_each_name_beside_their_own_fields():
    block = SignalsBlock.model_validate(SECTION)
    assert block.half_life == "12h"
    assert block.__pydantic_extra__["cadence"].cap == 15


def test_a_signal_s_block_is_strict(small):
    assert small.problems(more="signals:\n  cadence: enforce\n") == ["signals.cadence: 'enforce' is not a set of fields"]


def test_with_is_a_field_though_a_word_of_the_language():
    assert RungBlock.model_validate({"id": "r", "at": 30, "do": "perturb", "with": ["logprobs"]}).with_ == ["logprobs"]


def test_response_takes_what_the_plan_shows():
    block = ResponseBlock.model_validate(
        {"logprobs": {"keep": 1, "round": 0.1}, "challenge": {"kind": "proof_of_work", "seconds": 2, "valid": "10m"}}
    )
    assert block.logprobs.round == 0.1
