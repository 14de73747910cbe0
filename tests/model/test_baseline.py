"""A baseline's file: the same when read, refused when it is another's, cut short or altered."""

from __future__ import annotations

from math import inf

import pytest

from gateway.model.baseline import Fitted, read_fitted, tail

ONE = Fitted(9, 4.5, {"odd": (1.0, 1.0, 2.5)}, (3.0,), "a test")


def test_it_is_the_same_after_a_file_and_carries_its_digest():
    found = read_fitted(ONE.to_json())
    assert found == ONE
    assert len(found.digest) == 64


def test_peaks_are_rounded_up_and_never_down():
    assert tail([0.1, 0.5, 0.51, -1.0, 0.0, inf]) == (0.5, 0.5, 1.0)


def test_sums_may_come_later():
    assert ONE.with_sums([7.2, 0.0]).sums == (7.5,)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"v2", b"v3", "this gateway reads"),
        (b'"callers":9', b'"callers":8', "cut short or altered"),
        (b'"lives":4.5', b'"lives":"x"', "float"),
        (b'"source"', b'"sauce"', "sauce"),
    ],
)
def test_what_is_wrong_is_said(old, new, why):
    with pytest.raises(ValueError, match=why):
        read_fitted(ONE.to_json().replace(old, new))


@pytest.mark.parametrize(
    "wrong",
    [Fitted(1, 2.0, {}), Fitted(1, 1.0, {"odd": (1.0, 2.0)}), Fitted(2, 1.0, {}, (-1.0,)), Fitted(-1, 0.0, {})],
)
def test_numbers_that_do_not_fit_each_other_are_refused(wrong):
    with pytest.raises(ValueError, match=r"callers|peak"):
        read_fitted(wrong.to_json())
