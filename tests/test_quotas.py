"""How a caller's limits stand, as an operator is told: the caller's own numbers, and whom a question can mean."""

from __future__ import annotations

import pytest

from gateway.errors import QuotaError
from gateway.model.caller import KeyRecord
from gateway.model.evidence import Verdict
from gateway.model.limit import Amounts, Hold
from gateway.policy.load import read_text
from gateway.quotas import Asked, quota_of
from gateway.stores.memory_holds import MemoryHolds
from tests.support.quota import START_US, HandClock

KEY = "ab" * 16
OTHER = "abababab" + "0" * 24
POLICY = """\
schema: gateway.policy/v1
name: p
version: "1"
credentials: {credentials}
mode: {mode}
callers:
  - {{ id: paid, match: {{ tag: paid }}, tier: big }}
  - {{ id: all, match: {{ account: "a*" }}, tier: small }}
tiers:
  small:
    models: ["*"]
    limits:
      - {{ id: rpm, count: requests, rate: 10/minute, per: key }}
      - {{ id: tpm, count: tokens, rate: 100/minute, window: bucket, burst: 150, per: account }}
      - {{ id: per-model, count: requests, rate: 5/hour, per: [account, model] }}
      - {{ id: per-net, count: requests, rate: 5/hour, per: peer }}
      - {{ id: atonce, count: concurrent, at_once: 2, per: account, lease: 5m }}
      - {{ id: life, count: output_tokens, rate: 50/lifetime, per: account }}
      - {{ id: linked, count: requests, rate: 9/hour, per: campaign }}
      - {{ id: tried, count: requests, rate: 3/hour, per: key, shadow: true }}
  big:
    models: ["*"]
    limits: [{{ id: big-rpm, count: requests, rate: 1000/minute, per: key }}]
ladder:
  - {{ id: open, at: 0, do: allow }}
  - {{ id: slowed, at: 20, do: throttle, share: 0.5 }}
"""


class Keys:
    def __init__(self, *records):
        self.records = {record.key_id: record for record in records}

    async def find(self, key_id):
        return self.records.get(key_id)

    async def list(self):
        return list(self.records.values())


class Verdicts:
    def __init__(self, verdict):
        self.verdict = verdict

    def standing(self, key_id):
        return self.verdict


def record(key_id=KEY, account="acme", tags=(), **more):
    return KeyRecord(key_id, account, None, frozenset(tags), START_US, **more)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def holds(clock):
    return MemoryHolds(clock)


@pytest.fixture
def ask(holds, clock):
    """`await ask(key=..., ...)`: what is told; by default of one key of acme's."""

    async def asked(*, records=None, verdict=None, credentials="issued", mode="enforce", **question):
        policy = read_text(POLICY.format(credentials=credentials, mode=mode).encode(), "p.yaml").policy
        history = None if verdict is None else Verdicts(verdict)
        question = question or {"key": KEY}
        records = (record(),) if records is None else records
        return await quota_of(Asked(**question), policy=policy, keys=Keys(*records), holds=holds, history=history, now_us=clock.now())

    return asked


def by_id(told):
    return {limit["id"]: limit for limit in told["limits"]}


async def test_every_limit_that_applies_is_told_in_the_policy_s_order(ask):
    told = await ask(key="fp:" + KEY[:12], model="m", peer="192.0.2.1")
    assert (told["tier"], told["rule"], told["account"], told["key_state"]) == ("small", "all", "acme", "active")
    assert list(by_id(told)) == ["rpm", "tpm", "per-model", "per-net", "atonce", "life", "tried"]
    assert all((limit["used"], limit["fits"], limit["retry_us"], limit["needs"]) == (0, True, 0, "") for limit in told["limits"])
    assert (by_id(told)["tpm"]["amount"], by_id(told)["tpm"]["burst"]) == (100, 150)
    assert by_id(told)["tried"]["shadow"]


async def test_what_was_used_is_told_and_looking_costs_nothing(ask, holds, clock):
    from gateway.core.claims import claims_for
    from gateway.core.decide import decide
    from gateway.model.caller import Caller
    from gateway.model.evidence import NO_VERDICT
    from gateway.model.request import Estimate, RequestFacts

    policy = read_text(POLICY.format(credentials="issued", mode="enforce").encode(), "p.yaml").policy
    caller, tier = Caller(KEY, "acme", peer="192.0.2.1"), policy.tiers["small"]
    facts = RequestFacts("openai", "openai.chat", model="m", estimate=Estimate(5, 50, True))
    decision = decide(policy, "all", tier, caller, facts, NO_VERDICT, route="POST /chat/completions").decision
    hold = Hold("h", claims_for(policy, tier, caller, facts, decision, NO_VERDICT, at_us=clock.now()), clock.now())
    assert (await holds.take(hold)).held
    for _ in range(3):
        told = by_id(await ask(key=KEY, model="m", peer="192.0.2.1"))
    used = {name: limit["used"] for name, limit in told.items()}
    assert used == {"rpm": 1, "tpm": 55, "per-model": 1, "per-net": 1, "atonce": 1, "life": 50, "tried": 1}
    assert (told["atonce"]["open_slots"], told["rpm"]["open_slots"]) == (1, None)
    assert (told["life"]["fits"], told["life"]["retry_us"], told["life"]["reset_us"]) == (False, None, None)
    assert told["rpm"]["reset_us"] == 60_000_000
    await holds.settle(hold, Amounts(1, 5, 10, 0))
    told = by_id(await ask(key=KEY, model="other", peer="192.0.2.1"))
    assert (told["life"]["used"], told["per-model"]["used"], told["atonce"]["open_slots"]) == (10, 0, 0)


async def test_counters_that_the_question_does_not_name_are_said_to_need_it(ask):
    told = by_id(await ask(key=KEY))
    assert {name: limit["needs"] for name, limit in told.items() if limit["needs"]} == {"per-model": "model", "per-net": "peer"}
    assert told["per-model"]["used"] is None


async def test_by_account_limits_per_key_are_not_known(ask):
    told = await ask(account="acme")
    assert (told["account"], told["key_id"]) == ("acme", None)
    assert by_id(told)["rpm"]["needs"] == "key"
    assert by_id(told)["life"]["used"] == 0


async def test_an_account_without_issued_keys_is_matched_by_its_name(ask):
    assert (await ask(records=(), account="asserted"))["tier"] == "small"


async def test_an_account_whose_keys_have_different_tiers_needs_to_be_told_which(ask):
    records = record(), record(OTHER, tags=["paid"])
    with pytest.raises(QuotaError, match="different tiers"):
        await ask(records=records, account="acme")
    assert (await ask(records=records, account="acme", tier="big"))["tier"] == "big"


async def test_the_share_that_the_ladder_leaves_is_the_amount_that_is_told(ask):
    suspect = Verdict(25.0, frozenset({"wording", "arrival"}), campaign="c-1", high=25.0)
    told = await ask(verdict=suspect)
    assert (told["share"], told["campaign"], by_id(told)["rpm"]["amount"]) == (0.5, "c-1", 5)
    assert by_id(told)["linked"]["amount"] == 4


async def test_an_amount_of_the_key_s_own_is_the_one_that_is_told(ask):
    told = await ask(records=(record(limits=(("rpm", 77),)),))
    assert by_id(told)["rpm"]["amount"] == 77
    assert by_id(told)["rpm"]["allows"].startswith("77 ")


async def test_a_client_s_own_key_is_known_by_its_whole_id_only(ask):
    told = await ask(records=(), credentials="client", key=KEY, tier="small")
    assert (told["key_id"], told["key_state"]) == (KEY, None)
    with pytest.raises(QuotaError, match="give all 32 digits"):
        await ask(records=(), credentials="client", key=KEY[:12])


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"key": "azg_secret"}, "never the key"),
        ({"key": "fp:00000000"}, "no issued key begins with 00000000"),
        ({"key": "0" * 32}, "no issued key begins with"),
        ({"key": "abababab"}, "2 keys begin with abababab"),
        ({"key": KEY, "tier": "gold"}, "no tier 'gold': it has small, big"),
        ({"account": "zeta"}, "no caller rule of policy"),
        ({"model": "m"}, "name a key or an account"),
    ],
)
async def test_nobody_is_told_with_the_remedy(ask, question, said):
    with pytest.raises(QuotaError, match=said) as error:
        await ask(records=(record(), record(OTHER)), **question)
    assert "secret" not in str(error.value)


async def test_in_shadow_all_is_counted_and_told_so_and_off_counts_nothing(ask):
    assert all(limit["shadow"] for limit in (await ask(mode="shadow"))["limits"] if not limit["needs"])
    with pytest.raises(QuotaError, match="mode is off"):
        await ask(mode="off")
