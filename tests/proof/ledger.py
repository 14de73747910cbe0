"""What four limits must have charged at the least, worked out apart from the code: exact fractions, every charge remembered by itself.

A charge ages by the time that passes and by each step that the clock is set forward (a store believes its clock); a clock that is set
back makes nothing older and nothing younger here, while a store may then remember longer. So a store's `used` is never below the
ledger's, and of a lifetime it is the very same. `debt` is what settles came to beyond their holds: only that may be above a limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["Charge", "Entry", "Ledger"]


@dataclass(eq=False)
class Charge:
    want: int
    net: int
    at: int
    debt: bool = False
    age: int = 0


@dataclass(eq=False)
class Entry:
    """A hold as its client knows it: by claim's name what it charged. `until` is when its lease ends, by the store's time."""

    hold: object
    charges: dict[str, list[Charge]] = field(default_factory=dict)
    until: int | None = None
    number: int = 0
    settled: bool = False

    @property
    def charged(self):
        return self.until is not None


class Ledger:
    """`windows` names each claim's kind, amount (of a bucket its burst), rate per window and window."""

    def __init__(self, claims):
        self.claims = claims
        self.charges = {name: [] for name in claims}
        self.level = Fraction(0)
        self.level_without_debt = Fraction(0)
        self.set_back = False
        self.held = self.refunded = self.debt = 0

    # ── What happens ────────────────────────────────────────────────────────────────────────────

    def older(self, us):
        for charges in self.charges.values():
            for charge in charges:
                charge.age += us
        claim = self.claims["bucket"]
        gone = Fraction(us * claim.amount, claim.limit.window_us)
        self.level = max(Fraction(0), self.level - gone)
        self.level_without_debt = max(Fraction(0), self.level_without_debt - gone)

    def charge(self, entry, name, want, now):
        made = Charge(want, want, now)
        entry.charges.setdefault(name, []).append(made)
        self.charges[name].append(made)
        if name == "bucket":
            self.level += want
            self.level_without_debt += want
        if name == "lifetime":
            self.held += want

    def settle(self, entry, true, now):
        """Of several charges the earlier are filled first, the last has all that is left."""
        for name, charges in entry.charges.items():
            if name == "slots":
                self.charges[name].remove(charges[0])
                continue
            left = true
            for place, charge in enumerate(charges):
                part = left if place == len(charges) - 1 else min(charge.want, left)
                left -= part
                self._settle(name, charge, part, now)

    def _settle(self, name, charge, true, now):
        charge.net = min(charge.want, true)
        over = max(0, true - charge.want)
        if over:
            self.charges[name].append(Charge(over, over, now, debt=True))
        if name == "bucket":
            self.level = max(Fraction(0), self.level + true - charge.want)
            self.level_without_debt = max(Fraction(0), self.level_without_debt + charge.net - charge.want)
        if name == "lifetime":
            self.refunded += charge.want - charge.net
            self.debt += over

    def slots_end(self):
        """The process that had them is gone."""
        self.charges["slots"].clear()

    def renew(self, entry):
        for charge in entry.charges.get("slots", ()):
            if charge.age < self.claims["slots"].limit.window_us:
                charge.age = 0

    # ── What must be so ─────────────────────────────────────────────────────────────────────────

    def least(self, name, *, with_debt=True):
        """What the store's `used` must be at the least."""
        if name == "bucket":
            return math.ceil(self.level if with_debt else self.level_without_debt)
        window_us = self.claims[name].limit.window_us
        lives = [charge for charge in self.charges[name] if not window_us or charge.age < window_us]
        return len(lives) if name == "slots" else sum(charge.net for charge in lives if with_debt or not charge.debt)

    def most(self, name, now, late_us):
        """What a sliding window or slots may be at the most, where the clock was never set back: a charge counts one slice longer."""
        lives = [charge for charge in self.charges[name] if now - charge.at < self.claims[name].limit.window_us + late_us]
        return len(lives) if name == "slots" else sum(charge.net for charge in lives)
