"""The whole file: what is needed, what is there by default, what is refused."""

from __future__ import annotations

import pytest

from gateway.model.policy import AuditRules, DoorRules, Policy
from gateway.policy.schema import SCHEMA_ID, Document
from gateway.registry import names


def test_only_five_fields_are_needed():
    needed = {field.alias or name for name, field in Document.model_fields.items() if field.is_required()}
    assert needed == {"schema", "name", "version", "callers", "tiers"}


def test_what_is_absent_is_as_the_model_says(small):
    policy = small.policy()
    bare = Policy("small", "1", policy.digest, policy.callers, policy.tiers, signals=policy.signals)
    assert policy == bare
    assert {name: rule.level for name, rule in policy.signals.items()} == dict.fromkeys(names("signals"), "watch")
    assert (policy.door, policy.audit) == (DoorRules(), AuditRules())
    assert (policy.credentials, policy.usage, policy.mode) == ("issued", "ask", "enforce")
    assert [rung.id for rung in policy.ladder] == ["open"]


@pytest.mark.parametrize(("section", "why"), [("rewriter: {}", "response.rewrite.rewriter"), ("webhooks: []", "by this version")])
def test_sections_that_other_versions_know_are_refused_by_name(small, section, why):
    (problem,) = small.problems(more=section + "\n")
    assert why in problem


def test_the_schema_s_name_is_the_one_that_files_write(small):
    assert small.base.startswith(f"schema: {SCHEMA_ID}\n")
