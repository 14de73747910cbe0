"""A request becomes numbers and sketches: of every dialect, of whatever nonsense, and never its text."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.look import Look
from gateway.signals.cues import CUES, LEAN_MASK, LEANS
from gateway.signals.look import look_of
from gateway.signals.minhash import alike

DIALECTS = ("openai.chat", "openai.completions", "openai.responses", "openai.embeddings", "anthropic.messages")
ASK = "Write a limerick about the tall ships of Rostock in winter."

SAID = {
    "openai.chat": {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": ASK}]},
    "openai.completions": {"prompt": ASK},
    "openai.responses": {"instructions": "Be brief.", "input": [{"role": "user", "content": [{"type": "input_text", "text": ASK}]}]},
    "openai.embeddings": {"input": [ASK]},
    "anthropic.messages": {
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": ASK}]}],
    },
}


def chat(text, **other):
    return look_of("openai.chat", {"messages": [{"role": "user", "content": text}], **other})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_words_look_the_same_in_every_dialect(dialect):
    look, plain = look_of(dialect, SAID[dialect]), chat(ASK)
    assert (look.words, look.chars, look.turns, look.language) == (11, len(ASK), 1, "en")
    assert (look.exact, look.head, look.tail, look.wrapper, look.topic) == (
        plain.exact,
        plain.head,
        plain.tail,
        plain.wrapper,
        plain.topic,
    )
    systems = {"openai.chat", "openai.responses", "anthropic.messages"}
    assert look.system_words == (2 if dialect in systems else 0)
    assert (look.system != 0) is (dialect in systems)


def test_the_last_words_of_the_user_count_and_all_of_his_turns():
    messages = [
        {"role": "user", "content": "Hello there."},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": ASK},
        {"role": "assistant", "content": "Which?"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "12"}]},
    ]
    look = look_of("anthropic.messages", {"messages": messages})
    assert look.turns == 2
    assert look.exact == chat(ASK).exact


def test_spacing_case_and_marks_are_no_difference():
    assert chat("  Write a LIMERICK\n about the tall ships of Rostock, in winter!").exact == chat(ASK).exact


def test_one_wrapper_with_other_slots_has_the_same_ends_and_nearly_the_same_sketch():
    wrapped = [
        chat(f'Read the passage "{slot}" with care and then give every step that leads to question {number} with all of its detail.')
        for number, slot in [(1, "the cat sat"), (40_912, "a much longer passage of twenty words and more in it")]
    ]
    assert wrapped[0].head == wrapped[1].head
    assert wrapped[0].tail == wrapped[1].tail
    assert wrapped[0].exact != wrapped[1].exact
    assert alike(wrapped[0].wrapper, wrapped[1].wrapper) == 1.0
    assert alike(wrapped[0].wrapper, chat(ASK).wrapper) < 0.2


def test_parameters_are_read_by_the_names_that_each_family_has():
    asked = chat(
        ASK,
        n=4, temperature=1.3, seed=7, logprobs=True, top_logprobs=5, logit_bias={"11": -100, "12": 40.5}, max_completion_tokens=9,
        tools=[{}, {}], response_format={"type": "json_object"}, stream=True, model="m",
    )  # fmt: skip
    assert (asked.choices, asked.temperature, asked.seeded, asked.logprobs, asked.max_output) == (4, 1.3, True, 5, 9)
    assert (asked.bias, asked.bias_low, asked.bias_high) == (2, -100.0, 40.5)
    assert (asked.tools, asked.formatted, asked.stream, asked.model) == (2, True, True, "m")
    unset = chat(ASK)
    assert (unset.choices, unset.temperature, unset.seeded, unset.logprobs, unset.bias, unset.max_output) == (1, -1.0, False, -1, 0, -1)
    assert chat(ASK, logprobs=True).logprobs == 0
    completions = look_of("openai.completions", {"prompt": ASK, "logprobs": 3, "best_of": 8, "n": 2})
    assert (completions.logprobs, completions.choices) == (3, 8)
    responses = look_of(
        "openai.responses",
        {
            "input": ASK,
            "max_output_tokens": 12,
            "include": ["message.output_text.logprobs"],
            "text": {"format": {"type": "json_schema"}},
        },
    )
    assert (responses.logprobs, responses.max_output, responses.formatted) == (0, 12, True)


def test_a_number_that_is_none_or_too_large_is_left_out_or_cut():
    look = chat(ASK, temperature=float("nan"), n=10**400, max_tokens=float("inf"))
    assert (look.temperature, look.choices, look.max_output) == (-1.0, 1 << 40, 1 << 40)


def test_what_the_weigher_knows_better_stands_over_the_document():
    look = look_of("openai.chat", {"model": "as asked"}, model="as served", at_us=5, key_id="k", refused="limit")
    assert (look.model, look.at_us, look.key_id, look.refused) == ("as served", 5, "k", "limit")


def test_a_text_of_megabytes_is_looked_at_in_part_and_counted_whole():
    look = chat("alpha beta " * 200_000 + "the very end")
    assert look.chars == 2_200_012
    assert 390_000 < look.words < 410_000
    assert look.tail == chat("x " * 10_000 + "beta alpha beta alpha beta the very end").tail


WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=12).map(lambda word: "zq" + word)


@given(st.lists(WORD, min_size=3, max_size=12, unique=True), st.sampled_from(DIALECTS))
def test_no_word_of_a_text_is_in_the_look(words, dialect):
    text = " ".join(words)
    look = look_of(
        dialect,
        {
            "messages": [{"role": "user", "content": text}, {"role": "system", "content": text}],
            "prompt": text,
            "input": text,
            "user": text,
        },
    )
    kept = msgspec.json.encode(look).decode()
    assert not [word for word in words if word in kept]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["role", "content", "text", "type", "1"]), inner, max_size=4)
    ),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    ["messages", "input", "prompt", "system", "instructions", "n", "best_of", "temperature", "seed", "logprobs", "top_logprobs",
     "logit_bias", "max_tokens", "max_output_tokens", "tools", "response_format", "text", "include", "stream", "model"]
)  # fmt: skip


@given(st.dictionaries(FIELDS, JUNK, max_size=8), st.sampled_from(DIALECTS))
def test_whatever_stands_in_a_document_gives_a_look_that_can_be_written_down(document, dialect):
    look = look_of(dialect, document)
    assert msgspec.json.decode(msgspec.json.encode(look), type=Look) == look


def test_tools_are_kept_as_hashes_of_names_told_ones_where_none_are_declared():
    tools = [{"type": "function", "function": {"name": "find"}}, {"name": "book"}, "no tool"]
    declared = look_of("openai.chat", {"messages": [{"role": "user", "content": "Go."}], "tools": tools})
    assert (declared.tools, len(declared.tool_names)) == (3, 2)
    told = look_of("openai.chat", {"messages": [{"role": "user", "content": "You have\nfind(query)\nGo."}]})
    assert (told.tools, len(told.tool_names), told.cues & LEAN_MASK) == (0, 1, LEANS["tools"])


def test_an_answer_begun_within_thinking_or_stopped_at_its_end_asks_for_what_is_hidden():
    asked = [{"role": "user", "content": "Where is Bonn?"}]
    begun = [*asked, {"role": "assistant", "content": "<think>\nOkay"}]
    assert look_of("openai.chat", {"messages": begun}).cues == CUES["hidden"]
    assert look_of("anthropic.messages", {"messages": asked, "stop_sequences": ["</think>"]}).cues == CUES["hidden"]
    assert look_of("openai.chat", {"messages": asked, "stop": "\n\n"}).cues == 0


@pytest.mark.parametrize(
    ("fields", "cues"),
    [(["prompt", "chosen", "rejected"], CUES["grading"]), (["instruction", "output"], LEANS["form"]), (["reasoning", "answer"], 0)],
)
def test_fields_of_a_schema_say_what_it_is_a_record_of(fields, cues):
    schema = {"type": "json_schema", "json_schema": {"schema": {"properties": {field: {} for field in fields}}}}
    look = look_of("openai.chat", {"messages": [{"role": "user", "content": "Where is Bonn?"}], "response_format": schema})
    assert look.cues == cues


def test_a_run_that_goes_on_is_told_from_one_that_begins():
    asked = [{"role": "user", "content": "Where is Bonn?"}]
    assert not look_of("openai.chat", {"messages": asked}).goes_on
    assert look_of("openai.chat", {"messages": [*asked, {"role": "tool", "content": "on the Rhine"}]}).goes_on
    assert look_of("openai.responses", {"input": [*asked, {"type": "function_call_output", "output": "on the Rhine"}]}).goes_on
