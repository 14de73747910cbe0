"""The list of models: callers see those that they may use, in the very bytes that the upstream wrote."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.model_list import MAX_LIST, filtered, shown_to
from gateway.dialects.opaque import Opaque
from gateway.errors import UpstreamError

JSON = [(b"content-type", b"application/json; charset=utf-8")]
OPENAI = b'{ "object":"list", "data":[ {"id":"small-1","created":1.50e3,"owned_by":"\\u0061"} ,{"id":"big-1"},{"id":"small-2"}] }'


def small(model):
    return model.startswith("small-")


def listing(headers=JSON, status=200, allowed=small):
    passing = Opaque().relay(Opaque().parse(b"", length=0), status, headers, hide_usage=False)
    return shown_to(allowed, passing, status, headers)


def ids(document):
    return [model["id"] for model in json.loads(document)["data"]]


def test_only_allowed_models_stay_and_they_keep_their_bytes():
    shown = filtered(OPENAI, small)
    assert ids(shown) == ["small-1", "small-2"]
    assert b'{"id":"small-1","created":1.50e3,"owned_by":"\\u0061"}' in shown
    assert b"big" not in shown


def test_a_list_that_hides_nothing_is_the_very_same():
    assert filtered(OPENAI, lambda model: True) is OPENAI


def test_a_caller_without_any_model_sees_an_empty_list():
    assert json.loads(filtered(OPENAI, lambda model: False)) == {"object": "list", "data": []}


@pytest.mark.parametrize(("more", "last"), [(False, "small-1"), (True, "big-2")])
def test_anthropics_page_marks_name_what_is_shown_and_lead_on_to_the_next_page(more, last):
    models = [{"type": "model", "id": name} for name in ("big-1", "small-1", "big-2")]
    page = json.dumps({"data": models, "has_more": more, "first_id": "big-1", "last_id": "big-2"}).encode()
    shown = json.loads(filtered(page, small))
    assert shown == {"data": [models[1]], "has_more": more, "first_id": "small-1", "last_id": last}


def test_further_lists_and_bare_ones_are_cut_too():
    both = b'{"models":[{"name":"big-1","model":"big-1"},"big-2","small-9"],"object":"list","data":[{"id":"small-1"}]}'
    assert json.loads(filtered(both, small)) == {"models": ["small-9"], "object": "list", "data": [{"id": "small-1"}]}
    assert json.loads(filtered(b'[{"id":"big-1"},{"id":"small-1"}]', small)) == [{"id": "small-1"}]


@pytest.mark.parametrize(
    "document",
    [b"", b"null", b'"big"', b'{"data":{"id":"big"}}', b'{"data":[1,{}]}', b"{", b'{"data":[{"id":"big"}', b"[" * 5000, b"\xff"],
)
def test_what_is_no_list_of_models_passes_as_it_is(document):
    assert filtered(document, small) == document


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_nothing_passes_before_the_whole_list_is_cut(sizes):
    relay, at, turn = listing(), 0, 0
    while at < len(OPENAI):
        assert relay.feed(OPENAI[at : at + sizes[turn % len(sizes)]]) == b""
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    assert relay.finish() == filtered(OPENAI, small)
    assert relay.seen().usage.total == 0


@pytest.mark.parametrize(("status", "headers"), [(404, JSON), (200, [(b"content-type", b"text/html")]), (200, [])])
def test_errors_and_pages_pass_like_any_opaque_answer(status, headers):
    relay = listing(headers, status)
    assert relay.feed(b"big-1 is not here") == b"big-1 is not her"
    assert relay.finish() == b"e"


def test_a_list_that_came_compressed_unasked_is_not_handed_on():
    with pytest.raises(UpstreamError, match="compressed") as caught:
        listing([*JSON, (b"content-encoding", b"gzip")]).feed(b"\x1f\x8b")
    assert caught.value.kind == "protocol"


def test_a_list_beyond_the_bound_is_not_handed_on():
    relay = listing()
    relay.feed(b"[" + b" " * (MAX_LIST - 1))
    with pytest.raises(UpstreamError):
        relay.feed(b" ")
