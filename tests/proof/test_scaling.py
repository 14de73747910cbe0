"""What the scaling page says follows from its figures, and what is measured is plausible."""

from __future__ import annotations

import itertools

import pytest

from tests.proof.costs import measured
from tests.proof.scaling import FLEETS, PAGE, figures_of, needs, page, rate_of_one, tables, waits


@pytest.fixture(scope="module")
def figures():
    import asyncio

    return asyncio.run(measured(1_500, 400, pinned=False))


def test_a_request_costs_two_script_calls_whatever_its_limits(figures):
    costs = figures["per_request"]
    for kind in ("one limit", "five limits"):
        assert costs[kind]["scripts"] == pytest.approx(2, abs=0.15), "beyond the first ticks, whose scripts Redis does not know yet"
    assert costs["five limits"]["commands"] < 40
    leased = costs["five limits, one of them everybody's and leased"]
    assert leased["scripts"] < 2.5, "what is leased costs no call of its own"


def test_counters_are_small(figures):
    sizes = figures["bytes"]
    assert all(0 < size < 3_000 for size in sizes.values()), sizes
    assert sizes["sliding, one slice"] < sizes["sliding, all slices"]


def test_the_page_is_written_from_its_figures():
    text = PAGE.read_text()
    assert page(text, figures_of(text)) == text


def test_more_load_waits_longer_and_needs_more(figures):
    tails = [waits(busy, 50.0, 100, calls=20_000)[1] for busy in (0.25, 0.5, 0.75, 0.95)]
    assert all(earlier < later for earlier, later in itertools.pairwise(tails))
    assert tails[0] >= 50.0
    needed = [needs(fleet, figures) for fleet in FLEETS]
    assert all(a["memory"] < b["memory"] and a["cores"] <= b["cores"] for a, b in itertools.pairwise(needed))
    assert rate_of_one({"cpu_us": 60.0}) == 10_000
    assert "| 50% |" in tables(figures)
