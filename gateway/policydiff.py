"""What is different between two policies, and what an edit does to usage that is already counted.

Compared are the compiled values, so layout, comments and spelling don't count. Entries with a name (callers, tiers, limits, rungs,
upstreams) are compared by it. A limit whose counter keeps its name in the stores keeps what was used; one whose counter is named
otherwise (another count, window or subject, or another id) starts anew. The names are those that `core/claims` gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from gateway.core.claims import claims_for
from gateway.model.caller import Caller
from gateway.model.decision import Action, Decision
from gateway.model.evidence import Verdict
from gateway.model.limit import Limit
from gateway.model.policy import Policy, Tier
from gateway.model.request import RequestFacts
from gateway.policy.digest import canonical
from gateway.policy.explain import limit_words

__all__ = ["Change", "Difference", "changed_limits", "counter_of", "difference"]

Kind = Literal["added", "removed", "changed", "moved"]
Usage = Literal["", "kept", "anew"]

_ABSENT = object()
_SOMEBODY = Caller(key_id="0" * 32, account="somebody", peer="192.0.2.1")
_FORWARD = Decision("forward", Action.ALLOW, Action.ALLOW, "open", "open", "")
_SUSPECT = Verdict(campaign="c")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `where` is a path such as `tiers.free.limits.free-rpm`; `before` and `after` are plain JSON values, None where
    there is none. Of a limit, `usage` says what becomes of what was used, and `words` what it allowed and allows."""

    section: str
    where: str
    kind: Kind
    before: Any = None
    after: Any = None
    usage: Usage = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """All differences of two policies, section by section; `old` and `new` are their labels. None where they do the same."""

    old: str
    new: str
    changes: tuple[Change, ...]


def difference(old: Policy, new: Policy) -> Difference:
    """Compare two policies."""
    changes: list[Change] = []
    for field in fields(Policy):
        if field.name == "digest":
            continue
        if field.name == "tiers":
            changes.extend(_tiers(old, new))
        else:
            before, after = canonical(getattr(old, field.name)), canonical(getattr(new, field.name))
            changes.extend(_compared(field.name, field.name, before, after))
    return Difference(old.label, new.label, tuple(changes))


def changed_limits(old: Policy, new: Policy, before: Tier | None, after: Tier | None) -> tuple[str, ...]:
    """Ids of the limits that a caller meets otherwise who had one tier and gets another; sorted."""
    had = {limit.id: limit for limit in before.limits} if before and old.mode != "off" else {}
    gets = {limit.id: limit for limit in after.limits} if after and new.mode != "off" else {}
    return tuple(sorted(name for name in {*had, *gets} if had.get(name) != gets.get(name)))


def counter_of(policy: Policy, tier: Tier, limit: Limit) -> str:
    """The name of a limit's counter in the stores, for a caller who has every subject there is."""
    enforced = replace(policy, mode="enforce")
    alone = replace(tier, limits=(limit,))
    facts = RequestFacts("openai", "openai.chat", model="model")
    return claims_for(enforced, alone, _SOMEBODY, facts, _FORWARD, _SUSPECT, at_us=0)[0].key


# ── Tiers and their limits ──────────────────────────────────────────────────────────────────────


def _tiers(old: Policy, new: Policy) -> Iterator[Change]:
    counters = {counter_of(old, tier, limit) for tier in old.tiers.values() for limit in tier.limits}
    for name in _names(old.tiers, new.tiers):
        before, after = old.tiers.get(name), new.tiers.get(name)
        yield from _limitless(name, before, after)
        had = {limit.id: limit for limit in before.limits} if before else {}
        gets = {limit.id: limit for limit in after.limits} if after else {}
        for limit_id in _names(had, gets):
            was, becomes = had.get(limit_id), gets.get(limit_id)
            if was != becomes:
                kept = after is not None and becomes is not None and counter_of(new, after, becomes) in counters
                yield _limit(f"tiers.{name}.limits.{limit_id}", was, becomes, "kept" if kept else "anew", gets, had)


def _limitless(name: str, before: Tier | None, after: Tier | None) -> Iterator[Change]:
    """A tier's own changes, its limits left out."""
    yield from _compared("tiers", f"tiers.{name}", _own_fields(before), _own_fields(after))


def _own_fields(tier: Tier | None) -> Any:
    if tier is None:
        return _ABSENT
    return {name: value for name, value in canonical(tier).items() if name not in {"id", "limits"}}


def _limit(where: str, was: Limit | None, becomes: Limit | None, usage: Usage, gets: dict[str, Limit], had: dict[str, Limit]) -> Change:
    if was is None:
        assert becomes is not None  # one of the two is there
        twin = _twin(becomes, had, gets)
        words = limit_words(becomes) + (f"; the same as {twin} was, under another name" if twin else "")
        return Change("tiers", where, "added", None, canonical(becomes), usage, words)
    if becomes is None:
        return Change("tiers", where, "removed", canonical(was), None, "", limit_words(was))
    return Change("tiers", where, "changed", canonical(was), canonical(becomes), usage, _limit_change(was, becomes))


def _limit_change(was: Limit, becomes: Limit) -> str:
    """What a limit allowed and allows, then every other field that differs."""
    words = [limit_words(was), limit_words(becomes)]
    said = [" -> ".join(words)] if words[0] != words[1] else []
    spoken = {"count", "window", "amount", "window_us", "burst", "weights"} if said else set()
    before, after = canonical(was), canonical(becomes)
    said += [
        f"{name}: {_text(before[name])} -> {_text(after[name])}"
        for name in before
        if name not in spoken and before[name] != after[name]
    ]
    return "; ".join(said)


def _twin(limit: Limit, had: dict[str, Limit], gets: dict[str, Limit]) -> str:
    """The id under which the very same limit stood before, "" where none did."""
    return next((name for name, was in had.items() if name not in gets and replace(was, id=limit.id) == limit), "")


# ── Everything else ─────────────────────────────────────────────────────────────────────────────


def _compared(section: str, where: str, before: Any, after: Any) -> Iterator[Change]:
    """Differences of two plain values, as deep as both have the same shape."""
    if before == after:
        return
    if before is _ABSENT:
        yield Change(section, where, "added", None, after)
    elif after is _ABSENT:
        yield Change(section, where, "removed", before, None)
    elif _named(before) and _named(after) and (before or after):
        yield from _listed(section, where, before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        for name in _names(before, after):
            yield from _compared(section, f"{where}.{name}", before.get(name, _ABSENT), after.get(name, _ABSENT))
    else:
        yield Change(section, where, "changed", before, after)


def _listed(section: str, where: str, before: list[Any], after: list[Any]) -> Iterator[Change]:
    """Entries compared by their id; and their order, which counts where the first that matches wins."""
    had, gets = ({_name(entry): entry for entry in entries} for entries in (before, after))
    for name in _names(had, gets):
        yield from _compared(section, f"{where}.{name}", had.get(name, _ABSENT), gets.get(name, _ABSENT))
    order = [[name for name in entries if name in had and name in gets] for entries in (had, gets)]
    if order[0] != order[1]:
        yield Change(section, where, "moved", order[0], order[1])


def _named(value: Any) -> bool:
    """A list of entries that each have a name of their own."""
    if not isinstance(value, list):
        return False
    names = [_name(entry) for entry in value]
    return "" not in names and len(set(names)) == len(names)


def _name(entry: Any) -> str:
    """What an entry of a list is known by: its id, or of a price the models that it is of; "" for whatever has no name."""
    name = entry.get("id", entry.get("models")) if isinstance(entry, dict) else None
    return name if isinstance(name, str) else ""


def _names(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [*before, *(name for name in after if name not in before)]


def _text(value: Any) -> str:
    return "+".join(value) if isinstance(value, list) else str(value)
