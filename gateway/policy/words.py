"""The names a policy may use for signals and perturbations, and the words of later versions that this one refuses by name.

A name that stands here but not in the registry is known and has no effect yet: `policy check` says so in a notice. So a policy
that is written today keeps its meaning when the part arrives, and nobody believes in a guard that isn't there.
"""

from __future__ import annotations

from gateway.model.evidence import Kind
from gateway.registry import names, resolve

__all__ = ["LATER_FIELDS", "PERTURBATIONS", "SIGNALS", "cap_of", "kind_of", "perturbation_names", "signal_names"]

SIGNALS: dict[str, Kind] = {
    "elicitation": "wording",
    "leaning": "wording",
    "templating": "structure",
    "coverage": "structure",
    "extraction": "structure",
    "trajectory": "structure",
    "sampling": "parameters",
    "sweeping": "parameters",
    "probing": "parameters",
    "repeats": "structure",
    "cadence": "arrival",
    "ramp": "arrival",
    "duty": "arrival",
    "linkage": "linkage",
}
"""Signal -> the one kind of evidence it gives."""

_CAP = 20.0

PERTURBATIONS = ("logprobs", "reasoning", "fingerprint", "pace", "samples", "embeddings", "rewrite")

LATER_FIELDS: dict[str, str] = {
    "rewriter": "the endpoint stands in `response.rewrite.rewriter`, or in `response.reasoning.rewriter`",
    "webhooks": "webhooks are not supported by this version",
}
"""Top-level sections that the plan knows and files do not have."""


def signal_names() -> tuple[str, ...]:
    """All signals a policy may name: those of the plan, and those that are registered besides."""
    return tuple(SIGNALS) + tuple(name for name in names("signals") if name not in SIGNALS)


def perturbation_names() -> tuple[str, ...]:
    """All perturbations a rung may name."""
    return PERTURBATIONS + tuple(name for name in names("perturbations") if name not in PERTURBATIONS)


def cap_of(signal: str) -> float:
    """Most decibans that a signal counts for where a policy does not say: what the signal says itself, 20 for one that says nothing."""
    return float(getattr(resolve("signals", signal), "cap", _CAP)) if signal in names("signals") else _CAP


def kind_of(signal: str) -> Kind:
    """The kind of evidence a signal gives; a registered one says it itself. RegistryError where there is none such."""
    if signal in SIGNALS:
        return SIGNALS[signal]
    kind: Kind = resolve("signals", signal).kind
    return kind
