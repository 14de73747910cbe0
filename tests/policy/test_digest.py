"""The digest names exactly the rules: neither key order nor comments nor layout count, and any rule does."""

from __future__ import annotations

import io
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gateway.policy.digest import canonical
from gateway.policy.load import SHIPPED, find, load, read_text
from gateway.policy.tree import read_tree

FILES = {name: find(name).read_bytes() for name in SHIPPED}


def shuffled(value, dice):
    if isinstance(value, dict):
        keys = list(value)
        dice.shuffle(keys)
        return {key: shuffled(value[key], dice) for key in keys}
    return [shuffled(entry, dice) for entry in value] if isinstance(value, list) else value


def written(value, *, flow):
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = flow
    yaml.sort_base_mapping_type_on_output = False
    out = io.StringIO()
    yaml.dump(value, out)
    return out.getvalue()


@given(name=st.sampled_from(SHIPPED), seed=st.integers(0, 2**32), flow=st.booleans())
def test_key_order_comments_and_layout_do_not_count(name, seed, flow):
    data = shuffled(read_tree(FILES[name], "f").data, random.Random(seed))
    text = "# a comment\n\n" + written(data, flow=flow)
    assert read_text(text.encode(), "f").policy.digest == load(find(name)).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("20/minute", "21/minute"), ("20/minute", "20/hour"), ("per: key", "per: account"), ("small-*", "tiny-*"),
        ("id: everyone", "id: rest"), ("tag: paid", "tag: gold"), ("at_once: 8", "at_once: 9"), ("lease: 15m", "lease: 16m"),
        ("name: small", "name: other"), ('"1"', '"2"'),
    ],
)  # fmt: skip
def test_any_other_rule_is_another_digest(small, old, new):
    assert small.policy(old, new).digest != small.policy().digest


@pytest.mark.parametrize(
    "more",
    [
        "mode: shadow\n",
        "usage: count\n",
        "door: { rate: off }\n",
        "audit: { durable: synced }\n",
        "share_when_lost: 0.4\n",
        "owner: me\n",
    ],
)
def test_so_is_any_other_section(small, more):
    assert small.policy(more=more).digest != small.policy().digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("20/minute", "20 per 1 minutes"),
        ("per: key", "per: [key]"),
        ("lease: 15m", "lease: 900s"),
        ("rate: 20/minute,", "rate: 20/minute, shadow: false,"),
    ],
)
def test_the_same_rule_in_other_words_is_the_same_digest(small, old, new):
    assert small.policy(old, new).digest == small.policy().digest


def test_tests_are_no_rules(small):
    assert small.policy(more="tests:\n  - { name: t, given: {}, expect: {} }\n").digest == small.policy().digest


def test_it_is_a_hex_sha256_and_the_label_shows_twelve_digits(small):
    policy = small.policy()
    assert re.fullmatch(r"[0-9a-f]{64}", policy.digest)
    assert policy.label == f"small@1#{policy.digest[:12]}"


def test_what_has_no_canonical_form_is_refused():
    with pytest.raises(TypeError):
        canonical(object())
