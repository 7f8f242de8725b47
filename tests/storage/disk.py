"""A disk that fails when told to, remembers what was synced, and can lose power: a SQLite VFS.

`Disk.connect` gives a connection with the interface of `sqlite3`, so that the journal runs on it
unchanged. The database is opened by this one connection alone (exclusive mode, no shared memory),
unless it is ``shared``: then a whole server runs on it.
"""

import random
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from storage.connection import WRITER_PRAGMAS

SECTOR = 512


_ERRORS: dict[int, type[apsw.Error]] = {
    apsw.SQLITE_BUSY: apsw.BusyError,
    apsw.SQLITE_FULL: apsw.FullError,
    apsw.SQLITE_IOERR: apsw.IOError,
    apsw.SQLITE_CORRUPT: apsw.CorruptError,
}


@dataclass
class _Content:
    """A file: what is surely on the disk, and what was written since, in order."""

    durable: bytearray
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)


class Disk(apsw.VFS):
    """``fault`` is asked before every call with its name (read, write, sync, truncate) and file.

    Whoever holds ``turn`` has the files as they are: nothing writes to them.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.turn = threading.RLock()
        self.dead = False
        self.fault: Callable[[int, str, str], int] = lambda *_: 0
        self.files: dict[str, _Content] = {}
        self._name = f"disk-{id(self)}"
        super().__init__(self._name, "unix")

    def connect(
        self, path: Path, pragmas: Iterable[str] = (), *, shared: bool = False
    ) -> "Connection":
        """A connection like the writer's own, then ``pragmas``."""
        connection = Connection(apsw.Connection(str(path), vfs=self._name))
        locking = "PRAGMA locking_mode=" + ("NORMAL" if shared else "EXCLUSIVE")
        for pragma in (locking, *WRITER_PRAGMAS, *pragmas):
            connection.execute(pragma).fetchall()
        return connection

    def xOpen(self, name: Any, flags: list[int]) -> "_File":
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self.files.pop(filename, None)

    def call(self, what: str, path: str) -> None:
        """Count a call, and refuse it if the disk is told to."""
        self.calls += 1
        code = apsw.SQLITE_IOERR if self.dead else self.fault(self.calls, what, path)
        if code:
            error = _ERRORS[code & 0xFF](f"{what} refused")
            error.extendedresult = code
            raise error

    def unsynced(self) -> list[str]:
        """The files with writes that are not on the disk for sure."""
        return [path for path, content in self.files.items() if content.pending]

    def image(self, folder: Path, rng: random.Random) -> None:
        """What a disk without power may hold: what was synced, and any part of the rest."""
        folder.mkdir()
        for path, content in self.files.items():
            data = bytearray(content.durable)
            kind = rng.choice(["nothing", "beginning", "sectors"])
            if kind == "beginning":
                _apply(data, content.pending[: rng.randint(0, len(content.pending))])
            elif kind == "sectors":
                _apply(data, _some_sectors(content.pending, rng))
            (folder / Path(path).name).write_bytes(data)


def _some_sectors(
    pending: list[tuple[int, bytes | None]], rng: random.Random
) -> Iterator[tuple[int, bytes]]:
    for offset, data in pending:
        for at in range(0, len(data or b""), SECTOR):
            if data is not None and rng.random() < 0.5:
                yield offset + at, data[at : at + SECTOR]


def _apply(content: bytearray, writes: Iterable[tuple[int, bytes | None]]) -> None:
    for offset, data in writes:
        if data is None:
            del content[offset:]
            continue
        if len(content) < offset + len(data):
            content.extend(bytes(offset + len(data) - len(content)))
        content[offset : offset + len(data)] = data


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else (name or "")
        super().__init__("unix", name, flags)
        if self._path and self._path not in disk.files:
            size = super().xFileSize()
            data = super().xRead(size, 0) if size else b""
            disk.files[self._path] = _Content(bytearray(data))

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.call("read", self._path)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        with self._disk.turn:
            self._disk.call("write", self._path)
            super().xWrite(data, offset)
        if self._path in self._disk.files:
            self._disk.files[self._path].pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        with self._disk.turn:
            self._disk.call("truncate", self._path)
            super().xTruncate(newsize)
        if self._path in self._disk.files:
            self._disk.files[self._path].pending.append((newsize, None))

    def xSync(self, flags: int) -> None:
        self._disk.call("sync", self._path)
        content = self._disk.files[self._path]
        _apply(content.durable, content.pending)
        content.pending.clear()


class Connection:
    """An apsw connection with as much of the interface of `sqlite3` as storage uses."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.total_changes = 0  # kept, for apsw may not be asked while another thread uses it

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> "_Cursor":
        with self._executing():
            return _Cursor(self._db.execute(sql, tuple(parameters)), self._db)

    def executemany(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        with self._executing():
            self._db.executemany(sql, [tuple(row) for row in rows])

    def executescript(self, sql: str) -> None:
        with self._executing():
            self._db.execute(sql).fetchall()

    @contextmanager
    def _executing(self) -> Iterator[None]:
        with _as_sqlite3():
            yield
        self.total_changes = self._db.total_changes()

    def set_progress_handler(self, handler: Callable[[], bool], steps: int) -> None:
        self._db.set_progress_handler(handler, steps)

    def interrupt(self) -> None:
        self._db.interrupt()

    def close(self) -> None:
        with _as_sqlite3():
            self._db.close(True)


class _Cursor:
    def __init__(self, cursor: apsw.Cursor, db: apsw.Connection) -> None:
        self._cursor = cursor
        self.lastrowid = db.last_insert_rowid()
        self.rowcount = db.changes()

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row

    def fetchone(self) -> Any:
        with _as_sqlite3():
            return next(self._cursor, None)

    def fetchall(self) -> list[Any]:
        with _as_sqlite3():
            return self._cursor.fetchall()

    def close(self) -> None:
        self._cursor.close()


_KINDS: dict[type[apsw.Error], type[sqlite3.Error]] = {
    apsw.ConstraintError: sqlite3.IntegrityError,
    apsw.CorruptError: sqlite3.DatabaseError,
}


@contextmanager
def _as_sqlite3() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        kind = _KINDS.get(type(error), sqlite3.OperationalError)
        translated = kind(str(error))
        translated.sqlite_errorcode = error.extendedresult
        raise translated from error
