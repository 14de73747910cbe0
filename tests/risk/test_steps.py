"""Long work in short steps comes to the same as all of it at once."""

from __future__ import annotations

from random import Random

from gateway.risk.steps import counted, finish, in_order


def test_in_steps_values_are_sorted_as_ever():
    chance = Random(7)
    for size in (0, 1, 2_048, 2_049, 10_000):
        values = [chance.randrange(1_000) for _ in range(size)]
        assert finish(in_order(values)) == sorted(values)


def test_others_may_go_on_in_between():
    assert len(list(in_order(range(10_000)))) == 5 + 3 + 2 + 1
    assert len(list(counted(["a"] * 10_000))) == 4


def test_the_empty_name_is_not_counted():
    assert finish(counted(["a", "", "b", "a"])) == {"a": 2, "b": 1}
