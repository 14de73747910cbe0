"""What the processes of a fleet tell each other about callers, in Redis; and what people ask of it.

A caller's state is a hash of its own (`azg:r:{KEY}`, on the caller's own slot). Everything else is on one slot: verdicts by caller and
by score, a log of those that changed, the campaigns, who links, and the looks for that one. All expire, and all are bounded.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from gateway.errors import StoreError
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.ports import Kept, News, Offer
from gateway.risk.judged import Judged
from gateway.stores.redis_line import Line, Script, Word

__all__ = ["RedisEvidence", "RedisRisk"]

_LUA = Path(__file__).parent / "lua"
_LOG, _RANKED, _VERDICTS = "azg:{risk}:log", "azg:{risk}:ranked", "azg:{risk}:verdicts"
_CAMPAIGNS, _LEADER, _LOOKS = "azg:{risk}:campaigns", "azg:{risk}:leader", "azg:{risk}:looks"

_MOST_KEPT = 100_000
_MOST_LOGGED = 20_000
_MOST_NEWS = 500
_MOST_AT_START = 10_000
_MOST_LOOKS = 400
"""Batches of looks that wait for whoever links, of at most 128 looks, some 58 KB: 23 MB."""
_A_BATCH = 128
_LEADS_MS = 10_000
_LOOKS_MS = 120_000
_PATIENCE = 10
"""A call here may take so many times as long as a take of quota: nobody waits for it on the road."""

_VERDICT = msgspec.json.Decoder(Verdict)
_JUDGED = msgspec.json.Decoder(Judged)
_BATCH = msgspec.msgpack.Decoder(list[bytes])


class RedisEvidence:
    """EvidenceStore over a line. Each process has a name of its own, made when it starts."""

    local = False

    def __init__(self, line: Line, *, most_kept: int = _MOST_KEPT) -> None:
        self._line = line
        self._me = secrets.token_hex(8)
        self._most_kept = most_kept
        self._deadline_s = _PATIENCE * line.deadline_s
        self._scripts = {name: Script((_LUA / f"{name}.lua").read_text()) for name in ("offer", "tell", "lead", "publish")}
        self._heard: str | None = None
        self._given = "-"
        self._risk = RedisRisk(line)

    async def offer(self, offers: Sequence[Offer], kept_us: int) -> list[Kept | None]:
        """See `ports.EvidenceStore`."""
        kept_ms = kept_us // 1000
        replies = await asyncio.gather(
            *[self._run("offer", [_place(one.key_id)], [one.before, one.token, one.packed, kept_ms]) for one in offers]
        )
        return [None if reply[0] else _kept(reply[1], reply[2]) for reply in replies]

    async def fetch(self, key_ids: Sequence[str]) -> dict[str, Kept]:
        """See `ports.EvidenceStore`."""
        replies = await asyncio.gather(*[self._call("HMGET", _place(key_id), "tokens", "state") for key_id in key_ids])
        found = zip(key_ids, replies, strict=True)
        return {key_id: _kept(tokens, state) for key_id, (tokens, state) in found if tokens and state}

    async def tell(self, verdicts: Sequence[tuple[str, Verdict]], kept_us: int) -> None:
        """See `ports.EvidenceStore`."""
        rest: list[Word] = []
        for key_id, verdict in verdicts:
            rest += [key_id, repr(verdict.score), msgspec.json.encode(verdict)]
        await self._run("tell", [_LOG, _RANKED, _VERDICTS], [self._me, self._most_kept, _MOST_LOGGED, kept_us // 1000, *rest])

    async def news(self) -> News:
        """See `ports.EvidenceStore`. After a fault, too, all that stands: what was told meanwhile may be gone from the log."""
        if self._heard is None:
            return await self._all()
        try:
            entries = await self._call("XRANGE", _LOG, f"({self._heard}", "+", "COUNT", _MOST_NEWS)
        except StoreError:
            self._heard = None
            raise
        verdicts, anew = [], False
        for number, flat in entries:
            self._heard = number.decode()
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            if fields[b"by"] == self._me.encode():
                continue
            if b"key" in fields:
                verdicts.append((fields[b"key"].decode(), _VERDICT.decode(fields[b"verdict"])))
            anew = anew or b"campaigns" in fields
        return News(verdicts, await self._risk.campaigns() if anew else None)

    async def _all(self) -> News:
        last = await self._call("XREVRANGE", _LOG, "+", "-", "COUNT", 1)
        news = News(await self._risk.ranked(_MOST_AT_START), await self._risk.campaigns(), whole=True)
        self._heard = last[0][0].decode() if last else "0-0"
        return news

    async def lead(self) -> bool:
        """See `ports.EvidenceStore`."""
        return bool(await self._run("lead", [_LEADER], [self._me, _LEADS_MS]))

    async def give(self, looks: Sequence[bytes]) -> None:
        """See `ports.EvidenceStore`."""
        for at in range(0, len(looks), _A_BATCH):
            batch = msgspec.msgpack.encode(looks[at : at + _A_BATCH])
            await self._call("XADD", _LOOKS, "MAXLEN", _MOST_LOOKS, "*", "looks", batch)
        await self._call("PEXPIRE", _LOOKS, _LOOKS_MS)

    async def given(self) -> list[bytes]:
        """See `ports.EvidenceStore`. Whoever begins to link hears what is still there."""
        entries = await self._call("XRANGE", _LOOKS, self._given, "+", "COUNT", 16)
        looks: list[bytes] = []
        for number, (_, batch) in entries:
            self._given = f"({number.decode()}"
            looks += _BATCH.decode(batch)
        return looks

    async def publish(self, campaigns: Sequence[Judged], kept_us: int) -> None:
        """See `ports.EvidenceStore`."""
        rest: list[Word] = []
        for one in campaigns:
            rest += [one.campaign.id, msgspec.json.encode(one)]
        await self._run("publish", [_CAMPAIGNS, _LOG], [self._me, _MOST_LOGGED, kept_us // 1000, *rest])

    async def _run(self, name: str, keys: Sequence[str], args: Sequence[Word]) -> Any:
        return await self._line.run(self._scripts[name], keys, args, deadline_s=self._deadline_s)

    async def _call(self, *words: Word) -> Any:
        return await self._line.call(*words, deadline_s=self._deadline_s)


class RedisRisk:
    """RiskStore over a line, as any process told last."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._deadline_s = _PATIENCE * line.deadline_s

    async def verdict(self, key_id: str) -> Verdict:
        """See `ports.RiskStore`."""
        spec = await self._call("HGET", _VERDICTS, key_id)
        return NO_VERDICT if spec is None else _VERDICT.decode(spec)

    async def ranked(self, limit: int, campaign: str | None = None) -> list[tuple[str, Verdict]]:
        """See `ports.RiskStore`."""
        if campaign is not None:
            return (await self._members(campaign))[:limit]
        keys = [key.decode() for key in await self._call("ZREVRANGE", _RANKED, 0, limit - 1)] if limit > 0 else []
        return await self._of(keys)

    async def campaign(self, id: str) -> Judged | None:
        """See `ports.RiskStore`."""
        spec = await self._call("HGET", _CAMPAIGNS, id)
        return None if spec is None else _JUDGED.decode(spec)

    async def campaigns(self) -> list[Judged]:
        """See `ports.RiskStore`."""
        flat = await self._call("HGETALL", _CAMPAIGNS)
        found = [_JUDGED.decode(spec) for spec in flat[1::2]]
        return sorted(found, key=lambda one: (-one.campaign.evidence, one.campaign.id))

    async def _members(self, campaign: str) -> list[tuple[str, Verdict]]:
        judged = await self.campaign(campaign)
        found = [] if judged is None else await self._of(judged.campaign.callers)
        found = [(key_id, verdict) for key_id, verdict in found if verdict.campaign == campaign]
        return sorted(found, key=lambda one: (-one[1].score, -one[1].at_us))

    async def _of(self, key_ids: Sequence[str]) -> list[tuple[str, Verdict]]:
        found: list[tuple[str, Verdict]] = []
        for at in range(0, len(key_ids), _MOST_NEWS):
            keys = key_ids[at : at + _MOST_NEWS]
            specs = await self._call("HMGET", _VERDICTS, *keys)
            found += [(key_id, _VERDICT.decode(spec)) for key_id, spec in zip(keys, specs, strict=True) if spec is not None]
        return found

    async def _call(self, *words: Word) -> Any:
        return await self._line.call(*words, deadline_s=self._deadline_s)


def _kept(tokens: bytes, state: bytes) -> Kept:
    token, *before = tokens.decode().split(",")
    return Kept(token, state, tuple(before))


def _place(key_id: str) -> str:
    return f"azg:r:{{{key_id}}}"
