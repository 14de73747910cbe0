"""References to stored objects: none of them may hide, and what only looks like one is none."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.anthropic_messages import AnthropicMessages
from gateway.dialects.anthropic_refs import refs_in, refs_in_all
from gateway.errors import BadRequest


def user(*blocks):
    return json.dumps([{"role": "user", "content": list(blocks)}]).encode()


def document(file_id):
    return {"type": "document", "source": {"type": "file", "file_id": file_id}}


def test_a_request_that_names_none_has_none():
    assert refs_in(b"null", user({"type": "text", "text": "Hello"})) == ()


def test_files_are_found_wherever_content_may_name_them():
    messages = user(
        document("file_a"),
        {"type": "container_upload", "file_id": "file_b"},
        {"type": "tool_result", "tool_use_id": "t", "content": [document("file_c"), document("file_a")]},
    )
    assert refs_in(b"null", messages) == ("file_a", "file_b", "file_c")


@pytest.mark.parametrize("container", [b'"cont_1"', b'{"id": "cont_1", "skills": [{"skill_id": "xlsx"}]}'])
def test_a_container_is_named_as_text_or_as_an_object(container):
    assert refs_in(container, b"[]") == ("cont_1",)


@pytest.mark.parametrize("container", [b"null", b"{}", b'{"id": null}', b'{"skills": []}', b"7"])
def test_a_new_container_names_none(container):
    assert refs_in(container, b"[]") == ()


def test_what_a_tool_was_given_or_gave_back_names_nothing():
    messages = user(
        {"type": "tool_use", "name": "f", "input": {"file_id": "mine"}},
        {"type": "code_execution_tool_result", "content": {"content": [{"type": "code_execution_output", "file_id": "file_made"}]}},
        {"type": "tool_result", "content": '{"file_id": "text"}'},
    )
    assert refs_in(b"null", messages) == ()


@pytest.mark.parametrize(
    "messages",
    [
        rb'[{"content":[{"type":"image","source":{"file\u005fid":"file_x"}}]}]',
        rb'[{"content":[{"type":"image","source":{"\u0066ile_id":"file_x"}}]}]',
        rb'[{"content":[{"type":"image","source":{"file_id":"file_x"},"source":{"file_id":"file_y"}}]}]',
        rb'[{"content":[{"type":"image","source":{"file_id":"file_x","file_id":"file_y"}}]}]',
        rb'[{"content":[{"type":"a_tool_result","type":"image","source":{"file_id":"file_x"}}]}]',
        b'[{"content":[{"type":"image","note":"\xff","source":{"file_id":"file_x"}}]}]',
    ],
)
def test_no_spelling_hides_a_file(messages):
    assert "file_x" in refs_in(b"null", messages)


def test_of_a_body_with_two_readings_both_are_heard():
    body = (
        b'\xef\xbb\xbf{"model":"m","container":"cont_1","Container":"cont_2","messages":[{"content":[{"file_id":"f"}]}],"messages":[]}'
    )
    facts = AnthropicMessages().parse(body, length=len(body))
    assert facts.ambiguous
    assert facts.stored_refs == refs_in_all(body) == ("cont_1", "cont_2", "f")


@pytest.mark.parametrize(("container", "ref"), [(rb'"\ud800"', "\\ud800"), (rb'"cont\u0000"', "cont\\x00"), (rb'{"id":"a\n"}', "a\\n")])
def test_what_cannot_be_an_id_is_one_that_nobody_owns(container, ref):
    assert refs_in(container, b"[]") == (ref,)


def test_messages_nested_beyond_reading_are_a_bad_request():
    with pytest.raises(BadRequest) as caught:
        refs_in(b"null", b'[{"file_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}]")
    assert caught.value.status == 413, "a 400 may pass where the policy caps nothing"


def test_more_objects_than_anybody_would_look_up_are_a_bad_request():
    many = [document(f"file_{number}") for number in range(257)]
    assert len(refs_in(b"null", user(*many[:256], *many[:256]))) == 256
    with pytest.raises(BadRequest, match="256") as caught:
        refs_in(b"null", user(*many))
    assert caught.value.status == 413
