"""Who plays: so many callers shared out over personas, with identities, groups and clocks that do not depend on their intent.

Busy callers and callers of some dozens of requests are two houses, and the share of hostile ones is the same in both: else the mere
number of requests would tell them apart.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from gateway.errors import SettingsError
from gateway.lab.clocks import Arrivals, times
from gateway.lab.dice import between, dice
from gateway.lab.identities import Identity, belongs_to, draw_identity
from gateway.lab.personas.base import Member, Persona

__all__ = ["BEGINS", "Player", "cast"]

BEGINS = 1_789_948_800
"""Unix seconds of the first day's midnight, 2026-09-21 in UTC; always the same, so that a seed gives the same bytes."""

_DAY_US = 86_400 * 1_000_000
_BUSY = 0.4
_FEW, _MANY = (12, 70), (70, 400)


@dataclass(frozen=True, slots=True)
class Player:
    """One caller: what it plays, who it is on paper, its place in its group, and when it calls (microseconds since BEGINS)."""

    persona: Persona
    identity: Identity
    member: Member
    campaign: str
    times: array[int]


def cast(
    personas: Sequence[Persona], callers: int, *, days: float, seed: int, hostile: float, recorded: Sequence[Arrivals] = ()
) -> tuple[Player, ...]:
    """`callers` players, a share `hostile` of them hostile where both sides are among the personas.

    SettingsError where there are personas of neither side.
    """
    if not personas:
        raise SettingsError("nobody is to play: choose personas")
    chance = dice("cast", seed)
    players: list[Player] = []
    for busy, many in _houses(personas, callers):
        among = [persona for persona in personas if persona.busy is busy]
        for side, wanted in _sides(among, many, hostile):
            for number, (persona, size) in enumerate(_shared_out(side, wanted, chance)):
                name = f"{seed}/{persona.name}/{number}"
                players += _troupe(persona, size, name, days, recorded)
    return tuple(players)


def _houses(personas: Sequence[Persona], callers: int) -> list[tuple[bool, int]]:
    kinds = {persona.busy for persona in personas}
    if len(kinds) == 1:
        return [(kinds.pop(), callers)]
    busy = round(callers * _BUSY)
    return [(False, callers - busy), (True, busy)]


def _sides(personas: Sequence[Persona], callers: int, hostile: float) -> list[tuple[list[Persona], int]]:
    bad = [persona for persona in personas if persona.hostile]
    good = [persona for persona in personas if not persona.hostile]
    if not bad or not good:
        return [(bad or good, callers)]
    many = round(callers * hostile)
    return [(good, callers - many), (bad, many)]


def _shared_out(personas: Sequence[Persona], callers: int, chance: Random) -> list[tuple[Persona, int]]:
    """(persona, callers of it at once) until all callers are given out; whoever has had the least for its weight is next."""
    had = {persona.name: chance.random() for persona in personas}
    found: list[tuple[Persona, int]] = []
    while callers > 0:
        persona = min(personas, key=lambda one: had[one.name] / one.weight)
        size = min(callers, chance.randint(persona.group.fewest, persona.group.most) if persona.group else 1)
        found.append((persona, size))
        had[persona.name] += size
        callers -= size
    return found


def _troupe(persona: Persona, size: int, name: str, days: float, recorded: Sequence[Arrivals]) -> list[Player]:
    """One caller, or a whole group. Half of the groups that take no turns keep to the same stretch of days, honest or not."""
    shared = dice("group", name)
    together = shared.random() < 0.5
    stretch = between(shared, 0.2, 1.0) * days
    begins = shared.uniform(0.0, days - stretch)
    players: list[Player] = []
    for place in range(size):
        chance = dice("player", name, place)
        identity = draw_identity(chance, BEGINS)
        if persona.group is not None and players:
            identity = belongs_to(identity, players[0].identity, one_account=persona.group.one_account, chance=chance)
        count = round(between(chance, *(_MANY if persona.busy else _FEW)))
        if persona.group is not None and persona.group.turns:
            at = _shifted(times(chance, count, days / size, recorded), place * days / size)
        elif persona.group is not None and together:
            at = _shifted(times(chance, count, stretch, recorded), begins)
        else:
            at = times(chance, count, days, recorded)
        campaign = f"{persona.name}-{shared.getrandbits(32):08x}" if persona.group else identity.key
        players.append(Player(persona, identity, Member(place, size, name), _of(players, campaign), at))
    return players


def _of(players: Sequence[Player], campaign: str) -> str:
    """The campaign of those who are there already."""
    return players[0].campaign if players else campaign


def _shifted(at: array[int], days: float) -> array[int]:
    later = int(days * _DAY_US)
    return array("q", (moment + later for moment in at))
