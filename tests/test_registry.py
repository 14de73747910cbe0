"""Every registered name resolves, the docs list exactly those, and third parties can add theirs."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

import pytest

from gateway import registry
from gateway.errors import RegistryError
from gateway.registry import TABLES, names, resolve

REGISTERED = [(table, name) for table, entries in TABLES.items() for name in entries]


@pytest.fixture
def afresh():
    """The registry's caches emptied before and after."""
    for cached in (registry._table, resolve):
        cached.cache_clear()
    yield
    for cached in (registry._table, resolve):
        cached.cache_clear()


@pytest.mark.parametrize(("table", "name"), REGISTERED, ids=lambda value: value)
def test_every_registered_name_resolves(table, name):
    assert resolve(table, name) is not None


def test_the_docs_list_exactly_the_registered_names(root):
    told, table = [], ""
    for line in (root / "docs" / "extending.md").read_text().splitlines():
        if heading := re.match(r"## (\w+)$", line):
            table = heading[1]
        elif table in TABLES and (entry := re.match(r"- `([^`]+)`: .+", line)):
            told.append((table, entry[1]))
    assert told == REGISTERED


def test_the_docs_have_a_section_for_every_table(root):
    sections = re.findall(r"^## (\w+)$", (root / "docs" / "extending.md").read_text(), re.M)
    assert sections == list(TABLES)


def test_the_smallest_example_of_the_docs_is_python_that_runs(root):
    blocks = re.findall(r"```python\n(.*?)```", (root / "docs" / "extending.md").read_text(), re.S)
    scope = {}
    exec(compile(blocks[-1], "extending.md", "exec"), scope)
    assert scope["CountingSink"](None, None, clock=None, meter=None).healthy


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(RegistryError, match=r"no 'slidng' in windows; known: sliding, bucket, slots"):
        resolve("windows", "slidng")


def test_an_unknown_table_is_told_with_the_known_ones():
    with pytest.raises(RegistryError, match="no table 'widows'; tables are windows"):
        names("widows")


def test_an_entry_point_adds_a_name_after_our_own(afresh, monkeypatch):
    points = [EntryPoint("lines", "json:dumps", "azeotrope.sinks"), EntryPoint("segments", "json:loads", "azeotrope.sinks")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "azeotrope.sinks" else [])
    import json

    assert resolve("sinks", "lines") is json.dumps
    assert names("sinks") == ("segments", "lines")


def test_a_name_of_ours_cannot_be_taken_over(afresh, monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint("sliding", "json:loads", "azeotrope.windows")])
    from gateway.quota.sliding import SLIDING

    assert resolve("windows", "sliding") is SLIDING


@pytest.mark.parametrize("where", ["no_such_module:thing", "json:no_such_thing"])
def test_a_name_that_leads_nowhere_says_where(afresh, monkeypatch, where):
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint("broken", where, "azeotrope.sinks")])
    with pytest.raises(RegistryError, match=f"sinks 'broken' does not resolve \\({where}\\)"):
        resolve("sinks", "broken")
