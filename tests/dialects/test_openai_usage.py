"""Usage in the spellings of all servers, and where it is found in an answer too large to read."""

from __future__ import annotations

import msgspec
import pytest

from gateway.dialects.openai_usage import Told, counted, expected, told_in_edges, usage_told
from gateway.model.request import NO_USAGE, Estimate, RequestFacts, Usage

FACTS = RequestFacts("openai.chat", "chat", estimate=Estimate(7, 100, True))


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        (b'{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}', Usage(5, 3, source="upstream")),
        (b'{"prompt_tokens":5,"total_tokens":8}', Usage(5, 3, source="upstream")),
        (b'{"completion_tokens":3,"total_tokens":8}', Usage(5, 3, source="upstream")),
        (b'{"total_tokens":8}', Usage(8, 8, source="upstream")),
        (b'{"input_tokens":5,"output_tokens":3,"input_tokens_details":{"cached_tokens":2}}', Usage(5, 3, cached=2, source="upstream")),
        (b'{"prompt_tokens":5,"completion_tokens":3,"prompt_cache_hit_tokens":4}', Usage(5, 3, cached=4, source="upstream")),
        (b'{"prompt_tokens":5,"completion_tokens":3,"completion_tokens_details":{"reasoning_tokens":1}}',
         Usage(5, 3, 0, 1, source="upstream")),
        (b'{"prompt_tokens":-5,"completion_tokens":1e30,"prompt_tokens_details":null}', Usage(0, 2**53, source="upstream")),
        (b'{"prompt_tokens":0,"completion_tokens":0}', Usage(0, 0, source="upstream")),
        (b"{}", None),
        (b'{"type":"duration","seconds":3}', None),
    ],
)  # fmt: skip
def test_usage_is_read_in_either_spelling(text, usage):
    assert usage_told(msgspec.json.decode(text, type=Told)) == usage


def test_of_several_usages_in_the_edges_the_last_is_told():
    assert told_in_edges(b"", b'..."usage":{"prompt_tokens":1}}, "usage" : {"prompt_tokens":5,"completion_tokens":3}}') == Usage(
        5, 3, source="upstream"
    )
    assert told_in_edges(b'{"usage":{"prompt_tokens":5,"completion_tokens":3},"data":[', b"...]}") == Usage(5, 3, source="upstream")


@pytest.mark.parametrize(
    "tail", [b"", b'"usage":null}', b'"usage":{"prompt_tok', b'\\"usage\\":{\\"prompt_tokens\\":1}', b'"usage":[{"prompt_tokens":1}]']
)
def test_where_there_is_none_none_is_told(tail):
    assert told_in_edges(b"", tail) is None


def test_what_is_counted_and_what_is_expected_say_so():
    assert counted(FACTS, 9, reasoning=20) == Usage(7, 9, reasoning=9, source="counted")
    assert expected(FACTS) == Usage(7, 100, source="estimated")
    assert expected(RequestFacts("openai.chat", "chat")) is NO_USAGE
