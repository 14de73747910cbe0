"""A seal is opened for whom it was made, and for nobody else."""

from __future__ import annotations

import pytest

from gateway.errors import BadRequest
from gateway.model.value import replace
from gateway.perturb.seal import MARK, conversation, open_text, opened, seal
from tests.perturb.test_logprobs import context

ASKED = {"messages": [{"role": "user", "content": "What is a tide?"}]}
HERS = context("anthropic.messages", asked=ASKED)


def test_what_was_sealed_is_opened_again_and_sealing_twice_is_the_same():
    sealed = seal("a thought \ud83d", HERS)
    assert sealed.encode().startswith(MARK)
    assert sealed == seal("a thought \ud83d", HERS)
    assert open_text(sealed, HERS) == "a thought \ud83d"
    assert "thought" not in sealed


@pytest.mark.parametrize(
    "other",
    [{"key_id": "another"}, {"model": "n"}, {"asked": {"messages": [{"role": "user", "content": "Hello"}]}}, {"secret": b"t" * 32}],
)
def test_another_key_model_conversation_or_deployment_does_not_open_it(other):
    with pytest.raises(BadRequest, match="not given to this key"):
        open_text(seal("x", HERS), replace(HERS, **other))


@pytest.mark.parametrize("broken", ["azs1.", "azs1.AAAA", "azs1.\u00e4", "azs1.%%%"])
def test_a_broken_seal_is_refused_like_a_foreign_one(broken):
    with pytest.raises(BadRequest, match="not given to this key"):
        open_text(broken, HERS)


def test_a_changed_letter_breaks_it():
    sealed = seal("a longer thought", HERS)
    with pytest.raises(BadRequest):
        open_text(sealed[:-3] + ("AA" if sealed[-3:-1] != "AA" else "BB") + sealed[-1], HERS)


def test_every_block_of_a_request_is_opened_and_withheld_thoughts_are_put_back():
    blocks = [
        {"type": "thinking", "thinking": "", "signature": seal('["a thought","sig"]', HERS)},
        {"type": "redacted_thinking", "data": seal("opaque", HERS)},
        {"type": "thinking", "thinking": "told", "signature": seal('[null,"sig2"]', HERS)},
    ]
    asked = {"messages": [*ASKED["messages"], {"role": "assistant", "content": blocks}]}
    assert opened(asked, replace(HERS, asked=asked))["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "a thought", "signature": "sig"},
        {"type": "redacted_thinking", "data": "opaque"},
        {"type": "thinking", "thinking": "told", "signature": "sig2"},
    ]


def test_a_request_without_seals_is_left_alone():
    assert opened({"messages": [{"role": "user", "content": "azs1. is a word"}]}, HERS) == {}
    assert opened({"input": "text"}, HERS) == {}


def test_a_conversation_is_known_by_its_first_words_however_they_are_written():
    listed = {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is a tide?", "cache_control": {}}]}]}
    assert conversation(listed) == conversation(ASKED)
    assert conversation({"input": "What is a tide?"}) == conversation({"input": ASKED["messages"]}) == conversation(ASKED)
