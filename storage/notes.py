"""Reading notes: one for the rules, a page for the team, and what somebody of it has missed.

No other module reads the table, and none of these reads it for a customer (EX-25).
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from domain.note_events import Note
from domain.roles import TEAM
from domain.views import Note as NoteView
from storage.access import LISTED, Viewer, grant, snapshot
from storage.missed import Item
from storage.pages import PAGE_BYTES, encoded_size, fitting

_PICTURE = "n.id, n.revision, n.seq, n.at, n.author, n.text, n.mentions, n.edited_at, n.deleted_at"
LAST_NOTE = "coalesce((SELECT max(revision) FROM note WHERE conversation_no = l.no), 0)"
"""The newest change of a note of conversation ``l.no``: for the team's pictures alone."""

_Row = tuple[str, int, int, int, str, str, str, int, int]


@dataclass(frozen=True, slots=True)
class NotePage:
    """Notes, newest first; ``next`` goes into the next request, ``None`` at the end."""

    notes: tuple[NoteView, ...]
    next: str | None


def one(
    connection: sqlite3.Connection, business_no: int, conversation: str, note: str
) -> Note | None:
    """A note as the rules need it."""
    row = connection.execute(
        "SELECT n.id, n.seq, n.at, n.author, n.text, n.mentions, n.edited_at, n.deleted_at,"
        " n.digest FROM conversation c JOIN note n ON n.conversation_no = c.no AND n.id = ?3"
        " WHERE c.business_no = ?1 AND c.id = ?2",
        (business_no, conversation, note),
    ).fetchone()
    if row is None:
        return None
    id_, seq, at, author, text, mentions, *changed = row
    return Note(id_, seq, at, author, text, tuple(json.loads(mentions)), *changed)


def page(
    connection: sqlite3.Connection, viewer: Viewer, conversation: str, before: int, limit: int
) -> NotePage | None:
    """Notes made before the revision ``before``; ``None``: not the viewer's to see.

    Fewer, if more would not fit a page.
    """
    if viewer.role not in TEAM:
        return None
    with snapshot(connection):
        granted = grant(connection, viewer, conversation)
        if granted is None:
            return None
        rows = connection.execute(
            f"SELECT n.created_revision, {_PICTURE} FROM note n WHERE n.conversation_no = ?"
            " AND n.created_revision < ? ORDER BY n.created_revision DESC LIMIT ?",
            (granted.no, before, limit + 1),
        ).fetchall()
    shown = [_picture(conversation, tuple(row)) for _, *row in rows[:limit]]
    kept = fitting(map(encoded_size, shown), PAGE_BYTES)
    return NotePage(tuple(shown[:kept]), str(rows[kept - 1][0]) if len(rows) > kept else None)


def missed(
    connection: sqlite3.Connection, viewer: Viewer, known: str, after: int, limit: int
) -> Iterator[Item]:
    """Notes that were added or changed after a revision, each as it is now; for the team."""
    if viewer.role not in TEAM:
        return
    rows = connection.execute(
        f"SELECT c.id, {_PICTURE} FROM {LISTED} l JOIN note n ON n.conversation_no = l.no"
        " JOIN conversation c ON c.no = l.no"
        " WHERE n.revision > ?2 ORDER BY n.revision LIMIT ?3",
        (known, after, limit),
    )
    with closing(rows):
        for conversation, *row in rows:
            note = _picture(conversation, tuple(row))
            yield note.revision, note


def missed_count(
    connection: sqlite3.Connection, viewer: Viewer, known: str, after: int, limit: int
) -> int:
    """How many that are, ``limit`` at most."""
    if viewer.role not in TEAM:
        return 0
    (found,) = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {LISTED} l"
        " JOIN note n ON n.conversation_no = l.no AND n.revision > ?2 LIMIT ?3)",
        (known, after, limit),
    ).fetchone()
    return int(found)


def _picture(conversation: str, row: _Row) -> NoteView:
    id_, revision, seq, at, author, text, mentions, edited_at, deleted_at = row
    return NoteView(
        conversation=conversation,
        note=id_,
        revision=revision,
        seq=seq,
        at=at,
        author=author,
        text=text,
        mentions=tuple(json.loads(mentions)),
        edited_at=edited_at,
        deleted_at=deleted_at,
    )


class OwnNote(NamedTuple):
    """A note that somebody wrote, for a copy of what is stored of them."""

    conversation_no: int
    conversation: str
    note: str
    at: int
    text: str
    edited_at: int


def written_by(
    connection: sqlite3.Connection, business_no: int, person: str, after: tuple[int, str]
) -> list[OwnNote]:
    """Notes that ``person`` wrote and nobody deleted, by conversation and id, after that one."""
    rows = connection.execute(
        "SELECT c.no, c.id, n.id, n.at, n.text, n.edited_at FROM conversation c"
        " JOIN note n ON n.conversation_no = c.no WHERE c.business_no = ? AND n.author = ?"
        " AND n.deleted_at = 0 AND (c.no, n.id) > (?, ?) ORDER BY c.no, n.id LIMIT ?",
        (business_no, person, *after, OWN_NOTES),
    )
    return [OwnNote(*row) for row in rows]


OWN_NOTES = 200
"""Notes of a page."""


class Written(NamedTuple):
    """A note, by its conversation and id."""

    conversation: str
    note: str


def of_person(connection: sqlite3.Connection, business_no: int, person: str) -> list[Written]:
    """Notes with a text that go with ``person``, whom the business erases (EX-21).

    What they wrote; and what was written in conversations of whose customers they are, or were, the
    only one: it is about them.
    """
    rows = connection.execute(
        f"SELECT c.id, n.id {_OF_PERSON} AND n.deleted_at = 0 ORDER BY c.no, n.revision",
        (business_no, person),
    )
    return [Written(*row) for row in rows]


def forget_deleted(connection: sqlite3.Connection, business_no: int, person: str) -> None:
    """Of notes of `of_person` that are deleted by now, not even a digest is left."""
    connection.execute(
        "UPDATE note SET digest = x'', text = '', mentions = '[]' WHERE (conversation_no, id) IN"
        f" (SELECT n.conversation_no, n.id {_OF_PERSON} AND n.deleted_at > 0)",
        (business_no, person),
    )


def left_before(
    connection: sqlite3.Connection, no: int, before: int, limit: int
) -> list[tuple[str, str]]:
    """(id, author) of notes of conversation ``no``, written before a time, of which there is
    something left: a text, or the digest of what was first asked for."""
    return connection.execute(
        "SELECT id, author FROM note WHERE conversation_no = ? AND at < ?"
        " AND (deleted_at = 0 OR digest <> x'') LIMIT ?",
        (no, before, limit),
    ).fetchall()


def forget(
    connection: sqlite3.Connection, business_no: int, conversation: str, notes: tuple[str, ...]
) -> None:
    """Of ``notes``, which are deleted by now, not even a digest is left."""
    connection.execute(
        "UPDATE note SET digest = x'' WHERE id IN (SELECT value FROM json_each(?3))"
        " AND conversation_no = (SELECT no FROM conversation WHERE business_no = ?1 AND id = ?2)",
        (business_no, conversation, json.dumps(notes)),
    )


_OF_PERSON = (
    "FROM conversation c JOIN note n ON n.conversation_no = c.no WHERE c.business_no = ?1"
    " AND (n.author = ?2 OR (SELECT role = 'customer' FROM person"
    "   WHERE business_no = ?1 AND id = ?2)"
    "  AND (EXISTS (SELECT 1 FROM member WHERE conversation_no = c.no AND person = ?2)"
    "   OR EXISTS (SELECT 1 FROM removal WHERE business_no = ?1 AND person = ?2"
    "    AND conversation_no = c.no))"
    "  AND NOT EXISTS (SELECT 1 FROM member o JOIN person p ON p.business_no = ?1"
    "   AND p.id = o.person AND p.role = 'customer' AND p.id <> ?2"
    "   WHERE o.conversation_no = c.no))"
)
