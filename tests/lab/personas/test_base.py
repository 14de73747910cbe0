"""Who is among the personas, and that a manner puts the same question on the wire of every dialect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import SettingsError
from gateway.lab.corpora import Corpora
from gateway.lab.dice import dice
from gateway.lab.personas import PERSONAS, chosen
from gateway.lab.personas.base import Member, Part, ask, draw_manner, user
from tests.lab.asking import asks, said

HOSTILE = [persona for persona in PERSONAS.values() if persona.hostile]
HONEST = [persona for persona in PERSONAS.values() if not persona.hostile]


def part(**manner):
    return Part(dice(1), Corpora(), replace(draw_manner(dice(1)), **manner), Member(0, 1, ""))


def test_there_are_a_dozen_of_each_side_at_least():
    assert len(HOSTILE) >= 12
    assert len(HONEST) >= 12


@pytest.mark.parametrize("persona", HOSTILE, ids=lambda persona: persona.name)
def test_each_hostile_persona_has_an_honest_twin_of_the_same_size(persona):
    twin = PERSONAS[persona.twin]
    assert not twin.hostile
    assert twin.busy == persona.busy
    assert (twin.group is None) == (persona.group is None)
    assert persona.group is None or twin.group.turns == persona.group.turns


@pytest.mark.parametrize("name", PERSONAS)
def test_whoever_calls_asks_what_a_dialect_can_read_and_never_stops(name):
    for seed in (1, 2, 3):
        for one in asks(name, 60, seed=seed, size=3):
            assert one.path in {"/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings"}
            assert said(one).strip()
            assert one.body["model"]
            assert one.input_tokens > 0
            assert "{" not in said(one)[:12] or name == "code_editor"


@pytest.mark.parametrize("name", PERSONAS)
def test_the_same_caller_asks_the_same(name):
    assert asks(name, 10) == asks(name, 10)
    assert asks(name, 10) != asks(name, 10, seed=2)


@pytest.mark.parametrize(
    "persona", [p for p in HOSTILE if p.name not in {"logit_harvest", "bias_bisect", "embedding_extract"}], ids=lambda p: p.name
)
def test_wordings_come_in_halves_without_overlap(persona):
    def beginnings(half):
        return {said(asks(persona.name, 12, seed=seed, half=half)[-1])[:12] for seed in range(30)}

    assert len(beginnings("all")) > 1
    assert beginnings("a") != beginnings("b")


def test_halves_of_wordings_never_share_one():
    options = tuple("abcdef")
    drawn = {half: {replace(part(), half=half, chance=dice(k)).pick(options) for k in range(60)} for half in ("all", "a", "b")}
    assert drawn == {"all": set(options), "a": set("ace"), "b": set("bdf")}


def test_each_dialect_s_body_is_its_own():
    chat = ask(part(dialect="chat", system="s", longest=9, stream=True), [user("q")]).body
    assert [message["role"] for message in chat["messages"]] == ["system", "user"]
    assert (chat["max_tokens"], chat["stream"]) == (9, True)
    messages = ask(part(dialect="messages", system="s", longest=None), [user("q")])
    assert (messages.path, messages.body["system"], messages.body["max_tokens"]) == ("/v1/messages", "s", 1024)
    responses = ask(part(dialect="responses", system="s", longest=9), [user("q")]).body
    assert (responses["input"], responses["instructions"], responses["max_output_tokens"]) == ([user("q")], "s", 9)


def test_parameters_of_chat_completions_are_sent_there():
    one = ask(part(dialect="messages", system=""), [user("q")], n=4, answer=50)
    assert (one.path, one.body["n"]) == ("/v1/chat/completions", 4)


def test_answers_keep_to_their_length():
    assert all(ask(part(longest=20), [user("q")], answer=400).output_tokens <= 20 for _ in range(50))


def test_manners_do_not_depend_on_who_speaks():
    assert draw_manner(dice("x")) == draw_manner(dice("x"))
    assert {draw_manner(dice(k)).dialect for k in range(100)} == {"chat", "messages", "responses"}


def test_personas_are_chosen_by_name_and_left_out_by_name():
    assert [persona.name for persona in chosen("indexer, cot_harvest")] == ["indexer", "cot_harvest"]
    assert {persona.name for persona in chosen("hostile,-cot_harvest")} == {p.name for p in HOSTILE} - {"cot_harvest"}
    assert len(chosen("-indexer")) == len(PERSONAS) - 1
    with pytest.raises(SettingsError, match="nobody is called 'nobody'"):
        chosen("nobody")
    with pytest.raises(SettingsError, match="leaves nobody"):
        chosen("indexer,-indexer")
