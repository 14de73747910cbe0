"""Readings: pooled per position, weighed by the text alone."""

from __future__ import annotations

import numpy as np

from gateway.forensics.readings import MODELS, Reading, read, weights
from gateway.perturb.fingerprint_places import POSITIONS, places

TEXT = "However, the end is not here. However, the end isn't here. However, this is not the end.\n"


def reading_of(counts):
    table = np.zeros((POSITIONS, 2), dtype=np.int64)
    for position, pair in counts.items():
        table[position] = pair
    return Reading(table, 1, 100, int(table.sum()))


def test_places_of_all_texts_are_pooled_by_position():
    found = read([TEXT, TEXT])
    assert (found.texts, found.words, found.places) == (2, 34, 2 * len(places(TEXT)))
    assert found.positions == len({place.position for place in places(TEXT)})


def test_a_weight_points_to_the_variant_that_stands_there():
    told = weights(reading_of({4000: (9, 1), 4008: (1, 9)}), MODELS[0])
    assert told[4000] < 0 < told[4008]
    assert np.count_nonzero(told) == 2


def test_a_habit_of_a_writer_does_not_outweigh_the_rest():
    told = weights(reading_of({4000: (0, 100_000), 4008: (0, 40)}), MODELS[0])
    assert told[4000] < 2 * told[4008]


def test_for_a_faint_mark_every_occurrence_counts_and_what_clean_text_has_is_no_evidence():
    faint = next(model for model in MODELS if model.linear)
    usual = reading_of({4000: (900, 100), 4008: (500, 500)})
    told = weights(reading_of({4000: (880, 120), 4008: (500, 500)}), faint, usual)
    assert told[4000] > 100 * abs(told[4008])
    rare = weights(reading_of({4000: (880, 120), 4008: (480, 520)}), faint, usual)
    assert rare[4000] > rare[4008] > 0


def test_where_several_callers_are_mixed_a_divided_position_still_speaks():
    mixed = weights(reading_of({4000: (10, 20), 4008: (0, 30)}), MODELS[3])
    assert 0 < mixed[4000] < mixed[4008]


def test_texts_without_places_weigh_nothing():
    assert not weights(read(["", "{}", "Bonjour."]), MODELS[0]).any()
