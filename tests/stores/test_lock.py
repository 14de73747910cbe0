"""The lock on a data folder."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.stores.lock import FolderLock


def test_one_at_a_time(tmp_path):
    first = FolderLock(tmp_path)
    with pytest.raises(SettingsError, match="another gateway is using"):
        FolderLock(tmp_path)
    first.release()
    FolderLock(tmp_path).release()


def test_a_folder_that_cannot_be_locked_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"missing/lock cannot be opened"):
        FolderLock(tmp_path / "missing")
