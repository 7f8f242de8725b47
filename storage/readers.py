"""A few read-only connections, each checked out by one query at a time."""

import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import trio

from storage.connection import TrioConnection, open_reader

P = ParamSpec("P")
T = TypeVar("T")

READ_SECONDS = 2.0
"""Longest query: while one reads, the log cannot start over."""


class Readers:
    """Runs queries; who finds every connection in use waits for one, in order."""

    def __init__(self, connections: list[TrioConnection]) -> None:
        self._all = connections
        self._free = list(connections)
        self._slots = trio.Semaphore(len(connections), max_value=len(connections))

    @classmethod
    async def open(cls, path: Path, count: int) -> "Readers":
        """Open ``count`` readers of the database at ``path``."""
        async with AsyncExitStack() as opened:
            connections = []
            for _ in range(count):
                connections.append(await open_reader(path))
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
        async with self._slots:
            connection = self._free.pop()
            try:
                with trio.fail_after(READ_SECONDS):
                    return await connection.run(
                        lambda db: query(db, *args, **kwargs), interruptible=True
                    )
            finally:
                self._free.append(connection)

    async def close(self) -> None:
        for connection in self._all:
            await connection.close()
