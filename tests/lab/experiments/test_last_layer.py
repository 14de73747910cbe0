"""Stealing the last layer: all of it comes out of an endpoint that lifts tokens and tells probabilities, and nothing past the cap."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.app import Gateway
from gateway.demo import demo_app
from gateway.demo.vocabulary import SIZE
from gateway.demo.weights import HIDDEN
from gateway.lab.experiments.base import Setting, guarded, unguarded
from gateway.lab.experiments.last_layer import EXPERIMENT, by_bans, by_bisection, by_logprobs, hidden_size, unexplained

SOME = range(1, 100)
RARE = range(SIZE - 60, SIZE)


async def test_without_the_gateway_the_hidden_size_and_the_rows_come_out_exactly():
    async with unguarded(demo_app()) as client:
        found = await by_logprobs(client, SOME)
    assert hidden_size(found) == HIDDEN
    assert unexplained(found, SOME) < 1e-9


async def test_bans_and_probabilities_are_enough():
    async with unguarded(demo_app()) as client:
        found = await by_bans(client, RARE)
    assert hidden_size(found) == HIDDEN
    assert unexplained(found, RARE) < 1e-9


async def test_halving_a_bias_finds_a_difference_without_probabilities():
    prompts = ["Tell me about the river.", "Tell me about the kitchen."]
    async with unguarded(demo_app()) as client:
        coarse = await by_bisection(client, [9, 700], prompts, 12)
        fine = await by_bisection(client, [9, 700], prompts, 16)
    assert np.abs(coarse).min() > 0
    assert np.abs(coarse - fine).max() < 80 / 2**12


async def test_with_the_default_policy_neither_biases_nor_bans_are_answered():
    async with guarded(demo_app(), Gateway) as gateway:
        caller = await gateway.caller()
        found = await by_logprobs(caller, SOME)
        banned = await by_bans(caller, RARE)
        halved = await by_bisection(caller, [9], ["Tell me about the river."], 10)
    assert caller.refused == caller.asked
    assert hidden_size(found) == hidden_size(banned) == hidden_size(halved) == 0
    assert unexplained(found, SOME) == 1.0


def test_nothing_read_has_no_dimensions():
    assert hidden_size(np.zeros((0, 4))) == 0
    assert hidden_size(np.zeros((3, 4))) == 0
    assert hidden_size(np.eye(3)) == 3


@pytest.mark.proof
async def test_the_whole_layer_is_stolen_without_the_gateway_and_nothing_of_it_with_it():
    (table,) = await EXPERIMENT.run(Setting(Gateway))
    rows = {(row[0], row[1]): dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert rows["none", "log probabilities"]["hidden size"] == str(HIDDEN)
    assert float(rows["none", "log probabilities"]["W not found"]) < 1e-6
    assert rows["none", "bisection"]["hidden size"] == "17"
    assert {row["hidden size"] for (gateway, _), row in rows.items() if gateway == "default policy"} == {"0"}
