"""How far the log of a business goes (`docs/decisions/0002`)."""

import sqlite3


def newest_revision(connection: sqlite3.Connection, business_no: int) -> int:
    """The revision of what was stored last; 0 if nothing ever was."""
    row = connection.execute(
        "SELECT revision FROM log WHERE business_no = ?", (business_no,)
    ).fetchone()
    return 0 if row is None else int(row[0])
