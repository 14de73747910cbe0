"""Fields that several operations share, where their own tests do not reach."""

from __future__ import annotations

import msgspec
import pytest

from gateway.dialects.openai_fields import (
    ALL,
    asked_alternatives,
    bias_range,
    clip_alternatives,
    clip_bias,
    clip_number,
    is_set,
    output_bound,
    refs_in,
    usage_wanted,
)
from gateway.errors import BadRequest
from gateway.model.policy import BiasCap, FeatureCaps

UNSET = msgspec.UNSET


def raw(text):
    return msgspec.Raw(text)


def test_a_member_is_set_when_it_was_sent_and_is_not_null():
    assert (is_set(UNSET), is_set(raw(b"null")), is_set(raw(b"{}"))) == (False, False, True)


@pytest.mark.parametrize(
    ("chosen", "counts", "most"), [(False, (), -1), (True, (), 0), (True, (None, 3), 3), (False, (-1,), ALL), (False, (10**12,), ALL)]
)
def test_the_most_alternatives_asked_for_count(chosen, counts, most):
    assert asked_alternatives(chosen, *counts) == most


@pytest.mark.parametrize(("bounds", "bound"), [((), None), ((None, -1), None), ((0,), 0), ((3, 9), 9), ((10**15,), 2**31)])
def test_a_bound_is_the_largest_given(bounds, bound):
    assert output_bound(*bounds) == bound


def test_biases_beyond_all_numbers_are_read_all_the_same():
    assert bias_range(raw(b'{"1":1e300,"2":-' + b"9" * 400 + b"}"))[0] == (-(2.0**53), 2.0**53)


def test_usage_is_wanted_only_where_it_is_plainly_true():
    assert usage_wanted(raw(b'{"include_usage":1}')) == (False, "")
    assert usage_wanted(raw(b'{"Include_usage":true}'))[1]


@pytest.mark.parametrize(("value", "clipped"), [(None, None), (5, None), (6, b"5"), (-1, b"5"), (0, None)])
def test_a_number_over_its_cap_becomes_the_cap(value, clipped):
    changes = {}
    assert clip_number(changes, "n", value, 5) is (clipped is not None)
    assert changes.get("n") == clipped


def test_a_cap_below_zero_removes_all_that_asks_for_log_probabilities():
    changes = {}
    clip_alternatives(changes, -1, ("logprobs",), {"top_logprobs": 2, "prompt_logprobs": None})
    assert changes == {"logprobs": None, "top_logprobs": None}


@pytest.mark.parametrize(
    ("cap", "kept"),
    [
        (BiasCap(), "same"),
        (BiasCap("deny"), "same"),
        (BiasCap("strip"), None),
        (BiasCap("values", (-100.0, 1.0)), "same"),
        (BiasCap("values", (1.0,)), b'{"2":1}'),
        (BiasCap("values", (7.0,)), None),
    ],
)
def test_of_a_bias_only_allowed_values_stay(cap, kept):
    changes = {}
    assert clip_bias(changes, raw(b'{"1":-100,"2":1}'), FeatureCaps(logit_bias=cap), -1) is (kept != "same")
    assert changes == ({} if kept == "same" else {"logit_bias": kept})


@pytest.mark.parametrize(("cap", "asked", "stays"), [(None, 0, False), (20, 5, False), (-1, 5, True), (None, -1, True)])
def test_bans_stay_only_where_no_probabilities_are_told(cap, asked, stays):
    changes = {}
    caps = FeatureCaps(logprobs=cap, logit_bias=BiasCap("values", (-100.0,)))
    assert clip_bias(changes, raw(b'{"1":-100}'), caps, asked) is not stays
    assert changes == ({} if stays else {"logit_bias": None})


def test_a_body_that_can_name_nothing_is_not_searched():
    assert refs_in(b"not even JSON", frozenset({b"model", b"messages"})) == ()


def test_objects_too_deep_to_be_searched_are_refused_whatever_the_policy():
    with pytest.raises(BadRequest) as caught:
        refs_in(b'{"input":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None)
    assert caught.value.status == 413
