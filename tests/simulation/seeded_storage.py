"""SQLite without threads: its calls run in trio, after a delay of virtual time that a seed decides.

So a whole server is one trio run, without threads. Calls of one connection keep their order. The
disk can be full: what needs another page fails then.
"""

import random
import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio._core import _run as trio_internals

from storage.connection import Completion, TrioConnection

LONGEST_CALL = 0.02
"""Seconds of virtual time."""
PLENTY = 2**30
"""Pages that a file may have while the disk is not full."""

Call = tuple[Completion, Callable[[], object]]


class SeededStorage:
    """Takes the place of the threads while ``monkeypatch`` lasts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
        self.disk_is_full = False
        self._chance = random.Random(f"storage {seed}")
        self._queues: dict[TrioConnection, deque[Call]] = {}
        end_thread = TrioConnection.stop

        def hand_over(connection: TrioConnection, function: Callable[[], object]) -> Completion:
            completion = Completion()
            queue = self._queues.setdefault(connection, deque())
            queue.append((completion, function))
            if len(queue) == 1:
                trio.lowlevel.spawn_system_task(self._work, connection, queue)
            return completion

        def stop(connection: TrioConnection) -> None:
            if connection._connection is not None:
                connection._connection.close()
                connection._connection = None
            end_thread(connection)

        monkeypatch.setattr(TrioConnection, "_hand_over", hand_over)
        monkeypatch.setattr(TrioConnection, "stop", stop)

    async def _work(self, connection: TrioConnection, queue: deque[Call]) -> None:
        """Do what is queued for one connection, one call after the other; as a thread, to its end.

        A run that is cut short (a test's timeout) cancels system tasks while others wait for them.
        """
        with trio.CancelScope(shield=True):
            while queue:
                await trio.sleep(self._chance.random() * LONGEST_CALL)
                completion, function = queue[0]
                try:
                    self._bound(connection._connection)
                    result: Any = function()
                except Exception as error:  # noqa: BLE001 - as aiosqlite's thread does
                    completion.set_exception(error)
                else:
                    completion.set_result(result)
                queue.popleft()

    def _bound(self, database: sqlite3.Connection | None) -> None:
        """Let the file grow or not. Readers do not write, so it is nothing to them."""
        if database is not None:
            (pages,) = database.execute("PRAGMA page_count").fetchone()
            most = pages if self.disk_is_full else PLENTY
            database.execute(f"PRAGMA max_page_count={most}")


def seeded_scheduling(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Let trio run ready tasks in an order that the seed decides."""
    monkeypatch.setattr(trio_internals, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    trio_internals._r.seed(seed)
