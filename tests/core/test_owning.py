"""Stored objects behind a shared credential: which are named, which are made, and which lists would show everybody's."""

from __future__ import annotations

import pytest

from gateway.core.owning import keeps, lists, refs
from gateway.model.caller import Caller
from gateway.model.request import RequestFacts


def trail(make, route, source="issued", stored=()):
    facts = RequestFacts("opaque", "opaque", stored_refs=stored)
    return make.replace(make.door(make.policy(), route=route).trail, caller=Caller("ab" * 16, "acme", source=source), facts=facts)


@pytest.mark.parametrize(
    ("route", "named"),
    [
        ("GET /files/file-1", ("file-1",)),
        ("GET /files/file-1/content", ("file-1",)),
        ("DELETE /responses/resp_1", ("resp_1",)),
        ("GET /chat/completions/chatcmpl-1/messages", ("chatcmpl-1",)),
        ("POST /fine_tuning/jobs/ft-1/cancel", ("ft-1",)),
        ("GET /messages/batches/b1/results", ("b1",)),
        ("POST /files", ()),
        ("POST /chat/completions", ()),
        ("POST /messages", ()),
        ("GET /models/m", ()),
        ("POST /audio/speech", ()),
    ],
)
def test_an_object_is_named_by_the_path_below_its_family(make, route, named):
    assert refs(trail(make, route)) == named


def test_objects_named_in_the_body_count_too(make):
    assert refs(trail(make, "POST /responses", stored=("resp_0", "file-1"))) == ("resp_0", "file-1")


@pytest.mark.parametrize("source", ["client", "anonymous"])
def test_with_the_client_s_own_credentials_the_upstream_keeps_customers_apart(make, source):
    mine = trail(make, "GET /files/file-1", source, stored=("file-2",))
    assert refs(mine) == ()
    assert not lists(make.replace(mine, route="GET /files"))
    assert not keeps(make.replace(mine, route="POST /files"), "file-1")


@pytest.mark.parametrize("source", ["issued", "asserted"])
def test_whoever_shares_our_credential_is_kept_apart_here(make, source):
    assert refs(trail(make, "GET /files/file-1", source)) == ("file-1",)


@pytest.mark.parametrize(
    ("route", "listed"),
    [
        ("GET /files", True),
        ("GET /files/", True),
        ("GET /messages/batches", True),
        ("POST /files", False),
        ("GET /files/file-1", False),
        ("GET /models", False),
    ],
)
def test_only_listing_a_family_would_show_everybody_s(make, route, listed):
    assert lists(trail(make, route)) is listed


@pytest.mark.parametrize(
    ("route", "object_id", "kept"),
    [
        ("POST /files", "file-1", True),
        ("POST /threads/t1/messages", "msg_1", True),
        ("POST /messages", "cont_1", True),
        ("POST /files", "", False),
        ("GET /files/file-1", "file-1", False),
        ("POST /embeddings", "e1", False),
    ],
)
def test_an_object_becomes_the_caller_s_where_a_post_to_its_family_made_it(make, route, object_id, kept):
    assert keeps(trail(make, route), object_id) is kept


def test_before_the_caller_is_known_nothing_is_anybody_s(make):
    unknown = make.door(make.policy(), route="GET /files/file-1").trail
    assert refs(unknown) == ()
    assert not lists(unknown)
