"""A file that grows by whole writes or not at all. The full disk is real: a limit on the size of files, in a process of its own."""

from __future__ import annotations

import pytest

from gateway.audit.appendfile import AppendFile
from tests.audit.making import child

FULL = """
import resource, sys
from pathlib import Path
from gateway.audit.appendfile import AppendFile
path = Path(sys.argv[1])
file = AppendFile(path, new=True)
file.append(b"a" * 100)
resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
try:
    file.append(b"b" * 100)
except OSError as error:
    print(error.errno, path.stat().st_size, file.size)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.append(b"c" * 100, sync=True)
file.close()
"""


async def test_what_a_full_disk_cuts_short_is_taken_back(tmp_path):
    process = await child(FULL, tmp_path / "f")
    out, err = await process.communicate()
    assert out.decode().split() == ["27", "100", "100"], err.decode()
    assert (tmp_path / "f").read_bytes() == b"a" * 100 + b"c" * 100


def test_a_new_file_must_be_new(tmp_path):
    AppendFile(tmp_path / "f", new=True).close()
    with pytest.raises(FileExistsError):
        AppendFile(tmp_path / "f", new=True)


def test_an_old_file_goes_on_where_it_ended_and_can_be_cut(tmp_path):
    (tmp_path / "f").write_bytes(b"one\ntw")
    file = AppendFile(tmp_path / "f", new=False)
    file.cut(4)
    file.append(b"two\n")
    file.close()
    file.close()
    assert (tmp_path / "f").read_bytes() == b"one\ntwo\n"


def test_a_file_that_was_removed_takes_nothing_more(tmp_path):
    file = AppendFile(tmp_path / "f", new=True)
    (tmp_path / "f").unlink()
    assert file.removed
    with pytest.raises(FileNotFoundError):
        file.append(b"lost")
    file.close()


def test_only_the_owner_may_read_it(tmp_path):
    AppendFile(tmp_path / "f", new=True).close()
    assert (tmp_path / "f").stat().st_mode & 0o077 == 0
