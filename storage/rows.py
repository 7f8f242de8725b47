"""Rows of one commit, collected by table and written with few statements.

Every statement hands the interpreter lock to and fro, whatever number of rows it writes, and where
trio's thread is busy each time may cost milliseconds: so all rows of a table go in with one.
"""

import sqlite3
from collections.abc import Sequence

ROWS_MAX = 64
"""Rows in one statement at most. SQLite keeps one prepared for every number of rows that occurs."""


class Insert:
    """One kind of row: ``head`` up to VALUES, the number of columns, and what to do on conflict."""

    __slots__ = ("_statements", "_width", "rows")

    def __init__(self, head: str, width: int, tail: str = "") -> None:
        one = f"({','.join('?' * width)})"
        self._statements = [
            f"{head} VALUES {','.join([one] * size)} {tail}" for size in range(ROWS_MAX + 1)
        ]
        self._width = width
        self.rows: list[object] = []

    def add(self, *row: object) -> None:
        self.rows.extend(row)

    def write(self, connection: sqlite3.Connection) -> None:
        """Insert what was added, in order, and forget it."""
        values, self.rows = self.rows, []
        left = len(values) // self._width
        while left > ROWS_MAX:
            connection.execute(self._statements[ROWS_MAX], values[: ROWS_MAX * self._width])
            del values[: ROWS_MAX * self._width]
            left -= ROWS_MAX
        if left:
            connection.execute(self._statements[left], values)


class Statements:
    """Single statements, in the order they were added."""

    __slots__ = ("_queued",)

    def __init__(self) -> None:
        self._queued: list[tuple[str, Sequence[object]]] = []

    def add(self, sql: str, *parameters: object) -> None:
        self._queued.append((sql, parameters))

    def write(self, connection: sqlite3.Connection) -> None:
        """Execute what was added, and forget it."""
        queued, self._queued = self._queued, []
        for sql, parameters in queued:
            connection.execute(sql, parameters)

    def clear(self) -> None:
        self._queued.clear()
