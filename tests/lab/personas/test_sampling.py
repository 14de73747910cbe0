"""Samplers and products that show variants: both ask for several answers at once."""

from __future__ import annotations

from collections import Counter

from tests.lab.asking import asks, said


def test_all_draw_from_the_same_numbers_of_answers():
    for name in ("sample_sweep", "variants", "self_consistency"):
        drawn = {asks(name, 1, seed=seed)[0].body["n"] for seed in range(40)}
        assert drawn == {2, 4, 8}, name


def test_the_sweep_steps_through_temperatures_on_each_problem():
    sweeps = [asks("sample_sweep", 40, seed=seed) for seed in range(20)]
    assert any(len({one.body["temperature"] for one in sweep}) >= 4 for sweep in sweeps)
    for sweep in sweeps:
        steps = len({one.body["temperature"] for one in sweep})
        assert set(Counter(said(one) for one in sweep[: steps * 5]).values()) == {steps}


def test_a_product_keeps_its_temperature():
    for name in ("variants", "self_consistency"):
        assert len({one.body["temperature"] for one in asks(name, 40)}) == 1


def test_users_of_variants_press_again_now_and_then():
    again = Counter(said(one) for one in asks("variants", 100))
    assert 1 in again.values()
    assert max(again.values()) > 1
