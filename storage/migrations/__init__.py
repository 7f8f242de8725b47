"""Numbered SQL files that bring a database file to the version this program knows.

``user_version`` holds the number of the last one applied. They run in order, each in a transaction
of its own, when the server opens the file; a file from a newer program is refused untouched.
"""

import sqlite3
from importlib import resources

APPLICATION_ID = 0x4445534B
"""``DESK`` in the file's header, so that a file of another program is not taken for ours."""


class UnusableDatabase(Exception):
    """The file cannot be used; the message says why and what to do."""


def migrations() -> list[tuple[int, str]]:
    """(number, SQL) in order."""
    files = (f for f in resources.files(__name__).iterdir() if f.name.endswith(".sql"))
    return sorted((int(f.name.split("_")[0]), f.read_text("utf-8")) for f in files)


def migrate(connection: sqlite3.Connection) -> int:
    """Bring the file up to date and return its version.

    Raises `UnusableDatabase`: not a database, damaged, of another program, or of a newer one.
    """
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise UnusableDatabase(
            f"the database file is damaged or not a database ({error}). Restore a backup, or point "
            "data_dir to another folder."
        ) from error
    if tables and application != APPLICATION_ID:
        raise UnusableDatabase(
            "the database file belongs to another program. Point data_dir to another folder."
        )
    known = migrations()
    newest = known[-1][0]
    if version > newest:
        raise UnusableDatabase(
            f"the database file is of version {version}, this program knows up to {newest}. Start "
            "the newer program, or restore a backup made before the upgrade."
        )
    for number, sql in known:
        if number > version:
            _apply(connection, number, sql)
    return newest


def _apply(connection: sqlite3.Connection, number: int, sql: str) -> None:
    # executescript commits what is open, so the transaction stands inside the script.
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {sql}; PRAGMA application_id={APPLICATION_ID}; "
            f"PRAGMA user_version={number}; COMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
