"""What the schema cannot see: names that must be unique or exist, fields that need or exclude each other, rules nobody can reach.

Works on the plain tree and takes any shape, so that these mistakes are listed together with the schema's and not one after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from ipaddress import IPv6Network, ip_network
from typing import Any

from pydantic import ValidationError

from gateway.errors import PolicyProblem
from gateway.model.limit import MAX_AMOUNT, MOVED_BY_OUTPUT, Count
from gateway.policy.complain import shown
from gateway.policy.nearest import did_you_mean
from gateway.policy.schema_judging import SignalsBlock
from gateway.policy.tree import Path, Tree
from gateway.policy.units import MICRO, duration_us, limit_rate, window_of
from gateway.policy.words import perturbation_names, signal_names
from gateway.registry import names, resolve

__all__ = ["OWN_TIER", "problems_between"]

OWN_TIER = "own"
"""What a caller rule writes for the tier that the key itself names."""

_ALTERING = ("perturb", "challenge")
_SHORTEST_LEASE_US = 2_000_000

Found = Iterator[PolicyProblem]


def problems_between(tree: Tree) -> list[PolicyProblem]:
    """All problems between the parts of a file."""
    data = _fields(tree.data)
    found: list[PolicyProblem] = []
    for check in (_empties, _callers, _tiers, _prices, _signals, _ladder, _upstreams, _examples):
        found.extend(check(tree, data))
    return found


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _blocks(value: Any) -> list[tuple[int, dict[str, Any]]]:
    """A list's entries that are sets of fields, with their place in it."""
    return [(index, entry) for index, entry in enumerate(value) if isinstance(entry, dict)] if isinstance(value, list) else []


def _empties(tree: Tree, data: dict[str, Any]) -> Found:
    """A field without a value would mean `no restriction` in some places: it is refused in all."""
    stack: list[tuple[Path, Any]] = [((), data)]
    while stack:
        path, value = stack.pop()
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in entries:
            place = (*path, key)
            if inner is None:
                yield tree.problem(place, "the field has no value", "give one, or remove the field")
            elif place in tree.places:
                stack.append((place, inner))


def _repeated(tree: Tree, where: Path, blocks: list[tuple[int, dict[str, Any]]], seen: dict[str, int] | None = None) -> Found:
    """Ids that stand twice. `seen` carries them over several lists."""
    seen = {} if seen is None else seen
    for index, block in blocks:
        name = block.get("id")
        if not isinstance(name, str):
            continue
        path = (*where, index, "id")
        if name in seen:
            yield tree.problem(path, f"the id {name!r} stands here a second time", f"the first is on line {seen[name]}")
        else:
            seen[name] = tree.places.get(path, (0, 0))[0]


def _callers(tree: Tree, data: dict[str, Any]) -> Found:
    callers, tiers = _blocks(data.get("callers")), _fields(data.get("tiers"))
    yield from _repeated(tree, ("callers",), callers)
    everyone: str | None = None
    for index, block in callers:
        path: Path = ("callers", index)
        tier = block.get("tier")
        if isinstance(tier, str) and tier != OWN_TIER and tier not in tiers:
            yield tree.problem((*path, "tier"), f"there is no tier {tier!r}", did_you_mean(tier, [*tiers, OWN_TIER]))
        if everyone is not None:
            yield tree.problem(path, f"nobody reaches this rule: {everyone!r} before it matches everyone", "move it up, or remove it")
        elif block.get("match") == {} and tier != OWN_TIER:
            everyone = str(block.get("id"))
        yield from _peer(tree, (*path, "match", "peer"), _fields(block.get("match")).get("peer"))


def _peer(tree: Tree, path: Path, peer: Any) -> Found:
    try:
        network = ip_network(peer) if isinstance(peer, str) else None
    except ValueError:
        return
    if isinstance(network, IPv6Network) and network.prefixlen > 64:
        yield tree.problem(path, f"{shown(peer)} is narrower than /64", "IPv6 peers are grouped by /64: name that network")


def _tiers(tree: Tree, data: dict[str, Any]) -> Found:
    seen: dict[str, int] = {}
    for name, tier in _fields(data.get("tiers")).items():
        path: Path = ("tiers", name)
        if name == OWN_TIER:
            yield tree.problem(path, f"the name {name!r} is taken", "in callers it means the tier that a key names", key=True)
        limits = _blocks(_fields(tier).get("limits"))
        yield from _repeated(tree, (*path, "limits"), limits, seen)
        for index, limit in limits:
            yield from _limit(tree, (*path, "limits", index), limit)
        yield from _perturbations(tree, data, (*path, "always"), _fields(tier).get("always"))


def _limit(tree: Tree, path: Path, limit: dict[str, Any]) -> Found:
    concurrent = limit.get("count") == "concurrent"
    needed, excluded = ("at_once", ("rate", "window", "burst", "zone")) if concurrent else ("rate", ("at_once", "lease", "adaptive"))
    what = "concurrent" if concurrent else "requests, tokens and bytes"
    if needed not in limit and "count" in limit:
        example = "at_once: 8" if concurrent else "rate: 20/minute"
        yield tree.problem((*path, needed), "the field is missing", f"a limit on {what} needs it, like `{example}`")
    for name in excluded:
        if name in limit:
            yield tree.problem((*path, name), f"a limit on {what} has no `{name}`", f"it has `{needed}`", key=True)
    if "burst" in limit and not concurrent and limit.get("window") != "bucket":
        yield tree.problem((*path, "burst"), "only a bucket has a `burst`", "add `window: bucket`", key=True)
    if "multipliers" in limit and limit.get("count") in ("bytes", "concurrent", "money"):
        message = f"a limit on {limit['count']} has no `multipliers`"
        yield tree.problem((*path, "multipliers"), message, "they are for requests and tokens", key=True)
    if limit.get("when_spent") == "finish" and str(limit.get("count", Count.TOKENS)) not in MOVED_BY_OUTPUT:
        message = f"no stream ends for a limit on {limit.get('count')}"
        yield tree.problem((*path, "when_spent"), message, "`finish` is for tokens, output_tokens and money")
    yield from (_lease if concurrent else _rate)(tree, path, limit)
    per = limit.get("per")
    if isinstance(per, list) and len({str(subject) for subject in per}) < len(per):
        yield tree.problem((*path, "per"), "a subject stands here twice", "name each once")


def _lease(tree: Tree, path: Path, limit: dict[str, Any]) -> Found:
    """A stream renews its lease when a third of it is over, and leases are looked through once a second: a shorter one would end."""
    try:
        lease_us = duration_us(limit["lease"]) if isinstance(limit.get("lease"), str) else None
    except ValueError:
        return
    if lease_us is not None and lease_us < _SHORTEST_LEASE_US:
        remedy = "write at least 2s: streams renew their leases once a second, and would lose a shorter one while they run"
        yield tree.problem((*path, "lease"), f"{shown(limit['lease'])} is too short", remedy)


def _rate(tree: Tree, path: Path, limit: dict[str, Any]) -> Found:
    """An amount that the count can have, and a window that the rate can have."""
    try:
        rate = limit_rate(limit["rate"]) if isinstance(limit.get("rate"), str) else None
    except ValueError:
        return
    if rate is None:
        return
    money = limit.get("count") == "money"
    if not money and rate.amount != int(rate.amount):
        yield tree.problem((*path, "rate"), "only money has decimals", "write a whole number")
    for name, amount in (("rate", rate.amount), ("burst", limit.get("burst", 0))):
        if money and isinstance(amount, (int, Decimal)) and amount * MICRO > MAX_AMOUNT:
            yield tree.problem((*path, name), "more money than can be counted exactly", f"at most {MAX_AMOUNT // MICRO}")
    window = limit.get("window") or window_of(rate)
    if window in ("sliding", "bucket") and not rate.window_us:
        yield tree.problem((*path, "window"), f"a {window} window is at most 31 days long", "leave `window` out, or shorten the rate's")
    if window == "calendar" and rate.period is None:
        yield tree.problem((*path, "window"), "the calendar has no such window", "write `/day`, `/week` or `/month`")
    if window == "lifetime" and (rate.window_us or rate.period):
        yield tree.problem((*path, "window"), "a lifetime has no other window", "write the rate as `20000000/lifetime`")
    if "zone" in limit and window != "calendar":
        yield tree.problem((*path, "zone"), "only a calendar window has a `zone`", "add `window: calendar`", key=True)


def _prices(tree: Tree, data: dict[str, Any]) -> Found:
    """A limit on money counts by prices; where it is enforced without any, it would refuse every model."""
    if _fields(data.get("prices")):
        return
    for name, tier in _fields(data.get("tiers")).items():
        for index, limit in _blocks(_fields(tier).get("limits")):
            if limit.get("count") == "money" and limit.get("shadow") is not True:
                place: Path = ("tiers", name, "limits", index, "count")
                yield tree.problem(place, "no model has a price", "add `prices:`, or put the limit in shadow")


def _signals(tree: Tree, data: dict[str, Any]) -> Found:
    signals, known = _fields(data.get("signals")), signal_names()
    fields = [*SignalsBlock.model_fields, *known]
    for name in signals:
        if name not in fields:
            yield tree.problem(("signals", name), "unknown signal", did_you_mean(name, fields), key=True)
    exemptions = _blocks(signals.get("exemptions"))
    yield from _repeated(tree, ("signals", "exemptions"), exemptions)
    rules = [str(block.get("id")) for _, block in _blocks(data.get("callers"))]
    for index, block in exemptions:
        path: Path = ("signals", "exemptions", index)
        caller = block.get("caller")
        if isinstance(caller, str) and caller not in rules:
            yield tree.problem((*path, "caller"), f"there is no caller rule {caller!r}", did_you_mean(caller, rules))
        yield from _names(tree, (*path, "signals"), block.get("signals"), known, "signal")


def _names(tree: Tree, path: Path, given: Any, known: tuple[str, ...], what: str) -> Found:
    for index, name in enumerate(given if isinstance(given, list) else []):
        if isinstance(name, str) and name not in known:
            yield tree.problem((*path, index), f"there is no {what} {name!r}", did_you_mean(name, known))


def _ladder(tree: Tree, data: dict[str, Any]) -> Found:
    rungs = _blocks(data.get("ladder"))
    yield from _repeated(tree, ("ladder",), rungs)
    before: float | None = None
    for index, rung in rungs:
        path: Path = ("ladder", index)
        at, do = rung.get("at"), rung.get("do")
        if isinstance(at, (int, float)):
            if index == 0 and (at != 0 or do not in ("allow", None)):
                yield tree.problem((*path, "at"), f"the first rung is at {at:g} and does {do}", "start with `at: 0, do: allow`")
            if before is not None and at <= before:
                yield tree.problem(
                    (*path, "at"), f"{at:g} is not above the rung before it ({before:g})", "list rungs from the lowest up"
                )
            before = float(at)
        if "with" in rung and do not in _ALTERING:
            yield tree.problem(
                (*path, "with"), f"a rung that does {do} has no `with`", "it belongs to `do: perturb` or `challenge`", key=True
            )
        if "share" in rung and do in ("allow", "watch", "refuse"):
            yield tree.problem(
                (*path, "share"), f"a rung that does {do} has no `share`", "it belongs to `do: throttle` and above", key=True
            )
        if do == "throttle" and "share" not in rung:
            yield tree.problem((*path, "share"), "the field is missing", "say which share of the limits is left, like `share: 0.5`")
        yield from _perturbations(tree, data, (*path, "with"), rung.get("with"))
    if isinstance(data.get("ladder"), list) and not data["ladder"]:
        yield tree.problem(("ladder",), "an empty ladder", "start with `{ id: open, at: 0, do: allow }`, or remove the section")


def _perturbations(tree: Tree, data: dict[str, Any], path: Path, given: Any) -> Found:
    """Names that there are, and of those that do nothing without options the options too."""
    yield from _names(tree, path, given, perturbation_names(), "perturbation")
    made, sections = names("perturbations"), _fields(data.get("response"))
    for index, name in enumerate(given if isinstance(given, list) else []):
        if name not in made or name in sections:
            continue
        try:
            resolve("perturbations", name).options()
        except ValidationError as error:
            missing = ", ".join(f"`{problem['loc'][0]}`" for problem in error.errors() if problem["loc"])
            yield tree.problem((*path, index), f"{name!r} does nothing by itself", f"give {missing} in `response.{name}`")


def _upstreams(tree: Tree, data: dict[str, Any]) -> Found:
    yield from _repeated(tree, ("upstreams",), _blocks(data.get("upstreams")))


def _examples(tree: Tree, data: dict[str, Any]) -> Found:
    """Tests name things that exist, and say either what is given or what is replayed."""
    rungs = [str(rung.get("id")) for _, rung in _blocks(data.get("ladder"))] or ["open"]
    limits = [str(limit.get("id")) for tier in _fields(data.get("tiers")).values() for _, limit in _blocks(_fields(tier).get("limits"))]
    seen: dict[str, int] = {}
    for index, block in _blocks(data.get("tests")):
        path: Path = ("tests", index)
        given, expect, name = _fields(block.get("given")), _fields(block.get("expect")), str(block.get("name"))
        if name in seen:
            yield tree.problem((*path, "name"), "a test of this name stands here a second time", f"the first is on line {seen[name]}")
        seen.setdefault(name, tree.places.get((*path, "name"), (0, 0))[0])
        if ("given" in block) == ("replay" in block):
            yield tree.problem(path, "a test has either `given` or `replay`", "write one of the two")
        if expect.get("rung") is not None and expect["rung"] not in rungs:
            yield tree.problem(
                (*path, "expect", "rung"), f"there is no rung {shown(expect['rung'])}", did_you_mean(str(expect["rung"]), rungs)
            )
        named: list[tuple[Path, Any]] = [
            (("given", field, limit), limit) for field in ("used", "limits") for limit in _fields(given.get(field))
        ]
        unchanged = expect.get("unchanged")
        named += [
            (("expect", "unchanged", place), limit) for place, limit in enumerate(unchanged if isinstance(unchanged, list) else [])
        ]
        for where, limit in named:
            if limit not in limits:
                yield tree.problem((*path, *where), f"there is no limit {shown(limit)}", did_you_mean(str(limit), limits))
        for signal in _fields(given.get("evidence")):
            if signal not in signal_names():
                yield tree.problem(
                    (*path, "given", "evidence", signal), "unknown signal", did_you_mean(signal, signal_names()), key=True
                )
