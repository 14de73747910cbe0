"""The rules of the house: public names are declared, every file says what it is, none grows too long, each has its test."""

from __future__ import annotations

import ast
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "gateway").rglob("*.py"))
LONGEST = 500

TESTED_ELSEWHERE = {
    "gateway/__main__.py": "tests/cli/test_serve.py",
    "gateway/core/replies.py": "tests/core/test_exchange.py",
    "gateway/dialects/base.py": "tests/dialects/test_relays.py",
    "gateway/model/admission.py": "tests/core/test_admitting.py",
    "gateway/model/caller.py": "tests/policy/test_match.py",
    "gateway/model/decision.py": "tests/core/test_decide.py",
    "gateway/model/evidence.py": "tests/core/test_decide.py",
    "gateway/model/record.py": "tests/core/test_trail.py",
    "gateway/model/request.py": "tests/core/test_exchange.py",
    "gateway/ports.py": "tests/conformance/test_hold_store.py",
    "gateway/stores/memory_holds.py": "tests/conformance/test_hold_store.py",
    "gateway/stores/opened.py": "tests/conformance/test_hold_store.py",
    "gateway/stores/redis_holds.py": "tests/conformance/test_hold_store.py",
    "gateway/stores/redis_keys.py": "tests/conformance/test_key_store.py",
    "gateway/stores/sqlite.py": "tests/conformance/test_key_store.py",
    "gateway/stores/alone.py": "tests/conformance/test_evidence_store.py",
    "gateway/stores/redis_evidence.py": "tests/conformance/test_evidence_store.py",
    "gateway/risk/judged.py": "tests/conformance/test_risk_store.py",
    "gateway/stores/redis_rulings.py": "tests/conformance/test_ruling_store.py",
    "gateway/stores/sqlite_rulings.py": "tests/conformance/test_ruling_store.py",
    "gateway/model/ruling.py": "tests/conformance/test_ruling_store.py",
    "gateway/stores/verdicts.py": "tests/conformance/test_history_store.py",
}
"""Files without a test of their own name: words that only hold values, and adapters that a conformance suite tests as one."""


def parsed(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def module_of(path):
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def declared(tree):
    """What `__all__` says, None where there is none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            return ast.literal_eval(node.value)
    return None


def defined(tree):
    """Public functions and classes of a module; commands are reached through their group, not by name."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not any(".command" in ast.unparse(decorator) for decorator in node.decorator_list):
            yield node.name


def is_bare(tree):
    """Nothing but a docstring."""
    return len(tree.body) == 1


@pytest.mark.parametrize("path", SOURCES)
def test_a_docstring_says_what_the_file_is(path):
    docstring = ast.get_docstring(parsed(path))
    assert docstring, f"{path} has no docstring"
    assert len(docstring) > 15, f"the docstring of {path} says nothing"


@pytest.mark.parametrize("path", [path for path in SOURCES if not path.endswith("__main__.py")])
def test_public_names_are_declared_and_exist(path):
    tree = parsed(path)
    names = declared(tree)
    if is_bare(tree):
        return
    assert names is not None, f"{path} has no __all__"
    assert len(set(names)) == len(names), f"{path} declares a name twice"
    assert not [name for name in names if name.startswith("_") and name != "__version__"]
    missing = [name for name in defined(tree) if name not in names]
    assert not missing, f"{path} defines {missing} without declaring or hiding them"
    module = import_module(module_of(path))
    assert not [name for name in names if not hasattr(module, name)]


@pytest.mark.parametrize("path", SOURCES)
def test_each_source_file_has_its_test_file(path):
    name = path.removeprefix("gateway/")
    if name.endswith("__init__.py"):
        return
    mirrored = (Path("tests") / name).with_name(f"test_{Path(name).name}")
    place = mirrored if (ROOT / mirrored).is_file() else TESTED_ELSEWHERE.get(path)
    assert place is not None, f"{path} has no {mirrored.as_posix()}"
    assert (ROOT / place).is_file(), f"{place} should test {path} and does not exist"


def test_every_exception_is_a_file_that_exists():
    assert set(TESTED_ELSEWHERE) <= set(SOURCES)


@pytest.mark.parametrize("path", SOURCES)
def test_no_file_is_too_long(path):
    lines = (ROOT / path).read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST, f"{path} has {lines} lines: split it"


@pytest.mark.parametrize("path", SOURCES)
def test_annotations_are_not_evaluated(path):
    tree = parsed(path)
    if not is_bare(tree) and not path.endswith(("__init__.py", "__main__.py")):
        assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body), path


def test_imports_only_go_down():
    """The floors of `pyproject.toml`, as import-linter reads them."""
    done = subprocess.run([ROOT / ".venv/bin/lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
