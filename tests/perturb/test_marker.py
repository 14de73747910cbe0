"""A manner of writing that is the caller's own."""

from __future__ import annotations

from gateway.perturb.marker import PERTURBATION, MarkerOptions, manners
from tests.perturb.test_logprobs import context

OPTIONS = MarkerOptions(pairs=[["say a", "say b"], ["do c", "do d"]])


def test_each_caller_has_one_of_each_pair_and_both_occur():
    drawn = [tuple(manners(b"s" * 32, f"k{number}", 1, OPTIONS.pairs)) for number in range(100)]
    assert len(set(drawn)) == 4
    assert manners(b"s" * 32, "k1", 1, OPTIONS.pairs) == list(drawn[1])


def test_the_instruction_stands_behind_the_clients_own():
    told = PERTURBATION.request({"system": "Be kind."}, context("anthropic.messages"), OPTIONS)["system"]
    assert told.startswith("Be kind.\n\nIn prose")
    listed = PERTURBATION.request({"system": [{"type": "text", "text": "x"}]}, context("anthropic.messages"), OPTIONS)["system"]
    assert [block["type"] for block in listed] == ["text", "text"]
    assert "say" in PERTURBATION.request({}, context("openai.responses"), OPTIONS)["instructions"]


def test_a_chat_gets_a_system_message_or_a_longer_one():
    user = {"role": "user", "content": "hi"}
    fresh = PERTURBATION.request({"messages": [user]}, context(), OPTIONS)["messages"]
    assert [message["role"] for message in fresh] == ["system", "user"]
    asked = {"messages": [{"role": "developer", "content": "Be kind."}, user]}
    longer = PERTURBATION.request(asked, context(), OPTIONS)["messages"]
    assert longer[0]["content"].startswith("Be kind.\n\nIn prose")
    assert asked["messages"][0]["content"] == "Be kind."
    assert PERTURBATION.request({"prompt": "x"}, context("openai.completions"), OPTIONS) == {}
