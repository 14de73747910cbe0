"""Copying a classifier: exact scores give it away, rounded ones do not, and the gateway rounds them alike for everybody."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.app import Gateway
from gateway.lab.dice import dice
from gateway.lab.experiments.base import Setting, guarded, unguarded
from gateway.lab.experiments.classifier import EXPERIMENT, Scoring, agreement, by_likelihood, by_scores, policy_of, scores
from gateway.lab.texts import document

TEXTS = [document(dice("texts", number), theme) for number, theme in enumerate(("nature", "city", "food", "art") * 100)]


async def test_a_few_hundred_exact_scores_give_the_whole_classifier():
    async with unguarded(Scoring(1)) as client:
        told, labels = await scores(client, TEXTS)
    assert (told.argmax(axis=1) == labels).all()
    share, error = agreement(by_scores(TEXTS[:300], told[:300]), TEXTS[300:], told[300:])
    assert share == 1.0
    assert error < 1e-4


async def test_labels_alone_teach_something_and_less():
    async with unguarded(Scoring(1)) as client:
        told, labels = await scores(client, TEXTS)
    student = by_likelihood(TEXTS[:300], np.eye(8)[labels[:300]])
    share, error = agreement(student, TEXTS[300:], told[300:])
    assert 0.3 < share < 1.0
    assert error > 1e-2


async def test_the_gateway_rounds_scores_alike_for_everybody_and_keeps_the_label():
    async with unguarded(Scoring(1)) as client:
        truth, labels = await scores(client, TEXTS[:40])
    async with guarded(Scoring(1), Gateway, text=policy_of(0.05)) as gateway:
        told, same = await scores(await gateway.caller(), TEXTS[:40])
        again, _ = await scores(await gateway.caller(), TEXTS[:40])
    assert np.array_equal(told, again)
    assert (labels == same).all()
    assert np.abs(told - np.round(told / 0.05) * 0.05).max() < 1e-9
    assert 0 < np.abs(told - truth).max() <= 0.025 + 1e-9


async def test_the_table_tells_each_kind_of_score_by_the_number_of_questions():
    (table,) = await EXPERIMENT.run(Setting(Gateway, scale=0.05))
    assert [row[0].split(",")[0] for row in table.rows] == ["exact scores", "rounded to 0.05", "rounded to 0.25", "labels alone"]
    assert {len(row) for row in table.rows} == {len(table.columns)}


@pytest.mark.proof
async def test_at_full_size_exact_scores_copy_it_wholly_and_labels_do_not():
    (table,) = await EXPERIMENT.run(Setting(Gateway))
    shares = {row[0].split(",")[0]: float(row[-1].split("%")[0]) for row in table.rows}
    assert shares["exact scores"] == 100.0
    assert shares["labels alone"] < shares["rounded to 0.05"] < 100.0
