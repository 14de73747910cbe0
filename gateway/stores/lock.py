"""One serving process per data folder, where the state lives in that process's memory: a second one would count every limit anew."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.errors import SettingsError

__all__ = ["FolderLock"]


class FolderLock:
    """Held from making it until `release`, and given back by the kernel should the process die. `name` is that of the lock's file."""

    def __init__(self, folder: Path, name: str = "lock") -> None:
        try:
            self._file = os.open(folder / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(f"{folder / name} cannot be opened ({error.strerror}): give another folder with --data") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise SettingsError(
                f"another gateway is using {folder}, and with its state in memory each would count the limits for itself: "
                "give both the same --state redis://HOST:PORT/DB, or this one another --data, or another file where it says sqlite:FILE"
            ) from error

    def release(self) -> None:
        """Give the folder back."""
        os.close(self._file)
