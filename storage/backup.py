"""Copies of the database: made while it is in use, and put back in its place."""

import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from storage.migrations import open_read_only


def copy_database(source: Path, target: Path) -> None:
    """Copy the database ``source`` to the new file ``target``, synced; it may be in use meanwhile.

    Writers do not wait, but the log grows until the copy is done. The copy gets an epoch of its
    own: after a restore, a client whose cursor is newer than the copy is told to start afresh.
    Raises `FileExistsError`, `OSError` or `sqlite3.Error`; then there is no ``target``.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    unfinished = target.with_name(target.name + ".partial")
    unfinished.unlink(missing_ok=True)
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(open_read_only(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
            copy.execute(
                "UPDATE setting SET value = ? WHERE name = 'epoch'", (secrets.token_hex(8),)
            )
        _sync(unfinished)
        unfinished.rename(target)
        _sync(target.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
