"""Each language has enough small words of its own to be told."""

from __future__ import annotations

from gateway.signals.stopwords import STOP_WORDS, TELLING


def test_every_language_has_words_that_no_other_has():
    own = {}
    for languages in TELLING.values():
        if len(languages) == 1:
            own[languages[0]] = own.get(languages[0], 0) + 1
    assert len(own) >= 17
    assert min(own.values()) >= 4


def test_small_words_are_no_topic():
    assert {"the", "und", "que", "where", "question"} <= STOP_WORDS
