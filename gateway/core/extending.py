"""A stream that outruns what is held for it: how large the next slice is, what it asks of each limit, and what a refusal leads to.

Held is what an answer of so many output tokens comes to: its cover. A slice is a quarter of that and at least 64 tokens, so a stream
asks a number of times that grows with the logarithm of its length. Where a slice does not fit, what is left is asked for once; then
the answer ends, if a limit in the way says `when_spent: finish`. Limits that say `continue` never stand in the way: they are charged
as the stream goes, debt included. What a client bounds itself and is held whole is never cut: the upstream keeps that bound.

While the state is lost nothing can be charged: a limit that says both `finish` and `when_state_is_lost: refuse` ends the answer, with
any other it goes on, and what it used is charged at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.core.pricing import micro_cost, price_of
from gateway.model.limit import WEIGHT_ONE, Claim, Count, LimitState
from gateway.model.policy import Price
from gateway.model.request import RequestFacts
from gateway.model.value import replace

__all__ = ["Cover", "Slice", "cover_by", "covered", "ends_when_lost", "further", "in_the_way", "next_slice", "rest_slice"]

_LEAST = 64
_LEAST_REST = 16
_PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Cover:
    """What is held of an answer: `tokens` of its output, by the take and `number` slices. `rested`: what was left was taken, too."""

    tokens: int
    number: int = 0
    rested: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice asked for: on top of `held` so much of each claim that output up to `tokens` is covered. `counted` is where it stands."""

    held: Cover
    tokens: int
    wants: tuple[int, ...]
    counted: int
    rest: bool = False

    @property
    def number(self) -> int:
        return self.held.number + 1


def cover_by(states: Sequence[LimitState], facts: RequestFacts, prices: tuple[Price, ...]) -> Cover | None:
    """The cover that a take gave, by its states; None where nothing is to be watched: no stream, no limit that output moves, or a
    bound of the client's own that is held whole."""
    if not facts.stream:
        return None
    tokens = [most for state in states if (most := covered(state.claim, state.claim.want, facts, prices)) is not None]
    return _watched(Cover(min(tokens)), facts) if tokens else None


def next_slice(cover: Cover, states: Sequence[LimitState], facts: RequestFacts, prices: tuple[Price, ...], counted: int) -> Slice:
    """The slice for a stream of which `counted` output tokens have passed, more than its cover."""
    tokens = counted + max(_LEAST, cover.tokens // 4)
    if facts.estimate.output_given:
        tokens = max(counted, min(tokens, facts.estimate.output))
    return Slice(cover, tokens, _wants(cover.tokens, tokens, states, facts, prices), counted)


def rest_slice(asked: Slice, told: Sequence[LimitState], facts: RequestFacts, prices: tuple[Price, ...]) -> Slice | None:
    """The slice of what is left, after one was refused; None where that is too little, or was taken before."""
    if asked.held.rested or asked.rest:
        return None
    room = []
    for state in _blocking(told):
        have = max(state.claim.want, _needed(state.claim, asked.held.tokens, facts, prices) or 0)
        room.append(covered(state.claim, have + state.remaining, facts, prices) or 0)
    tokens = min(room, default=0)
    if tokens < asked.counted + _LEAST_REST:
        return None
    return replace(asked, tokens=tokens, wants=_wants(asked.held.tokens, tokens, told, facts, prices), rest=True)


def further(asked: Slice, facts: RequestFacts) -> Cover | None:
    """The cover once a slice is held, or was let go; None where there is nothing to be watched any more."""
    return _watched(Cover(asked.tokens, asked.number, asked.held.rested or asked.rest), facts)


def in_the_way(told: Sequence[LimitState]) -> str:
    """The reason code for an answer that ends at its budget: of the limits in the way the one that stays in the way longest."""
    worst = max(_blocking(told), key=lambda state: (state.retry_us < 0, state.retry_us))
    return f"limit.{worst.claim.limit.id}"


def ends_when_lost(asked: Slice, states: Sequence[LimitState]) -> bool:
    """Whether an answer ends because nobody knows what is left of the limits that it asks."""
    limits = [state.claim.limit for state, want in zip(states, asked.wants, strict=True) if want]
    return any(limit.ends_streams and limit.when_state_is_lost == "refuse" for limit in limits)


def covered(claim: Claim, held: int, facts: RequestFacts, prices: tuple[Price, ...]) -> int | None:
    """The most output tokens that an answer may have on `held` of a claim; None where output does not move what the limit counts."""
    units = held * WEIGHT_ONE // claim.weight if claim.weight else None
    match claim.limit.count:
        case _ if units is None:
            return None
        case Count.OUTPUT_TOKENS:
            return units
        case Count.TOKENS:
            return max(0, units - facts.estimate.input)
        case Count.MONEY:
            price = price_of(prices, facts.model)
            if price is None or not price.output:
                return None
            return max(0, units * _PER_MILLION - facts.estimate.input * price.input) // price.output
        case _:
            return None


def _needed(claim: Claim, output: int, facts: RequestFacts, prices: tuple[Price, ...]) -> int | None:
    """What a claim must hold for that much output; the other way round than `covered`."""
    match claim.limit.count:
        case Count.OUTPUT_TOKENS:
            amount = output
        case Count.TOKENS:
            amount = facts.estimate.input + output
        case Count.MONEY:
            price = price_of(prices, facts.model)
            if price is None:
                return None
            amount = micro_cost(price, input=facts.estimate.input, output=output)
        case _:
            return None
    return -(-amount * claim.weight // WEIGHT_ONE)


def _wants(held: int, tokens: int, states: Sequence[LimitState], facts: RequestFacts, prices: tuple[Price, ...]) -> tuple[int, ...]:
    """What each claim lacks for output up to `tokens`; one whose take held more than the others' lacks less."""
    wants = []
    for state in states:
        need, have = _needed(state.claim, tokens, facts, prices), _needed(state.claim, held, facts, prices)
        wants.append(0 if need is None or have is None else max(0, need - max(state.claim.want, have)))
    return tuple(wants)


def _watched(cover: Cover, facts: RequestFacts) -> Cover | None:
    return None if facts.estimate.output_given and cover.tokens >= facts.estimate.output else cover


def _blocking(told: Sequence[LimitState]) -> Iterator[LimitState]:
    return (state for state in told if not state.fitted and state.claim.limit.ends_streams)
