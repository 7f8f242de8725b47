"""The journal: one writer, group commit. What it has released is on disk.

Rules
1. Batches are taken in the order they were appended, as many as are queued, into one transaction.
2. A revision is allocated inside that transaction, in that order: commit order is revision order.
3. Only after COMMIT has returned (synchronous=FULL: synced) are the batches released, in order.
4. A batch that cannot be stored fails alone: the group is rolled back and stored again, each in a
   savepoint of its own.
5. An I/O error leaves it unknown what the disk holds: nothing more is released and `run` raises.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import trio

from domain.commands import Accepted
from domain.errors import AlreadySent, StorageFailed
from domain.events import Event, MessageSent
from storage.connection import TrioConnection
from storage.write_events import SEQ_BITS, EventRows

GROUP_MAX = 256
"""Batches in one transaction at most."""

QUEUE_MAX = 10_000
"""Batches that wait at most; beyond it, `append` waits for room (it pushes back)."""


class JournalBroken(Exception):
    """The disk failed; the process must end and start again from what is stored."""


@dataclass(slots=True, eq=False)
class _Append:
    business: str
    events: Sequence[Event]
    release: Callable[[int], None]
    task: trio.lowlevel.Task
    error: Exception | None = None
    first: int = 0


@dataclass(frozen=True)
class JournalStatistics:
    """Counts since the start: ``queued`` is now, the rest are totals."""

    queued: int
    commits: int
    batches: int
    events: int
    isolated: int
    failed: int


@dataclass(slots=True)
class _Business:
    no: int
    revision: int


class Journal:
    """Appends batches of events durably: `run` owns the writer, any task may `append`."""

    def __init__(self, writer: TrioConnection, released: Callable[[], None]) -> None:
        """``released`` is called once after each group's releases: connections are flushed then."""
        self._writer = writer
        self._released = released
        self._queue: deque[_Append] = deque()
        self._room = trio.lowlevel.ParkingLot()
        self._idle: trio.lowlevel.Task | None = None
        self._businesses: dict[str, _Business] = {}
        self._released_revision: dict[str, int] = {}
        self._rows = EventRows()
        self._commits = self._batches = self._events = self._isolated = self._failed = 0
        self._broken = False

    async def load(self) -> None:
        """Read where each business's log stands. Call once, before `run`."""
        await self._writer.run(self._load, interruptible=False)

    def _load(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT b.no, b.id, max("
            " coalesce((SELECT max(revision) FROM head WHERE business_no = b.no), 0),"
            " coalesce((SELECT max(revision) FROM audit WHERE business_no = b.no), 0))"
            " FROM business b"
        )
        self._businesses = {id_: _Business(no, revision) for no, id_, revision in rows}
        self._released_revision = {id_: b.revision for id_, b in self._businesses.items()}

    def add_business(self, business: str, no: int) -> None:
        """A business that was just created; its log is empty."""
        self._businesses[business] = _Business(no, 0)
        self._released_revision[business] = 0

    def released(self, business: str) -> int:
        """The newest revision of ``business`` that has been released."""
        return self._released_revision[business]

    async def append(
        self, business: str, events: Sequence[Event], release: Callable[[int], None]
    ) -> None:
        """Store ``events`` in one transaction; return once they are synced and released.

        ``release`` is called with the revision of the first event (the others follow by one), in
        commit order among all batches, without a checkpoint. The caller's cancellation does not
        undo an append. Raises `AlreadySent` or `StorageFailed`: nothing was stored.
        """
        while len(self._queue) >= QUEUE_MAX:
            await self._room.park()
        if self._broken:
            raise StorageFailed("the journal has stopped")
        entry = _Append(business, events, release, trio.lowlevel.current_task())
        self._queue.append(entry)
        if self._idle is not None:
            trio.lowlevel.reschedule(self._idle)
            self._idle = None
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
        if entry.error is not None:
            raise entry.error

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Commit what is appended, until cancelled; cancel it after everything that appends."""
        task_status.started()
        try:
            while True:
                if not self._queue:
                    self._idle = trio.lowlevel.current_task()
                    await trio.lowlevel.wait_task_rescheduled(self._stop_waiting)
                await self._commit_group()
        finally:
            self._fail_queued()

    def statistics(self) -> JournalStatistics:
        return JournalStatistics(
            len(self._queue),
            self._commits,
            self._batches,
            self._events,
            self._isolated,
            self._failed,
        )

    def _stop_waiting(self, _: object) -> trio.lowlevel.Abort:
        self._idle = None
        return trio.lowlevel.Abort.SUCCEEDED

    async def _commit_group(self) -> None:
        queue = self._queue
        group = [queue.popleft() for _ in range(min(len(queue), GROUP_MAX))]
        self._room.unpark_all()
        try:
            await self._writer.run(self._commit, group, interruptible=False)
        except sqlite3.Error as error:
            if _is_fatal(error):
                self._broken = True
                self._resolve(group, StorageFailed("the disk failed"))
                raise JournalBroken(
                    f"the disk failed under the journal ({error}); nothing more is acknowledged"
                ) from error
            self._resolve(group, StorageFailed(str(error)))
        else:
            self._resolve(group, None)

    def _resolve(self, group: list[_Append], error: StorageFailed | None) -> None:
        self._commits += error is None
        for entry in group:
            if entry.error is None:
                entry.error = error
            if entry.error is None:
                self._batches += 1
                self._events += len(entry.events)
                self._released_revision[entry.business] = entry.first + len(entry.events) - 1
                entry.release(entry.first)
            else:
                self._failed += 1
            trio.lowlevel.reschedule(entry.task)
        self._released()

    def _fail_queued(self) -> None:
        self._broken = True
        while self._queue:
            entry = self._queue.popleft()
            entry.error = StorageFailed("the journal has stopped")
            trio.lowlevel.reschedule(entry.task)
        self._room.unpark_all()

    # --- on the writer's thread ------------------------------------------------------------------

    def _commit(self, connection: sqlite3.Connection, group: list[_Append]) -> None:
        before = {entry.business: self._businesses[entry.business].revision for entry in group}
        try:
            connection.execute("BEGIN IMMEDIATE")
            for entry in group:
                self._add(connection, entry)
            self._rows.flush(connection)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(connection, before)
            if _is_fatal(error) or not isinstance(error, sqlite3.IntegrityError):
                raise
            self._commit_each(connection, group, before)

    def _undo(self, connection: sqlite3.Connection, before: dict[str, int]) -> None:
        self._rows.clear()
        for business, revision in before.items():
            self._businesses[business].revision = revision
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    def _commit_each(
        self, connection: sqlite3.Connection, group: list[_Append], before: dict[str, int]
    ) -> None:
        """The group again, each batch in a savepoint: the one that is at fault fails alone."""
        self._isolated += 1
        try:
            connection.execute("BEGIN IMMEDIATE")
            for entry in group:
                self._commit_one(connection, entry)
            connection.execute("COMMIT")
        except sqlite3.Error:
            self._undo(connection, before)
            for entry in group:
                entry.error = None
            raise

    def _commit_one(self, connection: sqlite3.Connection, entry: _Append) -> None:
        before = self._businesses[entry.business].revision
        connection.execute("SAVEPOINT batch")
        try:
            self._add(connection, entry)
            self._rows.flush(connection)
        except sqlite3.IntegrityError as error:
            self._rows.clear()
            self._businesses[entry.business].revision = before
            connection.execute("ROLLBACK TO batch")
            known = self._already_sent(connection, entry)
            entry.error = AlreadySent(known) if known else StorageFailed(str(error))
        connection.execute("RELEASE batch")

    def _add(self, connection: sqlite3.Connection, entry: _Append) -> None:
        business = self._businesses[entry.business]
        entry.first = business.revision + 1
        for event in entry.events:
            business.revision += 1
            self._rows.add(connection, business.no, business.revision, event)

    def _already_sent(
        self, connection: sqlite3.Connection, entry: _Append
    ) -> dict[tuple[str, str, str], tuple[str, bytes, Accepted]]:
        no = self._businesses[entry.business].no
        known = {}
        for event in entry.events:
            if not isinstance(event, MessageSent):
                continue
            row = connection.execute(
                "SELECT c.id, m.digest, m.id, m.revision, m.at FROM message m"
                f" JOIN conversation c ON c.no = m.id >> {SEQ_BITS}"
                " WHERE m.client_message_id = ? AND m.device = ? AND m.author = ?"
                " AND m.business_no = ?",
                (event.client_message_id, event.device, event.author, no),
            ).fetchone()
            if row is not None:
                conversation, digest, key, revision, at = row
                seq = key & (1 << SEQ_BITS) - 1
                known[event.author, event.device, event.client_message_id] = (
                    conversation,
                    digest,
                    Accepted(seq, revision, at),
                )
        return known


def _is_fatal(error: sqlite3.Error) -> bool:
    """I/O errors leave the state of the disk unknown; a damaged file must not be written to."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    return primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
