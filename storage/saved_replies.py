"""Looking saved replies up."""

import sqlite3

from domain.saved_replies import SavedReply

_REPLY = "SELECT id, title, text, location FROM saved_reply WHERE business_no = ?"


def one(connection: sqlite3.Connection, business_no: int, reply: str) -> SavedReply | None:
    """One saved reply by id."""
    row = connection.execute(_REPLY + " AND id = ?", (business_no, reply)).fetchone()
    return None if row is None else _reply(row)


def page(
    connection: sqlite3.Connection, business_no: int, location: str | None, after: str, limit: int
) -> list[SavedReply]:
    """Saved replies in the order of their ids, after ``after``.

    With ``location``: those of that location and those of the whole business.
    """
    rows = connection.execute(
        _REPLY + " AND id > ? AND (? IS NULL OR location IN ('', ?)) ORDER BY id LIMIT ?",
        (business_no, after, location, location, limit),
    )
    return [_reply(row) for row in rows]


def count(connection: sqlite3.Connection, business_no: int) -> int:
    """How many the business has."""
    (found,) = connection.execute(
        "SELECT count(*) FROM saved_reply WHERE business_no = ?", (business_no,)
    ).fetchone()
    return int(found)


def _reply(row: tuple[str, str, str, str]) -> SavedReply:
    id_, title, text, location = row
    return SavedReply(id=id_, title=title, text=text, location=location)
