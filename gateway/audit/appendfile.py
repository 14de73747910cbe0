"""A file that grows by whole writes or not at all: what a full disk cut short is taken back before anything else is written."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["AppendFile"]


class AppendFile:
    """An open file that is only appended to, by nobody else. `size` is how far it is good. Errors are OSError."""

    def __init__(self, path: Path, *, new: bool) -> None:
        """Open it, `new` only where it does not exist yet."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | (os.O_EXCL if new else 0)
        self.path = path
        self._fd = os.open(path, flags, 0o600)
        self.size = os.fstat(self._fd).st_size
        self._torn = False

    def append(self, data: bytes, *, sync: bool = False) -> None:
        """Write all of it, with `sync` through to the disk. After an OSError the file is as it was, or is mended by the next call."""
        if os.fstat(self._fd).st_nlink == 0:
            raise FileNotFoundError(2, "the file was removed while it was written", str(self.path))
        if self._torn:
            self.cut(self.size)
        view, written = memoryview(data), 0
        try:
            while written < len(data):
                written += os.write(self._fd, view[written:])
            if sync:
                os.fdatasync(self._fd)
        except OSError:
            self._torn = True
            with contextlib.suppress(OSError):
                self.cut(self.size)
            raise
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Shorten the file to its first `size` bytes."""
        os.ftruncate(self._fd, size)
        self.size, self._torn = size, False

    @property
    def removed(self) -> bool:
        """The file is no longer in any folder: what is written to it is lost."""
        return os.fstat(self._fd).st_nlink == 0

    def close(self) -> None:
        """Close it; a second time does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
