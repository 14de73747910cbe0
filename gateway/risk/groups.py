"""Groups out of pairs: the surest first, and nobody drawn in by one bridge.

Joining whatever hangs together would chain: one account between two groups makes them one, and a student with a common phrase would
stand in a campaign. So groups form at falling strength, each has to weigh enough when it forms, and what a weaker level adds to a
found group has to weigh by itself; single accounts come to a group where most of what they share, they share with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.risk.steps import Steps, finish

__all__ = ["LEVELS", "gather", "gathering"]

LEVELS = (8, 6, 5, 4)
"""Parts of wording in common, the strictest level first. A payment in common counts as one."""
_FEWEST = 3
_ROUNDS = 4
_AT_ONCE = 64

Edges = Mapping[int, Mapping[int, int]]
"""Account -> other account -> strength, both ways."""


def gather(edges: Edges, weigh: Callable[[list[int]], float], at_least: float) -> list[list[int]]:
    """The groups that weigh at least so much, each sorted. `weigh` gives a group's evidence in decibans."""
    return finish(gathering(edges, weigh, at_least))


def gathering(edges: Edges, weigh: Callable[[list[int]], float], at_least: float) -> Steps[list[list[int]]]:
    """The same in steps."""
    home: dict[int, int] = {}
    for level in LEVELS:
        for group in (yield from _components(edges, level)):
            yield
            new = [number for number in group if number not in home]
            homes = {home[number] for number in group if number in home}
            if len(group) < _FEWEST or (not new and len(homes) == 1) or weigh(group) < at_least:
                continue
            if homes and new and (len(new) < _FEWEST or weigh(new) < at_least / 2):
                continue
            name = min(homes, default=group[0])
            moved = [number for number, old in home.items() if old in homes]
            home.update(dict.fromkeys([*moved, *group], name))
    _draw(edges, home)
    groups: dict[int, list[int]] = {}
    for number, name in home.items():
        groups.setdefault(name, []).append(number)
    return [sorted(group) for group in groups.values()]


def _draw(edges: Edges, home: dict[int, int]) -> None:
    """Accounts with most of what they share in one group, and with two of its accounts at least, come to it."""
    for _ in range(_ROUNDS if home else 0):
        drawn = {number: name for number in edges if number not in home and (name := _nearest(edges[number], home)) is not None}
        if not drawn:
            return
        home.update(drawn)


def _nearest(others: Mapping[int, int], home: Mapping[int, int]) -> int | None:
    strengths: dict[int, int] = {}
    met: dict[int, int] = {}
    for other, strength in others.items():
        name = home.get(other)
        if name is not None and strength >= LEVELS[-1]:
            strengths[name] = strengths.get(name, 0) + strength
            met[name] = met.get(name, 0) + 1
    name = max(strengths, key=strengths.__getitem__, default=None)
    return name if name is not None and met[name] >= 2 and 2 * strengths[name] > sum(others.values()) else None


def _components(edges: Edges, level: int) -> Steps[list[list[int]]]:
    """What hangs together by edges of at least this strength, sorted; single accounts left out."""
    seen: set[int] = set()
    found: list[list[int]] = []
    for number, start in enumerate(edges):
        if number % _AT_ONCE == 0:
            yield
        if start in seen:
            continue
        seen.add(start)
        group, ahead = [start], [start]
        while ahead:
            for other, strength in edges[ahead.pop()].items():
                if strength >= level and other not in seen:
                    seen.add(other)
                    group.append(other)
                    ahead.append(other)
        if len(group) > 1:
            found.append(sorted(group))
    return found
