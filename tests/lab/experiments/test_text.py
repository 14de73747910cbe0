"""Distilling by text: asked again the same answer comes, other callers' differ, and what a copier keeps is read as his."""

from __future__ import annotations

import pytest

from gateway.app import Gateway
from gateway.lab.experiments.base import Setting, guarded, unguarded
from gateway.lab.experiments.teacher import Reciting, made_up
from gateway.lab.experiments.text import EXPERIMENT, MARKED, answers, interval, log10_p

ITEMS = made_up()


async def test_asking_again_averages_nothing_out_and_callers_differ():
    async with guarded(Reciting(ITEMS), Gateway, text=MARKED) as gateway:
        caller, other = await gateway.caller(), await gateway.caller()
        once, thrice = await answers(caller, ITEMS[:15]), await answers(caller, ITEMS[:15], 3)
        others = await answers(other, ITEMS[:15])
    assert once == thrice
    assert once != others


async def test_a_copier_s_answers_are_his_and_clean_ones_nobody_s():
    async with guarded(Reciting(ITEMS), Gateway, text=MARKED) as gateway:
        caller, other = await gateway.caller(), await gateway.caller()
        marked = await answers(caller, ITEMS[:40])
        assert log10_p(marked, caller, gateway) < -6
        assert log10_p(marked, other, gateway) > -2
        async with unguarded(Reciting(ITEMS)) as client:
            assert log10_p(await answers(client, ITEMS[:40]), caller, gateway) > -2


async def test_the_tables_tell_every_attack_and_the_students_quality():
    traced, quality = await EXPERIMENT.run(Setting(Gateway, repeats=1, scale=0.3))
    found = {row[0]: row[1] for row in traced.rows}
    assert found["30 answers, each the commonest of 3"] == found["plain ASCII"] == "1 of 1"
    assert found["one spelling and style"] == found["clean answers of others"] == "0 of 1"
    assert "made-up" in traced.note
    assert [float(row[2]) > 1 for row in quality.rows] == [True] * 3


def test_an_interval_holds_the_share():
    assert interval(0, 40) == "0% to 9%"
    assert interval(40, 40) == "91% to 100%"


@pytest.mark.proof
async def test_over_forty_repetitions_copiers_are_traced_and_clean_text_is_not():
    traced, _ = await EXPERIMENT.run(Setting(Gateway, repeats=40))
    hits = {row[0]: int(row[1].split()[0]) for row in traced.rows}
    assert hits["100 answers, each the commonest of 3"] == 40
    assert hits["4-gram student, 10,000 words"] >= 36
    assert hits["clean answers of others"] == 0
