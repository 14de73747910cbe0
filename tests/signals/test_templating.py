"""Templating: one wrapper, slots that never repeat, nobody who reads."""

from __future__ import annotations

import pytest

from gateway.signals.templating import SIGNAL, no_reader
from tests.signals.callers import look, said

THINGS = [
    "kettle",
    "lantern",
    "orchard",
    "ferry",
    "glacier",
    "violin",
    "bakery",
    "harbour",
    "compass",
    "meadow",
    "tractor",
    "library",
    "bridge",
    "telescope",
]


def wrapped(thing, **more):
    return look(f"Solve the riddle below and say how sure you are: where does a {thing} go at night?", **more)


def test_new_things_in_one_wrapper():
    evidence = said(SIGNAL, [wrapped(thing) for thing in THINGS])
    assert evidence.seen == "13 of 14 requests put something new into one wrapper, with no reader in sight"


def test_it_alone_has_nobody_watched():
    assert said(SIGNAL, [wrapped(f"{one} {other}") for one in THINGS for other in THINGS]).weight < 10


@pytest.mark.parametrize(
    "more",
    [
        {"system": "You are the riddle master of a small game, be brief and kind."},
        {"max_tokens": 4},
        {"out": 2},
    ],
    ids=["a product's context", "labels asked", "labels got"],
)
def test_where_somebody_reads_or_a_label_is_wanted_it_is_silent(more):
    assert not no_reader(wrapped("kettle", **more))
    assert said(SIGNAL, [wrapped(thing, **more) for thing in THINGS]) is None


def test_whatever_stands_around_it_a_harvest_is_no_products():
    system = "You are Max, the travel planner of Sungate. Help our customers with their bookings, and be brief."
    asking = "Write your whole train of thought with every dead end, then the answer."
    assert not no_reader(look("Where is Bonn?", system=system))
    assert no_reader(look(f"Where is Bonn? {asking}", system=system))
    assert no_reader(look("Where is Bonn?", system=f"You are Max, the travel planner of Sungate. {asking}"))


def test_a_long_system_prompt_that_tells_of_no_product_is_no_reader():
    assert no_reader(look("Where is Bonn?", system="You are a careful and capable expert who gives correct answers to everything."))


def test_the_same_thing_again_is_no_new_slot():
    assert said(SIGNAL, [wrapped("kettle")] * 40) is None
