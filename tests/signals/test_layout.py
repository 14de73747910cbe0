"""Layout: records, tools told of, words at random, a product's own prompt."""

from __future__ import annotations

import pytest

from gateway.signals.cues import CUES, FIGURES, LEANS
from gateway.signals.layout import figures, layout_of, owned, salad, told_tools
from gateway.signals.text import words_of


@pytest.mark.parametrize(
    "text", ["### Instruction:\nName a town.\n\n### Response:", "Q: Where is Bonn?\nA:", "Human: hello\n\nAssistant:"]
)
def test_a_record_without_its_answer(text):
    assert layout_of(text) == LEANS["form"]


@pytest.mark.parametrize("text", ["", "Q: Where is Bonn?", "Where is Bonn?\nAnswer:", "Instructions for the shelf"])
def test_no_record(text):
    assert layout_of(text) == 0


def test_an_answer_that_stands_already_and_what_led_to_it_is_asked_for():
    asked = "Question: Where is Bonn?\nAnswer: on the Rhine\nRationale:"
    assert layout_of(asked) & CUES["backfill"]
    assert layout_of("Frage: Wo liegt Bonn?\nAntwort: am Rhein\n**Gedanken**:") & CUES["backfill"]


@pytest.mark.parametrize("text", ["Question: Where is Bonn?\nThoughts:", "Q: 2+2?\nA: 4\n\nQ: Where is Bonn?\nReasoning:"])
def test_what_is_to_lead_to_an_answer_that_is_not_there_only_leans(text):
    assert layout_of(text) == LEANS["form"]


@pytest.mark.parametrize(
    ("text", "code", "checked"),
    [
        ("A boat takes 12 boxes and 3 of them fall off.", 0.0, True),
        ("def sail(boat): pass", 0.2, True),
        ("Where is Bonn?", 0.0, False),
        ("Suggest slogans for 12 boats and 3 lakes.", 0.0, False),
        ("Vorschläge für 12 Boote und 3 Seen", 0.0, False),
    ],
)
def test_what_can_be_checked_has_figures_and_is_not_there_to_choose_from(text, code, checked):
    assert figures(text, words_of(text), code) == (FIGURES if checked else 0)


def test_tools_are_signatures_alone_on_a_line_and_not_in_code():
    assert len(told_tools("You have\nsearch(query)\nopen_page(url, part)\nFind a town.")) == 2
    assert told_tools("a = {1: 2};\nmain()\nb = a;\n") == told_tools("Call search(query) now.") == ()


@pytest.mark.parametrize(
    "system",
    [
        "You are Max, the travel planner of Sungate. Keep answers short.",
        "You are the riddle master of a small travel game.",
        "Help the customers with their orders and be brief and kind.",
        "Du bist der Assistent für Reisende und fasst dich möglichst kurz.",
    ],
)
def test_a_products_own_prompt(system):
    assert owned(system, words_of(system))


@pytest.mark.parametrize(
    "system",
    ["", "You are Max.", "You are a careful and capable expert who gives correct answers to everything."],
)
def test_anybodys_prompt(system):
    assert not owned(system, words_of(system))


def test_words_and_letters_at_random():
    assert salad("label this\nkettle lantern orchard ferry glacier violin bakery harbour compass meadow", "en")
    assert salad("xk qwe rtyu lkj mnb vcxz poi uyt ree wqas", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "red kettle",
        "kettle, lantern, orchard, ferry, glacier, violin, bakery, harbour",
        "we went to the town and it was as good as the last time for all of us",
        "kettle lantern orchard 1200 ferry glacier violin bakery harbour compass",
    ],
)
def test_what_people_write(text):
    assert not salad(text, "en")


def test_other_languages_are_not_judged():
    assert not salad("kettle lantern orchard ferry glacier violin bakery harbour compass meadow", "fi")
