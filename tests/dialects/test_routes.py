"""The table of routes: every spelling of a path that an upstream would take for the same operation is one operation here."""

from __future__ import annotations

import pytest

from gateway.dialects.routes import dialect_for, normal_path
from gateway.registry import names, resolve


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/v1/chat/completions", "/chat/completions"),
        ("/chat/completions", "/chat/completions"),
        ("/v1/chat/completions/", "/chat/completions"),
        ("/v1/v1/models", "/v1/models"),
        ("/v1", "/"),
        ("/v1/", "/"),
        ("/", "/"),
        ("", "/"),
        ("/v1beta/models", "/v1beta/models"),
        ("/v10/models", "/v10/models"),
        ("/openai/v1/models", "/openai/v1/models"),
    ],
)
def test_exactly_one_v1_is_taken_away_and_no_slash_stays_at_the_end(path, normal):
    assert normal_path(path) == normal


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/chat/completions", "openai.chat"),
        ("/completions", "openai.completions"),
        ("/responses", "openai.responses"),
        ("/embeddings", "openai.embeddings"),
        ("/messages", "anthropic.messages"),
        ("/messages/count_tokens", "anthropic.count_tokens"),
    ],
)
@pytest.mark.parametrize("spelling", ["/v1{}", "{}", "/v1{}/"])
def test_each_operation_is_found_with_or_without_v1(path, name, spelling):
    assert dialect_for("POST", spelling.format(path)).name == name


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("OPTIONS", "/v1/messages"),
        ("post", "/v1/messages"),
        ("POST", "/v1/models"),
        ("POST", "/v1/v1/messages"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/Messages"),
        ("POST", "/"),
        ("BREW", "/coffee"),
    ],
)
def test_everything_else_is_opaque(method, path):
    assert dialect_for(method, path).operation == "opaque"


def test_what_is_not_parsed_below_messages_still_speaks_as_anthropic_does():
    assert dialect_for("POST", "/v1/messages/batches").name == "anthropic.opaque"
    assert dialect_for("GET", "/v1/files").name == "opaque"


def test_the_dialects_are_made_once():
    assert dialect_for("POST", "/v1/messages") is dialect_for("POST", "/messages")
    assert dialect_for("GET", "/a") is dialect_for("PUT", "/b")


def test_no_two_dialects_claim_one_route_and_each_is_what_it_is_registered_as():
    dialects = {name: resolve("dialects", name)() for name in names("dialects")}
    claimed = [route for dialect in dialects.values() for route in dialect.routes]
    assert len(claimed) == len(set(claimed))
    for name, dialect in dialects.items():
        assert dialect.name == name
        assert bool(dialect.routes) == (name != "opaque")
        for method, path in dialect.routes:
            assert method.isupper()
            assert path == normal_path(path)
            assert type(dialect_for(method, path)) is type(dialect)
