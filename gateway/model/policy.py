"""A policy as the engine knows it: frozen values compiled from a file, under a digest that names exactly these rules.

`policy/schema` checks the file at the edge, `policy/compile` makes these. Nothing here reads YAML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal

from gateway.model.baseline import Fitted
from gateway.model.decision import Action
from gateway.model.evidence import Kind
from gateway.model.limit import Limit, LostMode, Priority

__all__ = [
    "AuditRules", "BiasCap", "CallerMatch", "CallerRule", "ChallengeRules", "Credentials", "DoorRules", "Exemption", "FeatureCaps",
    "Level", "Mode", "Network", "Policy", "Price", "QueueRules", "Rung", "SignalRule", "StepDown", "Tier", "UpstreamRule", "UsageMode",
]  # fmt: skip

Network = IPv4Network | IPv6Network
Mode = Literal["enforce", "shadow", "off"]
Credentials = Literal["issued", "client", "both"]
UsageMode = Literal["ask", "count"]
Level = Literal["off", "watch", "enforce"]


@dataclass(frozen=True, slots=True)
class CallerMatch:
    """All given fields must hold; none given matches everyone. Globs (`*`, `?`) are allowed in account, tag, tier and model;
    `key` is a fingerprint's hex digits (a prefix of the key id); `attributes` are pairs of name and glob."""

    key: str | None = None
    account: str | None = None
    tag: str | None = None
    tier: str | None = None
    peer: Network | None = None
    source: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def matches_everyone(self) -> bool:
        return self == CallerMatch()


@dataclass(frozen=True, slots=True)
class CallerRule:
    """First match wins. `tier` None: the caller's own tier (from its key or a trusted proxy)."""

    id: str
    match: CallerMatch
    tier: str | None


@dataclass(frozen=True, slots=True)
class BiasCap:
    """What `logit_bias` may hold: anything, nothing (`deny` refuses, `strip` removes it), or only the values listed."""

    mode: Literal["allow", "deny", "strip", "values"] = "allow"
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureCaps:
    """Caps of a tier on request features. None: no cap. Over a cap the request is clipped, or refused where `deny` names it.

    `logprobs` -1 forbids them altogether, 0 allows the chosen token's, k the top k.
    """

    logprobs: int | None = None
    logit_bias: BiasCap = BiasCap()
    choices: int | None = None
    max_output: int | None = None
    deny: frozenset[str] = frozenset()
    """Names among logprobs, logit_bias, choices, max_output that are refused over the cap instead of clipped."""

    @property
    def any(self) -> bool:
        return self != FeatureCaps()


@dataclass(frozen=True, slots=True)
class Tier:
    """What a group of callers may use. `models` are globs, empty allows none. `routes` are globs over `METHOD /path` without /v1
    for what no dialect parses, with injected credentials; empty: parsed dialects and the model list only."""

    id: str
    models: tuple[str, ...]
    limits: tuple[Limit, ...]
    features: FeatureCaps = FeatureCaps()
    routes: tuple[str, ...] = ()
    priority: Priority = "normal"
    """The class of this tier's requests where they wait for an upstream, unless one of their limits names another."""
    always: tuple[str, ...] = ()
    """Perturbations of all answers of this tier, whatever a caller's rung."""

    @property
    def open_to_all_models(self) -> bool:
        return "*" in self.models


@dataclass(frozen=True, slots=True)
class SignalRule:
    """How far one signal counts. `cap` in decibans. At `watch` its evidence is recorded and never acted on."""

    name: str
    kind: Kind
    level: Level
    cap: float
    options: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Exemption:
    """Signals that do not count for callers of one caller rule until a date (Unix microseconds, exclusive)."""

    id: str
    caller: str
    signals: frozenset[str]
    until_us: int
    why: str


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of the ladder: from `at` decibans on, `do`. `share` scales limits under throttle, `perturbations` under perturb on."""

    id: str
    at: float
    do: Action
    share: float = 1.0
    perturbations: tuple[str, ...] = ()
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """What the tokens of models that fit `models` (a glob) cost, in micro-units of the currency per million tokens.

    `cached` is what input tokens read from a cache cost, `reasoning` what output tokens of reasoning do; None: like the others.
    """

    models: str
    input: int
    output: int
    cached: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class StepDown:
    """A caller goes down a rung only `by` decibans below it, for `after_us`."""

    by: float = 0.0
    after_us: int = 0


@dataclass(frozen=True, slots=True)
class QueueRules:
    """The queue before an upstream that is full: at most `longest` requests wait, each at most `wait_us`."""

    longest: int = 200
    wait_us: int = 5_000_000


@dataclass(frozen=True, slots=True)
class UpstreamRule:
    """One model endpoint. `models` globs; first upstream that lists the model wins, the first of all serves what names none.

    `usage` ask: it is declared to support `stream_options.include_usage`. Timeouts in microseconds.
    """

    id: str
    url: str
    models: tuple[str, ...] = ("*",)
    credential_env: str | None = None
    credential_header: Literal["auto", "authorization", "x-api-key", "api-key"] = "auto"
    usage: UsageMode = "count"
    connect_timeout_us: int = 5_000_000
    first_byte_timeout_us: int = 600_000_000
    idle_timeout_us: int = 300_000_000
    max_connections: int = 1024
    at_once: int | None = None
    """Most requests that one process has under way there; None: no bound of its own (with `adaptive`: `max_connections`)."""
    adaptive: str | None = None
    """The craft that finds how many requests at once it serves without making them wait; `at_once` is the ceiling."""
    queue: QueueRules = QueueRules()
    cooldown_us: int = 60_000_000
    """Longest time that its Retry-After (429, 503, 529) is kept for all callers; 0 keeps none."""


@dataclass(frozen=True, slots=True)
class DoorRules:
    """The coarse guard per peer address, before anything is parsed: `rate` in the `limits` package's notation, None for no guard.

    `count`: failed authentications only, or every request. `exempt` networks are never refused (loopback by default).
    """

    rate: str | None = "30/minute"
    count: Literal["failed", "all"] = "failed"
    exempt: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    max_body: int = 32 * 1024 * 1024
    """Bytes of a request body that is read whole; more is answered 413."""
    max_upload: int = 1024 * 1024 * 1024
    """Bytes of a request body that passes through unread; more is answered 413."""


@dataclass(frozen=True, slots=True)
class AuditRules:
    """How decisions are kept. `when_lost`: what becomes of an answer whose record cannot be written."""

    sink: str = "segments"
    durable: Literal["written", "synced"] = "written"
    checkpoint_every_us: int = 10_000_000
    keep_us: int | None = None
    prompts: Literal["never", "digest"] = "never"
    when_lost: Literal["allow", "refuse"] = "allow"


@dataclass(frozen=True, slots=True)
class ChallengeRules:
    """What is asked of callers that meet a challenge: about `seconds` of an ordinary machine, up to `most` times as many the more
    evidence there is, to be shown within `valid_us`; or, of kind `verify`, to go to `link`. `share` of everybody's requests meets
    one."""

    kind: Literal["proof_of_work", "verify"] = "proof_of_work"
    seconds: float = 2.0
    most: int = 16
    valid_us: int = 600_000_000
    share: float = 0.0
    link: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. `digest` is hex SHA-256 over the canonical form of these values: key order, comments and layout don't count."""

    name: str
    version: str
    digest: str
    callers: tuple[CallerRule, ...]
    tiers: dict[str, Tier]
    mode: Mode = "enforce"
    when_state_is_lost: LostMode = "refuse"
    share_when_lost: float = 0.5
    """Under `degrade`, the share of each limit that this process enforces alone while the store is lost."""
    credentials: Credentials = "issued"
    usage: UsageMode = "ask"
    trusted_proxies: tuple[Network, ...] = ()
    signals: dict[str, SignalRule] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    half_life_us: int = 3 * 86_400_000_000
    kinds_needed: int = 2
    memory: int = 64_000_000
    """Bytes for what is remembered of callers; read when a gateway starts."""
    baseline: Fitted | None = None
    """The operator's own baseline; None: the one that ships."""
    ladder: tuple[Rung, ...] = (Rung("open", 0.0, Action.ALLOW),)
    step_down: StepDown = StepDown()
    response: dict[str, Any] = field(default_factory=dict)
    """The options of perturbations by name, each in its craft's own model; those of others are their defaults."""
    challenge: ChallengeRules | None = None
    """None: as its defaults say, on a rung that asks."""
    epoch_us: int = 30 * 86_400_000_000
    """How long a caller's secret variants stay the same."""
    upstreams: tuple[UpstreamRule, ...] = ()
    door: DoorRules = DoorRules()
    audit: AuditRules = AuditRules()
    owner: str = ""
    currency: str = "USD"
    prices: tuple[Price, ...] = ()
    """The first that fits a model is its price."""

    @property
    def label(self) -> str:
        """`name@version#digest`, as it stands in every record; the digest cut to 12 digits."""
        return f"{self.name}@{self.version}#{self.digest[:12]}"
