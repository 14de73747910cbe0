"""The places of one upstream: how many are taken, who may have one now, and what each request's end teaches.

A request needs a place at its upstream, and one in each adaptive limit that it counts on. The upstream's are bounded by `at_once`, by
its estimate where it is `adaptive`, or not at all. A batch may have all but an eighth of them, so that whoever is not one finds a place
without waiting for a long answer to end.

Cooldown: where the upstream answers 503 or 529 with a Retry-After, nobody is sent there for so long; after a 429, which providers count
by model and credential, nobody for that model, unless the credential was the caller's own. At most the rule's `cooldown_us`.

All of this is one process's: with several, each finds its own part of the upstream's capacity, and each learns of a cooldown by
an answer of its own.

Knows neither clock nor loop: `now` is microseconds on any clock that does not step.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.admission import Ask, Ended, Group
from gateway.model.policy import UpstreamRule
from gateway.quota.adaptive import Craft, Estimate
from gateway.quota.pulse import Sample
from gateway.registry import resolve

__all__ = ["MOST_GROUPS", "Place", "Pool"]

MOST_GROUPS = 4096
"""Subjects of adaptive limits that are remembered while nothing of theirs is under way."""

_MOST_MODELS = 256
_UNBOUNDED = 2**53
_FEW_TOKENS = 8
_SMOOTHING = 0.1


Place = tuple[Ask, int, int, int, tuple[int, ...]]
"""A place that was given: to whom, when he had arrived, when it was given, and how many were then taken (of the upstream, and of each
group). A plain tuple, for every request makes one."""


@dataclass(slots=True)
class _Places:
    """Requests that an adaptive limit counts together."""

    estimate: Estimate
    most: int
    craft: str
    taken: int = 0


class Pool:
    """See above. `limit` is the most at once, `taken` how many are."""

    def __init__(self, rule: UpstreamRule) -> None:
        self.taken = 0
        self.limit = _UNBOUNDED
        self._batches = 0
        self._estimate: Estimate | None = None
        self._groups: dict[str, _Places] = {}
        self._cool = 0
        self._cool_models: dict[str, int] = {}
        self._lasts = 1_000_000.0
        self._apply(rule, None)

    @property
    def bounded(self) -> bool:
        """Whether there is a limit at all."""
        return self.limit < _UNBOUNDED

    def under(self, rule: UpstreamRule) -> None:
        """Go on under an edited rule: what was learned stays, unless by another craft."""
        if rule is not self.rule:
            self._apply(rule, self.rule)

    def _apply(self, rule: UpstreamRule, old: UpstreamRule | None) -> None:
        self.rule = rule
        most = rule.at_once or (rule.max_connections if rule.adaptive else _UNBOUNDED)
        if rule.adaptive is None:
            self._estimate, self.limit = None, most
            return
        kept = self._estimate if old is not None and old.adaptive == rule.adaptive else None
        self._estimate = kept.bounded(most) if kept is not None else _craft(rule.adaptive).start(most)
        self.limit = self._estimate.limit

    # ── Who may have a place ────────────────────────────────────────────────────────────────────

    def has_room(self, ask: Ask, now: int) -> bool:
        """Whether the request may go now, as far as places and cooldowns go."""
        if self.taken >= self.limit:
            return False
        if (self._cool > now or self._cool_models) and self.cools_for(ask, now):
            return False
        if ask.priority == "batch" and self.bounded and self._batches >= max(1, self.limit - max(1, self.limit // 8)):
            return False
        return not ask.groups or all(self._group_has_room(group) for group in ask.groups)

    def _group_has_room(self, group: Group) -> bool:
        places = self._groups.get(group.key)
        return places is None or places.taken < min(places.estimate.limit, group.most)

    def cools_for(self, ask: Ask, now: int) -> int:
        """How long the upstream still wants no request like this, in microseconds."""
        if self._cool <= now and not self._cool_models:
            return 0
        until = max(self._cool, 0 if ask.own_credential else self._cool_models.get(ask.model, 0))
        return max(0, until - now)

    def give(self, ask: Ask, arrived: int, now: int) -> Place:
        """Take a place. Whoever only watches takes one too that is not there."""
        self.taken += 1
        if ask.priority == "batch":
            self._batches += 1
        return ask, arrived, now, self.taken, tuple([self._join(group) for group in ask.groups]) if ask.groups else ()

    def _join(self, group: Group) -> int:
        places = self._groups.get(group.key)
        if places is None or places.craft != group.craft:
            taken = places.taken if places else 0
            self._forget()
            places = self._groups[group.key] = _Places(_craft(group.craft).start(group.most), group.most, group.craft, taken)
        elif places.most != group.most:
            places.most, places.estimate = group.most, places.estimate.bounded(group.most)
        places.taken += 1
        return places.taken

    def _forget(self) -> None:
        """Make room for another group: those of which nothing is under way go, once they are too many."""
        if len(self._groups) >= MOST_GROUPS:
            self._groups = {key: places for key, places in self._groups.items() if places.taken}

    # ── What an end teaches ─────────────────────────────────────────────────────────────────────

    def take_back(self, place: Place, end: Ended, now: int) -> None:
        """A request is over: its place is free, and what it says of the upstream is learned."""
        ask, _, since, inflight, in_groups = place
        self.taken -= 1
        if ask.priority == "batch":
            self._batches -= 1
        if end.fate == "success":
            self._lasts += _SMOOTHING * (now - since - self._lasts)
        if end.cooldown_us is not None and end.fate == "dropped":
            self._cool_down(ask, end, end.cooldown_us, now)
        if self._estimate is not None:
            # A caller's own rate limit at the upstream says nothing of the room that it has for others.
            fate = "ignored" if ask.own_credential and end.status == 429 else end.fate
            self._estimate = self._estimate.on_sample(_sample(place, end, inflight, fate, now), now)
            self.limit = self._estimate.limit
        if not ask.groups:
            return
        for group, among in zip(ask.groups, in_groups, strict=True):
            places = self._groups[group.key]
            places.taken -= 1
            places.estimate = places.estimate.on_sample(_sample(place, end, among, end.fate, now), now)

    def _cool_down(self, ask: Ask, end: Ended, asked: int, now: int) -> None:
        until = now + min(asked, self.rule.cooldown_us)
        if until <= now:
            return
        if end.status != 429:
            self._cool = max(self._cool, until)
        elif not ask.own_credential:
            if len(self._cool_models) >= _MOST_MODELS:
                self._cool_models = {model: end for model, end in self._cool_models.items() if end > now}
            if len(self._cool_models) < _MOST_MODELS or ask.model in self._cool_models:
                self._cool_models[ask.model] = max(self._cool_models.get(ask.model, 0), until)

    def warms(self, now: int) -> int:
        """When the next cooldown ends, 0 where there is none."""
        ends = [end for end in (self._cool, *self._cool_models.values()) if end > now]
        if not ends:
            self._cool_models.clear()
        return min(ends, default=0)

    def wait_of(self, ahead: int) -> int:
        """In how many microseconds a request with so many ahead of it is likely to have a place."""
        return int((ahead + 1) * self._lasts / max(1, min(self.limit, max(self.taken, 1))))

    @property
    def idle(self) -> bool:
        """Nothing is under way."""
        return not self.taken


def _craft(name: str) -> Craft:
    craft: Craft = resolve("concurrency", name)
    return craft


def _sample(place: Place, end: Ended, inflight: int, fate: str, now: int) -> Sample:
    """A request's end as the crafts see it: of a stream its first token and its pace, of a long answer its pace, of others all."""
    _, arrived, since, _, _ = place
    if fate != "success":
        return Sample(since, None, inflight, "dropped" if fate == "dropped" else "ignored")
    lasted, many = now - since, end.tokens >= _FEW_TOKENS
    if end.stream:
        first = lasted if end.first_us is None else min(max(arrived + end.first_us - since, 0), lasted)
        return Sample(since, first, inflight, per_token=(lasted - first) // (end.tokens - 1) if many else None)
    return Sample(since, None if many else lasted, inflight, per_token=lasted // end.tokens if many else None)
