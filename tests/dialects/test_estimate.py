"""Estimates stay near the truth of a real tokenizer where it matters: never zero, neither for Chinese nor for base64 far too low."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.estimate import MEDIA_TOKENS, input_tokens, text_tokens, tokens_of_bytes

PROSE = "The checkout service began returning errors for roughly seven of a hundred requests. " * 40
CHINESE = "模型端点返回了错误的响应请检查日志并重试" * 100
NOISE = base64.b64encode(bytes(range(256)) * 20).decode()


def test_prose_is_a_token_for_four_letters():
    assert tokens_of_bytes(PROSE.encode()) == -(-len(PROSE) // 4)


@pytest.mark.parametrize("ascii_only", [True, False])
def test_chinese_is_near_a_token_a_sign_however_it_is_written(ascii_only):
    text = json.dumps(CHINESE, ensure_ascii=ascii_only).encode()
    assert 0.6 * len(CHINESE) <= tokens_of_bytes(text) <= 1.0 * len(CHINESE)


def test_base64_is_dense():
    assert tokens_of_bytes(NOISE.encode()) >= len(NOISE) // 2 - 256


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + NOISE}},
        {"type": "input_audio", "input_audio": {"data": NOISE, "format": "wav"}},
    ],
)
def test_media_count_by_the_piece(part):
    body = json.dumps({"messages": [{"role": "user", "content": [part]}]}).encode()
    assert MEDIA_TOKENS <= input_tokens(body) <= MEDIA_TOKENS + 100


def test_options_are_not_read_by_the_model_and_what_is_large_counts_wherever_it_stands():
    messages = b'[{"role":"user","content":"Tell me about the sea."}]'
    small, large = (
        b'{"temperature":0.2,"messages":' + messages + b"}",
        b'{"documents":"' + b"word " * 400 + b'","messages":' + messages + b"}",
    )
    assert input_tokens(small, messages) == -(-len(messages) // 4) - 3
    assert input_tokens(large, messages) > input_tokens(small, messages) + 300
    assert input_tokens(small) > input_tokens(small, messages)


@given(st.binary(max_size=600))
def test_an_estimate_is_never_zero_and_never_more_than_the_bytes(body):
    assert 1 <= input_tokens(body) <= max(1, len(body))


@given(st.text(max_size=300))
def test_a_piece_of_an_answer_is_at_least_one_token(text):
    assert (text_tokens(text) >= 1) == bool(text)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), (" the", 1), ("ing", 1), (" infrastructure", 1), ("Hello, world!", 4), ("12345", 2), ("\n\n", 1), ("🙂", 1)],
)
def test_a_short_piece_counts_by_its_words_and_signs(text, tokens):
    assert text_tokens(text) == tokens


def test_a_lone_surrogate_is_counted_too():
    assert text_tokens("\ud83d" * 8) >= 1
