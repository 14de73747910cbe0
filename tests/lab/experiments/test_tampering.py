"""What an attacker does to marked answers: only what he means to change is changed."""

from __future__ import annotations

from gateway.lab.dice import dice
from gateway.lab.experiments.tampering import commonest, normalised, redrawn, replaced, sentences, stripped
from gateway.lab.experiments.teacher import made_up
from gateway.perturb.fingerprint_places import places

TEXT = "\n\n".join(item.answer for item in made_up()[:20])


def variants(text):
    return [place.variant for place in places(text)]


def test_drawing_no_variant_anew_changes_nothing():
    assert redrawn(TEXT, dice(1), 0.0) == TEXT


def test_of_variants_drawn_anew_about_half_change():
    before, after = variants(TEXT), variants(redrawn(TEXT, dice(1), 1.0))
    assert 0.3 < sum(a != b for a, b in zip(before, after, strict=False)) / len(before) < 0.7


def test_one_style_is_the_first_of_two_ways_everywhere():
    assert sum(variants(TEXT)) > 0
    assert sum(variants(normalised(TEXT))) == 0


def test_sentences_put_together_are_the_text():
    assert "".join(sentences(TEXT)) == TEXT


def test_a_share_of_the_sentences_is_replaced():
    pieces = sentences(TEXT)
    told = replaced(TEXT, dice(1), 0.5, ["CLEAN. "])
    assert 0.35 < told.count("CLEAN. ") / len(pieces) < 0.65
    assert replaced(TEXT, dice(1), 0.0, ["CLEAN. "]) == TEXT


def test_plain_ascii_keeps_words_and_loses_what_cannot_be_seen():
    assert stripped("na\u00efve\u200b \ufb01le") == "naive file"


def test_the_commonest_answer_is_kept():
    assert commonest(["a", "b", "b"]) == "b"
