"""How a group of batches becomes one transaction, on the writer's thread.

A batch that cannot be stored fails alone: the group is undone and stored again, each batch in a
savepoint of its own. Whatever else goes wrong undoes the whole group and is raised.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.commands import Accepted
from domain.errors import AlreadySent, StorageFailed
from domain.events import Event, MessageSent
from storage.event_rows import EventRows
from storage.keys import SEQ_BITS, SEQ_MASK
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

Known = dict[tuple[str, str, str], tuple[str, bytes, Accepted]]
"""What `AlreadySent` carries."""


@dataclass(slots=True, eq=False)
class Batch:
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
                known = self._already_sent(connection, batch) if taken else {}
                batch.error = AlreadySent(known) if known else StorageFailed(str(error))
            connection.execute("RELEASE batch")

    def _add(self, connection: sqlite3.Connection, batch: Batch) -> None:
        log = self._logs[batch.business]
        batch.first = log.revision + 1
        for event in batch.events:
            log.revision += 1
            self._rows.add(connection, log.business_no, log.revision, event)

    def _already_sent(self, connection: sqlite3.Connection, batch: Batch) -> Known:
        """Those messages of the batch whose ``client_message_id`` is taken, and by what."""
        business_no = self._logs[batch.business].business_no
        known: Known = {}
        for event in batch.events:
            if not isinstance(event, MessageSent):
                continue
            row = connection.execute(
                "SELECT c.id, m.digest, m.id, m.revision, m.at FROM message m"
                f" JOIN conversation c ON c.no = m.id >> {SEQ_BITS}"
                " WHERE m.client_message_id = ? AND m.device = ? AND m.author = ?"
                " AND m.business_no = ?",
                (event.client_message_id, event.device, event.author, business_no),
            ).fetchone()
            if row is not None:
                conversation, digest, key, revision, at = row
                known[event.author, event.device, event.client_message_id] = (
                    conversation,
                    digest,
                    Accepted(key & SEQ_MASK, revision, at),
                )
        return known
