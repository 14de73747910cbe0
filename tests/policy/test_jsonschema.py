"""The JSON Schema: current, valid, and of one mind with the strict reading."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from gateway.policy.jsonschema import json_schema, json_schema_text
from gateway.policy.load import SHIPPED, find
from gateway.policy.tree import read_tree

SCHEMA = json_schema()


def valid(text):
    return not list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(read_tree(text, "f").data))


def test_the_file_that_is_checked_in_is_current(root):
    assert (root / "policies" / "policy.schema.json").read_text() == json_schema_text(), (
        "run: gateway policy schema --out policies/policy.schema.json"
    )


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(json_schema_text()))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_are_valid(name):
    assert valid(find(name).read_bytes())


def test_the_example_of_the_plan_is_valid(shared):
    assert valid((shared / "examples" / "policy.yaml").read_bytes())


@pytest.mark.parametrize(
    "mistake",
    [
        "unknown_section", "unknown_field_of_a_tier", "unknown_field_of_a_limit", "missing_version", "number_for_text",
        "unknown_mode", "yes_is_text", "not_a_list", "key_written_out", "unknown_count", "unknown_subject",
        "amount_beyond_doubles", "no_choices", "route_without_method", "unknown_signal", "unknown_field_of_a_signal",
        "rung_of_unknown_action", "unknown_perturbation", "credential_written_out", "prompts_kept", "currency_sign", "empty_value",
        "duration_of_unknown_unit", "multiplier_below_nothing", "price_in_words", "price_without_output",
    ],
)  # fmt: skip
def test_an_editor_sees_these_mistakes_too(mistake):
    assert not valid((Path(__file__).parent / "bad" / f"{mistake}.yaml").read_bytes())


def test_no_field_is_without_a_word():
    for name, block in SCHEMA["$defs"].items():
        assert block.get("description") or name.startswith("_"), name
        for field, said in block.get("properties", {}).items():
            assert "description" in said or "$ref" in said, f"{name}.{field}"
