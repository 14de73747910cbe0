"""Which rule, tier, limits and ladder apply, and why."""

from __future__ import annotations

import pytest

from gateway.model.caller import Caller
from gateway.model.limit import Count, Limit
from gateway.model.value import replace
from gateway.policy.explain import explain, limit_words, period

KEY = "9f2c61d07ab4" + "0" * 20


def test_earlier_rules_say_what_kept_them_from_matching(small):
    found = explain(small.policy(), Caller(KEY, "acme", tags=frozenset({"trial"})))
    assert [(rule.id, rule.matched, rule.why) for rule in found.rules] == [
        ("paying", False, "tag 'trial' does not fit paid"),
        ("everyone", True, "it matches everyone"),
    ]
    assert (found.rule, found.tier) == ("everyone", "free")


def test_the_rule_that_matches_says_by_what(small):
    found = explain(small.policy(), Caller(KEY, "acme", tags=frozenset({"paid"})))
    assert [rule.why for rule in found.rules] == ["tag 'paid' fits paid"]


@pytest.mark.parametrize(
    ("match", "caller", "why"),
    [
        ("{ key: fp:aaaaaaaa }", Caller(KEY, "acme"), "key 'fp:9f2c61d07ab4' does not fit fp:aaaaaaaa"),
        ("{ peer: 10.0.0.0/8 }", Caller(KEY, "acme", peer="192.0.2.1"), "peer '192.0.2.1' does not fit 10.0.0.0/8"),
        ("{ attributes: { asn: '1' } }", Caller(KEY, "acme"), "attributes.asn (none) does not fit 1"),
        ("{ tier: gold }", Caller(KEY, "acme"), "tier (none) does not fit gold"),
    ],
)
def test_each_field_has_its_words(small, match, caller, why):
    assert explain(small.policy("{ tag: paid }", match), caller).rules[0].why == why


def test_a_key_s_own_tier_that_the_policy_does_not_have(small):
    policy = small.policy("tier: standard", "tier: own")
    rules = explain(policy, Caller(KEY, "acme", tier="gold", tags=frozenset({"paid"}))).rules
    assert rules[0].why == "it gives the caller's own tier, and this policy has no tier 'gold'"
    rules = explain(policy, Caller(KEY, "acme", tags=frozenset({"paid"}))).rules
    assert rules[0].why == "it gives the caller's own tier, and the caller's key names none"


def test_nobody_s_explanation_has_no_tier(small):
    found = explain(small.policy("match: {}", "match: { tag: x }"), Caller(KEY, "acme"))
    assert (found.rule, found.tier, len(found.rules)) == ("", "", 2)


def test_limits_say_who_shares_them_and_what_becomes_of_them(small):
    policy = small.policy("per: key", "per: [key, model], shadow: true, when_state_is_lost: degrade")
    (limit,) = explain(policy, Caller(KEY, "acme"), "small-1").limits
    assert limit.allows == "20 requests in any minute"
    assert limit.counted_for == "key (fp:9f2c61d07ab4) and model (small-1)"
    assert limit.mode.startswith("shadow")
    assert limit.when_state_is_lost == "degrade: 0.5 of it in each process"


@pytest.mark.parametrize(("mode", "says"), [("enforce", "enforced"), ("shadow", "shadow: counted, never refused by"), ("off", "off")])
def test_the_policy_s_mode_is_that_of_its_limits(small, mode, says):
    assert explain(small.policy(more=f"mode: {mode}\n"), Caller(KEY, "acme")).limits[0].mode == says


@pytest.mark.parametrize(("model", "says"), [("small-1", "is allowed by small-*"), ("big-1", "is refused: it fits none of small-*")])
def test_a_model_is_allowed_or_refused(small, model, says):
    assert explain(small.policy(), Caller(KEY, "acme"), model).model == f"{model} {says}"


def test_the_upstream_is_named(small):
    policy = small.policy(more="upstreams:\n  - { id: up, url: http://a, models: [small-*] }\n")
    assert explain(policy, Caller(KEY, "acme"), "small-1").upstream == "up (http://a)"
    places = ", at_once: 9 }", ", adaptive: aimd }", ", adaptive: aimd, at_once: 9 }"
    told = [small.policy(more="upstreams:\n  - { id: up, url: http://a" + more + "\n") for more in places]
    assert [explain(one, Caller(KEY, "acme"), "small-1").upstream.removeprefix("up (http://a), ") for one in told] == [
        "at most 9 at once",
        "as many at once as it serves (aimd, at most 1024)",
        "as many at once as it serves (aimd, at most 9)",
    ]
    assert "none lists this model" in explain(policy, Caller(KEY, "acme"), "big").upstream


def test_features_and_ladder_in_words(small):
    features = "[small-*]\n    features: { logprobs: deny, choices: 2, logit_bias: [-100] }\n"
    ladder = "ladder:\n  - { id: a, at: 0, do: allow }\n  - { id: b, at: 30, do: perturb, with: [pace], shadow: true }\n"
    found = explain(small.policy("[small-*]\n", features, ladder), Caller(KEY, "acme"))
    assert found.features == ("logprobs: none, refused beyond", "choices: at most 2, clipped beyond", "logit_bias: only -100")
    assert found.ladder[1].does == "perturb with pace (in shadow: the rung below acts)"


@pytest.mark.parametrize(
    ("us", "words"),
    [(60_000_000, "minute"), (300_000_000, "5 minutes"), (86_400_000_000, "day"), (1_000_000, "second"), (250_000, "250 ms")],
)
def test_periods(us, words):
    assert period(us) == words


def test_limits_in_words():
    assert (
        limit_words(Limit("l", Count.CONCURRENT, "slots", 4, 900_000_000, ("key",)))
        == "4 requests at once (a slot frees itself after 15 minutes)"
    )
    month = Limit("l", Count.MONEY, "calendar", 2_500_500_000, 1, ("key",), period="month", zone="Europe/Berlin")
    assert limit_words(month, "EUR") == "2500.5 EUR in each calendar month (Europe/Berlin)"
    life = Limit("l", Count.REASONING_TOKENS, "lifetime", 7, 0, ("key",), weights=(("big-*", 3_000), ("small-*", 500)))
    assert limit_words(life) == "7 reasoning tokens in all, for ever, each big-* one counts 3, each small-* one counts 0.5"
    found = Limit("l", Count.CONCURRENT, "slots", 4, 900_000_000, ("key",), adaptive="gradient")
    assert limit_words(found).startswith("4 requests at once, as many of them as the upstream serves (gradient)")
    bucket = Limit("l", Count.OUTPUT_TOKENS, "bucket", 2, 1_000_000, ("key",), burst=10)
    assert limit_words(bucket) == "2 output tokens per second, evenly, up to 10 at once"


def test_a_tier_whose_answers_are_all_altered_says_so(small):
    policy = small.policy("tier: standard", "tier: own")
    for name, tier in policy.tiers.items():
        policy.tiers[name] = replace(tier, always=("fingerprint",))
    assert "every answer altered by: fingerprint" in explain(policy, Caller(KEY, "acme", tags=frozenset({"none"}))).features
