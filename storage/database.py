"""The database file: opening it, what it holds once, and the few writes beside the journal."""

import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, closing, suppress
from pathlib import Path

import trio

from domain.errors import StorageFailed
from storage import answers, api_keys, imports
from storage.accounts import AccountWrites
from storage.answers import Answered
from storage.attachments import Attachments
from storage.backup import FILE_NAME as FILE_NAME
from storage.backup import copy_database as copy_database
from storage.backup import files_of, set_aside_foreign_log
from storage.connection import open_writer
from storage.doorbell import Doorbell
from storage.erasure_store import ErasureStore
from storage.indexer import Indexer
from storage.journal import Journal
from storage.migrations import (
    UnusableDatabase,
    migrate,
    open_read_only,
    refuse_unusable,
    unusable,
)
from storage.queries import Queries
from storage.readers import Readers
from storage.webhook_store import WebhookStore
from storage.writer import Writer


class Database:
    """One open database file: the journal, the queries, and single writes.

    A write raises `domain.errors.StorageFailed`: nothing was stored.
    """

    def __init__(  # noqa: PLR0913 - its parts, which `open` makes
        self,
        writer: Writer,
        readers: Readers,
        reserved: Readers,
        journal: Journal,
        indexer: Indexer,
        bell: Doorbell,
        path: Path,
        opened: AsyncExitStack,
    ) -> None:
        self.journal = journal
        self.indexer = indexer
        """Run it after the journal: a search waits for it, and without it nothing is found fast."""
        self.bell = bell
        """Run it beside the journal: answers reach trio sooner."""
        self.queries = Queries(readers)
        """For everybody who asks; when many do, they wait for each other."""
        self.reserved = Queries(reserved)
        """For actors alone, whose messages are not to wait for lists and histories."""
        self.webhooks = WebhookStore(writer, readers)
        self.attachments = Attachments(writer, readers)
        self.files = files_of(path)
        self.path = path
        self.accounts = AccountWrites(writer)
        self.erasures = ErasureStore(writer, readers, indexer)
        self._writer = writer
        self._opened = opened

    @classmethod
    async def open(
        cls, folder: Path, released: Callable[[], None], readers: int = 2, reserved: int = 1
    ) -> "Database":
        """Open (or create) the database in ``folder`` for this process alone.

        ``readers`` for everybody, ``reserved`` ones for actors alone.
        Raises `UnusableDatabase`: the folder cannot be written, another server has it open, or the
        file is damaged, foreign or newer; then the file is as it was.
        """
        async with AsyncExitStack() as opened:
            opened.callback(os.close, _lock_folder(folder))
            path = folder / FILE_NAME
            try:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                set_aside_foreign_log(path)
                refuse_unusable(path)
                bell = Doorbell()
                connection = await open_writer(path, bell)
                opened.push_async_callback(connection.close)
                await connection.run(_prepare, interruptible=False)
                writer = Writer(connection)
                pool = await Readers.open(path, readers, bell)
                opened.push_async_callback(pool.close)
                indexer = Indexer(writer, pool, _now_ms)

                def group_released() -> None:
                    released()
                    indexer.notice()

                journal = Journal(writer, group_released)
                await journal.load()
                actors_own = await Readers.open(path, reserved, bell)
                opened.push_async_callback(actors_own.close)
            except (sqlite3.Error, OSError, StorageFailed) as error:
                raise unusable(error) from error
            return cls(writer, pool, actors_own, journal, indexer, bell, path, opened.pop_all())

    async def close(self) -> None:
        """Close every connection; the last one writes the log back into the file.

        After the disk has failed it must not: then the last one is one that only reads.
        """
        with ExitStack() as last:
            if self._writer.failure is not None:
                with suppress(sqlite3.Error):  # the disk may have failed for readers, too
                    reader = last.enter_context(closing(open_read_only(self.path)))
                    reader.execute("SELECT count(*) FROM setting").fetchall()  # opens the file
            await self._opened.aclose()

    async def create_business(
        self, business: str, name: str, key_hash: bytes, now: int, *, setting: str | None = None
    ) -> bool:
        """Add a business with its first API key; ``False``: the id is taken.

        ``setting`` names one that from the same moment on holds the business's id.
        """
        no = await self._writer.transact(_create_business, business, name, key_hash, now, setting)
        if no is None:
            return False
        self.journal.add_business(business, no)
        return True

    async def add_key(self, business_no: int | None, name: str, key_hash: bytes, now: int) -> None:
        """Add an API key for everything; ``business_no`` ``None``: an operator's."""
        await self._writer.transact(api_keys.add_first, business_no, name, key_hash, now)

    async def has_operator_key(self) -> bool:
        """Whether an operator's key exists that has not been revoked."""
        return await self._writer.run(_has_operator_key)

    async def record_last_seen(self, business_no: int, seen: Mapping[str, int]) -> None:
        """Note when people were last there; it never moves back. Of who was erased: nothing."""
        await self._writer.transact(_record_last_seen, business_no, dict(seen))

    async def begin_import(self, business_no: int, name: str, now: int) -> None:
        """Begin an import, unless there is one of that name."""
        await self._writer.transact(imports.create, business_no, name, now)

    async def note_import(
        self, business_no: int, progress: imports.Import, refusals: Sequence[imports.RefusedRecord]
    ) -> None:
        """How far an import is, and what was refused since the last time."""
        await self._writer.transact(imports.note, business_no, progress, refusals)

    async def record_key_use(self, business_no: int, key: str, at: int) -> None:
        """Note when an API key was used; it never moves back."""
        await self._writer.transact(api_keys.record_use, business_no, key, at)

    async def keep_answer(
        self, business_no: int, request: bytes, at: int, answered: Answered, most: int
    ) -> None:
        """Keep what was answered under an idempotency key; of a business, the latest ``most``."""
        await self._writer.transact(answers.keep, business_no, request, at, answered, most)

    async def forget_answers(self, before: int, limit: int) -> int:
        """Remove at most ``limit`` answers kept before ``before``; how many it were."""
        return await self._writer.transact(answers.forget, before, limit)

    async def setting(self, name: str, make: Callable[[], str]) -> str:
        """A value that is made once and kept in the file."""
        return await self._writer.transact(_setting, name, make)

    async def backup(self, target: Path) -> None:
        """`storage.backup.copy_database`, in a thread of its own, which nobody who stops awaits."""
        await trio.to_thread.run_sync(copy_database, self.path, target, abandon_on_cancel=True)

    def statistics(self) -> Mapping[str, int]:
        """Bytes of the database file and of its WAL."""
        wal = self.path.with_name(FILE_NAME + "-wal")
        return {
            "database_bytes": self.path.stat().st_size,
            "wal_bytes": wal.stat().st_size if wal.exists() else 0,
        }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


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
    connection: sqlite3.Connection,
    business: str,
    name: str,
    key_hash: bytes,
    now: int,
    setting: str | None,
) -> int | None:
    taken = connection.execute("SELECT 1 FROM business WHERE id = ?", (business,)).fetchone()
    if taken is not None:
        return None
    no = connection.execute(
        "INSERT INTO business (id, name, created_at) VALUES (?, ?, ?)", (business, name, now)
    ).lastrowid
    api_keys.add_first(connection, no, "first", key_hash, now)
    if setting is not None:
        connection.execute("INSERT INTO setting VALUES (?, ?)", (setting, business))
    return no


def _has_operator_key(connection: sqlite3.Connection) -> bool:
    row = connection.execute(
        "SELECT 1 FROM api_key WHERE business_no IS NULL AND revoked_at = 0 LIMIT 1"
    ).fetchone()
    return row is not None


def _record_last_seen(
    connection: sqlite3.Connection, business_no: int, seen: dict[str, int]
) -> None:
    connection.executemany(
        "UPDATE person SET last_seen_at = ? WHERE business_no = ? AND id = ? AND last_seen_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM erasure e"
        "  WHERE e.business_no = person.business_no AND e.person = person.id)",
        [(at, business_no, person, at) for person, at in seen.items()],
    )


def _setting(connection: sqlite3.Connection, name: str, make: Callable[[], str]) -> str:
    connection.execute("INSERT OR IGNORE INTO setting VALUES (?, ?)", (name, make()))
    (value,) = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return str(value)
