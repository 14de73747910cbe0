"""Quota in Redis: one script takes all claims of a request, one settles them, and the server's clock counts for every process.

Whatever a request touches (its hold's own record and a counter per limit) is changed by one script, so a take is all or nothing for
any number of processes. Every key expires by itself once it is as good as unused. The scripts under `lua/` do the arithmetic of
`gateway/quota`; amounts travel with the claims, so an edited limit keeps its usage.

A take that was refused leaves nothing behind: the same id again is judged again. The id of a hold that was taken and settled is
remembered for ten minutes, that of one that was settled before it was taken for an hour.

Counters that belong to an account carry its hash tag. On one Redis (or under Sentinel) a script may touch any keys; in a Cluster
a request's limits can lie in several slots (an account's, everybody's), and those that span slots are served by `leases`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import msgspec

from gateway.model.limit import Amounts, Claim, Hold, LimitState, Settled, Settlement, Taken
from gateway.model.value import replace
from gateway.stores.memory_holds import LEASE_US
from gateway.stores.redis_line import Line, Script
from gateway.stores.redis_wire import Bulk, Word, bulk

__all__ = ["HoldScripts", "RedisHolds", "counter_key", "read_lua", "record_key", "words_of"]

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[int]).decode
_LUA = Path(__file__).parent / "lua"
_TOMBSTONE_MS = 3_600_000
_SETTLED_MS = 600_000
_MOST_PLANS = 4096
_OUTCOMES = {each.encode(): Settlement(each) for each in get_args(Settled)}
_PATIENCE = 4
"""A settle or renewal may take so many times as long as a take: nobody waits for it with an answer's first byte."""


@dataclass(frozen=True, slots=True)
class HoldScripts:
    """The scripts of a hold store, each with what they share in front."""

    take: Script
    settle: Script
    renew: Script
    look: Script
    extend: Script

    @classmethod
    def load(cls, clock: str | None = None) -> HoldScripts:
        """The scripts from `lua/`; `clock` is Lua that takes the place of `now.lua`, the server's clock."""
        shared = (read_lua("now") if clock is None else clock) + read_lua("windows")
        return cls(*(Script(shared + read_lua(name)) for name in ("take", "settle", "renew", "look", "extend")))


class RedisHolds:
    """HoldStore over a line to Redis; see the module."""

    local = False

    def __init__(self, line: Line, *, lease_us: int = LEASE_US, scripts: HoldScripts | None = None) -> None:
        self.lease_us = lease_us
        self._line = line
        self._scripts = scripts or HoldScripts.load()
        self._plans: dict[int, tuple[list[Bulk], bytes]] = {}

    async def take(self, hold: Hold) -> Taken:
        """See `ports.HoldStore`."""
        keys, terms = self._packed(hold)
        args: list[Word] = [hold.id, self.lease_us, _TOMBSTONE_MS, terms, _wants(hold.claims)]
        reply = _unpack(await self._line.run(self._scripts.take, keys, args))
        return Taken(reply[0] == 1, _states(hold.claims, reply[1:]), settled=reply[0] == 2)

    async def extend(self, hold: Hold, number: int, wants: Sequence[int]) -> Taken:
        """See `ports.HoldStore`."""
        further = [replace(claim, want=want) for claim, want in zip(hold.claims, wants, strict=True)]
        args = [hold.id, _TOMBSTONE_MS, number, *words_of([_spared(claim) for claim in further])]
        reply = _unpack(await self._line.run(self._scripts.extend, _keys(hold.claims, hold.id), args))
        return Taken(reply[0] == 1, _states(hold.claims if len(reply) > 1 else (), reply[1:]), settled=reply[0] == 2)

    async def settle(self, hold: Hold, amounts: Amounts) -> Settlement:
        """See `ports.HoldStore`."""
        keys, terms = self._packed(hold)
        args: list[Word] = [hold.id, _TOMBSTONE_MS, _SETTLED_MS, terms, _pack([amounts.for_claim(claim) for claim in hold.claims])]
        outcome = await self._line.run(self._scripts.settle, keys, args, deadline_s=_PATIENCE * self._line.deadline_s)
        return _OUTCOMES[outcome]

    async def renew(self, hold: Hold) -> bool:
        """See `ports.HoldStore`."""
        args = [hold.id, self.lease_us, _TOMBSTONE_MS, *words_of(hold.claims)]
        keys = _keys(hold.claims, hold.id)
        return bool(await self._line.run(self._scripts.renew, keys, args, deadline_s=_PATIENCE * self._line.deadline_s))

    async def look(self, claims: Sequence[Claim]) -> tuple[LimitState, ...]:
        """See `ports.HoldStore`."""
        return _states(claims, _unpack(await self._line.run(self._scripts.look, _keys(claims, ""), words_of(claims))))

    async def aclose(self) -> None:
        """Nothing of its own: whoever opened the line closes it."""

    def _packed(self, hold: Hold) -> tuple[list[Word], bytes]:
        """The keys of a hold and the terms of its claims; those of a plan are packed once, all but the hold's own key."""
        known = self._plans.get(hold.plan)
        if known is None or not hold.plan:
            known = [bulk(counter_key(claim)) for claim in hold.claims], _terms(hold.claims)
            if hold.plan:
                if len(self._plans) >= _MOST_PLANS:
                    self._plans.clear()
                self._plans[hold.plan] = known
        counters, terms = known
        return [record_key(hold.claims[0].slot if hold.claims else "", hold.id), *counters], terms


def read_lua(name: str) -> str:
    """A piece of Lua that ships."""
    return (_LUA / f"{name}.lua").read_text()


def _keys(claims: Sequence[Claim], hold_id: str) -> list[Word]:
    """The hold's own record, in its first claim's slot, then a counter per claim."""
    return [record_key(claims[0].slot if claims else "", hold_id), *(counter_key(claim) for claim in claims)]


def record_key(slot: str, hold_id: str) -> str:
    """Where the record of a hold or of a leased slice is kept, in the slot of what it charged."""
    return f"azg:{{{_tag(slot)}}}:h:{hold_id}"


def counter_key(claim: Claim) -> str:
    """Where a claim is counted."""
    return f"azg:{{{_tag(claim.slot)}}}:c:{claim.key}"


def _tag(slot: str) -> str:
    """A slot as a hash tag. An account's name may hold anything; a brace would end the tag."""
    if 0 < len(slot) <= 64 and "{" not in slot and "}" not in slot:
        return slot
    return "h:" + hashlib.sha256(slot.encode("utf-8", "surrogatepass")).hexdigest()[:32] if slot else "-"


def _spared(claim: Claim) -> Claim:
    """The claim as a slice asks for it: in shadow unless its limit ends streams."""
    return claim if claim.limit.ends_streams else replace(claim, limit=replace(claim.limit, shadow=True))


def words_of(claims: Sequence[Claim], wants: Sequence[int] | None = None) -> list[Word]:
    """Claims as the scripts read them: their terms, and what they want or other amounts in place of it."""
    return [_terms(claims), _wants(claims) if wants is None else _pack(list(wants))]


def _terms(claims: Sequence[Claim]) -> bytes:
    packed = []
    for claim in claims:
        span = " ".join(map(str, claim.periods)) if claim.periods else claim.limit.window_us
        packed.append((claim.limit.window, claim.amount, claim.burst, span, claim.limit.shadow))
    return _pack(packed)


def _wants(claims: Sequence[Claim]) -> bytes:
    """What each wants; then, where something is a guess, how much of each."""
    wants = [claim.want for claim in claims]
    guesses = [claim.guess for claim in claims]
    return _pack(wants + guesses if any(guesses) else wants)


def _states(claims: Sequence[Claim], reply: Sequence[int]) -> tuple[LimitState, ...]:
    """Four numbers of each claim: 0 where it did not fit, else 1 and what its guess was cut by; used, reset_us, retry_us."""
    states, numbers = [], iter(reply)
    for claim, fitted, used, reset, retry in zip(claims, numbers, numbers, numbers, numbers, strict=False):
        if fitted > 1:
            claim = replace(claim, want=claim.want - fitted + 1, guess=0)
        left = (claim.burst if claim.limit.window == "bucket" else claim.amount) - used
        states.append(LimitState(claim, fitted > 0, used, left if left > 0 else 0, reset, retry))
    return tuple(states)
