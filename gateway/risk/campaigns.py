"""Verdicts on campaigns, and what they make of their members' own.

A campaign is judged as one caller: what the signals remember of its members is put together, and that they are linked weighs beside it.
Each member then has the larger of its own evidence and its campaign's. Who belongs together is asked anew every so many requests; in
between, the last answer holds.
"""

from __future__ import annotations

from gateway.model.evidence import Evidence, Verdict
from gateway.model.look import Look
from gateway.model.policy import Policy
from gateway.model.value import replace
from gateway.risk.callers import Known
from gateway.risk.fading import as_of
from gateway.risk.judged import Judged
from gateway.risk.links import Campaign, Links
from gateway.risk.scales import Scales
from gateway.risk.steps import Steps, finish
from gateway.risk.sum import exempt_signals, larger, summed

__all__ = ["EVERY", "MOST_POOLED", "Campaigns", "linkage_of"]

EVERY = 1_024
"""Requests between two times that campaigns are looked for, or a thirty-second of all if that is more."""

_NOBODY: frozenset[str] = frozenset()
MOST_POOLED = 256
"""Members whose states are put together; of a larger campaign the first so many stand for all."""


class Campaigns:
    """Who is linked, beside the scales that weigh each caller. Where the policy has switched `linkage` off, nobody is.

    `kept_us`: how long one that is not found any more stands, where none of its callers is in another. Whoever begins to link (after
    a restart, or because the process is gone that did) has seen little yet.
    """

    def __init__(self, scales: Scales, links: Links | None = None, *, every: int = EVERY, kept_us: int = 0) -> None:
        self.links = links or Links()
        self.links.listen(scales.signals, lambda: scales.baseline)
        self.found: dict[str, Campaign] = {}
        """The campaign of each caller that is in one, by key id."""
        self._scales = scales
        self._every = every
        self._fed, self._next = 0, every
        self._verdicts: dict[str, Verdict] = {}
        self._kept_us = kept_us

    def feed(self, policy: Policy, rule: str, look: Look) -> frozenset[str]:
        """Takes one request in, of a caller under caller rule `rule`. The key ids of all whose verdict may change by it but for the
        caller's own: those in a campaign, before and after, when campaigns have been looked for."""
        if linkage_of(policy) == "off":
            return _NOBODY
        self.links.feed(look)
        self._fed += 1
        if self._fed < self._next:
            return _NOBODY
        # The more there is to look through, the less often: all in all a bounded share of the time.
        self._next = self._fed + max(self._every, self._fed // 32)
        return self.ask(policy, rule, look.at_us)

    def ask(self, policy: Policy, rule: str, now_us: int) -> frozenset[str]:
        """Looks for campaigns now. The key ids of those in one, before and after. `rule` is for members whose own is not known."""
        return finish(self.settling(policy, rule, self.links.campaigns(), now_us))

    def settling(self, policy: Policy, rule: str, campaigns: list[Campaign], now_us: int) -> Steps[frozenset[str]]:
        """Judges the campaigns that were found, in steps, and has them stand. The key ids of those in one, before and after."""
        verdicts: dict[str, Verdict] = {}
        for campaign in campaigns:
            verdicts[campaign.id] = yield from self._verdict(policy, rule, campaign, now_us)
        before = self.found.keys()
        found = {key_id: campaign for campaign in campaigns for key_id in campaign.callers}
        for campaign in {campaign.id: campaign for campaign in self.found.values()}.values():
            verdict = self._verdicts[campaign.id]
            if now_us - verdict.at_us < self._kept_us and campaign.id not in verdicts and found.keys().isdisjoint(campaign.callers):
                found.update(dict.fromkeys(campaign.callers, campaign))
                verdicts[campaign.id] = verdict
        self.found, self._verdicts = found, verdicts
        return frozenset(before | found.keys())

    def judged(self) -> list[Judged]:
        """All campaigns that stand, with their verdicts, the heaviest first."""
        standing = {campaign.id: campaign for campaign in self.found.values()}
        ranked = sorted(standing.values(), key=lambda campaign: (-campaign.evidence, campaign.id))
        return [Judged(campaign, self._verdicts[campaign.id]) for campaign in ranked]

    def adopt(self, told: list[Judged]) -> frozenset[str]:
        """Has the campaigns stand that another process found. The key ids of those in one, before and after."""
        before = self.found.keys()
        self.found = {key_id: one.campaign for one in told for key_id in one.campaign.callers}
        self._verdicts = {one.campaign.id: one.verdict for one in told}
        return frozenset(before | self.found.keys())

    def joined(self, policy: Policy, key_id: str, own: Verdict, now_us: int) -> Verdict:
        """A caller's verdict, `own` where it is in no campaign. Where linkage is only watched, or the caller exempt from it, the
        campaign is told and its evidence is not the caller's."""
        campaign = self.found.get(key_id)
        if campaign is None:
            return own
        level, known = linkage_of(policy), self._scales.callers.find(key_id)
        if level == "off":
            return own
        exempt = known is not None and "linkage" in exempt_signals(policy, known.rule, now_us)
        if level == "enforce" and not exempt:
            return larger(own, as_of(policy, self._verdicts[campaign.id], now_us))
        told = replace(campaign.reason(), counted=False)
        return replace(own, campaign=campaign.id, reasons=(*own.reasons, told))

    def _verdict(self, policy: Policy, rule: str, campaign: Campaign, now_us: int) -> Steps[Verdict]:
        """The campaign as one caller, under the caller rule that a member of it matched last."""
        pooled = yield from self._pooled(campaign)
        rule = pooled.rule or rule
        spoken: list[Evidence] = [campaign.reason(), *self._scales.said(policy, pooled)]
        # All that the members sent, or only what links them: where there is cover among it, that says more.
        linking: list[Evidence] = [campaign.reason(), *campaign.said]
        age_us = now_us - pooled.at_us if pooled.at_us else 0
        verdicts = [summed(policy, rule, heard, age_us=age_us, now_us=now_us) for heard in (spoken, linking)]
        verdict = max(verdicts, key=lambda verdict: verdict.score)
        return replace(verdict, campaign=campaign.id)

    def _pooled(self, campaign: Campaign) -> Steps[Known]:
        """What is remembered of the members, as if one caller had sent all of it. Theirs stays as it is."""
        pooled = Known()
        for key_id in campaign.callers[:MOST_POOLED]:
            yield
            known = self._scales.callers.find(key_id)
            if known is None:
                continue
            pooled.requests += known.requests
            if known.at_us > pooled.at_us:
                pooled.at_us, pooled.rule = known.at_us, known.rule
            for name, state in known.states.items():
                signal = self._scales.signals[name]
                if name in pooled.states:
                    signal.merge(pooled.states[name], state)
                else:
                    pooled.states[name] = signal.load(signal.dump(state))
        return pooled


def linkage_of(policy: Policy) -> str:
    """What the policy says of linkage; one that does not name it has it watched."""
    rule = policy.signals.get("linkage")
    return "watch" if rule is None else rule.level
