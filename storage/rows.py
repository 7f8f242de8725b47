"""Rows of one commit, collected by table and written with few statements.

Every statement hands the interpreter lock to and fro once, whatever number of rows it writes, so
rows go in by the dozen: that, not SQLite, is what a commit costs.
"""

import sqlite3
from collections.abc import Sequence

_CHUNKS = (64, 16, 4, 1)


class Insert:
    """One kind of row: ``head`` up to VALUES, the number of columns, and what to do on conflict."""

    __slots__ = ("_statements", "_width", "rows")

    def __init__(self, head: str, width: int, tail: str = "") -> None:
        one = f"({','.join('?' * width)})"
        self._statements = {
            size: f"{head} VALUES {','.join([one] * size)} {tail}" for size in _CHUNKS
        }
        self._width = width
        self.rows: list[object] = []

    def add(self, *row: object) -> None:
        self.rows.extend(row)

    def write(self, connection: sqlite3.Connection) -> None:
        """Insert what was added, in order, and forget it."""
        values, self.rows = self.rows, []
        at, left = 0, len(values) // self._width
        while left:
            size = next(chunk for chunk in _CHUNKS if chunk <= left)
            end = at + size * self._width
            connection.execute(self._statements[size], values[at:end])
            at, left = end, left - size


class Statements:
    """Single statements that follow the inserts, in the order they were added."""

    __slots__ = ("_queued",)

    def __init__(self) -> None:
        self._queued: list[tuple[str, Sequence[object]]] = []

    def add(self, sql: str, *parameters: object) -> None:
        self._queued.append((sql, parameters))

    def write(self, connection: sqlite3.Connection) -> None:
        queued, self._queued = self._queued, []
        for sql, parameters in queued:
            connection.execute(sql, parameters)

    def clear(self) -> None:
        self._queued.clear()
