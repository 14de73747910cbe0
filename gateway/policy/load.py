"""Reading a policy file: found by path or by the name of one that ships, checked whole, compiled.

A file is taken or refused as a whole, and refused with all of its mistakes at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gateway.errors import PolicyError, PolicyProblem
from gateway.model.baseline import MOST_FILE, Fitted, read_fitted
from gateway.model.policy import Policy
from gateway.policy.checks import problems_between
from gateway.policy.compile import compiled
from gateway.policy.complain import problems_of
from gateway.policy.nearest import did_you_mean
from gateway.policy.schema import Document
from gateway.policy.tree import MAX_BYTES, Tree, read_tree

__all__ = ["SHIPPED", "Loaded", "find", "load", "read", "read_text", "shipped_folder"]

SHIPPED = ("default", "strict", "shadow", "passthrough")
"""Policies that come with the package and can be called by name."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy file that is right: what the engine runs on, and what its tests and notices need."""

    file: str
    policy: Policy
    document: Document
    tree: Tree


def shipped_folder() -> Path:
    """Where the shipped policies lie: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "policies"
    return inside if inside.is_dir() else package.parent / "policies"


def find(name_or_path: str) -> Path:
    """The path of a policy: as given, or of a shipped one by its name. PolicyError where there is no such file."""
    path = shipped_folder() / f"{name_or_path}.yaml" if name_or_path in SHIPPED else Path(name_or_path)
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no plain file"
        raise PolicyError([PolicyProblem(name_or_path, 0, 0, "", f"this is {what}, not a policy file", "name the file itself")])
    if not path.is_file():
        remedy = did_you_mean(name_or_path, SHIPPED) if path.suffix == "" else f"give a path, or one of {', '.join(SHIPPED)}"
        raise PolicyError([PolicyProblem(name_or_path, 0, 0, "", "there is no such policy file", remedy)])
    return path


def load(path: Path) -> Policy:
    """The policy in a file. PolicyError with all its problems."""
    return read(path).policy


def read(path: Path) -> Loaded:
    """A policy file with its document and places. PolicyError with all its problems."""
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError([PolicyProblem(str(path), 0, 0, "", f"cannot be read: {error.strerror or type(error).__name__}")]) from None
    return read_text(text, str(path))


def read_text(text: bytes, file: str) -> Loaded:
    """A policy from a file's bytes. `file` is the name that problems are told under."""
    tree = read_tree(text, file)
    if not isinstance(tree.data, dict):
        problem = PolicyProblem(file, 1, 1, "", "this is not a policy", "start with `schema: gateway.policy/v1`")
        raise PolicyError([*tree.problems, problem])
    found = list(tree.problems)
    _add(found, problems_between(tree))
    document: Document | None = None
    try:
        document = Document.model_validate(tree.data)
    except ValidationError as error:
        _add(found, problems_of(error, tree))
    baseline: Fitted | None = None
    if document is not None and document.signals is not None and document.signals.baseline is not None:
        try:
            baseline = _baseline(Path(file).parent / document.signals.baseline)
        except ValueError as error:
            remedy = "give a file that `gateway calibrate` wrote, by its path from this policy's folder"
            _add(found, [tree.problem(("signals", "baseline"), str(error), remedy)])
    if found or document is None:
        raise PolicyError(sorted(found, key=lambda problem: (problem.line, problem.column, problem.where)))
    return Loaded(file, compiled(document, baseline), document, tree)


def _baseline(path: Path) -> Fitted:
    """The baseline in a file. ValueError says why there is none."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_FILE + 1)
    except OSError as error:
        raise ValueError(f"the baseline cannot be read: {error.strerror or type(error).__name__}") from None
    if len(raw) > MOST_FILE:
        raise ValueError(f"this is no baseline: it has more than {MOST_FILE >> 20} MiB")
    try:
        return read_fitted(raw)
    except ValueError as error:
        raise ValueError(f"this is no baseline: {error}") from None


def _add(found: list[PolicyProblem], more: list[PolicyProblem]) -> None:
    """Add problems, but for those at fields of which something was said already."""
    told = {problem.where for problem in found}
    found.extend(problem for problem in more if problem.where not in told)
