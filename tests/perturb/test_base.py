"""What all perturbations draw their chance from."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.perturb.base import Options, derived, unit

SECRET = b"s" * 32


def test_the_same_parts_give_the_same_bytes_and_others_do_not():
    assert derived(SECRET, "a", 1) == derived(SECRET, "a", 1)
    assert derived(SECRET, "a", 1) != derived(b"t" * 32, "a", 1)
    assert len(derived(SECRET)) == 32


def test_where_one_part_ends_counts():
    assert derived(SECRET, "ab", "c") != derived(SECRET, "a", "bc")
    assert derived(SECRET, "\ud83d") == derived(SECRET, "\ud83d"), "half a character is a part too"


def test_a_unit_lies_between_nothing_and_one_and_spreads():
    drawn = [unit(SECRET, number) for number in range(1000)]
    assert all(0.0 <= value < 1.0 for value in drawn)
    assert 0.45 < sum(drawn) / len(drawn) < 0.55


def test_a_section_takes_no_field_that_it_does_not_know():
    with pytest.raises(ValidationError):
        Options(strenght=1)  # type: ignore[call-arg]
