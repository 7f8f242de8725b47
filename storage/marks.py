"""Marks: what people want to come back to, read and written. Each sees their own alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from domain.mark_events import Marked as MarkedEvent
from storage.access import LISTED, Viewer
from storage.missed import Item, Marked
from storage.rows import Statements

MARK = (
    "coalesce((SELECT iif(unread, revision, -revision) FROM mark WHERE conversation_no = l.no"
    " AND person = ?2 ORDER BY mark.revision DESC LIMIT 1), 0)"
)
"""When person ``?2`` last marked conversation ``l.no``; below 0: they took the mark off."""


def add_mark(statements: Statements, no: int, revision: int, event: MarkedEvent) -> None:
    """Collect the row of ``event``."""
    statements.add(
        "INSERT INTO mark VALUES (?, ?, ?, ?, ?)",
        no,
        event.person,
        revision,
        event.at,
        event.unread,
    )


def marked(
    connection: sqlite3.Connection, business_no: int, conversation: str, person: str
) -> bool:
    """Whether ``person`` has marked the conversation."""
    row = connection.execute(
        "SELECT k.unread FROM conversation c"
        " JOIN mark k ON k.conversation_no = c.no AND k.person = ?3"
        " WHERE c.business_no = ?1 AND c.id = ?2 ORDER BY k.revision DESC LIMIT 1",
        (business_no, conversation, person),
    ).fetchone()
    return row is not None and bool(row[0])


def missed(
    connection: sqlite3.Connection, viewer: Viewer, known: str, after: int, limit: int
) -> Iterator[Item]:
    """What the viewer marked after a revision: of each conversation the newest mark."""
    rows = connection.execute(
        f"SELECT max(k.revision), c.id, k.unread FROM {LISTED} l"
        " JOIN mark k ON k.conversation_no = l.no AND k.person = ?4 AND k.revision > ?2"
        " JOIN conversation c ON c.no = l.no GROUP BY l.no ORDER BY 1 LIMIT ?3",
        (known, after, limit, viewer.person),
    )
    with closing(rows):
        for revision, conversation, unread in rows:
            yield revision, Marked(conversation, bool(unread))
