"""Groups out of pools: accounts whose shared wording asks for what a copier asks for, or whose contents were dealt out to them.

Pools of one hand have most of their accounts in common (one wrapper in several wordings) and are one group. What
speaks is kept: the strongest that each signal says of a pool in it, and the first deal that shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gateway.model.evidence import Evidence
from gateway.risk.pools import TWICE, Pool
from gateway.risk.steps import Steps
from gateway.risk.together import WORDING, Link

__all__ = ["SPEAKS", "Pooled", "pooled"]

_FEWEST, _FEWEST_ELSE = 3, 5
"""Accounts of a wording that asks: at a text's beginning, and in a system prompt, which frameworks and vendors bring along."""
SPEAKS = 20.0
"""Decibans of wording that make a pool tell by itself: a hundred to one, as for a caller who sends nothing else."""
_ALIKE, _OWN = 2.5, 4.0
"""Contents that are so many times more alike within an account than between two, at most where one corpus is dealt out, and at least
where each account has its own."""
_OWN_TOPICS = -8.0
_MANY, _MUCH, _FEWEST_MANY = 8, 0.2, 4
"""So many times, and so much of all it sends, by so many accounts. People with one phrase send it now and then around what all of them
are given, and jobs with ever other wordings take from one source too."""
_DEALT, _DEALT_IN_PART = 19.0, 2.0
"""Of 107 wordings that four and more honest accounts of rehearsals began with, none had contents dealt out at the end of the trace (the
nearest: 3.1 times): 10 log10(108 / 1), and one less because the bound was drawn in sight of them. They come of few personas, so that
they are not 107 independent ones: the weight is as much judgement as count."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Accounts of one wording, sorted; `requests` that had it; what the signals `said` of these; `worded` where that tells by itself;
    and what their contents say (`deal`): dealt out, or each account's own."""

    numbers: tuple[int, ...]
    requests: int
    said: tuple[Evidence, ...]
    worded: bool
    deal: Link | None

    def among(self, before: Pooled | None) -> Pooled:
        """The same as part of a larger group, of which its deal says nothing; `before` was told of the group already."""
        dealt = self.deal is not None and self.deal.weight > 0
        deal = replace(self.deal, weight=_DEALT_IN_PART) if self.deal is not None and dealt else None
        part = replace(self, deal=deal, worded=False)
        return part if before is None else _both(before, part)

    def links(self, others: Sequence[Link]) -> list[Link]:
        """What links the accounts: their wording, their deal, and what else was found (`others`), which the deal knows better."""
        if self.deal is None:
            return list(others)
        seen = f"{len(self.numbers)} accounts send one rare wrapper around {self.requests} different contents"
        rest = [link for link in others if link.name not in ("template", "own topics", "one source", "even")]
        return [Link("template", WORDING, seen), self.deal, *rest]


def pooled(pools: Sequence[Pool], said: Callable[[Pool], tuple[Evidence, ...]], sent: Callable[[int], int]) -> Steps[list[Pooled]]:
    """The groups that tell, those of most accounts first. `said`: what signals say of a pool; `sent`: all requests of an account."""
    found: list[Pooled] = []
    for pool in sorted(pools, key=lambda pool: -len(pool.users)):
        yield
        one = _of(pool, said(pool), sent)
        if (one.deal is None and not one.worded) or len(one.numbers) < _FEWEST:
            continue
        for at, other in enumerate(found):
            if 2 * len(set(one.numbers) & set(other.numbers)) >= min(len(one.numbers), len(other.numbers)):
                found[at] = _both(other, one)
                break
        else:
            found.append(one)
    return found


def _of(pool: Pool, said: tuple[Evidence, ...], sent: Callable[[int], int]) -> Pooled:
    deal, askers = _deal(pool, sent), pool.askers()
    many = len(askers) >= (_FEWEST if pool.place == "head" else _FEWEST_ELSE)
    worded = many and pool.twice <= TWICE and any(e.kind == "wording" and e.weight >= SPEAKS for e in said)
    numbers = tuple(sorted(askers if worded and (deal is None or deal.weight < 0) else pool.members()))
    return Pooled(numbers, sum(pool.users[number] for number in numbers), said if worded else _unworded(said), worded, deal)


def _unworded(said: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    return tuple(evidence for evidence in said if evidence.kind != "wording")


def _deal(pool: Pool, sent: Callable[[int], int]) -> Link | None:
    ratio = pool.alike()
    if ratio is None or pool.place != "head":
        return None
    if ratio >= _OWN:
        return Link("own topics", _OWN_TOPICS, f"contents are {ratio:.0f} times more alike within an account than between them")
    if ratio > _ALIKE or pool.twice > TWICE:
        return None
    seen = (
        f"contents are as alike between accounts as within one ({ratio:.1f} times) and {pool.twice:.0%} of the texts came from two of "
        "them, as where one corpus is dealt out"
    )
    many = sum(uses >= max(_MANY, _MUCH * sent(number)) for number, uses in pool.users.items())
    return Link("dealt", _DEALT if many >= _FEWEST_MANY else _DEALT_IN_PART, seen)


def _both(one: Pooled, other: Pooled) -> Pooled:
    best: dict[str, Evidence] = {}
    for evidence in (*one.said, *other.said):
        known = best.get(evidence.signal)
        if known is None or evidence.weight > known.weight:
            best[evidence.signal] = evidence
    numbers = tuple(sorted({*one.numbers, *other.numbers}))
    deals = sorted((deal for deal in (one.deal, other.deal) if deal is not None), key=lambda deal: deal.weight)
    # Where one wording's contents are dealt out and another's are not, the larger one knows.
    deal = one.deal if one.deal is not None else deals[-1] if deals else None
    return Pooled(numbers, max(one.requests, other.requests), tuple(best.values()), one.worded or other.worded, deal)
