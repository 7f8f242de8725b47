"""Copies of the database and its files: made while in use, and put back in their place."""

import fcntl
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from storage.attachment_files import FOLDER_NAME, AttachmentFiles, copy_files, sync
from storage.migrations import open_read_only
from storage.uploads import named_files

FILE_NAME = "deskbell.db"


def copy_database(source: Path, target: Path) -> None:
    """Copy the database ``source`` to the new file ``target``, synced; it may be in use meanwhile.

    The files that its attachments name are copied beside it, to the folder `files_of` the target;
    there is none where there are no attachments.
    Writers wait no more than now and then a moment (`storage.writer.READERS_MS`), but the log grows
    until the copy is done. The copy gets an epoch of its own: after a restore, a client whose
    cursor is newer than the copy is told to start afresh.
    Raises `FileExistsError`, `OSError` or `sqlite3.Error`; then there is no ``target``.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists already. Name a new file.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent}. Make it, or name another.")
    files = files_of(target)
    if files.exist():
        raise FileExistsError(f"{files.root} exists already. Remove it, or name another file.")
    unfinished = target.with_name(target.name + ".partial")
    copied = AttachmentFiles(files.root.with_name(files.root.name + ".partial"))
    with _alone(unfinished, target):
        try:
            _copy(source, unfinished, copied)
            if copied.exist():
                copied.root.rename(files.root)
            unfinished.rename(target)
            sync(target.parent)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            shutil.rmtree(copied.root, ignore_errors=True)
            raise


def files_of(path: Path) -> AttachmentFiles:
    """The files that belong to a database file: in the folder of a server's, beside a copy."""
    name = FOLDER_NAME if path.name == FILE_NAME else f"{path.name}.{FOLDER_NAME}"
    return AttachmentFiles(path.with_name(name))


def _copy(source: Path, unfinished: Path, copied: AttachmentFiles) -> None:
    """Copy the database, then its files; both again if a file has been deleted meanwhile."""
    for _ in range(_TRIES):
        shutil.rmtree(copied.root, ignore_errors=True)
        os.truncate(unfinished, 0)
        with closing(open_read_only(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
            copy.execute(
                "UPDATE setting SET value = ? WHERE name = 'epoch'", (secrets.token_hex(8),)
            )
            named = named_files(copy)
        sync(unfinished)
        if not named or copy_files(named, files_of(source), copied):
            return
    folder = files_of(source).root
    raise FileNotFoundError(f"a file is missing in {folder}: `deskbell check` says which.")


_TRIES = 5
"""Copies that are begun; a message that is deleted while its files are copied costs one."""


@contextmanager
def _alone(unfinished: Path, target: Path) -> Iterator[None]:
    """Hold the empty file ``unfinished``, new or left by a kill, so that nobody else makes it."""
    file = os.open(unfinished, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have finished between the two lines above: it is a backup now.
            mine = unfinished.exists() and os.path.samestat(os.fstat(file), unfinished.stat())
        except BlockingIOError:
            mine = False
        if not mine:
            raise FileExistsError(f"{target} is being made by another backup. Name a new file.")
        os.truncate(file, 0)
        yield
    finally:
        os.close(file)


def set_aside_foreign_log(path: Path) -> None:
    """Let a backup, put in the place of a database that crashed, not get that database's log.

    SQLite would play whatever log it finds into the file, and ruin it. A backup is known by its
    header: only a database that has been in use is in WAL mode. The log is kept, renamed.
    """
    with path.open("rb") as file:
        is_backup = file.read(20)[18:] == b"\x01\x01"
    for suffix in ("-wal", "-shm") if is_backup else ():
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.rename(log.with_name(log.name + ".replaced"))
