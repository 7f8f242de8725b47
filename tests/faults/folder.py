"""Where the database files of tests are that are not about the disk."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose files need no disk, where the system has such a place.

    A killed process loses nothing that it has written to a file, whatever that file lies on; only
    a power cut would, and no test here cuts the power. So the tests need not wait for a disk.
    """
    if not SHARED_MEMORY.is_dir():
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(prefix="deskbell-", dir=SHARED_MEMORY))
    yield made
    shutil.rmtree(made, ignore_errors=True)
