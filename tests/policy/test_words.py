"""Names that a policy may use."""

from __future__ import annotations

import pytest

from gateway.errors import RegistryError
from gateway.model.evidence import KINDS
from gateway.policy.words import SIGNALS, kind_of, perturbation_names, signal_names
from gateway.registry import TABLES


def test_every_signal_gives_one_kind_of_evidence():
    assert {kind_of(name) for name in SIGNALS} <= set(KINDS)
    assert kind_of("probing") == "parameters"


def test_registered_signals_are_known_besides(monkeypatch):
    monkeypatch.setitem(TABLES["perturbations"], "noise", "nowhere:NOISE")
    assert "noise" in perturbation_names()
    assert perturbation_names().count("logprobs") == 1
    assert set(signal_names()) >= set(TABLES["signals"])


def test_a_signal_that_nobody_has_is_a_registry_error():
    with pytest.raises(RegistryError):
        kind_of("clairvoyance")
