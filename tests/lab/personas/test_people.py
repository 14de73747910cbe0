"""People talk in their own language, follow up, and repeat themselves; editors send the same file with a line changed."""

from __future__ import annotations

import itertools

import pytest

from gateway.lab.tongues import LANGUAGES
from tests.lab.asking import asks, said

SIGNS = {"de": {"ich", "Warum", "ist", "bitte", "bei"}, "fr": {"pour", "de", "une", "sujet"}, "es": {"para", "de", "qué", "una"}}


@pytest.mark.parametrize("language", LANGUAGES)
def test_people_write_their_language(language):
    texts = " ".join(said(one) for one in asks(f"people_{language}", 40))
    if language == "zh":
        assert sum(ord(letter) > 0x3000 for letter in texts) > 0.7 * len(texts.replace(" ", ""))
    else:
        assert len(SIGNS[language] & set(texts.split())) >= 2


def test_conversations_go_on_and_old_questions_come_back():
    found = asks("people_en", 200)
    turns = [sum(message["role"] == "user" for message in one.body.get("messages") or one.body["input"]) for one in found]
    assert 0.2 < sum(many > 1 for many in turns) / len(turns) < 0.5
    first = [said(one) for one, many in zip(found, turns, strict=True) if many == 1]
    assert len(set(first)) < len(first)


def test_roles_take_turns():
    for one in asks("people_fr", 100):
        roles = [message["role"] for message in one.body.get("messages") or one.body["input"] if message["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_an_editor_sends_long_files_that_grow_line_by_line():
    texts = [said(one) for one in asks("code_editor", 60)]
    assert max(map(len, texts)) > 3000
    shared = [a.split("\n</file>")[0] for a in texts]
    assert sum(later.startswith(earlier) for earlier, later in itertools.pairwise(shared)) > 20
