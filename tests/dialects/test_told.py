"""What may be told of limits, and that times are rounded so that who waits as told is let in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.told import field_text, pointless_to_retry, ratio_left, remaining, retry_after_ms, retry_after_s, tightest, told
from gateway.model.limit import Count
from tests.dialects.states import SECOND, a_refusal, a_state


def test_limits_in_force_are_told_in_their_order():
    states = [a_state("a"), a_state("b"), a_state("c")]
    assert told(states) == states


@pytest.mark.parametrize(
    "silent", [a_state(shadow=True), a_state(per=("campaign",)), a_state(per=("model", "campaign")), a_state(amount=0, left=0)]
)
def test_shadow_campaigns_and_nothing_are_not_told(silent):
    assert told([silent]) == []


@pytest.mark.parametrize(("left", "shown"), [(20, 20), (0, 0), (-7, 0), (80, 50)])
def test_what_is_left_is_between_nothing_and_the_limit(left, shown):
    assert remaining(a_state(left=left)) == shown
    assert ratio_left(a_state(left=left)) == shown / 50


def test_of_several_limits_the_tightest_is_told():
    loose, tight, slow = a_state("loose", left=40), a_state("tight", left=5, reset=SECOND), a_state("slow", left=5, reset=9 * SECOND)
    assert tightest([loose, tight, slow], (Count.REQUESTS,)) is slow
    assert tightest([loose, tight], (Count.REQUESTS,)) is tight


def test_only_limits_on_the_count_asked_for_compete():
    requests, tokens = a_state(left=0), a_state("tpm", Count.TOKENS, 1000, 900)
    assert tightest([requests, tokens], (Count.TOKENS, Count.INPUT_TOKENS)) is tokens
    assert tightest([requests], (Count.BYTES,)) is None
    assert tightest([], (Count.REQUESTS,)) is None


def test_money_is_told_to_nobody_for_it_would_be_read_as_tokens():
    assert told([a_state("usd", Count.MONEY, 2_000_000_000, 5)]) == []


def test_a_lifetime_budget_is_told_where_nothing_is_said_of_when_it_is_whole():
    life = a_state("life", Count.TOKENS, 1000, 1, reset=-1, window="lifetime", window_us=0)
    minute = a_state("tpm", Count.TOKENS, 1000, 900)
    assert told([life]) == [life]
    assert tightest([life, minute], (Count.TOKENS,)) is minute


@given(us=st.integers(0, 10**13))
def test_waits_round_up_and_are_never_zero(us):
    assert (retry_after_s(us) - 1) * SECOND < max(us, 1) <= retry_after_s(us) * SECOND
    assert (retry_after_ms(us) - 1) * 1000 < max(us, 1) <= retry_after_ms(us) * 1000


@pytest.mark.parametrize(
    ("refusal", "pointless"),
    [
        (a_refusal(), False),
        (a_refusal(retry_us=60 * SECOND), False),
        (a_refusal(retry_us=60 * SECOND + 1), True),
        (a_refusal(final=True), True),
        (a_refusal(final=True, retry_us=SECOND), True),
    ],
)
def test_retrying_is_pointless_where_it_is_final_or_would_hang_the_program(refusal, pointless):
    assert pointless_to_retry(refusal) is pointless


@pytest.mark.parametrize(
    ("text", "field"),
    [("req-1", b"req-1"), ("gr\xf6\xdfe", b"gr??e"), ("a\r\nx: y", b"a??x:?y"), ("\x7f", b"?"), ("x" * 999, b"x" * 200)],
)
def test_a_clients_own_word_cannot_leave_its_header(text, field):
    assert field_text(text) == field
