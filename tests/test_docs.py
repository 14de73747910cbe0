"""What the README and the pages under docs promise: links lead somewhere, snippets run, commands exist, dependencies are told."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gateway import Gateway
from gateway.policy.load import load

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = sorted(
    {
        match[1].split("  ")[0].strip()
        for page in PAGES
        for match in re.finditer(r"^ {4}(?:\.venv/bin/)?(gateway [a-z].*)$", page.read_text(), re.MULTILINE)
    }
)


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_snippets_are_python(page):
    for block in blocks(page, "python"):
        ast.parse(block)


def test_the_readme_s_policy_is_a_policy_of_fifteen_lines(tmp_path):
    (block,) = blocks(ROOT / "README.md", "yaml")
    assert len(block.splitlines()) <= 16
    file = tmp_path / "mine.yaml"
    file.write_text(block)
    policy = load(file)
    assert [rule.id for rule in policy.callers] == ["paying", "everyone-else"]
    checked = subprocess.run([sys.executable, "-m", "gateway", "policy", "check", str(file)], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_readme_s_middleware_mounts(tmp_path, monkeypatch):
    (block,) = blocks(ROOT / "README.md", "python")
    assert len(block.splitlines()) <= 5
    monkeypatch.chdir(ROOT)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["Gateway"] is Gateway
    assert names["app"].user_middleware[0].cls is Gateway


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shown_exists_with_its_flags(command):
    words = shlex.split(command, comments=True)[1:]
    named = [word for word in words if not word.startswith("-")]
    flags = {word.split("=")[0] for word in words if word.startswith("--")}
    depth = 2 if named[0] not in {"serve"} else 1
    told = subprocess.run([sys.executable, "-m", "gateway", *named[:depth], "--help"], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    missing = {flag for flag in flags if flag not in told.stdout}
    assert not missing, f"`{command}` shows {missing}"


def test_each_dependency_has_its_line():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    page = (ROOT / "docs" / "dependencies.md").read_text()
    wanted = [*project["project"]["dependencies"]]
    for extra in project["project"].get("optional-dependencies", {}).values():
        wanted += extra
    for group in project["dependency-groups"].values():
        wanted += [entry for entry in group if isinstance(entry, str)]
    names = {re.match(r"[A-Za-z0-9.-]+", entry)[0].lower() for entry in wanted}
    told = {name.strip() for row in re.findall(r"^\| ([a-z0-9., -]+) \|", page, re.MULTILINE) for name in row.split(",")} - {"package"}
    assert names == told


@pytest.mark.parametrize("lock", ["deploy/requirements.lock", "tests/requirements.lock"])
def test_locks_pin_every_package_with_hashes_and_name_no_index(lock):
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index" not in text
    pins = re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)
    assert len(pins) > 20
    assert text.count("--hash=sha256:") >= len(pins)
