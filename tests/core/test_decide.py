"""The ladder and the tier's rules: each line of the contract as an example."""

from __future__ import annotations

import pytest

from gateway.core.decide import climb, decide
from gateway.model.caller import Caller
from gateway.model.decision import Action
from gateway.model.evidence import NO_VERDICT, Verdict
from gateway.model.limit import Count
from gateway.model.policy import BiasCap, FeatureCaps, Price, Rung, StepDown
from gateway.model.request import RequestFacts

TWO = frozenset({"wording", "arrival"})
CHAT = RequestFacts("openai", "openai.chat", model="m")
CALLER = Caller("ab" * 16, "acme")


def judge(policy, facts=CHAT, verdict=NO_VERDICT, caller=CALLER, route="POST /chat/completions"):
    return decide(policy, "all", policy.tiers["standard"], caller, facts, verdict, route=route)


def capped(make, **caps):
    policy = make.policy()
    policy.tiers["standard"] = make.replace(policy.tiers["standard"], features=FeatureCaps(**caps))
    return policy


@pytest.mark.parametrize(
    ("score", "rung"), [(0, "open"), (19.9, "open"), (20, "slowed"), (30, "blurred"), (59, "blurred"), (60, "closed")]
)
def test_the_highest_rung_at_or_below_the_score(make, score, rung):
    assert climb(make.policy(), Verdict(score, TWO, high=score)).acting.id == rung


def test_one_kind_of_evidence_alone_never_alters_an_answer(make):
    assert climb(make.policy(), Verdict(70, frozenset({"wording"}), high=70)).acting.id == "slowed"


def test_a_policy_may_ask_for_fewer_kinds(make):
    assert climb(make.policy(kinds_needed=1), Verdict(70, frozenset({"wording"}), high=70)).acting.id == "closed"


def test_going_down_takes_a_margin_below_the_recent_high(make):
    policy = make.policy(step_down=StepDown(by=5, after_us=1))
    assert climb(policy, Verdict(27, TWO, high=36)).acting.id == "blurred"
    assert climb(policy, Verdict(27, TWO, high=34)).acting.id == "slowed"


def test_shadow_is_applied_last_and_the_intention_stays(make):
    policy = make.policy()
    shadowed = tuple(make.replace(rung, shadow=rung.id == "closed") for rung in policy.ladder)
    judgement = judge(make.replace(policy, ladder=shadowed), verdict=Verdict(70, TWO, high=70))
    assert judgement.refusal is None
    assert (judgement.decision.action, judgement.decision.intended, judgement.decision.rung) == (
        Action.PERTURB,
        Action.REFUSE,
        "blurred",
    )
    assert judgement.decision.shadowed == ("rung.closed",)


def test_a_refuse_rung_refuses_without_a_word_of_suspicion(make):
    judgement = judge(make.policy(), verdict=Verdict(70, TWO, high=70))
    assert judgement.refusal is not None
    assert judgement.refusal.status == 403
    assert "suspect" not in judgement.refusal.message.lower()
    assert judgement.decision.outcome == "refuse"


def test_throttle_carries_the_share(make):
    assert judge(make.policy(), verdict=Verdict(25, TWO, high=25)).decision.share == 0.5


def test_a_whole_policy_in_shadow_acts_on_nothing(make):
    policy = make.policy(mode="shadow", ladder=(Rung("open", 0, Action.ALLOW), Rung("closed", 10, Action.REFUSE)))
    judgement = judge(policy, verdict=Verdict(50, TWO, high=50))
    assert judgement.refusal is None
    assert (judgement.decision.action, judgement.decision.intended) == (Action.ALLOW, Action.REFUSE)
    assert "caller.blocked" in judgement.decision.shadowed


def test_a_model_outside_the_tier_is_not_there(make):
    policy = make.policy()
    policy.tiers["standard"] = make.replace(policy.tiers["standard"], models=("small-*",))
    refusal = judge(policy).refusal
    assert refusal is not None
    assert (refusal.status, refusal.reason) == (404, "model.denied")
    assert judge(policy, make.replace(CHAT, model="small-1")).refusal is None


def test_what_no_dialect_parses_needs_a_route_only_with_injected_credentials(make):
    policy = make.policy()
    policy.tiers["standard"] = make.replace(policy.tiers["standard"], routes=("POST /audio/*",))
    opaque = RequestFacts("opaque", "opaque")
    assert judge(policy, opaque, route="POST /audio/speech").refusal is None
    assert judge(policy, opaque, route="GET /models").refusal is None
    assert judge(policy, opaque, route="POST /files").refusal.reason == "route.denied"
    own = Caller("ab" * 16, "acme", source="client")
    assert judge(policy, opaque, caller=own, route="POST /files").refusal is None


def test_a_model_outside_the_tier_cannot_be_looked_up_behind_a_shared_credential(make):
    policy = make.policy()
    policy.tiers["standard"] = make.replace(policy.tiers["standard"], models=("small-*",), routes=())
    opaque = RequestFacts("opaque", "opaque")
    assert judge(policy, opaque, route="GET /models/small-1").refusal is None
    refusal = judge(policy, opaque, route="GET /models/big-1").refusal
    assert refusal is not None
    assert (refusal.status, refusal.code) == (404, "model_not_found")
    own = Caller("ab" * 16, "acme", source="client")
    assert judge(policy, opaque, caller=own, route="GET /models/big-1").refusal is None


@pytest.mark.parametrize(
    ("caps", "facts", "reason"),
    [
        ({"logprobs": 0, "deny": frozenset({"logprobs"})}, {"logprobs": 5}, "feature.logprobs"),
        ({"choices": 1, "deny": frozenset({"choices"})}, {"choices": 2}, "feature.choices"),
        ({"max_output": 10, "deny": frozenset({"max_output"})}, {"max_output": 11}, "feature.max_output"),
        ({"logit_bias": BiasCap("deny")}, {"logit_bias": (-100.0, 5.0)}, "feature.logit_bias"),
        (
            {"logit_bias": BiasCap("values", (-100.0,)), "deny": frozenset({"logit_bias"})},
            {"logit_bias": (-100.0, 5.0)},
            "feature.logit_bias",
        ),
        (
            {"logit_bias": BiasCap("values", (-100.0,)), "deny": frozenset({"logit_bias"})},
            {"logit_bias": (-100.0, -100.0), "logprobs": 0},
            "feature.logit_bias",
        ),
    ],
)
def test_features_over_a_cap_are_refused_where_deny_names_them(make, caps, facts, reason):
    refusal = judge(capped(make, **caps), make.replace(CHAT, **facts)).refusal
    assert refusal is not None
    assert (refusal.status, refusal.reason) == (400, reason)


def test_bans_are_allowed_where_no_probabilities_are_told(make):
    caps = {"logit_bias": BiasCap("values", (-100.0,)), "deny": frozenset({"logit_bias"})}
    bans = make.replace(CHAT, logit_bias=(-100.0, -100.0))
    assert judge(capped(make, **caps), bans).refusal is None
    assert judge(capped(make, **caps, logprobs=-1), make.replace(bans, logprobs=5)).refusal is None


def test_features_over_a_cap_are_clipped_otherwise(make):
    assert judge(capped(make, choices=1), make.replace(CHAT, choices=4)).refusal is None


MONEY = {"count": Count.MONEY, "amount": 1}
PRICED = (Price("big-*", 1, 1),)


def test_where_money_is_limited_a_model_without_a_price_is_refused_for_it_would_be_free(make):
    """Pitfall 19."""
    policy = make.policy(make.limit(**MONEY), prices=PRICED)
    refusal = judge(policy).refusal
    assert refusal is not None
    assert (refusal.status, refusal.reason, refusal.final) == (403, "model.unpriced", True)
    assert judge(policy, make.replace(CHAT, model="")).refusal is not None
    assert judge(policy, make.replace(CHAT, model="big-1")).refusal is None
    assert judge(policy, RequestFacts("opaque", "opaque"), route="GET /models").refusal is None


def test_a_model_without_a_price_passes_where_no_limit_on_money_is_in_force(make):
    campaign = make.limit(**MONEY, per=("campaign",))
    assert judge(make.policy(make.limit(), prices=PRICED)).refusal is None
    assert judge(make.policy(make.limit(**MONEY, shadow=True), prices=PRICED)).refusal is None
    assert judge(make.policy(make.limit(**MONEY), mode="shadow")).refusal is None
    assert judge(make.policy(campaign)).refusal is None
    assert judge(make.policy(campaign), verdict=Verdict(campaign="c-1")).refusal is not None
