"""Answers and errors on the wire."""

from __future__ import annotations

from gateway.demo.ask import Fault
from gateway.demo.wire import Json, anthropic_error, data, event, new_id, openai_error


def test_events_are_framed():
    assert data({"a": 1}) == b'data: {"a":1}\n\n'
    assert event("ping", {"a": "x\ny"}) == b'event: ping\ndata: {"a":"x\\ny"}\n\n'


def test_errors_have_their_familys_shape():
    fault = Fault("Too warm.", param="temperature", code="invalid_value")
    told = openai_error(fault)
    assert told.status == 400
    assert told.value["error"] == {
        "message": "Too warm.",
        "type": "invalid_request_error",
        "param": "temperature",
        "code": "invalid_value",
    }
    told = anthropic_error(fault, "req_1")
    assert told.value["error"] == {"type": "invalid_request_error", "message": "temperature: Too warm."}
    assert told.value["request_id"] == "req_1"
    assert anthropic_error(Fault("x", status=404), "r").value["error"]["type"] == "not_found_error"


def test_ids_are_not_used_twice():
    assert new_id("x_").startswith("x_")
    assert new_id("x_") != new_id("x_")
    assert Json({"é": 1.5}).encode() == '{"é":1.5}'.encode()
