"""Events known by their bytes: what fits goes out as reading and writing would have it, what does not fit is not taken."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.altering import read_document, rewriting
from gateway.dialects.sse import data_of
from gateway.dialects.stencil import MARK, Telling, stencil_of
from gateway.dialects.tellings import TELLINGS
from tests.bench.altering import altering, events
from tests.support.prose import REPLIES

STREAM = [(b"content-type", b"text/event-stream")]
CHAT = b'data: {"id": "c", "choices": [{"index":0,"delta":{"content": "%s"}}]}\n\n'
NUMBERED = (
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","sequence_number":%d,"delta":"%s","obfuscation":"%s"}\n\n'
)


def stencil(raw, dialect="openai.chat", write=str.upper, number=lambda told: told):
    document = read_document(data_of(raw))
    holder, key = TELLINGS[dialect](document)
    return stencil_of(raw, Telling(holder, key, write, lambda document: [document], lambda: None, number))


def test_only_the_text_is_written_and_every_other_byte_stays():
    made = stencil(CHAT % b"one")
    assert made.told(CHAT % rb"two \"x\" \u00e9") == CHAT % 'TWO \\"X\\" É'.encode()
    assert made.told(CHAT % b"12, ") == CHAT % b"12, ", "a text that stays as it was keeps its bytes"
    assert made.told(CHAT % rb"\u0031") == CHAT % rb"\u0031"


def test_a_text_that_is_held_back_leaves_nothing():
    assert stencil(CHAT % b"one", write=lambda text: "").told(CHAT % b"two") == b""


def test_numbers_and_padding_may_differ():
    made = stencil(NUMBERED % (3, b"a", b"xx"), "openai.responses", number=lambda told: told - 2)
    assert made.told(NUMBERED % (14, b"b", b"yyyy")) == NUMBERED % (12, b"B", b"yyyy")
    assert made.told(NUMBERED % (14, b"b", b'"')) is None
    assert made.told((NUMBERED % (14, b"b", b"y")).replace(b"14", b"1.5")) is None


@pytest.mark.parametrize(
    "raw",
    [CHAT % b'a"b', CHAT % b'","x":"', CHAT % b"\x01", CHAT % b"\\", CHAT % b"\xff", CHAT % rb"\ud83d", b"", CHAT[:20],
     (CHAT % b"a").replace(b'"c"', b'"d"'), CHAT % b"a" + b"\n"],
)  # fmt: skip
def test_what_does_not_fit_is_not_taken(raw):
    assert stencil(CHAT % b"one").told(raw) is None


def test_no_stencil_is_made_where_the_text_stands_is_in_doubt():
    assert stencil((CHAT % b"one").replace(b'"id": "c"', b'"id": {"content":"one"}')) is None
    assert stencil(CHAT % MARK.encode()) is None
    assert stencil((CHAT % b"one").replace(b'"content"', b'"c\\u006fntent"')) is None
    assert stencil(b': {"content":"one"}\n' + CHAT % b"one") is not None, "a comment is no data"


class Reading:
    """The same edits, every event read as JSON."""

    def __init__(self, work):
        self._work = work
        self.event, self.whole, self.rest = work.event, work.whole, work.rest

    def telling(self, document):
        return None


def texts(raw):
    told = [json.loads(line[6:]) for line in raw.decode().split("\n") if line.startswith("data: {")]
    out = {}
    for document in told:
        for choice in document["choices"]:
            out[choice["index"]] = out.get(choice["index"], "") + (choice["delta"].get("content") or "")
    return out


@given(
    st.integers(1, 30),
    st.booleans(),
    st.sampled_from([("fingerprint",), ("fingerprint", "samples"), ("samples", "reasoning")]),
    st.data(),
)
def test_what_is_told_is_what_reading_every_event_tells_in_any_chunks(size, obfuscated, names, data):
    told = events("".join(REPLIES[:3])[:600], size, obfuscated=obfuscated)
    raw = b"".join(told)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=5)))
    results = []
    for wrap, pieces in (
        (Reading, told),
        (lambda work: work, told),
        (lambda work: work, [raw[a:b] for a, b in pairwise([0, *cuts, len(raw)])]),
    ):
        rewrites = rewriting(wrap(altering(names, n=2).work()), 200, STREAM)
        results.append(b"".join(map(rewrites.feed, pieces)) + rewrites.rest())
    assert texts(results[0]) == texts(results[1])
    assert results[1] == results[2]
    assert "samples" not in names or set(texts(results[1])) == {0, 1}


def test_events_that_no_edit_changes_keep_their_bytes():
    told = events("It is 1 + 2.", 3, obfuscated=True)
    rewrites = rewriting(altering(("reasoning", "logprobs")).work(), 200, STREAM)
    assert [rewrites.feed(event) for event in told] == told


def test_what_was_done_to_events_that_were_not_read_is_counted():
    told = events("abcdefgh", 2)
    work = altering(("samples",), n=3).work()
    rewrites = rewriting(work, 200, STREAM)
    out = b"".join(map(rewrites.feed, told))
    assert texts(out) == dict.fromkeys(range(3), "abcdefgh")
    assert "samples=12" in work.told(), "six events, each told twice more"
