"""What every test may rely on: real services, a fixed hypothesis profile, and where the shared development data lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.redis_server", "tests.support.redis_cluster"]

ROOT = Path(__file__).resolve().parents[1]

_QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
settings.register_profile("suite", max_examples=100, deadline=None, derandomize=True, suppress_health_check=_QUIET)
settings.register_profile("proof", max_examples=5000, deadline=None, suppress_health_check=_QUIET)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def root():
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared():
    """The folder of recorded traffic and real prompts beside the checkout; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the development data in ../shared, which is not part of the project")
    return folder
