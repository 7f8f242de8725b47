"""Saved replies as rows, and what they hold on to: the files that go with them.

The row of an attachment of a saved reply is nobody's (its person is ``''``), belongs to no message,
and does not expire. Given up, it expires at once, and is collected as what was never sent.
"""

import sqlite3
from collections.abc import Iterable

import msgspec

from domain.attachments import State
from domain.events import SavedReplyChanged
from domain.saved_replies import SavedReply
from domain.views import Attachment
from storage.attachment_rows import decode_attachments

_REPLY = "SELECT id, title, text, location, attachments FROM saved_reply WHERE business_no = ?"
_NEVER = 2**62

_encode = msgspec.json.Encoder().encode


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


def store(connection: sqlite3.Connection, business_no: int, event: SavedReplyChanged) -> None:
    """Add or change one, and hold on to what is attached to it.

    If something attached is no longer its uploader's to give, because it was sent, deleted or has
    expired meanwhile, the batch is at fault: `sqlite3.IntegrityError`.
    """
    before = one(connection, business_no, event.reply)
    kept = {each.id for each in before.attachments} if before else set()
    wanted = {each.id for each in event.attachments}
    for each in wanted - kept:
        held = connection.execute(
            "UPDATE attachment SET person = '', expires_at = ? WHERE business_no = ? AND id = ?"
            " AND state = ? AND message_id IS NULL AND person <> ''",
            (_NEVER, business_no, each, State.READY),
        )
        if held.rowcount != 1:
            raise sqlite3.IntegrityError("an attachment cannot be saved any more")
    _give_up(connection, business_no, kept - wanted)
    connection.execute(
        "INSERT OR REPLACE INTO saved_reply (business_no, id, location, title, text, attachments)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            business_no,
            event.reply,
            event.location,
            event.title,
            event.text,
            _column(event.attachments),
        ),
    )


def delete(connection: sqlite3.Connection, business_no: int, reply: str) -> None:
    """Delete one; what was attached to it is collected."""
    before = one(connection, business_no, reply)
    if before is not None:
        _give_up(connection, business_no, (each.id for each in before.attachments))
    connection.execute(
        "DELETE FROM saved_reply WHERE business_no = ? AND id = ?", (business_no, reply)
    )


def _give_up(connection: sqlite3.Connection, business_no: int, attachments: Iterable[str]) -> None:
    connection.executemany(
        "UPDATE attachment SET expires_at = 0"
        " WHERE business_no = ? AND id = ? AND person = '' AND message_id IS NULL",
        ((business_no, each) for each in attachments),
    )


def _column(attachments: tuple[Attachment, ...]) -> str:
    return _encode(attachments).decode() if attachments else ""


def _reply(row: tuple[str, str, str, str, str]) -> SavedReply:
    id_, title, text, location, attachments = row
    attached = decode_attachments(attachments) if attachments else ()
    return SavedReply(id=id_, title=title, text=text, location=location, attachments=attached)
