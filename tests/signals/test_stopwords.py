"""Each language has enough small words of its own to be told."""

from __future__ import annotations

from gateway.signals.stopwords import LANGUAGES, STOP_WORDS, VOTES


def test_every_language_has_words_that_no_other_has():
    own = {language: sum(votes == 1 << (8 * place) for votes in VOTES.values()) for place, language in enumerate(LANGUAGES)}
    assert len(own) >= 17
    assert min(own.values()) >= 4


def test_small_words_are_no_topic():
    assert {"the", "und", "que", "where", "question"} <= STOP_WORDS
