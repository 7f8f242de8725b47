"""The database file: opening it, what it holds once, and the few writes beside the journal."""

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import trio

from storage.connection import TrioConnection, open_writer
from storage.journal import Journal
from storage.migrations import UnusableDatabase, migrate
from storage.queries import Queries
from storage.readers import Readers

FILE_NAME = "deskbell.db"
WAL_BUG_FIXED = (3, 51, 3)
"""From this version on SQLite may be written and checkpointed by several connections at once."""


class Database:
    """One open database file: the journal, the queries, and single writes."""

    def __init__(
        self, writer: TrioConnection, readers: Readers, journal: Journal, path: Path, lock: int
    ) -> None:
        self.journal = journal
        self.queries = Queries(readers)
        self.path = path
        self._writer = writer
        self._readers = readers
        self._lock = lock

    @classmethod
    async def open(cls, folder: Path, released: Callable[[], None], readers: int = 2) -> "Database":
        """Open (or create) the database in ``folder`` for this process alone.

        Raises `UnusableDatabase`: the folder cannot be written, another server has it open, or the
        file is damaged, foreign or newer.
        """
        lock = _lock_folder(folder)
        path = folder / FILE_NAME
        try:
            writer = await open_writer(path)
        except sqlite3.Error as error:
            os.close(lock)
            raise UnusableDatabase(
                f"the database file cannot be opened ({error}). Check that data_dir is a folder "
                "that this user may write, and that the disk is not full."
            ) from error
        try:
            await writer.run(_prepare, interruptible=False)
            journal = Journal(writer, released)
            await journal.load()
            reader_pool = await Readers.open(path, readers)
        except BaseException:
            await writer.close()
            os.close(lock)
            raise
        return cls(writer, reader_pool, journal, path, lock)

    async def close(self) -> None:
        """Close every connection; the last one writes the WAL back into the file."""
        await self._readers.close()
        await self._writer.close()
        os.close(self._lock)

    async def create_business(self, business: str, name: str, key_hash: bytes, now: int) -> bool:
        """Add a business with its first API key; ``False``: the id is taken."""
        no = await self._writer.run(
            _create_business, business, name, key_hash, now, interruptible=False
        )
        if no is None:
            return False
        self.journal.add_business(business, no)
        return True

    async def add_key(self, business_no: int | None, name: str, key_hash: bytes, now: int) -> None:
        """Add an API key; ``business_no`` ``None``: an operator's."""
        await self._writer.run(
            _execute,
            "INSERT INTO api_key VALUES (?, ?, ?, ?, 0)",
            (key_hash, business_no, name, now),
            interruptible=False,
        )

    async def has_operator_key(self) -> bool:
        found = await self._writer.run(
            _rows, "SELECT 1 FROM api_key WHERE business_no IS NULL LIMIT 1", interruptible=False
        )
        return bool(found)

    async def record_last_seen(self, business_no: int, seen: Mapping[str, int]) -> None:
        """Note when people were last there; it never moves back."""
        await self._writer.run(_record_last_seen, business_no, dict(seen), interruptible=False)

    async def setting(self, name: str, make: Callable[[], str]) -> str:
        """A value that is made once and kept in the file."""
        return await self._writer.run(_setting, name, make, interruptible=False)

    async def backup(self, target: Path) -> None:
        """Copy the database to the new file ``target`` while it is in use; writers do not wait.

        The copy gets an epoch of its own: after a restore, a client whose cursor is newer than the
        copy is told to start afresh. Raises `FileExistsError`, `OSError` or `sqlite3.Error`.
        """
        await trio.to_thread.run_sync(copy_database, self.path, target)

    def statistics(self) -> Mapping[str, int]:
        """Bytes of the database file and of its WAL."""
        wal = self.path.with_name(FILE_NAME + "-wal")
        return {
            "database_bytes": self.path.stat().st_size,
            "wal_bytes": wal.stat().st_size if wal.exists() else 0,
        }


def _lock_folder(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UnusableDatabase(
            f"the folder {folder} cannot be written ({error.strerror}). Give this user the right "
            "to write there, or point data_dir to another folder."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise UnusableDatabase(
            f"another Deskbell server is using {folder}. Stop it first, or use another data_dir."
        ) from error
    return lock


def _prepare(connection: sqlite3.Connection) -> None:
    migrate(connection)
    connection.execute("INSERT OR IGNORE INTO setting VALUES ('epoch', ?)", (secrets.token_hex(8),))


def _create_business(
    connection: sqlite3.Connection, business: str, name: str, key_hash: bytes, now: int
) -> int | None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        no = connection.execute(
            "INSERT INTO business (id, name, created_at) VALUES (?, ?, ?)", (business, name, now)
        ).lastrowid
        connection.execute("INSERT INTO api_key VALUES (?, ?, 'first', ?, 0)", (key_hash, no, now))
        connection.execute("COMMIT")
    except sqlite3.IntegrityError:
        connection.execute("ROLLBACK")
        return None
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return no


def _execute(connection: sqlite3.Connection, sql: str, parameters: tuple[object, ...]) -> None:
    connection.execute(sql, parameters)


def _rows(connection: sqlite3.Connection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


def _record_last_seen(
    connection: sqlite3.Connection, business_no: int, seen: dict[str, int]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(
            "UPDATE person SET last_seen_at = max(last_seen_at, ?)"
            " WHERE business_no = ? AND id = ?",
            [(at, business_no, person) for person, at in seen.items()],
        )
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _setting(connection: sqlite3.Connection, name: str, make: Callable[[], str]) -> str:
    connection.execute("INSERT OR IGNORE INTO setting VALUES (?, ?)", (name, make()))
    (value,) = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return str(value)


def copy_database(source: Path, target: Path) -> None:
    """What `Database.backup` does, in the calling thread: one read snapshot, synced to disk."""
    partial = target.with_name(target.name + ".partial")
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(source, isolation_level=None)
    try:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("VACUUM INTO ?", (str(partial),))
    finally:
        connection.close()
    copy = sqlite3.connect(partial, isolation_level=None)
    try:
        copy.execute("UPDATE setting SET value = ? WHERE name = 'epoch'", (secrets.token_hex(8),))
    finally:
        copy.close()
    partial.chmod(0o600)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)
