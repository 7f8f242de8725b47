"""How a group of batches becomes one transaction, on the writer's thread.

A batch that cannot be stored fails alone: the group is undone and stored again, each batch in a
savepoint of its own. Whatever else goes wrong undoes the whole group and is raised.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from domain.errors import AlreadySent, StorageFailed
from domain.events import Event, MessageSent
from storage import snapshots
from storage.event_rows import EventRows
from storage.rows import Insert

# What a batch can be at fault for: a rule of the tables, or a value that SQLite cannot hold.
_OWN_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeError,
)


class Batch(msgspec.Struct, eq=False):
    """Events to store together; then either ``first`` is their first revision, or ``error`` set."""

    business: str
    events: Sequence[Event]
    first: int = 0
    error: AlreadySent | StorageFailed | None = None


@dataclass(slots=True)
class _Log:
    business_no: int
    revision: int


class GroupCommit:
    """Stores groups, and knows where each business's log stands."""

    def __init__(self) -> None:
        self.isolated = 0
        self._logs: dict[str, _Log] = {}
        self._rows = EventRows()
        self._log_rows = Insert(
            "INSERT INTO log (business_no, revision)",
            2,
            "ON CONFLICT (business_no) DO UPDATE SET revision = excluded.revision",
        )

    def load(self, connection: sqlite3.Connection) -> dict[str, int]:
        """Read where the logs stand: the newest revision of every business."""
        rows = connection.execute(
            "SELECT b.id, b.no, coalesce(l.revision, 0) FROM business b"
            " LEFT JOIN log l ON l.business_no = b.no"
        )
        self._logs = {id_: _Log(no, revision) for id_, no, revision in rows}
        return {id_: log.revision for id_, log in self._logs.items()}

    def add_business(self, business: str, no: int) -> None:
        """A business that was just created; its log is empty."""
        self._logs[business] = _Log(no, 0)

    def store(self, connection: sqlite3.Connection, group: Sequence[Batch]) -> None:
        """Store all of ``group`` in one transaction; it is synced when this returns.

        A batch at fault has its ``error`` set. Raises `sqlite3.Error`: nothing has been stored.
        """
        try:
            self._transaction(connection, group, self._add_all)
        except _OWN_FAULT:
            self.isolated += 1
            self._transaction(connection, group, self._add_each)

    def _transaction(
        self,
        connection: sqlite3.Connection,
        group: Sequence[Batch],
        add: Callable[[sqlite3.Connection, Sequence[Batch]], None],
    ) -> None:
        logs = self._logs
        before = {batch.business: logs[batch.business].revision for batch in group}
        connection.execute("BEGIN IMMEDIATE")
        try:
            add(connection, group)
            for business in before:
                self._log_rows.add(logs[business].business_no, logs[business].revision)
            self._log_rows.write(connection)
            connection.execute("COMMIT")
        except BaseException:
            self._rows.clear()
            self._log_rows.rows.clear()
            for business, revision in before.items():
                logs[business].revision = revision
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._rows.committed()

    def _add_all(self, connection: sqlite3.Connection, group: Sequence[Batch]) -> None:
        for batch in group:
            self._add(connection, batch)
        self._rows.flush(connection)

    def _add_each(self, connection: sqlite3.Connection, group: Sequence[Batch]) -> None:
        for batch in group:
            log = self._logs[batch.business]
            before = log.revision
            connection.execute("SAVEPOINT batch")
            try:
                self._add(connection, batch)
                self._rows.flush(connection)
            except _OWN_FAULT as error:
                self._rows.clear()
                log.revision = before
                connection.execute("ROLLBACK TO batch")
                taken = isinstance(error, sqlite3.IntegrityError)
                if taken and self._is_already_sent(connection, batch):
                    batch.error = AlreadySent()
                else:
                    batch.error = StorageFailed(str(error))
            connection.execute("RELEASE batch")

    def _add(self, connection: sqlite3.Connection, batch: Batch) -> None:
        log = self._logs[batch.business]
        batch.first = log.revision + 1
        for event in batch.events:
            log.revision += 1
            self._rows.add(connection, log.business_no, log.revision, event)

    def _is_already_sent(self, connection: sqlite3.Connection, batch: Batch) -> bool:
        """Whether the ``client_message_id`` of a message of the batch is taken."""
        keys = [
            (event.author, event.device, event.client_message_id)
            for event in batch.events
            if isinstance(event, MessageSent)
        ]
        return bool(snapshots.sent(connection, self._logs[batch.business].business_no, keys))
