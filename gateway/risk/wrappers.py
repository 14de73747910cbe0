"""Which wordings an account uses again and again around changing contents, and which of those other accounts use too.

A *wrapper* is what stays when the slot changes: the masked first eight words, the last eight, single word triples of the text. Each
request has at most `PARTS` of them, as 32-bit numbers. A part *recurs* where an account sends it again, around another text, within
its last `RECENT` requests. What recurs once in an account is looked up in a table of fixed size by everybody's parts; only what recurs
in two accounts at least gets a `Shared` of its own. Nothing grows with the number of requests; what grows with the number of accounts
is one `Account` of about a kilobyte, and the number of accounts is bounded by `gateway.risk.links`.
"""

from __future__ import annotations

from array import array

from gateway.model.look import Look

__all__ = ["PARTS", "RECENT", "Account", "Shared", "Wrappers", "parts_of"]

PARTS = 12
RECENT = 24
_PLACES = (1, 4, 7, 10, 13, 17, 20, 23, 26, 29)
"""Places of the MinHash that are looked at: ten of 32, so that a wrapper that is a third of the text has three of them."""
_ROW = 4 * (PARTS + 1)
_MOST_USES = 16
_MOST_TOPICS = 48
_MASK = 0xFFFFFFFF
_FEW_WORDS = 6
"""Shorter texts have no wrapper and slot to tell apart."""


def parts_of(look: Look) -> tuple[int, ...]:
    """The parts of a request's text, never 0; () where it is too short to have a wrapper and a slot."""
    if look.words < _FEW_WORDS or not look.wrapper:
        return ()
    head, tail = look.head & _MASK | 1, look.tail & _MASK | 1
    return (head, tail ^ 2, *[look.wrapper[place] | 1 for place in _PLACES])


class Account:
    """What is kept of one account: `seen` its last requests' parts, `used` which parts recur and `uses` how often; of the requests that
    carried a shared part (`wrapped`) the topics, `told` in all; `repeats`, requests that were sent before word by word."""

    __slots__ = (
        "agent", "asn", "first_us", "keys", "last_us", "name", "next", "payment", "repeats", "requests", "seen", "system", "told",
        "topics", "used", "uses", "wrapped",
    )  # fmt: skip

    def __init__(self, name: str, at_us: int) -> None:
        self.name = name
        self.keys: list[str] = []
        self.seen = bytearray()
        self.next = 0
        self.used = array("I")
        self.uses = array("I")
        self.topics: dict[int, int] | None = None
        self.requests = self.wrapped = self.told = self.repeats = 0
        self.first_us = self.last_us = at_us
        self.agent = self.asn = self.payment = ""
        self.system = 0

    def count(self, part: int) -> int:
        """How often `part` recurred in this account."""
        return self.uses[self.used.index(part)] if part in self.used else 0

    def remember(self, exact: int, parts: tuple[int, ...]) -> None:
        """The request takes the oldest's place among the last ones."""
        row = array("I", (exact & _MASK, *parts)).tobytes()
        if len(self.seen) < RECENT * _ROW:
            self.seen += row
            return
        self.seen[self.next : self.next + _ROW] = row
        self.next = (self.next + _ROW) % (RECENT * _ROW)

    def holds(self, number: int) -> bool:
        """Whether `number` stands among the last requests."""
        needle = number.to_bytes(4, "little")
        found = self.seen.find(needle)
        while found >= 0 and found % 4:
            found = self.seen.find(needle, found + 1)
        return found >= 0

    def again(self, part: int) -> bool:
        """Counts a part that recurs. True where it is new among those kept; the least used gives way."""
        if part in self.used:
            self.uses[self.used.index(part)] += 1
            return False
        if len(self.used) < _MOST_USES:
            self.used.append(part)
            self.uses.append(1)
            return True
        least = min(range(_MOST_USES), key=self.uses.__getitem__)
        if self.uses[least] > 1:
            self.uses[least] -= 1
            return False
        self.used[least], self.uses[least] = part, 1
        return True

    def wrap(self, look: Look) -> None:
        """A request that carries a shared part."""
        self.wrapped += 1
        topics = self.topics = {} if self.topics is None else self.topics
        self.told += len(look.topic)
        for topic in look.topic:
            if topic in topics or len(topics) < _MOST_TOPICS:
                topics[topic] = topics.get(topic, 0) + 1


class Shared:
    """A part that recurs in several accounts: `users` of them by number, in the order in which it began to recur there; `single`
    requests that had it once and not again: a phrase of the language has many, a wrapper few. `common` where more use it than are
    kept, or it is known."""

    __slots__ = ("common", "single", "users")

    def __init__(self, common: bool) -> None:
        self.users: dict[int, None] = {}
        self.single = 0
        self.common = common


class Wrappers:
    """Takes requests in and tells which parts are shared. `most_users`: accounts kept per part, beyond which it is common;
    `most_shared`: parts kept, of which the oldest that nobody came to share gives way; `known` parts never link."""

    def __init__(self, most_users: int, most_shared: int, known: frozenset[int], bits: int = 20) -> None:
        self.shared: dict[int, Shared] = {}
        self._most_users = most_users
        self._most_shared = most_shared
        self._known = known
        self._mask = (1 << bits) - 1
        self._owners = array("Q", bytes(8 << bits))

    def feed(self, number: int, account: Account, look: Look) -> bool:
        """One request of the account with this number. True where it carries a part that this account shares with others."""
        parts = parts_of(look)
        if not parts:
            return False
        if account.holds(look.exact & _MASK):
            account.repeats += 1
            return False
        carried = False
        for part in parts:
            if account.holds(part):
                if account.again(part):
                    self._came(part, number)
                shared = self.shared.get(part)
                carried = carried or (shared is not None and not shared.common)
            elif (shared := self.shared.get(part)) is not None:
                shared.single += 1
        account.remember(look.exact, parts)
        return carried

    def leave(self, numbers: frozenset[int]) -> None:
        """These accounts are forgotten; a part that nobody shares any more goes with them."""
        for part, shared in list(self.shared.items()):
            if not numbers.isdisjoint(shared.users):
                shared.users = {number: None for number in shared.users if number not in numbers}
                if not shared.users and not shared.common:
                    del self.shared[part]

    def _came(self, part: int, number: int) -> None:
        """`part` recurs in an account where it did not before."""
        shared = self.shared.get(part)
        if shared is not None:
            if len(shared.users) < self._most_users:
                shared.users[number] = None
            elif number not in shared.users:
                shared.common = True
            return
        place = part * 0x9E3779B1 >> 7 & self._mask
        owner = self._owners[place]
        if owner >> 32 == part and owner & _MASK != number:
            shared = self.shared[part] = Shared(part in self._known)
            shared.users = {owner & _MASK: None, number: None}
            if len(self.shared) > self._most_shared:
                self._forget()
            return
        self._owners[place] = part << 32 | number

    def _forget(self) -> None:
        """A quarter goes: those that most requests had only once, which are phrases, and the oldest."""
        kept = sorted(self.shared, key=lambda part: self.shared[part].single / len(self.shared[part].users))
        for part in kept[self._most_shared * 3 // 4 :]:
            del self.shared[part]
