"""Teachers that say what is known beforehand."""

from __future__ import annotations

from gateway.lab.corpora import Item
from gateway.lab.experiments.base import unguarded
from gateway.lab.experiments.teacher import Reciting, made_up, prompted
from gateway.perturb.fingerprint_places import places


async def test_the_answer_to_a_prompt_is_recited():
    items = (Item("Who is there?", "It is I, and it is late."), Item("And who else?", "Nobody."))
    async with unguarded(Reciting(items)) as client:
        told = [(await client.ask("/v1/chat/completions", {"messages": [{"content": item.text}]})).document for item in items]
        unknown = (await client.ask("/v1/chat/completions", {"messages": [{"content": "What?"}]})).document
    assert [one["choices"][0]["message"]["content"] for one in told] == [item.answer for item in items]
    assert unknown["choices"][0]["message"]["content"] == ""


def test_prompts_without_an_answer_and_repeated_ones_are_left_out():
    given = (Item("a", "one"), Item("b", " "), Item("a", "two"))
    assert prompted(given) == (Item("a", "two"),)
    assert prompted(()) == prompted((Item("b", ""),)) == made_up()


def test_made_up_answers_have_places_to_mark():
    items = made_up()
    assert len(items) > 50
    assert all(len(places(item.answer)) >= 2 for item in items[:20])
