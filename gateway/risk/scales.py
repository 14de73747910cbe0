"""Weighs looks: feeds every signal of the policy, asks each what it says of the caller, and adds it up.

The same for the live gateway and for replay; time comes with the looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.model.evidence import Evidence, Verdict
from gateway.model.look import Look
from gateway.model.policy import Policy
from gateway.model.value import replace
from gateway.risk.baseline import over_general
from gateway.risk.callers import Callers, Known
from gateway.risk.sum import SPOKE, faded, summed, with_peak
from gateway.signals.base import Baseline, Signal

__all__ = ["MEMORY", "Scales", "active"]

MEMORY = 64 * 1024 * 1024
"""Bytes for what is remembered of callers, unless something else is said."""

_MOST_REASONS = 16


def active(policy: Policy, signals: Mapping[str, Signal]) -> tuple[str, ...]:
    """The names of those signals that the policy has not switched off."""
    return tuple(name for name, rule in policy.signals.items() if rule.level != "off" and name in signals)


class Scales:
    """The signals with what they remember of callers. `signals` by name; `memory` in bytes. `baseline` counts where a policy names none
    of its own; one that has a `combined` says what sums are worth by it."""

    def __init__(self, signals: Mapping[str, Signal], baseline: Baseline, *, memory: int = MEMORY) -> None:
        self.signals = signals
        self.callers = Callers(signals, memory)
        self._shipped = self._baseline = baseline
        self._combined: Callable[[float], float] = float
        self._policy: Policy | None = None
        self._active: tuple[tuple[str, Signal], ...] = ()

    @property
    def baseline(self) -> Baseline:
        """The one that counts now."""
        return self._baseline

    def weigh(self, policy: Policy, rule: str, look: Look) -> Verdict:
        """The verdict on a caller, matched by caller rule `rule`, after one more of its requests."""
        return self._judged(policy, self.feed(policy, rule, look), look.at_us)

    def feed(self, policy: Policy, rule: str, look: Look) -> Known:
        """Take one request in, to be judged later, together with others of the same caller."""
        known = self.callers.of(look.key_id)
        known.at_us, known.rule = max(known.at_us, look.at_us), rule
        known.requests += 1
        for name, signal in self._watching(policy):
            state = known.states.get(name)
            if state is None:
                state = known.states[name] = signal.fresh()
            signal.watch(state, look)
        return known

    def resume(self, key_id: str, verdict: Verdict, now_us: int) -> None:
        """Take up a caller by the verdict that stood on it, where what it was based on is not remembered (a restart, a full memory)."""
        known = self.callers.of(key_id)
        known.carried, known.carried_us = verdict, now_us

    def standing(self, policy: Policy, key_id: str, now_us: int) -> Verdict | None:
        """The verdict on a caller as it is now, older evidence faded; None where nothing is remembered of it."""
        known = self.callers.find(key_id)
        return None if known is None else self._judged(policy, known, now_us)

    def said(self, policy: Policy, known: Known) -> list[Evidence]:
        """What each signal says of a caller as of its last request, uncapped."""
        heard = []
        for name, signal in self._watching(policy):
            if name in known.states:
                evidence = signal.weigh(known.states[name], known.at_us, self._baseline)
                if evidence is not None:
                    heard.append(evidence)
        return heard

    def _watching(self, policy: Policy) -> tuple[tuple[str, Signal], ...]:
        if policy is not self._policy:
            self._policy = policy
            self._baseline = self._shipped if policy.baseline is None else over_general(policy.baseline)
            self._combined = getattr(self._baseline, "combined", float)
            self._active = tuple((name, self.signals[name]) for name in active(policy, self.signals))
        return self._active

    def _judged(self, policy: Policy, known: Known, now_us: int) -> Verdict:
        now_us = max(now_us, known.at_us)
        verdict = summed(policy, known.rule, self.said(policy, known), age_us=now_us - known.at_us, now_us=now_us, worth=self._combined)
        if known.carried is not None:
            verdict = self._or_carried(policy, known, verdict, now_us)
        verdict, known.peaks = with_peak(policy, known.peaks, verdict, now_us)
        known.score = verdict.score
        return verdict

    def _or_carried(self, policy: Policy, known: Known, verdict: Verdict, now_us: int) -> Verdict:
        """The verdict that was carried over, as far as it has not faded, where it is still the larger."""
        carried = known.carried
        assert carried is not None  # asked for by _judged only then
        left = faded(carried.score, now_us - known.carried_us, policy.half_life_us)
        if left <= max(verdict.score, 0.5):
            known.carried = None
            return verdict
        kinds = verdict.kinds | carried.kinds if left >= SPOKE else verdict.kinds
        return replace(verdict, score=left, kinds=kinds, reasons=(*verdict.reasons, *carried.reasons)[:_MOST_REASONS])
