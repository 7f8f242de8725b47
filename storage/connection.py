"""aiosqlite driven natively from trio: its worker thread, with completions that wake trio.

aiosqlite touches asyncio in one place, the future that its thread resolves. `Completion` takes
that place; everything else of the library stays as it is. A contract test holds us to the pin.
"""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import aiosqlite
import outcome
import trio
from aiosqlite.core import _STOP_RUNNING_SENTINEL

from storage.doorbell import Doorbell

T = TypeVar("T")


class Completion:
    """What aiosqlite's thread takes for an asyncio future; it wakes a trio task, or calls back."""

    __slots__ = ("_call", "_result", "_task", "then")

    def __init__(self, bell: Doorbell | None = None) -> None:
        self.then: Callable[[outcome.Outcome[Any]], None] | None = None
        """Called with the result, in place of a task that waits; what it raises ends whoever
        answers the bell."""
        token = trio.lowlevel.current_trio_token()
        self._call: Callable[..., None] = token.run_sync_soon if bell is None else bell.call
        self._task: trio.lowlevel.Task | None = None
        self._result: outcome.Outcome[Any] | None = None

    def get_loop(self) -> "Completion":
        return self

    def call_soon_threadsafe(self, function: Callable[..., None], *args: object) -> None:
        """Called in the worker thread. After trio has ended nobody waits, so nothing is lost."""
        try:
            self._call(function, *args)
        except trio.RunFinishedError:
            return

    def done(self) -> bool:
        return self._result is not None

    def set_result(self, value: object) -> None:
        self._resolve(outcome.Value(value))

    def set_exception(self, error: BaseException) -> None:
        self._resolve(outcome.Error(error))

    def _resolve(self, result: outcome.Outcome[Any]) -> None:
        self._result = result
        if self.then is not None:
            self.then(result)
        elif self._task is not None:
            trio.lowlevel.reschedule(self._task)

    async def wait(self, on_cancel: Callable[[], None] | None) -> Any:
        """Wait for the thread, which is never abandoned: ``on_cancel`` may only hurry it.

        Cancellation is delivered by the next checkpoint, or as the interrupted statement's error.
        """

        def abort(_: object) -> trio.lowlevel.Abort:
            if on_cancel is not None:
                on_cancel()
            return trio.lowlevel.Abort.FAILED

        if self._result is None:
            self._task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(abort)
        assert self._result is not None
        return self._result.unwrap()


class TrioConnection(aiosqlite.Connection):
    """One SQLite connection on a thread of its own, awaited from trio."""

    bell: Doorbell | None = None
    """How its thread calls trio; None: trio's own way."""

    async def run(self, function: Callable[..., T], *args: object, interruptible: bool) -> T:
        """Call ``function(connection, *args)`` on the thread: one closure, one hop.

        ``interruptible`` lets a cancelled caller interrupt the running statement: for readers that
        are checked out exclusively, never for the writer. Who is cancelled before it calls is not
        served. Raises `ValueError` once it is closed.
        """
        if interruptible:
            # Nothing runs yet that an interrupt could end, so a loop of queries would go on.
            await trio.lowlevel.checkpoint_if_cancelled()
        self._refuse_closed()
        completion = self._hand_over(partial(function, self._conn, *args))
        if not interruptible:
            written: T = await completion.wait(None)
            return written
        try:
            result: T = await completion.wait(self._conn.interrupt)
        except sqlite3.OperationalError:
            await trio.lowlevel.checkpoint_if_cancelled()
            raise
        return result

    def start(
        self,
        then: Callable[[outcome.Outcome[T]], None],
        function: Callable[..., T],
        *args: object,
    ) -> None:
        """As `run`, for who does not wait: ``then`` is called with the outcome, in trio's thread.

        It must not raise. Raises `ValueError` once it is closed.
        """
        self._refuse_closed()
        self._hand_over(partial(function, self._conn, *args)).then = then

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        self._refuse_closed()
        completion = self._hand_over(partial(fn, *args, **kwargs))
        result: T = await completion.wait(None)
        return result

    def _refuse_closed(self) -> None:
        # What is queued behind the closing of the database would wait for ever.
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")

    async def _connect(self) -> "TrioConnection":
        completion = self._hand_over(self._connector)
        try:
            self._connection = await completion.wait(None)
        except BaseException:
            self.stop()
            raise
        return self

    def _hand_over(self, function: Callable[[], object]) -> Completion:
        completion = Completion(self.bell)
        queue: SimpleQueue[Any] = self._tx
        queue.put_nowait((completion, function))
        return completion

    def stop(self) -> None:
        """Close the database and end the thread once it has done what is queued."""
        self._running = False

        def close_and_stop() -> object:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return _STOP_RUNNING_SENTINEL

        self._tx.put_nowait((None, close_and_stop))

    async def close(self) -> None:
        """Close the database and wait for the thread to end; not hurried by cancellation."""
        if not self._running:
            return
        self.stop()
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self._thread.join)


PAGE_BYTES = 1024
"""A commit writes whole pages, one or two for each conversation that moved, so they are small: with
4096 a message costs a third more processor time and twice the bytes."""

_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA cache_size=-16000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=0",
)


WRITER_PRAGMAS = (
    *_PRAGMAS,
    f"PRAGMA page_size={PAGE_BYTES}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=ON",
    "PRAGMA checkpoint_fullfsync=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA wal_autocheckpoint=0",  # `Writer` does it, for SQLite would hide its errors
    "PRAGMA journal_size_limit=67108864",
)


def _open_writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
    for pragma in WRITER_PRAGMAS:
        connection.execute(pragma)
    return connection


def _open_reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    for pragma in (*_PRAGMAS, "PRAGMA query_only=ON", "PRAGMA wal_autocheckpoint=0"):
        connection.execute(pragma)
    return connection


async def open_writer(path: Path, bell: Doorbell | None = None) -> TrioConnection:
    """The one connection that writes and checkpoints (WAL, synchronous=FULL)."""
    return await _opened(partial(_open_writer, path), bell)


async def open_reader(path: Path, bell: Doorbell | None = None) -> TrioConnection:
    """A ``query_only`` connection that never checkpoints."""
    return await _opened(partial(_open_reader, path), bell)


async def _opened(
    connector: Callable[[], sqlite3.Connection], bell: Doorbell | None
) -> TrioConnection:
    connection = TrioConnection(connector, 64)
    connection.bell = bell
    await connection
    return connection
