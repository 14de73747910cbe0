"""Frozen values: none can be changed, and a copy differs in what was asked for alone."""

from __future__ import annotations

import pytest

from gateway.model.limit import Count, Limit
from gateway.model.request import Usage
from gateway.model.value import replace

VALUES = [
    pytest.param(Limit("tpm", Count.TOKENS, "sliding", 100, 60_000_000, ("key",)), "amount", id="of a policy"),
    pytest.param(Usage(100, 50), "input", id="of a request"),
]


@pytest.mark.parametrize(("value", "name"), VALUES)
def test_a_copy_differs_in_what_was_asked_for_alone(value, name):
    copy = replace(value, **{name: 7})
    assert getattr(copy, name) == 7
    assert type(copy) is type(value)
    assert copy != value
    assert replace(copy, **{name: 100}) == value


@pytest.mark.parametrize(("value", "name"), VALUES)
def test_a_value_itself_cannot_be_changed(value, name):
    with pytest.raises(AttributeError):
        setattr(value, name, 7)


@pytest.mark.parametrize(("value", "name"), VALUES)
def test_a_field_that_there_is_not_is_a_mistake(value, name):
    with pytest.raises(TypeError):
        replace(value, **{f"{name}s": 7})
