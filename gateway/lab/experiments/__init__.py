"""Experiments anyone can repeat: what a copier gets with and without the gateway, and what he gets who knows of it."""

from __future__ import annotations

from gateway.errors import SettingsError
from gateway.lab.experiments import classifier, embeddings, last_layer, text
from gateway.lab.experiments.base import Experiment

__all__ = ["EXPERIMENTS", "experiments_of"]

_ALL: tuple[Experiment, ...] = (last_layer.EXPERIMENT, embeddings.EXPERIMENT, text.EXPERIMENT, classifier.EXPERIMENT)

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in _ALL}
"""Name -> experiment, in the order in which all are run."""


def experiments_of(names: tuple[str, ...]) -> tuple[Experiment, ...]:
    """Those of these names, all where there are none. SettingsError names what is unknown."""
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        raise SettingsError(f"no experiment is called {unknown[0]!r}: there are {', '.join(EXPERIMENTS)}")
    return tuple(EXPERIMENTS[name] for name in dict.fromkeys(names)) or tuple(EXPERIMENTS.values())
