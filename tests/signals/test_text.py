"""Text is cut, normalised, masked, and its language guessed."""

from __future__ import annotations

import pytest

from gateway.signals.text import FIRST, LAST, clipped, code_share, hash64, language_of, masked_words, topic_of, words_of

SENTENCES = {
    "en": "What is the best way to plan a week of meals for two people?",
    "de": "Wie kann ich für eine Woche das Essen für zwei Personen planen und nicht zu viel kaufen?",
    "fr": "Quelle est la meilleure façon de prévoir les repas de la semaine pour deux personnes ?",
    "es": "¿Cuál es la mejor manera de planificar las comidas de una semana para dos personas?",
    "it": "Qual è il modo migliore per pianificare i pasti della settimana per due persone?",
    "nl": "Wat is de beste manier om voor twee mensen een week met het eten te plannen?",
    "pl": "Jak najlepiej zaplanować posiłki na tydzień dla dwóch osób i nie wydać za dużo?",
    "ja": "二人分の一週間の食事を計画する一番いい方法は何ですか。",
    "zh": "为两个人计划一周的饮食，最好的方法是什么？",
    "ko": "두 사람의 일주일 식사를 계획하는 가장 좋은 방법은 무엇인가요?",
    "ru": "Как лучше всего спланировать питание на неделю для двоих?",
    "ar": "ما هي أفضل طريقة لتخطيط وجبات الأسبوع لشخصين؟",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_the_language_of_a_sentence_is_guessed(language):
    text = SENTENCES[language]
    assert language_of(text, words_of(text)) == language


@pytest.mark.parametrize("text", ["", "qwrtz", "SELECT x FROM y", "12 345 67"])
def test_what_tells_no_language_has_none(text):
    assert language_of(text, words_of(text)) == ""


def test_a_long_text_is_cut_to_its_ends():
    text = "a" * 10_000 + "b" * 3_000
    assert clipped(text) == "a" * FIRST + " " + "b" * LAST
    assert clipped("short") == "short"


def test_scripts_without_spaces_count_by_the_character():
    assert words_of("你好 world") == ["你", "好", "world"]


def test_compatibility_forms_are_folded():
    assert words_of("ﬁne Ｗｉｄｅ") == ["fine", "wide"]


def test_numbers_quotations_names_links_and_ids_are_masked_as_one_slot_each():
    text = 'Ask Maria Lopez about order 12,400.5 of "two red bricks" at https://example.com/a?b=1 and item a81ddbe now'
    assert masked_words(text, "en") == ["ask", "_", "about", "order", "_", "of", "_", "at", "_", "and", "item", "_", "now"]


def test_german_nouns_are_no_names():
    assert masked_words("erkläre die Steuer und den Handel", "de") == ["erkläre", "die", "steuer", "und", "den", "handel"]


def test_code_is_told_by_its_characters():
    assert code_share("for (i = 0; i < n; i++) { a[i] = {}; }") > 0.3
    assert code_share(SENTENCES["en"]) == 0.0
    assert code_share("") == 0.0


def test_the_topic_is_of_the_long_words_and_in_no_order():
    one = topic_of(words_of("please describe photosynthesis in chloroplasts"))
    assert len(one) == 2
    assert one == topic_of(words_of("chloroplasts, which do photosynthesis"))
    assert len(topic_of([f"wordnumber{number}" for number in range(50)])) == 8


def test_nothing_hashes_to_nothing_and_lone_surrogates_hash():
    assert hash64([]) == 0
    assert hash64(["\ud800"]) != 0
    assert words_of("\ud800 x") == ["x"]
