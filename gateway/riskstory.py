"""What is known of a caller that is suspected, told whole: what `gateway risk` and `/api/risk` tell an operator, as plain JSON values.

The score and how it went, each signal's part, the campaign with its links, what the ladder does with it now and what it would take for
more, when it will have faded, what people decided. Times are Unix microseconds, weights decibans.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.decide import climb
from gateway.core.explaining import Lacks, Part, Standing, standing
from gateway.errors import RiskError
from gateway.model.caller import Caller, KeyRecord, fingerprint
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.policy import Policy
from gateway.model.ruling import LONGEST_WHY, Finding, Ruling
from gateway.policy.match import match_caller
from gateway.ports import KeyStore, RiskStore, RulingStore
from gateway.risk.course import points
from gateway.risk.fading import as_of
from gateway.risk.judged import Judged
from gateway.risk.ruled import let_go, ruled

__all__ = ["Room", "campaigns_of", "decisions", "key_named", "ranking", "rule_on", "story_of"]

_DIGITS = re.compile(r"[0-9a-f]{8,32}")
_ALL_DIGITS = 32
_MOST_RANKED = 10_000


@dataclass(frozen=True, slots=True)
class Room:
    """What is asked: the policy to judge by, the stores, and the time."""

    policy: Policy
    keys: KeyStore
    risk: RiskStore
    rulings: RulingStore
    now_us: int


async def key_named(room: Room, key: str) -> str:
    """The key id that `key` names; see `story_of`."""
    return (await _who(room, key))[0]


async def story_of(room: Room, key: str) -> dict[str, Any]:
    """All that is known of the caller that `key` names: a fingerprint, a key id or at least 8 digits of one. RiskError where it
    names nobody or several, StoreError where the state does not answer."""
    key_id, record = await _who(room, key)
    put = await room.risk.verdict(key_id)
    past = [one for one in await _rulings(room) if one.key_id == key_id]
    ruling = past[-1] if past else None
    stands = standing(room.policy, ruled(put, ruling), room.now_us)
    matched = match_caller(room.policy, _caller(key_id, record))
    campaign = await room.risk.campaign(put.campaign) if put.campaign else None
    return {
        "policy": room.policy.label,
        "mode": room.policy.mode,
        "at_us": room.now_us,
        "key_id": key_id,
        "fingerprint": fingerprint(key_id),
        "account": record.account if record else None,
        "rule": matched.rule if matched else "",
        "tier": matched.tier.id if matched else "",
        **_scored(stands),
        "next": _lacks(stands.next_),
        "fades": [{"rung": one.rung.id, "action": one.rung.do.word, "at_us": one.at_us} for one in stands.fades],
        "signals": [_part(part) for part in stands.parts],
        "course": [{"at_us": at_us, "score": round(score, 2)} for at_us, score in points(put.course)],
        "campaign": None if campaign is None else _campaign(room, campaign),
        "let_go": let_go(ruling, put),
        "exemptions": _exemptions(room, matched.rule if matched else ""),
        "ruling": None if ruling is None else _ruling(ruling),
        "rulings": [_ruling(one) for one in past],
    }


async def ranking(room: Room, limit: int, at_least: float | None = None) -> list[dict[str, Any]]:
    """Callers by evidence, the most first: those of `at_least` decibans now where that is given, and whom a person confirmed."""
    found = dict(await room.risk.ranked(limit if at_least is None else _MOST_RANKED))
    last = {one.key_id: one for one in await _rulings(room)}
    for key_id, ruling in last.items():
        if ruling.finding == "confirmed" and key_id not in found:
            found[key_id] = await room.risk.verdict(key_id)
    accounts = {record.key_id: record.account for record in await room.keys.list()}
    rows = [_row(room, key_id, verdict, last.get(key_id), accounts.get(key_id)) for key_id, verdict in found.items()]
    kept = [row for row in rows if at_least is None or row["score"] >= at_least or row["ruling"] == "confirmed"]
    return sorted(kept, key=lambda row: (-row["score"], row["key_id"]))[:limit]


async def campaigns_of(room: Room, limit: int) -> list[dict[str, Any]]:
    """Campaigns, the heaviest first."""
    return [_campaign(room, one) for one in (await room.risk.campaigns())[:limit]]


async def rule_on(room: Room, key: str, finding: Finding, *, by: str, why: str) -> Ruling:
    """Write a decision down. RiskError as `story_of`, and where it says nobody or no reason."""
    by, why = by.strip(), why.strip()
    if not by or not why:
        raise RiskError("say who decides (by) and why: whoever reads it in a year must understand it")
    if len(why) > LONGEST_WHY or len(by) > LONGEST_WHY // 10:
        raise RiskError(f"too long: a reason has at most {LONGEST_WHY} characters, a name {LONGEST_WHY // 10}")
    key_id, _ = await _who(room, key)
    ruling = Ruling(key_id, finding, room.now_us, by, why)
    await room.rulings.put(ruling)
    return ruling


async def decisions(rulings: RulingStore) -> list[dict[str, Any]]:
    """Every decision that is remembered, oldest first: `key_id`, `finding` (cleared | confirmed), `at_us`, `by`, `why`, and whether it
    `stands`. What calibration leaves out or counts as hostile."""
    _, found = await rulings.since(0)
    last = {one.key_id: one for one in found}
    return [{**_ruling(one), "key_id": one.key_id, "stands": last[one.key_id] is one} for one in found]


async def _rulings(room: Room) -> Sequence[Ruling]:
    return (await room.rulings.since(0))[1]


# ── Who ─────────────────────────────────────────────────────────────────────────────────────────


async def _who(room: Room, key: str) -> tuple[str, KeyRecord | None]:
    """The one key that is meant. A client's own key is not in the store of keys: it is known by what was seen of it."""
    digits = key.removeprefix("fp:").lower()
    if not _DIGITS.fullmatch(digits):
        raise RiskError("give a fingerprint (fp: and at least 8 hex digits) or a key id, never the key: `gateway risk list` has them")
    records = {one.key_id: one for one in await room.keys.list() if one.key_id.startswith(digits)}
    fitting = set(records)
    if not fitting:
        fitting = {key_id for key_id, _ in await room.risk.ranked(_MOST_RANKED) if key_id.startswith(digits)}
        fitting |= {one.key_id for one in await _rulings(room) if one.key_id.startswith(digits)}
    if not fitting and len(digits) == _ALL_DIGITS:
        fitting = {digits} if await room.risk.verdict(digits) != NO_VERDICT else set()
    if len(fitting) > 1:
        raise RiskError(f"{len(fitting)} keys begin with {digits}: give more digits")
    if not fitting:
        raise RiskError(f"nothing is known of a key that begins with {digits}: see `gateway risk list` and `gateway keys list`")
    key_id = fitting.pop()
    return key_id, records.get(key_id)


def _caller(key_id: str, record: KeyRecord | None) -> Caller:
    if record is None:
        return Caller(key_id, key_id, source="client")
    return Caller(key_id, record.account or key_id, record.tier, record.tags, limits=dict(record.limits))


# ── As plain values ─────────────────────────────────────────────────────────────────────────────


def _scored(stands: Standing) -> dict[str, Any]:
    verdict, ladder = stands.verdict, stands.ladder
    return {
        "score": round(verdict.score, 2),
        "high": round(verdict.high, 2),
        "observed": round(ladder.observed, 2),
        "kinds": sorted(verdict.kinds),
        "judged_us": verdict.at_us or None,
        "action": ladder.acting.do.word,
        "rung": ladder.acting.id,
        "intended": ladder.intended.do.word,
        "confirmed": verdict.confirmed,
    }


def _row(room: Room, key_id: str, put: Verdict, ruling: Ruling | None, account: str | None) -> dict[str, Any]:
    now = as_of(room.policy, ruled(put, ruling), room.now_us)
    ladder = climb(room.policy, now)
    return {
        "key_id": key_id,
        "fingerprint": fingerprint(key_id),
        "account": account,
        "score": round(now.score, 2),
        "observed": round(ladder.observed, 2),
        "kinds": sorted(now.kinds),
        "action": ladder.acting.do.word,
        "rung": ladder.acting.id,
        "campaign": now.campaign,
        "seen_us": put.at_us or None,
        "ruling": None if ruling is None else ruling.finding,
    }


def _lacks(lacks: Lacks | None) -> dict[str, Any] | None:
    if lacks is None:
        return None
    return {
        "rung": lacks.rung.id,
        "action": lacks.rung.do.word,
        "at": lacks.rung.at,
        "decibans": round(lacks.decibans, 2),
        "kinds": lacks.kinds,
    }


def _part(part: Part) -> dict[str, Any]:
    told = part.told
    return {
        "signal": told.signal,
        "version": told.version,
        "kind": told.kind,
        "weight": told.weight,
        "cap": part.cap,
        "left": part.left,
        "level": part.level,
        "counted": told.counted,
        "seen": told.seen,
        "threshold": told.threshold,
    }


def _campaign(room: Room, judged: Judged) -> dict[str, Any]:
    campaign = judged.campaign
    now = as_of(room.policy, judged.verdict, room.now_us)
    return {
        "id": campaign.id,
        "score": round(now.score, 2),
        "action": climb(room.policy, now).acting.do.word,
        "evidence": round(campaign.evidence, 2),
        "first_linked_us": campaign.first_linked_at_us,
        "accounts": list(campaign.accounts),
        "callers": list(campaign.callers),
        "links": [{"name": link.name, "weight": round(link.weight, 2), "seen": link.seen} for link in campaign.links],
    }


def _exemptions(room: Room, rule: str) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "signals": sorted(one.signals), "until_us": one.until_us, "why": one.why}
        for one in room.policy.exemptions
        if one.caller == rule and room.now_us < one.until_us
    ]


def _ruling(one: Ruling) -> dict[str, Any]:
    return {"finding": one.finding, "at_us": one.at_us, "by": one.by, "why": one.why}
