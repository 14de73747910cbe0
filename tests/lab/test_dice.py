"""Chance comes from names alone."""

from __future__ import annotations

from statistics import median

from gateway.lab.dice import between, dice


def test_the_same_names_throw_the_same_dice_and_others_do_not():
    assert dice("seed", 1).random() == dice("seed", 1).random()
    assert dice("seed", 1).random() != dice("seed", 2).random()


def test_the_dice_are_the_same_on_every_machine():
    assert dice("seed", 1).randrange(1_000_000) == 101731


def test_between_is_even_over_orders_of_magnitude():
    chance = dice("between")
    drawn = [between(chance, 1.0, 100.0) for _ in range(2000)]
    assert 1.0 <= min(drawn) <= max(drawn) <= 100.0
    assert 8.0 < median(drawn) < 12.5
