"""The wheel carries all that `gateway serve` needs: built, installed apart, and run from an empty folder without the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.gateway_process import ROOT, GatewayProcess

SOURCES = ("gateway", "policies", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what it is made of."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(line, cwd=source, check=True, capture_output=True, timeout=100)
    return next(out.glob("azeotrope-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """`installed.run(...)` runs Python on the installed package, from an empty folder, the checkout out of reach."""
    place = Installed(tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("empty"))
    line = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*line, "--target", str(place.site), str(wheel)], check=True, capture_output=True, timeout=100)
    return place


class Installed:
    def __init__(self, site, empty):
        self.site, self.empty = site, empty
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        self.environment = kept | {"PYTHONPATH": str(site)}

    def run(self, *arguments):
        line = [sys.executable, *arguments]
        return subprocess.run(line, cwd=self.empty, env=self.environment, capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_wheel_has_the_policies_the_marker_of_types_and_all_sources(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"gateway/policies/{path.name}" for path in (ROOT / "policies").glob("*.yaml")} <= names
    assert "gateway/policies/policy.schema.json" in names
    assert "gateway/py.typed" in names
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gateway").rglob("*") if path.suffix in {".py", ".lua"}}
    assert here <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_it_names_the_command_the_licence_and_what_it_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        info = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")).removesuffix("METADATA")
        metadata = archive.read(info + "METADATA").decode()
        assert "gateway = gateway.cli:main" in archive.read(info + "entry_points.txt").decode()
        assert any(name.startswith(info) and name.endswith("LICENSE") for name in archive.namelist())
    assert "Requires-Python: >=3.11" in metadata
    for needed in ("aiohttp", "redis", "uvicorn"):
        assert f"Requires-Dist: {needed}" in metadata


def test_an_installed_package_is_the_one_that_runs(installed):
    assert Path(installed.run("-c", "import gateway; print(gateway.__file__)").strip()).is_relative_to(installed.site)


@pytest.mark.parametrize("policy", ["default", "strict", "shadow", "passthrough"])
def test_the_policies_that_ship_are_right_where_they_were_installed(installed, policy):
    report = json.loads(installed.run("-m", "gateway", "policy", "check", policy, "--json"))
    assert (report["ok"], report["files"][0]["problems"]) == (True, [])


def test_the_demo_serves_without_a_checkout(installed, tmp_path):
    with GatewayProcess(tmp_path, "--demo", cwd=installed.empty, env={"PYTHONPATH": str(installed.site)}) as gateway:
        shown = subprocess.run(["sh", "-c", gateway.curl], capture_output=True, text=True, check=True, timeout=20)
        assert json.loads(shown.stdout)["choices"][0]["message"]["content"]
        assert gateway.terminate() == 0
    assert list(installed.empty.iterdir()) == []
