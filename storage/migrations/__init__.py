"""Numbered SQL files that bring a database file to the version this program knows.

``user_version`` holds the number of the last one applied. They run in order, each in a transaction
of its own, when the server opens the file; a file from a newer program is refused untouched.
"""

import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

APPLICATION_ID = 0x4445534B
"""``DESK`` in the file's header, so that a file of another program is not taken for ours."""


class UnusableDatabase(Exception):
    """The file cannot be used; the message says why and what to do."""


def migrations() -> list[tuple[int, str]]:
    """(number, SQL) in order."""
    files = (f for f in resources.files(__name__).iterdir() if f.name.endswith(".sql"))
    return sorted((int(f.name.split("_")[0]), f.read_text("utf-8")) for f in files)


def refuse_unusable(path: Path) -> None:
    """Look at a database file without changing a byte of it; an empty one is a new one.

    Raises `UnusableDatabase`: not a database, damaged, of another program, or of a newer one.
    """
    if path.stat().st_size == 0:
        return
    version, application, tables = _header_of(path)
    if tables and application != APPLICATION_ID:
        raise UnusableDatabase(
            "the database file belongs to another program. Name another folder (data_dir) or file."
        )
    newest = migrations()[-1][0]
    if version > newest:
        raise UnusableDatabase(
            f"the database file is of version {version}, this program knows up to {newest}. Start "
            "the newer program, or restore a backup made before the upgrade."
        )


def require_database(path: Path) -> None:
    """Like `refuse_unusable`, for a file that must hold data already; what is said names it.

    Raises `UnusableDatabase` also where ``path`` is no file, or an empty one.
    """
    if path.is_dir():
        raise UnusableDatabase(f"{path} is a folder. Name the database file in it.")
    if not path.is_file():
        raise UnusableDatabase(f"there is no file {path}. Name another one, or a folder: --data.")
    try:
        refuse_unusable(path)
        version, _, _ = _header_of(path)
    except UnusableDatabase as error:
        raise UnusableDatabase(f"{path}: {error}") from error
    if version == 0:
        raise UnusableDatabase(
            f"{path} is empty: no Deskbell server has stored anything in it. Name a backup, or the "
            "database of a data folder."
        )


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing and never checkpoints, not even when it is closed."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _header_of(path: Path) -> tuple[int, int, int]:
    try:
        with closing(open_read_only(path)) as connection:
            return _header(connection)
    except sqlite3.Error as error:
        raise unusable(error) from error


def _header(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Version, program, number of tables and indices."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return version, application, tables


def unusable(error: Exception) -> UnusableDatabase:
    """What ``error`` says of a database that was to be opened."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
        return UnusableDatabase(
            f"the database file is damaged or not a database ({error}). Restore a backup, or name "
            "another folder (data_dir) or file."
        )
    return UnusableDatabase(
        f"the database file cannot be opened ({error}). Check that data_dir is a folder that this "
        "user may write, and that the disk is not full."
    )


_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def migrate(connection: sqlite3.Connection) -> int:
    """Bring the file up to date and return its version.

    Raises `UnusableDatabase`: it is damaged, or cannot be written.
    """
    try:
        version, _, _ = _header(connection)
        known = migrations()
        for number, sql in known:
            if number > version:
                _apply(connection, number, sql)
    except sqlite3.Error as error:
        raise unusable(error) from error
    return known[-1][0]


def _apply(connection: sqlite3.Connection, number: int, sql: str) -> None:
    # executescript commits what is open, so the transaction stands inside the script.
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {sql}; PRAGMA application_id={APPLICATION_ID}; "
            f"PRAGMA user_version={number}; COMMIT;"
        )
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
