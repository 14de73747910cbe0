"""The reference page: current, and complete."""

from __future__ import annotations

import re

from gateway.policy.jsonschema import json_schema
from gateway.policy.reference import reference_text


def test_the_page_is_current(root):
    assert (root / "docs" / "policy.md").read_text() == reference_text(), "run: gateway policy schema --markdown --out docs/policy.md"


def test_every_public_section_and_field_is_on_it():
    text, schema = reference_text(), json_schema()
    for name, block in schema["$defs"].items():
        for field in () if name.startswith("_") else block["properties"]:
            assert f"| `{field}` |" in text
    for field in schema["properties"]:
        assert f"| `{field}` |" in text


def test_tables_are_whole():
    rows = [line for line in reference_text().splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (3, 5) for row in rows)
