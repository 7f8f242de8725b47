"""The one connection that writes, and that brings the log (WAL) back into the file.

After an I/O error nobody knows what the disk holds, so nothing is written with it again: the
process ends and starts from what is stored (a failed fsync must not be repeated and believed).
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Concatenate, ParamSpec, TypeVar

from domain.errors import StorageFailed
from storage.connection import PAGE_BYTES, TrioConnection

P = ParamSpec("P")
T = TypeVar("T")

CHECKPOINT_ROWS = 2_000
"""After so many changed rows the log is brought back into the file: some MiB of it."""

LOG_BYTES = 16 * 2**20
"""From this size on a checkpoint waits for readers, so that the log can start over. After one that
waited in vain, as while a backup reads, the next waits when the log is twice as large."""

READERS_MS = 250
"""How long it waits for them, at most."""

_FATAL = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

# The disk is full and the log's index cannot grow: like SQLITE_FULL, nothing has been written.
_HARMLESS = frozenset({sqlite3.SQLITE_IOERR_SHMSIZE})


class Writer:
    """Runs closures on the writer's thread, one after the other; cancellation interrupts none."""

    def __init__(self, connection: TrioConnection) -> None:
        self.failure: sqlite3.Error | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._connection = connection
        self._checkpointed_at = 0
        self._wait_from = LOG_BYTES

    async def run(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """``function(connection, …)``. Raises `StorageFailed`: it has not been stored.

        After an I/O error ``failure`` holds it, and whatever is asked for fails.
        """
        if self.failure is not None:
            raise StorageFailed("the disk has failed")
        try:
            return await self._connection.run(
                lambda db: function(db, *args, **kwargs), interruptible=False
            )
        except sqlite3.Error as error:
            if is_fatal(error):
                self.failure = error
                self.on_failure()
            raise StorageFailed(str(error)) from error

    async def transact(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """``function(connection, …)`` in a transaction of its own. Raises like `run`."""
        result = await self.run(_in_transaction, lambda db: function(db, *args, **kwargs))
        await self.checkpoint_if_due()
        return result

    async def checkpoint_if_due(self) -> None:
        """Bring the log back into the file when it has grown. Raises nothing: see ``failure``."""
        changes = self._connection.total_changes  # 32 bits: after 2**31 - 1 it is negative
        if (changes - self._checkpointed_at) % 2**32 >= CHECKPOINT_ROWS:
            self._checkpointed_at = changes
            with suppress(StorageFailed):  # the disk is full: the next time does it
                self._wait_from = await self.run(_checkpoint, self._wait_from)

    async def wash(self) -> None:
        """Write the whole file anew, so that it holds nothing but what is stored.

        SQLite overwrites what is deleted (``secure_delete``), but not the copies that its pages
        keep of rows that have moved on to another page. Nobody else writes meanwhile. Raises like
        `run`: the file is as it was.
        """
        await self.run(_vacuum)

    async def truncate_log(self) -> bool:
        """Bring all of the log back into the file, and empty it; ``False``: a reader needs it."""
        return await self.run(_truncate)

    async def close(self) -> None:
        await self._connection.close()


def _checkpoint(connection: sqlite3.Connection, wait_from: int) -> int:
    """Wait for readers if the log is that large; from which size on to wait the next time."""
    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    size: int = pages * PAGE_BYTES
    if size < wait_from:
        return max(LOG_BYTES, min(wait_from, 2 * size))
    (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout={READERS_MS}")
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout={timeout}")
    return 2 * size if busy else LOG_BYTES


def _vacuum(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA temp_store=FILE")  # the copy may be larger than memory
    try:
        connection.execute("VACUUM")
    finally:
        connection.execute("PRAGMA temp_store=MEMORY")


def _truncate(connection: sqlite3.Connection) -> bool:
    (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout={READERS_MS}")
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout={timeout}")
    return not busy


def _in_transaction(
    connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], T]
) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = function(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return result


def is_fatal(error: sqlite3.Error) -> bool:
    """I/O errors leave the state of the disk unknown; a damaged file must not be written to."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _FATAL and code not in _HARMLESS
