"""Sees each caller whole where several processes serve: what one learnt is offered to all, twice a second, off the road.

A caller's state lives in the shared store under a token. Each process works on the state as it knows it, and offers what became of it;
where another wrote meanwhile, it takes that one's state, feeds to it what it saw itself since (looks, not counts: what recurs is found
across processes as in one), and offers again. So what a process does is bounded by the callers that it served itself, however many
processes there are. Verdicts are told where they change, and every process reads them from its own memory. One process links, with the
looks of all. While the store is lost each goes on alone, and then catches up.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.errors import StoreError
from gateway.linking import Linking, pack
from gateway.model.evidence import Verdict
from gateway.model.look import Look
from gateway.model.policy import Policy
from gateway.ports import EvidenceStore, HistoryStore, Kept, Meter, News, Offer
from gateway.risk.campaigns import linkage_of
from gateway.risk.links import Campaign
from gateway.weigher import Weigher

__all__ = ["Sharing"]

_log = logging.getLogger("gateway")

_EVERY_S = 0.5
_LAST_S = 1.0
_AT_ONCE = 32
"""Callers that are offered together: so few that the road's calls to the same Redis wait for less than a millisecond."""
_LONGEST_S = 1.0
_ROUNDS = 3
_MOST_MAYBE = 16
_MOST_LOOKS = 2_048
_MOST_OF_ONE = 32
_MOST_GIVEN = 2_048
_MOST_BROUGHT = 2_048
_MOST_TOLD = 50_000
_SLICE_S = 0.0005
_MOVED = 0.5
_A_DAY_US = 24 * 3600 * 1_000_000


@dataclass(slots=True)
class _Pending:
    """What a process saw of one caller and has not yet got into the shared state. `sent` of the looks are in the offer under way;
    `maybe`: tokens of offers whose outcome is unknown, and how many of the looks were in each."""

    policy: Policy
    rule: str
    looks: list[Look] = field(default_factory=list)
    sent: int = 0
    maybe: list[tuple[str, int]] = field(default_factory=list)


class Sharing:
    """Joins one process's weigher to the others by a store; where there are no others it only settles campaigns. `now_us`: Unix
    microseconds."""

    def __init__(
        self,
        store: EvidenceStore,
        weigher: Weigher,
        linking: Linking,
        history: HistoryStore,
        meter: Meter,
        now_us: Callable[[], int],
    ) -> None:
        self._store = store
        self._weigher = weigher
        self._linking = linking
        self._history = history
        self._meter = meter
        self._now_us = now_us
        self._pending: dict[str, _Pending] = {}
        self._looks = 0
        self._given: list[bytes] = []
        self._told: dict[str, Verdict] = {}
        self._published: list[tuple[str, int, int]] = []
        self._failing = self._began = False
        weigher.taught = self.saw
        linking.leads = store.local

    def saw(self, policy: Policy, rule: str, look: Look) -> None:
        """One request of this process was weighed."""
        if self._store.local:
            return
        pending = self._pending.get(look.key_id)
        if pending is None:
            pending = self._pending[look.key_id] = _Pending(policy, rule)
        pending.policy, pending.rule = policy, rule
        if len(pending.looks) >= _MOST_OF_ONE or self._looks >= _MOST_LOOKS:
            self._lose(1)  # it is in this process's own state, and comes too late for another's
        else:
            pending.looks.append(look)
            self._looks += 1
        if not self._linking.leads and linkage_of(policy) != "off":
            if len(self._given) < _MOST_GIVEN:
                self._given.append(pack(look))
            else:
                self._lose(1)

    async def run(self) -> None:
        """Run for as long as the process serves."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.tick()

    async def tick(self) -> None:
        """Hear, offer and tell once. What fails is tried again with the next."""
        try:
            if not self._store.local or not self._began:
                self._linking.leads = await self._store.lead()
                await self._hear(await self._store.news())
                self._began = True
            if not self._store.local:
                await self._offer_all()
                await self._hand_on()
            await self._settle()
        except StoreError as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - one caller's state that cannot be read must not end the sharing of all
            _log.error("callers could not be shared: %s", type(error).__name__)
        else:
            self._answered()
        self._weigher.wake()

    async def aclose(self) -> None:
        """Offer what is left, if it is quick."""
        try:
            async with asyncio.timeout(_LAST_S):
                await self.tick()
        except TimeoutError:
            _log.warning("what was learnt last of %d callers is not shared: the state did not answer", len(self._pending))

    # ── What others say ─────────────────────────────────────────────────────────────────────────

    async def _hear(self, news: News) -> None:
        began = time.thread_time()
        callers = self._weigher.scales.callers
        for key_id, verdict in news.verdicts:
            began = await self._rested("share", began)
            if news.whole and self._history.standing(key_id).at_us > verdict.at_us:
                continue
            self._history.put(key_id, verdict)
            if key_id in callers:
                # What is known here is old. Its verdict stands meanwhile, and with the next request of the caller all of it comes.
                self._weigher.scales.resume(key_id, verdict, verdict.at_us)
        campaigns, policy = self._weigher.campaigns, self._linking.policy
        if news.campaigns is not None and campaigns is not None and (news.whole or not self._linking.leads):
            for key_id in campaigns.adopt(news.campaigns):
                if policy is not None:
                    began = await self._rested("share", began)
                    self._weigher.judge(policy, key_id, self._now_us())
        self._weigher.spent("share", time.thread_time() - began)

    # ── What this process says ──────────────────────────────────────────────────────────────────

    async def _offer_all(self) -> None:
        began = time.monotonic()
        waiting = list(self._pending)
        for at in range(0, len(waiting), _AT_ONCE):
            keys = waiting[at : at + _AT_ONCE]
            told: list[tuple[str, Verdict]] = []
            for _ in range(_ROUNDS):
                keys, taken = await self._offer(keys)
                told += taken
                if not keys:
                    break
            await self._tell(told)
            if time.monotonic() - began > _LONGEST_S:
                return  # the others come with the next tick

    async def _offer(self, keys: Sequence[str]) -> tuple[list[str], list[tuple[str, Verdict]]]:
        """One round: the callers of whom another process knew more, and the verdicts on those that are shared now."""
        began = time.thread_time()
        offers = []
        for key_id in keys:
            began = await self._rested("share", began)
            if (offer := self._made(key_id)) is not None:
                offers.append(offer)
        spent = time.thread_time() - began
        try:
            answers = await self._store.offer(offers, self._kept_us())
        except StoreError:
            for offer in offers:
                pending = self._pending[offer.key_id]
                pending.maybe = [*pending.maybe, (offer.token, pending.sent)][-_MOST_MAYBE:]
            raise
        began = time.thread_time()
        again, verdicts = [], []
        for offer, answer in zip(offers, answers, strict=True):
            began = await self._rested("share", began)
            if answer is not None:
                self._take_over(offer.key_id, answer)
                again.append(offer.key_id)
            else:
                self._shared(offer)
                verdicts.append(offer.key_id)
        told = []
        for key_id in verdicts:
            began = await self._rested("share", began)
            told += self._worth_telling([key_id])
        spent += time.thread_time() - began
        self._weigher.spent("share", spent)
        await asyncio.sleep(min(0.05, spent * self._weigher.rest))
        return again, told

    def _made(self, key_id: str) -> Offer | None:
        pending, callers = self._pending[key_id], self._weigher.scales.callers
        before = callers.of(key_id).token
        packed = callers.dump(key_id)
        if packed is None:
            return None
        pending.sent = len(pending.looks)
        return Offer(key_id, before, secrets.token_hex(4), packed)

    def _shared(self, offer: Offer) -> None:
        pending = self._pending[offer.key_id]
        self._weigher.scales.callers.of(offer.key_id).token = offer.token
        pending.maybe = []
        self._drop(pending, pending.sent)
        if not pending.looks:
            del self._pending[offer.key_id]

    def _take_over(self, key_id: str, kept: Kept) -> None:
        """Another's state, with what this process saw since fed to it. The verdict that stood holds until the whole comes to more."""
        pending, scales = self._pending[key_id], self._weigher.scales
        standing = self._history.standing(key_id)
        self._drop(pending, max([sent for token, sent in pending.maybe if token == kept.token or token in kept.before], default=0))
        pending.maybe = []
        scales.callers.put(key_id, kept.packed, kept.token)
        for look in pending.looks:
            scales.feed(pending.policy, pending.rule, look)
        if standing.score > 0.0:
            scales.resume(key_id, standing, standing.at_us)

    def _drop(self, pending: _Pending, count: int) -> None:
        """So many of the looks are in the shared state now."""
        self._looks -= count
        del pending.looks[:count]

    def _worth_telling(self, key_ids: Sequence[str]) -> list[tuple[str, Verdict]]:
        told = []
        for key_id in key_ids:
            policy = self._linking.policy
            verdict = None if policy is None else self._weigher.judge(policy, key_id, self._now_us())
            if verdict is not None and self._moved(key_id, verdict):
                told.append((key_id, verdict))
        return told

    def _moved(self, key_id: str, verdict: Verdict) -> bool:
        last = self._told.get(key_id)
        if last is None:
            return bool(verdict.reasons)
        return abs(verdict.score - last.score) >= _MOVED or (verdict.kinds, verdict.campaign) != (last.kinds, last.campaign)

    async def _tell(self, verdicts: Sequence[tuple[str, Verdict]]) -> None:
        if not verdicts or self._store.local:
            return
        verdicts = [(key_id, self._history.standing(key_id)) for key_id, _ in verdicts]  # with its course
        await self._store.tell(verdicts, self._kept_us())
        if len(self._told) > _MOST_TOLD:
            self._told.clear()
        self._told.update(verdicts)

    def _kept_us(self) -> int:
        """Six half-lives: what is older is worth less than a deciban."""
        policy = self._linking.policy
        half_life_us = policy.half_life_us if policy is not None else 0
        return max(_A_DAY_US, min(6 * half_life_us, 90 * _A_DAY_US)) if half_life_us else 90 * _A_DAY_US

    # ── Who is linked ───────────────────────────────────────────────────────────────────────────

    async def _hand_on(self) -> None:
        """Looks go to whoever links."""
        if self._linking.leads:
            self._given.clear()
            self._linking.hear(await self._store.given())
        elif self._given:
            given, self._given = self._given, []
            await self._store.give(given)

    async def _settle(self) -> None:
        """What the last look-through found is judged, stands from now on, and is told."""
        linking, campaigns, policy = self._linking, self._weigher.campaigns, self._linking.policy
        if linking.found is None or campaigns is None or policy is None:
            return
        await self._bring(linking.found)
        now_us = max(self._now_us(), linking.now_us)
        steps = campaigns.settling(policy, linking.rule, linking.found, now_us)
        changed: frozenset[str] = frozenset()
        began = time.thread_time()
        while True:
            try:
                next(steps)
            except StopIteration as end:
                changed = end.value
                break
            began = await self._rested("link", began)
        linking.found = None
        told = []
        for key_id in sorted(changed):
            told += self._worth_telling([key_id])
            began = await self._rested("link", began)
        self._weigher.spent("link", time.thread_time() - began)
        await self._tell(told)
        judged = campaigns.judged()
        standing = [(one.campaign.id, len(one.campaign.callers), round(one.verdict.score)) for one in judged]
        if standing != self._published:
            await self._store.publish(judged, self._kept_us())
            self._published = standing

    async def _rested(self, part: str, began: float) -> float:
        """After a slice of a part's work, rest; when the next one begins. What is not done yet others may change meanwhile."""
        spent = time.thread_time() - began
        if spent < _SLICE_S:
            return began
        self._weigher.spent(part, spent)
        await asyncio.sleep(spent * self._weigher.rest)
        return time.thread_time()

    async def _bring(self, found: Sequence[Campaign]) -> None:
        """What other processes know of members that this one does not."""
        callers = self._weigher.scales.callers
        members = [key_id for campaign in found for key_id in campaign.callers if key_id not in callers][:_MOST_BROUGHT]
        for at in range(0, len(members), _AT_ONCE):
            fetched = await self._store.fetch(members[at : at + _AT_ONCE])
            for key_id, kept in fetched.items():
                if key_id not in callers:
                    callers.put(key_id, kept.packed, kept.token)

    # ── How it goes ─────────────────────────────────────────────────────────────────────────────

    def _lose(self, count: int) -> None:
        self._meter.count("gateway_weigh_shed_total", ("unshared",), count)

    def _failed(self, error: StoreError) -> None:
        self._meter.count("gateway_weigh_share_failures_total", ())
        if not self._failing:
            _log.warning("callers are judged by this process alone (%s): what the others see comes when the state answers again", error)
        self._failing = True

    def _answered(self) -> None:
        if self._failing:
            _log.warning("callers are judged together with the other processes again")
        self._failing = False
