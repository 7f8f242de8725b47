"""Whether an owner, who reads everything, takes part in what they read (C-07)."""

import sqlite3

from domain.concerned import AUTHORS_BACK
from storage.access import Viewer
from storage.keys import SEQ_MASK, message_key


def takes_part(connection: sqlite3.Connection, owner: Viewer, conversation: str) -> bool | None:
    """Whether ``owner`` takes part in a conversation; ``None``: there is none such.

    They do who started it or were asked for by name, who is a member from before they owned the
    business, who talks there with one other person alone, and who said something among the newest
    `AUTHORS_BACK` entries.
    """
    row = connection.execute(
        "SELECT c.no, c.created_by = ?3"
        " OR EXISTS (SELECT 1 FROM json_each(c.owners) WHERE value = ?3)"
        " OR EXISTS (SELECT 1 FROM member m WHERE m.conversation_no = c.no AND m.person = ?3)"
        " OR c.kind = 'direct'"
        "  AND (SELECT count(*) FROM member m WHERE m.conversation_no = c.no) = 1"
        " FROM conversation c WHERE c.business_no = ?1 AND c.id = ?2",
        (owner.business_no, conversation, owner.person),
    ).fetchone()
    if row is None:
        return None
    no, named = row
    return bool(named) or _has_spoken(connection, owner.person, no)


def _has_spoken(connection: sqlite3.Connection, person: str, no: int) -> bool:
    row = connection.execute(
        "SELECT 1 FROM (SELECT author, kind FROM message WHERE id BETWEEN ? AND ?"
        "  ORDER BY id DESC LIMIT ?) WHERE author = ? AND kind = 'text' LIMIT 1",
        (message_key(no, 1), message_key(no, SEQ_MASK), AUTHORS_BACK, person),
    ).fetchone()
    return row is not None
