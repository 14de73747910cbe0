"""What the schema finds, in words."""

from __future__ import annotations

import pytest

from gateway.policy.complain import fields_at, shown


@pytest.mark.parametrize(
    ("path", "some"),
    [
        ((), "callers"),
        (("tiers", "any"), "limits"),
        (("tiers", "any", "limits", 3), "at_once"),
        (("tiers", "any", "features"), "logit_bias"),
        (("signals", "cadence"), "level"),
        (("signals", "exemptions", 0), "until"),
        (("response", "logprobs"), "keep"),
        (("ladder", 0), "with"),
        (("tests", 0, "given"), "evidence"),
    ],
)
def test_the_fields_known_at_a_path(path, some):
    assert some in fields_at(path)


def test_beyond_the_schema_no_field_is_known():
    assert fields_at(("nowhere", 1)) == []
    assert fields_at(("name", "deeper")) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [({}, "a set of fields"), ([], "an empty list"), ([1], "a list"), (None, "nothing"), (True, "true"), (3, "3"), ("a", "'a'")],
)
def test_values_as_they_are_repeated(value, words):
    assert shown(value) == words


def test_long_values_are_cut():
    assert len(shown("x" * 500)) == 80


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: small", "name: ''", "name: '' cannot be taken (write letters, digits, `-`, `_` and `.`, at most 64, no spaces)"),
        ("[small-*]", "{ a: b }", "tiers.free.models: a set of fields is not a list (write [a, b], or one `- ` line each)"),
        ("[small-*]", "['']", "tiers.free.models[0]: '' is empty (characters needed: 1)"),
        ("at_once: 8", "at_once: 1.5", "tiers.standard.limits[1].at_once: 1.5 is not a whole number"),
        ("per: key", "per: []", "tiers.free.limits[0].per: an empty list has too few entries (at least 1)"),
        (
            "  free:",
            '  "my tier":',
            "tiers.my tier: the name 'my tier' cannot be taken (write letters, digits, `-`, `_` and `.`, at most 64, no spaces)",
        ),
    ],
)
def test_each_kind_of_mistake_has_words(small, old, new, problem):
    assert problem in small.problems(old, new)
