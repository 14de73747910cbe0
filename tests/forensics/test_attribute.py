"""Attribution: the caller whose code word is in the text comes first, innocents do not come at all, and what was tried is counted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gateway.forensics.attribute import attribute, weigh
from gateway.forensics.readings import MODELS, Reading, read
from gateway.perturb.fingerprint_code import code_word, variant_of
from gateway.perturb.fingerprint_places import POSITIONS

SECRET = b"s" * 32
CALLERS = [f"{number:032x}" for number in range(2000)]


def marked(key_ids, *, epoch=0, positions=120, each=4, strength=0.8, seed=1):
    """A reading as if texts of these callers had been pooled: so many positions, `each` places of each caller there."""
    chance, counts = np.random.default_rng(seed), np.zeros((POSITIONS, 2), dtype=np.int64)
    for position in chance.choice(POSITIONS, positions, replace=False):
        for key_id in key_ids:
            bit = variant_of(code_word(SECRET, key_id, epoch), int(position))
            for _ in range(each):
                counts[position, bit if chance.random() < strength else int(chance.random() < 0.5)] += 1
    return Reading(counts, 25, 3750, int(counts.sum()))


def test_the_source_comes_first_and_the_others_are_chance():
    report = weigh(marked([CALLERS[7]]), CALLERS, secret=SECRET, epochs=[0])
    first, second, *_ = report.suspects
    assert first.key_id == CALLERS[7]
    assert first.log10_corrected < -6
    assert first.agreement > 0.85
    assert second.log10_corrected == 0.0
    assert first.log10_saddlepoint == pytest.approx(first.log10_p, rel=0.02)


def test_the_epoch_is_found_too():
    report = weigh(marked([CALLERS[7]], epoch=3), CALLERS[:50], secret=SECRET, epochs=range(6))
    assert (report.suspects[0].key_id, report.suspects[0].epoch) == (CALLERS[7], 3)
    assert report.suspects[1].log10_corrected == 0.0


def test_everything_that_was_tried_is_corrected_for():
    report = weigh(marked([CALLERS[7]]), CALLERS[:50], secret=SECRET, epochs=[0, 1], campaigns={"a": CALLERS[:3]})
    assert report.tests == (50 * 2 + 1) * len(MODELS)
    first = report.suspects[0]
    assert first.log10_corrected == pytest.approx(first.log10_p + math.log10(report.tests))


def test_callers_that_mix_their_answers_are_all_found():
    three = CALLERS[4:7]
    report = weigh(marked(three, positions=400, each=8), CALLERS, secret=SECRET, epochs=[0])
    assert {suspect.key_id for suspect in report.suspects[:3]} == set(three)
    assert report.suspects[2].log10_corrected < -3


def test_a_campaign_speaks_louder_than_its_members():
    ten = CALLERS[100:110]
    report = weigh(marked(ten, positions=300, each=3), CALLERS, secret=SECRET, epochs=[0], campaigns={"c1": ten, "c2": CALLERS[:10]})
    assert report.campaigns[0].name == "c1"
    assert report.campaigns[0].log10_p < report.suspects[0].log10_p
    assert report.campaigns[1].log10_corrected == 0.0


def test_another_secret_finds_nothing():
    assert weigh(marked([CALLERS[7]]), CALLERS[:50], secret=b"t" * 32, epochs=[0]).suspects[0].log10_corrected == 0.0


def test_nothing_to_read_accuses_nobody():
    report = attribute(["", "Bonjour."], CALLERS[:3], secret=SECRET, epochs=[0])
    assert report.positions == 0
    assert all(suspect.log10_corrected == 0.0 for suspect in report.suspects)


def test_no_callers_is_no_error():
    assert weigh(read(["It is not so."]), [], secret=SECRET, epochs=[0]).suspects == ()


def test_innocents_are_accused_no_oftener_than_stated():
    """Over texts marked for others: the best of five scores, corrected for five, at 1e-1 and 1e-2."""
    p = []
    for seed in range(4):
        report = weigh(marked(["x"], seed=seed), CALLERS[:1500], secret=SECRET, epochs=[0], most=1500)
        p += [10**suspect.log10_p * len(MODELS) for suspect in report.suspects]
    assert np.mean(np.array(p) < 0.1) < 0.1 + 3 * math.sqrt(0.1 / len(p))
    assert np.mean(np.array(p) < 0.01) < 0.01 + 3 * math.sqrt(0.01 / len(p))
    assert np.mean(np.array(p) < 0.01) > 0.001
