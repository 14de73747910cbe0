"""What a request costs: the price of its model in the policy that it runs under, by the kinds of token it came to.

Prices are micro-units per million tokens. The sum is taken whole, divided once and rounded up to a micro-unit, so that no request
is cheaper than its price and a cost does not depend on the order of its parts.
"""

from __future__ import annotations

from gateway.model.policy import Price
from gateway.model.request import Usage
from gateway.model.value import replace
from gateway.policy.match import fits

__all__ = ["micro_cost", "price_of", "priced"]

_PER = 1_000_000
_MOST_KNOWN = 1024

# What was last looked up, so that a long list is searched once for a model. By identity: to hash a list costs more than to search it.
_known: dict[str, tuple[tuple[Price, ...], Price | None]] = {}


def price_of(prices: tuple[Price, ...], model: str) -> Price | None:
    """The first price that fits a model, None where none does; a request that names no model has none."""
    known = _known.get(model)
    if known is None or known[0] is not prices:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        found = next((price for price in prices if fits(price.models, model)), None) if model else None
        known = _known[model] = prices, found
    return known[1]


def micro_cost(price: Price, *, input: int, output: int, cached: int = 0, reasoning: int = 0) -> int:
    """Micro-units for that many tokens. `cached` is part of `input` and `reasoning` of `output`, at most all of it."""
    cached, reasoning = min(cached, input), min(reasoning, output)
    total = (input - cached) * price.input + (output - reasoning) * price.output
    total += cached * (price.input if price.cached is None else price.cached)
    total += reasoning * (price.output if price.reasoning is None else price.reasoning)
    return -(-total // _PER)


def priced(usage: Usage, prices: tuple[Price, ...], model: str) -> Usage:
    """The usage with what it costs; nothing where the model has no price."""
    price = price_of(prices, model)
    if price is None or not usage.total:
        return usage
    cost = micro_cost(price, input=usage.input, output=usage.output, cached=usage.cached, reasoning=usage.reasoning)
    return replace(usage, micro_cost=cost)
