"""Copying an embedding: a student comes near plain vectors; through the gateway they carry his trace, and honest search goes on."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.app import Gateway
from gateway.demo import demo_app
from gateway.lab.dice import dice
from gateway.lab.experiments.base import Setting, guarded, unguarded
from gateway.lab.experiments.embeddings import EXPERIMENT, Student, fidelity, policy_of, recall, vectors
from gateway.lab.texts import document
from gateway.perturb.base import derived
from gateway.perturb.embeddings import correlate

TEXTS = [document(dice("texts", number), "nature") for number in range(150)]


async def test_a_student_of_plain_vectors_comes_near_the_teacher():
    async with unguarded(demo_app()) as client:
        truth = await vectors(client, TEXTS)
    few, many = (fidelity(Student(TEXTS[:size], truth[:size]).embed(TEXTS[100:]), truth[100:]) for size in (10, 100))
    assert 0.5 < few < many < 1


async def test_vectors_through_the_gateway_carry_the_caller_s_trace_and_no_other_s():
    async with unguarded(demo_app()) as client:
        truth = await vectors(client, TEXTS)
    async with guarded(demo_app(), Gateway, text=policy_of("turn: 0.3, trace: 0.2")) as gateway:
        caller, other = await gateway.caller(), await gateway.caller()
        told = await vectors(caller, TEXTS)
        assert np.array_equal(told, await vectors(caller, TEXTS))
        secret = derived(gateway.secret, "perturbations")
        assert correlate(told, secret, caller.key_id).z > 4
        assert abs(correlate(told, secret, other.key_id).z) < 4
    assert 0.5 < fidelity(told, truth) < 0.999


def test_recall_is_the_share_of_the_nearest_that_stay():
    chance = np.random.default_rng(1)
    index, queries = chance.normal(size=(50, 20)), chance.normal(size=(5, 20))
    assert recall(index, queries, index, queries) == 1.0
    assert recall(-index, queries, index, queries) < 0.2


async def test_the_table_has_passive_and_adaptive_copiers():
    (table,) = await EXPERIMENT.run(Setting(Gateway, scale=0.02))
    assert [row[:2] for row in table.rows[:3]] == [
        ("none", "one caller"),
        ("default", "one caller"),
        ("default", "one caller, three answers averaged"),
    ]
    assert table.rows[1][2] == table.rows[2][2]


@pytest.mark.proof
async def test_at_full_size_the_trace_is_in_the_vectors_and_honest_search_keeps_98_in_100():
    (table,) = await EXPERIMENT.run(Setting(Gateway))
    row = dict(zip(table.columns, table.rows[1], strict=True))
    assert float(row["honest recall@10"]) >= 0.98
    assert float(row["z, vectors"]) > 3
