"""From a checked document to the frozen values that the engine runs on, with defaults filled in and all units made plain integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Literal, cast

from pydantic import BaseModel

from gateway.model.baseline import Fitted
from gateway.model.decision import Action
from gateway.model.limit import MOVED_BY_OUTPUT, PERIOD_US, Count, Limit, WhenSpent
from gateway.model.policy import (
    AuditRules,
    BiasCap,
    CallerMatch,
    CallerRule,
    ChallengeRules,
    DoorRules,
    Exemption,
    FeatureCaps,
    Policy,
    Price,
    QueueRules,
    Rung,
    SignalRule,
    StepDown,
    Tier,
    UpstreamRule,
)
from gateway.policy.checks import OWN_TIER
from gateway.policy.digest import digest_of
from gateway.policy.schema import Document
from gateway.policy.schema_judging import EPOCH, ChallengeBlock, ResponseBlock, RungBlock, SignalBlock, SignalsBlock
from gateway.policy.schema_prices import PriceBlock
from gateway.policy.schema_running import AuditBlock, DoorBlock, UpstreamBlock
from gateway.policy.schema_tiers import CallerBlock, FeatureBlock, LimitBlock, MatchBlock, TierBlock
from gateway.policy.units import MICRO, duration_us, limit_rate, price_micro, size_bytes, weight_milli, window_of
from gateway.policy.words import cap_of, kind_of
from gateway.registry import names

__all__ = ["compiled"]

_LEASE_US = 15 * 60_000_000


def compiled(document: Document, baseline: Fitted | None = None) -> Policy:
    """The policy of a document in which no problem was found, with the baseline that it names."""
    signals = document.signals or SignalsBlock(**{name: SignalBlock() for name in names("signals")})  # type: ignore[arg-type]  # extras, by their names
    policy = Policy(
        name=document.name,
        version=document.version,
        digest="",
        owner=document.owner,
        mode=document.mode,
        when_state_is_lost=document.when_state_is_lost,
        share_when_lost=float(document.share_when_lost),
        credentials=document.credentials,
        usage=document.usage,
        trusted_proxies=tuple(ip_network(net) for net in document.trusted_proxies),
        callers=tuple(_caller(block) for block in document.callers),
        tiers={name: _tier(name, block, document) for name, block in document.tiers.items()},
        signals={name: _signal(name, block) for name, block in sorted((signals.__pydantic_extra__ or {}).items())},
        exemptions=_exemptions(signals),
        half_life_us=duration_us(signals.half_life),
        kinds_needed=signals.kinds_needed,
        memory=size_bytes(signals.memory),
        baseline=baseline,
        ladder=_ladder(document.ladder),
        step_down=StepDown(float(document.step_down.by), duration_us(document.step_down.after)),
        response=_response(document.response),
        challenge=_challenge(document.response, document.ladder or ()),
        epoch_us=duration_us(document.response.epoch if document.response else EPOCH),
        upstreams=tuple(_upstream(block) for block in document.upstreams),
        door=_door(document.door),
        audit=_audit(document.audit),
        currency=document.currency,
        prices=tuple(_price(models, block) for models, block in document.prices.items()),
    )
    return replace(policy, digest=digest_of(policy))


def _caller(block: CallerBlock) -> CallerRule:
    return CallerRule(block.id, _match(block.match), None if block.tier == OWN_TIER else block.tier)


def _match(block: MatchBlock) -> CallerMatch:
    return CallerMatch(
        key=block.key.removeprefix("fp:") if block.key else None,
        account=block.account,
        tag=block.tag,
        tier=block.tier,
        peer=ip_network(block.peer) if block.peer else None,
        source=block.source,
        attributes=tuple(sorted(block.attributes.items())),
    )


def _tier(name: str, block: TierBlock, document: Document) -> Tier:
    limits = tuple(_limit(limit, document, block.when_spent) for limit in block.limits)
    return Tier(name, tuple(block.models), limits, _features(block.features), tuple(block.routes), block.priority, tuple(block.always))


def _features(block: FeatureBlock) -> FeatureCaps:
    deny = {*block.deny, *(["logprobs"] if block.logprobs == "deny" else [])}
    return FeatureCaps(
        logprobs=-1 if block.logprobs in ("none", "deny") else block.logprobs,
        logit_bias=_bias(block.logit_bias),
        choices=block.choices,
        max_output=block.max_output,
        deny=frozenset(deny),
    )


def _bias(written: str | list[float]) -> BiasCap:
    if isinstance(written, str):
        return BiasCap(cast(Literal["allow", "deny", "strip"], written))
    return BiasCap("values", tuple(sorted(float(value) for value in written)))


def _limit(block: LimitBlock, document: Document, when_spent: WhenSpent) -> Limit:
    counted = _slots(block) if block.count == "concurrent" else _rated(block)
    return replace(
        counted,
        shadow=block.shadow,
        when_state_is_lost=block.when_state_is_lost or document.when_state_is_lost,
        share_when_lost=float(block.share_when_lost or document.share_when_lost),
        when_spent=(block.when_spent or when_spent) if Count(block.count) in MOVED_BY_OUTPUT else "continue",
        shared=block.shared,
        adaptive=block.adaptive,
        priority=block.priority,
    )


def _slots(block: LimitBlock) -> Limit:
    lease_us = duration_us(block.lease) if block.lease else _LEASE_US
    return Limit(block.id, Count.CONCURRENT, "slots", block.at_once or 0, lease_us, tuple(block.per))


def _rated(block: LimitBlock) -> Limit:
    count, rate = Count(block.count), limit_rate(block.rate or "")
    window = block.window or window_of(rate)
    scale = MICRO if count is Count.MONEY else 1
    amount = int(rate.amount * scale)
    period = rate.period if window == "calendar" else None
    return Limit(
        id=block.id,
        count=count,
        window=window,
        amount=amount,
        window_us=PERIOD_US[period] if period else rate.window_us,
        per=tuple(block.per),
        burst=(block.burst * scale if block.burst else amount) if window == "bucket" else 0,
        period=period,
        zone=block.zone or "UTC",
        weights=tuple((glob, weight_milli(weight)) for glob, weight in block.multipliers.items()),
    )


def _price(models: str, block: PriceBlock) -> Price:
    return Price(
        models,
        price_micro(block.input),
        price_micro(block.output),
        None if block.cached_input is None else price_micro(block.cached_input),
        None if block.reasoning is None else price_micro(block.reasoning),
    )


def _signal(name: str, block: SignalBlock) -> SignalRule:
    return SignalRule(name, kind_of(name), block.level, cap_of(name) if block.cap is None else float(block.cap))


def _exemptions(signals: SignalsBlock) -> tuple[Exemption, ...]:
    return tuple(
        Exemption(
            id=block.id,
            caller=block.caller,
            signals=frozenset(block.signals),
            until_us=int(datetime.fromisoformat(block.until).replace(tzinfo=UTC).timestamp()) * 1_000_000,
            why=block.why,
        )
        for block in signals.exemptions
    )


def _ladder(blocks: list[RungBlock] | None) -> tuple[Rung, ...]:
    if not blocks:
        return (Rung("open", 0.0, Action.ALLOW),)
    return tuple(
        Rung(
            id=block.id,
            at=float(block.at),
            do=Action[block.do.upper()],
            share=1.0 if block.share is None else float(block.share),
            perturbations=tuple(block.with_),
            shadow=block.shadow,
        )
        for block in blocks
    )


def _response(block: ResponseBlock | None) -> dict[str, BaseModel]:
    """The options that the file gives, of the perturbations that there are."""
    given = {name: getattr(block, name) for name in names("perturbations")} if block is not None else {}
    return {name: options for name, options in given.items() if options is not None}


def _challenge(block: ResponseBlock | None, ladder: Sequence[RungBlock]) -> ChallengeRules | None:
    """What the file says of challenges, its defaults where a rung asks for one and the file says nothing."""
    asked = block.challenge if block is not None else None
    if asked is None and not any(rung.do == "challenge" for rung in ladder):
        return None
    asked = asked or ChallengeBlock()
    return ChallengeRules(asked.kind, asked.seconds, asked.most, duration_us(asked.valid), asked.share, asked.link or "")


def _upstream(block: UpstreamBlock) -> UpstreamRule:
    return UpstreamRule(
        id=block.id,
        url=block.url,
        models=tuple(block.models),
        credential_env=block.credential_env,
        credential_header=block.credential_header,
        usage=block.usage,
        connect_timeout_us=duration_us(block.connect_timeout),
        first_byte_timeout_us=duration_us(block.first_byte_timeout),
        idle_timeout_us=duration_us(block.idle_timeout),
        max_connections=block.max_connections,
        at_once=block.at_once,
        adaptive=block.adaptive,
        queue=QueueRules(block.queue.longest, duration_us(block.queue.wait)),
        cooldown_us=duration_us(block.cooldown),
    )


def _door(block: DoorBlock) -> DoorRules:
    return DoorRules(
        rate=None if block.rate == "off" else block.rate,
        count=block.count,
        exempt=tuple(ip_network(net) for net in block.exempt),
        max_body=size_bytes(block.max_body),
        max_upload=size_bytes(block.max_upload),
    )


def _audit(block: AuditBlock) -> AuditRules:
    return AuditRules(
        sink=block.sink,
        durable=block.durable,
        checkpoint_every_us=duration_us(block.checkpoint_every),
        keep_us=duration_us(block.keep) if block.keep else None,
        prompts=block.prompts,
        when_lost=block.when_lost,
    )
