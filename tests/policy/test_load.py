"""Policies are found by path or name and taken whole or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PolicyError
from gateway.model.baseline import Fitted
from gateway.policy.load import SHIPPED, find, load, read, read_text
from gateway.policy.notices import notices_of
from gateway.policytest import run_tests


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_are_right_and_found_by_name(name):
    loaded = read(find(name))
    assert loaded.policy.name == name
    assert notices_of(loaded) == []
    assert loaded.document.tests


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_begin_with_the_line_that_editors_read(name):
    assert find(name).read_text().startswith("# yaml-language-server: $schema=./policy.schema.json\n")


def test_a_path_is_found_as_given(tmp_path, small):
    path = tmp_path / "mine.yaml"
    path.write_text(small.base)
    assert find(str(path)) == path
    assert load(path).label.startswith("small@1#")


@pytest.mark.parametrize(
    ("name", "says"), [("defualt", "did you mean 'default'?"), ("nowhere/mine.yaml", "give a path, or one of default")]
)
def test_what_is_not_there_is_said(name, says):
    with pytest.raises(PolicyError) as caught:
        find(name)
    assert says in str(caught.value)


def test_a_folder_is_not_said_to_be_missing(tmp_path):
    with pytest.raises(PolicyError, match="a folder, not a policy file"):
        find(str(tmp_path))


def test_a_file_that_cannot_be_read_is_a_policy_error(tmp_path):
    with pytest.raises(PolicyError):
        load(tmp_path)


def test_all_problems_are_told_in_the_order_of_the_file(small):
    with pytest.raises(PolicyError) as caught:
        small.read("20/minute", "20/min", more="door: { rate: often }\nx: 1\n")
    assert [problem.where for problem in caught.value.problems] == ["tiers.free.limits[0].rate", "door.rate", "x"]


def test_mistakes_of_yaml_are_told_together_with_all_others(small):
    assert small.problems("name: small\n", "name: small\nname: again\n", more="x: !!int 1\n") == [
        "name: the field stands here a second time (the first is on line 2)",
        "x: the tag 'tag:yaml.org,2002:int' (write plain values: tags are not read)",
    ]
    assert len(small.problems("name: small\n", "name: small\nname: again\n", more="y: 1\n")) == 2


def with_baseline(folder, fitted):
    """A policy that names a baseline in this folder, which holds these bytes."""
    (folder / "own.json").write_bytes(fitted)
    path = folder / "policy.yaml"
    path.write_text(
        "schema: gateway.policy/v1\nname: small\nversion: '1'\ncallers: [{ id: all, match: {}, tier: free }]\n"
        "tiers: { free: { models: ['*'], limits: [] } }\nsignals:\n  baseline: own.json\n  memory: 8MiB\n"
    )
    return path


def test_a_baseline_is_read_by_its_path_from_the_policy(tmp_path):
    fitted = Fitted(7, 3.0, {"odd": (1.0,)}, (2.0,))
    policy = read(with_baseline(tmp_path, fitted.to_json())).policy
    assert (policy.baseline, policy.memory) == (fitted, 8 << 20)
    other = read(with_baseline(tmp_path, Fitted(8, 3.0, {"odd": (1.0,)}).to_json())).policy
    assert other.digest != policy.digest


@pytest.mark.parametrize("wrong", [b"", b"{}", Fitted(7, 3.0, {}).to_json().replace(b"7", b"8"), b"x" * (4 << 20) + b"y"])
def test_a_baseline_that_is_none_is_a_mistake_of_the_policy(tmp_path, wrong):
    with pytest.raises(PolicyError, match=r"policy.yaml:7:13: signals.baseline: this is no baseline.*`gateway calibrate`"):
        read(with_baseline(tmp_path, wrong))


def test_a_baseline_that_is_missing_is_a_mistake_of_the_policy(tmp_path):
    path = with_baseline(tmp_path, b"")
    (tmp_path / "own.json").unlink()
    with pytest.raises(PolicyError, match=r"policy.yaml:7:13: signals.baseline: the baseline cannot be read: No such file"):
        read(path)


def test_the_example_of_the_plan_loads(shared, tmp_path):
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "2026-11.json").write_bytes(Fitted(7, 3.0, {}).to_json())
    (tmp_path / "policy.yaml").write_bytes((shared / "examples" / "policy.yaml").read_bytes())
    loaded = read(tmp_path / "policy.yaml")
    limits = {limit.id: limit for tier in loaded.policy.tiers.values() for limit in tier.limits}
    assert (limits["free-life"].window, limits["free-life"].amount) == ("lifetime", 20_000_000)
    assert (limits["std-month"].period, limits["std-month"].amount) == ("month", 2_000_000_000)
    assert all(result.passed for result in run_tests(loaded, now_us=1_795_000_000_000_000) if not result.not_run)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["x", "20/minute", "requests", "key", "allow", "free"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "match", "tier", "limits", "rate", "do", "at", "with", "given", "used", "peer"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(
    section=st.sampled_from(["callers", "tiers", "signals", "ladder", "upstreams", "tests", "door", "audit", "response"]), value=VALUES
)
def test_whatever_stands_in_a_section_it_is_a_policy_or_a_list_of_problems(section, value):
    import json

    head = {"schema": "gateway.policy/v1", "name": "x", "version": "1", "callers": [], "tiers": {}}
    try:
        read_text(json.dumps({**head, section: value}).encode(), "f")
    except PolicyError as error:
        told = error.problems
    else:
        return
    assert told
