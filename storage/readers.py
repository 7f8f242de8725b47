"""A few read-only connections, each checked out by one query at a time."""

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import trio
from outcome import Outcome, Value

from storage.connection import TrioConnection, open_reader
from storage.doorbell import Doorbell

P = ParamSpec("P")
T = TypeVar("T")

READ_SECONDS = 2.0
"""Longest query: while one reads, the log cannot start over."""


STEPS = 20_000
"""Steps of SQLite's machine after which a query's time is looked at: some hundred microseconds."""


class Readers:
    """Runs queries; who finds every connection in use waits for one, in order."""

    def __init__(self, connections: list[TrioConnection]) -> None:
        self._all = connections
        self._free = list(connections)  # last in, first out: what it has read is in its cache
        self._waiting: deque[Callable[[TrioConnection], None]] = deque()  # bound: who asks

    @classmethod
    async def open(cls, path: Path, count: int, bell: Doorbell) -> "Readers":
        """Open ``count`` readers of the database at ``path``."""
        async with AsyncExitStack() as opened:
            connections = []
            for _ in range(count):
                connections.append(await open_reader(path, bell))
                opened.push_async_callback(connections[-1].close)
            opened.pop_all()
            return cls(connections)

    async def run(
        self,
        query: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """``query(connection, …)`` on a reader's thread; a cancelled caller interrupts it.

        Raises `trio.TooSlowError` after `READ_SECONDS`.
        """
        connection = self._free.pop() if self._free else await self._turn()
        try:
            return await connection.run(
                _in_time, lambda db: query(db, *args, **kwargs), interruptible=True
            )
        finally:
            self._release(connection)

    def start(
        self,
        then: Callable[[Outcome[T]], None],
        query: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """As `run`, for who does not wait: ``then`` is called with the outcome.

        It must not raise. It is not called if the readers are closed before it is the query's turn.
        """

        def begin(connection: TrioConnection) -> None:
            def done(result: Outcome[T]) -> None:
                self._release(connection)
                then(result)

            connection.start(done, _in_time, lambda db: query(db, *args, **kwargs))

        if self._free:
            begin(self._free.pop())
        else:
            self._waiting.append(begin)

    async def _turn(self) -> TrioConnection:
        task = trio.lowlevel.current_task()

        def take(connection: TrioConnection) -> None:
            trio.lowlevel.reschedule(task, Value(connection))

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting.remove(take)
            return trio.lowlevel.Abort.SUCCEEDED

        self._waiting.append(take)
        connection: TrioConnection = await trio.lowlevel.wait_task_rescheduled(abort)
        return connection

    def _release(self, connection: TrioConnection) -> None:
        if self._waiting:
            self._waiting.popleft()(connection)
        else:
            self._free.append(connection)

    async def close(self) -> None:
        """Finish the queries that run; those that wait are dropped."""
        self._waiting.clear()
        for connection in self._all:
            await connection.close()


def _in_time(connection: sqlite3.Connection, query: Callable[[sqlite3.Connection], T]) -> T:
    ends = time.monotonic() + READ_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > ends, STEPS)
    try:
        return query(connection)
    except sqlite3.OperationalError:
        if time.monotonic() > ends:
            raise trio.TooSlowError from None
        raise
