"""Callers who do not write English have something to say in theirs."""

from __future__ import annotations

import pytest

from gateway.lab.dice import dice
from gateway.lab.tongues import LANGUAGES, chat, passage


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_asked_varies_and_has_no_slot_left(language):
    asked = {chat(dice(language, number), language) for number in range(200)}
    assert len(asked) > 120
    assert not any(set(text) & set("{}") for text in asked)


def test_a_passage_is_in_its_language():
    assert "important" in passage(dice(1), "fr")
    assert "wichtig" in passage(dice(1), "de")
    assert all(ord(letter) > 127 or letter.isdigit() for letter in passage(dice(1), "zh"))
