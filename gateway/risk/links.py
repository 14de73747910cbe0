"""Who moves together: accounts linked into campaigns by what is rare in common.

Looks go in one by one (`feed`); `campaigns` then says who belongs together and why. Four steps:
1. `gateway.risk.wrappers` keeps which parts of wording recur in which accounts. Of those, a part counts that a few accounts repeat and
   hardly anybody has only once; a phrase of the language, what more than `most_users` repeat, and a known part do not.
2. Two accounts share an edge where they have several such parts in common, and half of what one of them repeats and shares.
   Accounts, not keys: the keys of one company are one account, and its own business.
3. `gateway.risk.together` weighs what else a group has in common, and against it what strangers with one wording have.
4. `gateway.risk.groups` forms groups, the surest first. One of `at_least` decibans is a campaign.
5. `gateway.risk.pools` puts together what several accounts send with one beginning, end or system prompt, seldom as each may: whose
   contents were dealt out to them, or who ask for what a copier asks for, is a campaign too.

A caller has the larger of its own evidence and its campaign's, never the sum (`gateway.risk.sum.larger`).
Pure and bounded: `most_accounts` accounts of two kilobytes at most, a table of 8 MiB, `most_shared` parts with `most_users` accounts.
Nothing of `truth` links; the system prompt only where it asks for what a copier asks for: those of frameworks and vendors stand there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from gateway.model.evidence import Evidence
from gateway.model.look import Look
from gateway.risk.groups import gathering
from gateway.risk.pooling import Pooled, pooled
from gateway.risk.pools import Pool, Pools
from gateway.risk.steps import Steps, finish
from gateway.risk.together import WORDING, Crowd, Link, weigh_together
from gateway.risk.wrappers import Account, Wrappers
from gateway.signals.base import Baseline, Signal

__all__ = ["Campaign", "Links"]

_VERSION = "1"
_MOST_KEYS = 64
_MOST_PAIRS = 2_000_000
_FEWEST = 3
_FEWEST_PARTS = 2
_RARE_PAYMENT = 32
_CAP = 40.0
_AT_ONCE = 8
_STEP = 512


@dataclass(frozen=True, slots=True)
class Campaign:
    """Callers who move together. `id` stays while the group keeps any of its accounts; `callers` are key ids, sorted; `evidence` in
    decibans is the sum of the links' weights, at most 40; `first_linked_at_us` the time of the last look when it was first found."""

    id: str
    callers: tuple[str, ...]
    accounts: tuple[str, ...]
    links: tuple[Link, ...]
    evidence: float
    first_linked_at_us: int
    said: tuple[Evidence, ...] = ()
    """What the signals say of the requests that link them, put together: cover is not among these."""

    def reason(self) -> Evidence:
        """The campaign's links as a caller's evidence of the kind `linkage`."""
        seen = "; ".join(link.seen for link in self.links)
        return Evidence("linkage", _VERSION, "linkage", self.evidence, f"{len(self.accounts)} accounts: {seen}", "15 decibans")


class Links:
    """Takes looks in, tells campaigns. `known`: parts of wording (`wrappers.parts_of`) that never link, a framework's default say;
    `bits`: of the size of the table that everybody's parts are looked up in, 8 bytes each."""

    def __init__(
        self, most_accounts: int = 131_072, most_users: int = 512, most_shared: int = 32_768,
        known: Iterable[int] = (), at_least: float = 15.0, bits: int = 20,
    ) -> None:  # fmt: skip
        known = frozenset(known)
        self.skipped_parts = 0
        self._most_accounts = most_accounts
        self._at_least = at_least
        self._wrappers = Wrappers(most_users, most_shared, known, bits)
        self._pools = Pools(most_users, max(64, most_shared // 16), bits, known)
        self._baseline: Callable[[], Baseline] | None = None
        self._accounts: dict[int, Account] = {}
        self._numbers: dict[str, int] = {}
        self._next = 1
        self._found: dict[int, tuple[str, int]] = {}
        self._now_us = 0

    def __len__(self) -> int:
        return len(self._accounts)

    def listen(self, signals: Mapping[str, Signal], baseline: Callable[[], Baseline]) -> None:
        """From now on have signals watch the requests that share a wording with other accounts, and weigh them by the baseline.
        Without, wording is compared and nothing is read out of it."""
        self._pools.signals = signals
        self._baseline = baseline

    def feed(self, look: Look) -> None:
        """One request. A caller without an account is its own."""
        name = look.account or look.key_id
        number = self._numbers.get(name) or self._new(name, look.at_us)
        account = self._accounts[number]
        account.requests += 1
        account.last_us = max(account.last_us, look.at_us)
        self._now_us = max(self._now_us, look.at_us)
        if look.key_id not in account.keys and len(account.keys) < _MOST_KEYS:
            account.keys.append(look.key_id)
        if not account.holds(look.exact & 0xFFFFFFFF):
            self._pools.feed(number, look)
        if self._wrappers.feed(number, account, look):
            account.wrap(look)
            account.system = look.system
        if not account.agent and look.attributes:
            known = dict(look.attributes)
            account.agent, account.asn, account.payment = (known.get(field, "") for field in ("agent", "asn", "payment"))

    def campaigns(self) -> list[Campaign]:
        """All groups that weigh enough, the heaviest first. Work: the accounts once, and the pairs that share parts."""
        return finish(self.looking())

    def looking(self) -> Steps[list[Campaign]]:
        """The same in steps, between which looks may go in: those are not, or only partly, seen by it."""
        known = dict(self._accounts)  # whoever is forgotten meanwhile is still there to be weighed
        crowd = yield from Crowd.met(list(known.values()))

        def weigh(numbers: list[int]) -> float:
            return _sum(weigh_together([known[number] for number in numbers], crowd))

        edges = yield from self._edges(known, crowd)
        groups = yield from gathering(edges, weigh, self._at_least)
        told = yield from pooled(self._pools.telling(), self._said, lambda number: known[number].requests if number in known else 0)
        found = []
        for numbers, spoken in _joined(groups, told, lambda numbers: weigh(numbers) >= self._at_least):
            yield
            accounts = [known[number] for number in numbers if number in known]
            links = weigh_together(accounts, crowd)
            links = links if spoken is None else spoken.links(links)
            if _sum(links) >= (self._at_least if spoken is None or not spoken.worded else WORDING):
                found.append(self._campaign(numbers, accounts, links, _sum(links), spoken.said if spoken is not None else ()))
        return sorted(found, key=lambda campaign: (-campaign.evidence, campaign.id))

    def _said(self, pool: Pool) -> tuple[Evidence, ...]:
        return () if self._baseline is None else self._pools.said(pool, self._now_us, self._baseline())

    def _new(self, name: str, at_us: int) -> int:
        if len(self._accounts) >= self._most_accounts:
            self._forget()
        number, self._next = self._next, self._next + 1
        self._numbers[name] = number
        self._accounts[number] = Account(name, at_us)
        return number

    def _forget(self) -> None:
        """An eighth goes: those that share nothing first, then those not seen for longest."""
        order = sorted(self._accounts, key=lambda number: (self._accounts[number].wrapped > 0, self._accounts[number].last_us))
        gone = frozenset(order[: max(1, self._most_accounts // 8)])
        self._wrappers.leave(gone)
        self._pools.leave(gone)
        for number in gone:
            del self._numbers[self._accounts.pop(number).name]
            self._found.pop(number, None)

    def _edges(self, known: dict[int, Account], crowd: Crowd) -> Steps[dict[int, dict[int, int]]]:
        """Which accounts have how many parts in common, where that is half of what one of them repeats and shares."""
        pairs: Counter[int] = Counter()
        own: Counter[int] = Counter()
        telling = yield from self._telling(known)
        for users in sorted(telling, key=len):
            own.update(users)
            if len(pairs) + len(users) * (len(users) - 1) // 2 > _MOST_PAIRS:
                self.skipped_parts += 1
                continue
            users.sort()
            for at, one in enumerate(users):
                pairs.update([one << 32 | other for other in users[at + 1 :]])
                if at % _AT_ONCE == 0:
                    yield
        edges: dict[int, dict[int, int]] = {}
        for done, (pair, count) in enumerate(pairs.items()):
            if done % _STEP == 0:
                yield
            one, other = pair >> 32, pair & 0xFFFFFFFF
            if count >= _FEWEST_PARTS and 2 * count >= min(own[one], own[other]):
                strength = count + _one_payment(known[one], known[other], crowd)
                edges.setdefault(one, {})[other] = edges.setdefault(other, {})[one] = strength
        return edges

    def _telling(self, known: dict[int, Account]) -> Steps[list[list[int]]]:
        """For each part that is a wrapper's the accounts it recurs in: repeated at least as often as met once."""
        found = []
        for part, shared in list(self._wrappers.shared.items()):
            if shared.common:
                continue
            counts = {number: known[number].count(part) for number in shared.users if number in known}
            users = [number for number, count in counts.items() if count]
            if len(users) >= 2 and sum(counts.values()) >= shared.single:
                found.append(users)
            yield
        return found

    def _campaign(
        self, numbers: list[int], accounts: list[Account], links: list[Link], evidence: float, said: tuple[Evidence, ...]
    ) -> Campaign:
        """The group with the id that most of its accounts have had, or a new one by its first account."""
        before = Counter(self._found[number] for number in numbers if number in self._found)
        if before:
            name, since = max(before, key=lambda known: (before[known], -known[1], known[0]))
        else:
            name = "c-" + blake2b(accounts[0].name.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()
            since = self._now_us
        for number in numbers:
            if number in self._accounts:  # and not forgotten meanwhile
                self._found[number] = (name, since)
        callers = tuple(sorted({key for account in accounts for key in account.keys}))
        return Campaign(name, callers, tuple(sorted(account.name for account in accounts)), tuple(links), evidence, since, said)


def _joined(groups: list[list[int]], told: list[Pooled], heavy: Callable[[list[int]], bool]) -> list[tuple[list[int], Pooled | None]]:
    """Groups by parts and by pools. A pool with half of its accounts in a group is that group's; where it is most of the group, and the
    others do not weigh by themselves, it is all of it. One with hardly any in a group stands by itself."""
    sets: list[tuple[set[int], Pooled | None]] = [(set(group), None) for group in groups]
    for one in told:
        numbers = set(one.numbers)
        for at, (group, spoken) in enumerate(sets):
            common, rest = numbers & group, sorted(group - numbers)
            if 2 * len(common) < len(numbers):
                continue
            if len(rest) >= _FEWEST and heavy(rest):
                sets[at] = group | numbers, one.among(spoken)
            elif spoken is None:
                sets[at] = numbers if len(rest) >= _FEWEST else numbers | group, one
            else:
                continue
            break
        else:
            free = numbers.difference(*(group for group, _ in sets))
            if len(free) >= _FEWEST and (one.worded or (one.deal is not None and one.deal.weight > 0)):
                sets.append((free, one))
    return [(sorted(group), spoken) for group, spoken in sets]


def _one_payment(one: Account, other: Account, crowd: Crowd) -> bool:
    """Whether two accounts have one payment that few others have."""
    return bool(one.payment) and one.payment == other.payment and crowd.payments[one.payment] <= _RARE_PAYMENT


def _sum(links: list[Link]) -> float:
    return min(_CAP, sum(link.weight for link in links))
