"""What the core asks of the world. The docstrings are the contract: the conformance suites under `tests/conformance` test them.

Adapters implement these structurally; none inherits from here. All times are Unix microseconds, all durations microseconds.
Methods that may wait are `async`; a plain method never waits and never raises for reasons of the outside world.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct

from gateway.model.admission import Ask, Ended, Saturated
from gateway.model.caller import KeyRecord
from gateway.model.evidence import Verdict
from gateway.model.limit import Amounts, Claim, Hold, LimitState, Settlement, Taken
from gateway.model.record import AuditRecord, Opened
from gateway.model.ruling import Ruling
from gateway.risk.judged import Judged

__all__ = [
    "Admission", "AuditSink", "Clock", "EvidenceStore", "Headers", "HistoryStore", "HoldStore", "Kept", "KeyStore", "Meter", "News",
    "Offer", "OwnerStore", "RiskStore", "RulingStore", "Upstream", "UpstreamAnswer", "UpstreamRequest",
]  # fmt: skip

Headers = list[tuple[bytes, bytes]]
"""Header fields in order, names in lower case, as ASGI has them."""


class Clock(Protocol):
    """`now()`: Unix microseconds. May step; nothing that measures durations may rely on it not to."""

    def now(self) -> int: ...


class KeyStore(Protocol):
    """Issued keys and the deployment's secret, one truth for every process that shares the state.

    - `secret()` returns the deployment's secret (at least 32 bytes), making it atomically where there is none; all processes on
      one state get the same one. `proposed` is what the environment says: where the state has another, SettingsError.
    - `find` answers from memory where it can, but a revocation made anywhere is seen within one second.
    - `remembered` is a record as `find` last read it, at most an hour ago, for as long as the store cannot answer; else None.
    - `put` stores a record, replacing the one with the same id. `revoke` marks it revoked from `now_us` on and says whether there
      was such a key that was not revoked yet; a prefix of at least 8 digits of the id that fits exactly one key will do.
    - `list` gives all records, oldest first.
    - StoreUnavailable when it cannot answer.
    """

    async def secret(self, proposed: bytes | None) -> bytes: ...
    async def find(self, key_id: str) -> KeyRecord | None: ...
    def remembered(self, key_id: str) -> KeyRecord | None: ...
    async def put(self, record: KeyRecord) -> None: ...
    async def revoke(self, key_id_prefix: str, now_us: int) -> KeyRecord | None: ...
    async def list(self) -> list[KeyRecord]: ...
    async def aclose(self) -> None: ...


class OwnerStore(Protocol):
    """Which key made a stored object of the upstream (file, batch, stored response): first claim stays.

    Bounded: the least recently claimed of more than the adapter's capacity are forgotten, and then belong to nobody.
    """

    async def claim(self, object_id: str, key_id: str) -> None: ...
    async def owner(self, object_id: str) -> str | None: ...


class HoldStore(Protocol):
    """Quota: all claims of a request taken together or not at all, and settled once by the truth.

    `take(hold)`
    - Charges every claim of the hold, or, if any claim that is not in shadow does not fit, none. Claims in shadow never refuse
      and are always charged along with the rest.
    - A sliding claim fits if what was charged in the last `window_us`, plus `want`, is at most `amount`. A bucket drains `amount` per
      `window_us` and fits if its level plus `want` is at most `burst`; a level may be above `burst` by debt. A slot claim
      (`concurrent`) fits if fewer than `amount` unexpired slots are open.
    - Idempotent by hold id: the same id again returns the same answer and charges nothing more. An id that was settled
      before it was taken is refused (`Taken(held=False, settled=True)`): its tombstone lasts at least an hour.
    - States come in the order of the claims, held or not. Never above a limit by takes alone, at any instant, for any
      interleaving of processes; the store's own clock counts.
    `settle(hold, amounts)`
    - Replaces what each claim held by the true amount for its count: refunds the rest, or charges the excess as debt (also beyond
      the limit). Frees slots. One effect per id, however often it is sent; an unknown id leaves a tombstone.
    - A hold whose lease is over (`lease_us` after its take or last renewal) stays charged as estimated, its slots are free.
    `extend(hold, number, wants)`
    - Charges an open hold a further slice: to each of its claims its part of `wants`, in their order, or nothing to any. A part of 0
      is neither charged nor asked for. A part fits as a claim of that want would; only claims that are neither in shadow nor of a
      limit that says `when_spent: continue` can refuse, the others are charged whatever they have left.
    - `number` counts a hold's slices from 1 on. One effect per number: the same again, or an earlier one, gets the answer of the last
      that was held and charges nothing more. A slice that was refused leaves nothing behind, and the number may be asked again.
    - States in the order of the claims, `fitted` as for the part asked for. A hold that is not open (never taken, settled, or its
      lease over) is charged nothing: `Taken(held=False, settled=True)`.
    - A settle replaces the slices along with what the take charged, by the one truth.
    `renew(hold)` extends the lease of a hold by `lease_us` from now; of a hold that is not open it does nothing and says False.
    `look(claims)` tells the states without charging (`fitted`: would fit now).
    `lease_us` is the store's lease for token holds; slots have their limit's own (`limit.window_us`).
    `local`: takes and settles never wait, so they need no shield.

    Faults: StoreUnavailable when surely nothing was done; OutcomeUnknown when it may have been. Every call ends within the
    adapter's deadline.
    """

    local: bool
    lease_us: int

    async def take(self, hold: Hold) -> Taken: ...
    async def extend(self, hold: Hold, number: int, wants: Sequence[int]) -> Taken: ...
    async def settle(self, hold: Hold, amounts: Amounts) -> Settlement: ...
    async def renew(self, hold: Hold) -> bool: ...
    async def look(self, claims: Sequence[Claim]) -> tuple[LimitState, ...]: ...
    async def aclose(self) -> None: ...


class Admission(Protocol):
    """Places at the upstreams, and the fair queues before them.

    - `admit(ask, arrived_us)` returns None once the request has a place, at once where there is room; else it waits for its turn, at
      most as long as the upstream's `queue.wait`, and Saturated says why it has none. `arrived_us`: when the request came, on the
      loop's clock; `end.first_us` counts from there. Where the wait is cancelled, no place is taken. An ask that
      does not act (`acts` False) has a place at once, whether there is one or not.
    - Turns go by priority class and, within it, by caller: whoever waits has a place after a bounded number of others, whatever they
      send. A full queue loses the newest of whoever has most in it.
    - `leave(id, end)` gives the place back and learns from the end. Once only: an id without a place does nothing. Never waits.
    - Nothing is kept of a request that has left.
    """

    async def admit(self, ask: Ask, arrived_us: int) -> Saturated | None: ...
    def leave(self, ask_id: str, end: Ended) -> None: ...


class HistoryStore(Protocol):
    """Standing verdicts. `standing` is a local read on the road: never waits, never fails; nobody known is NO_VERDICT.

    `put` replaces a caller's verdict. Bounded: past its capacity the lowest-scored, least recently put are forgotten first.
    """

    def standing(self, key_id: str) -> Verdict: ...
    def put(self, key_id: str, verdict: Verdict) -> None: ...


class RiskStore(Protocol):
    """Verdicts and campaigns of a deployment as people ask for them: for a command beside the gateway as for its admin plane.

    Of memory and SQLite a command sees what the gateway wrote down last (twice a second), of Redis what any process told last.
    Verdicts are as they were put: `gateway.risk.fading.as_of(policy, verdict, now_us)` says what is left of one, and
    `gateway.risk.course.points(verdict.course)` how its score went.

    - `verdict(key_id)`: NO_VERDICT of whom nothing is known.
    - `ranked(limit, campaign)`: the callers with the highest scores, of equals those judged last first; `campaign` None for all, else
      those of one. At most `limit`.
    - `campaign(id)`: one campaign with its own verdict, None where there is none of that id (any more).
    - `campaigns()`: all there are, the heaviest first.
    - StoreUnavailable when it cannot answer.
    """

    async def verdict(self, key_id: str) -> Verdict: ...
    async def ranked(self, limit: int, campaign: str | None = None) -> list[tuple[str, Verdict]]: ...
    async def campaign(self, id: str) -> Judged | None: ...
    async def campaigns(self) -> list[Judged]: ...


class Kept(Struct, frozen=True):
    """What is known of one caller as `Callers.dump` gives it, the token of whoever wrote it, and those of the last few before."""

    token: str
    packed: bytes
    before: tuple[str, ...] = ()


class Offer(Struct, frozen=True):
    """One caller's new state, made from the one with token `before` ("" where none was known)."""

    key_id: str
    before: str
    token: str
    packed: bytes


class News(Struct, frozen=True):
    """What others told since the last time: verdicts, oldest first, and all campaigns where they changed. `whole`: what was missed
    cannot be told one by one, so this is all that stands, the highest scores first."""

    verdicts: list[tuple[str, Verdict]]
    campaigns: list[Judged] | None
    whole: bool = False


class EvidenceStore(Protocol):
    """What the processes on one state tell each other about callers, so that each caller is seen whole wherever its requests come in.

    - `offer` gives, for each offer, None where it was taken: it stands in the place of what it was made from, or of nothing. Where
      another process wrote meanwhile nothing is replaced, and what stands is given. One effect per token: an offer that was taken
      may be made again.
    - `fetch`: what stands of these callers; those of whom nothing does are left out.
    - `tell`: verdicts that others shall go by. `news`: what others told, at most some hundreds at a time. The first is `whole`.
    - `lead`: whether this process is the one that links now. One at a time; whoever does not ask again for ten seconds is replaced.
    - `give`: looks for whoever links, packed; `given`: those that others gave, each once. Beyond the adapter's bound the oldest
      are lost.
    - `publish`: these are all campaigns there are.
    - All of it is kept for `kept_us` after it was last written, and bounded in number. `local`: there are no others, and nobody
      need offer, tell or give.
    - StoreUnavailable when surely nothing was done, OutcomeUnknown when it may have been. Every call ends within a deadline.
    """

    local: bool

    async def offer(self, offers: Sequence[Offer], kept_us: int) -> list[Kept | None]: ...
    async def fetch(self, key_ids: Sequence[str]) -> dict[str, Kept]: ...
    async def tell(self, verdicts: Sequence[tuple[str, Verdict]], kept_us: int) -> None: ...
    async def news(self) -> News: ...
    async def lead(self) -> bool: ...
    async def give(self, looks: Sequence[bytes]) -> None: ...
    async def given(self) -> list[bytes]: ...
    async def publish(self, campaigns: Sequence[Judged], kept_us: int) -> None: ...


class RulingStore(Protocol):
    """What people decided about callers, the same for every process that shares the state.

    - `put` adds one; the last on a caller stands.
    - `since(place)` gives those that were put after that place, in their order, and the place to ask from the next time. The first
      place is 0. Where the state was lost meanwhile, all that there are.
    - Bounded: past its capacity those that a later one has replaced are forgotten first, then the oldest.
    - StoreUnavailable when it cannot answer.
    """

    async def put(self, ruling: Ruling) -> None: ...
    async def since(self, place: int) -> tuple[int, list[Ruling]]: ...


class UpstreamRequest(Struct, frozen=True):
    """One request to a model endpoint, ready to send.

    `url` is absolute with path and query exactly as they shall stand on the wire. `headers` are end-to-end fields only, with neither
    host nor framing (content-length stays where `body` is an iterator and the length is known, and where `body` is empty and the
    client said so: nothing else makes an empty body have one). `body` is bytes, or an iterator for uploads that are passed through
    unread. Timeouts in microseconds.
    """

    method: str
    url: str
    headers: Headers
    body: bytes | AsyncIterator[bytes]
    connect_timeout_us: int
    first_byte_timeout_us: int
    idle_timeout_us: int


class UpstreamAnswer(Protocol):
    """An answer under way. `headers` as received, hop-by-hop fields included, names in lower case, repeated fields repeated, body
    undecoded. `read()` gives the next bytes, `b""` at the end that the framing says is the end; UpstreamError (`broken`,
    `idle_timeout`, `protocol`) where it breaks off. Reads no faster than it is asked (backpressure). `aclose()` at any
    moment releases it; before the end it closes the connection, so that the model stops generating.
    """

    status: int
    headers: Headers

    async def read(self) -> bytes: ...
    async def aclose(self) -> None: ...


class Upstream(Protocol):
    """A way to model endpoints. Never follows redirects, keeps no cookies, decodes nothing, adds no header that was not given except
    host and framing. Verifies TLS. UpstreamError for whatever fails before the answer's head; cancelling `send` frees all.
    """

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer: ...
    async def aclose(self) -> None: ...


class AuditSink(Protocol):
    """Where decisions are written down, in one chain per process.

    - `opened`, `record` and `ruling` return when the line is as durable as the policy asks; the line is queued at once, before the
      first wait, so that a cancelled wait loses nothing. AuditError when it cannot be written.
    - Lines stand in the order of the calls.
    - `find(id)` gives a record's line as stored (decoded), or None.
    - `healthy` is False while lines are being lost.
    """

    healthy: bool

    async def opened(self, line: Opened) -> None: ...
    async def record(self, record: AuditRecord) -> None: ...
    async def ruling(self, ruling: Ruling) -> None: ...
    async def find(self, record_id: str) -> dict[str, object] | None: ...
    async def aclose(self) -> None: ...


class Meter(Protocol):
    """Metrics. Names and label names are those defined in `metrics.py`, once; label values are bounded there."""

    def count(self, name: str, labels: tuple[str, ...] = (), amount: int = 1) -> None: ...
    def gauge(self, name: str, value: float, labels: tuple[str, ...] = ()) -> None: ...
    def observe(self, name: str, value: float, labels: tuple[str, ...] = ()) -> None: ...
