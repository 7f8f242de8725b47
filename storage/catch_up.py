"""What a person who was away may see after a revision: a page at a time, in revision order.

Messages come in their present state, cursors as they stand now: applying them to what the device
holds gives the same as loading afresh (R42). Nothing is skipped: a page ends at its ``up_to``.
"""

import sqlite3
from dataclasses import dataclass

import msgspec

from domain.roles import Role, sees_all_history
from domain.views import Conversation, MemberCursor, Message
from storage.access import SEQ_MASK, Granted, Viewer
from storage.conversations import last_seq, picture
from storage.history import MESSAGE_COLUMNS, message
from storage.write_events import SEQ_BITS


class Edited(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str
    text: str


class Deleted(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str


class Cursors(msgspec.Struct, frozen=True):
    conversation: str
    cursors: tuple[MemberCursor, ...]


class Joined(msgspec.Struct, frozen=True):
    conversation: Conversation


class Removed(msgspec.Struct, frozen=True):
    conversation: str
    seq: int
    at: int
    author: str


class Settings(msgspec.Struct, frozen=True):
    read_receipts: bool
    last_seen: bool


class OwnPrivacy(msgspec.Struct, frozen=True):
    read_receipts: bool
    last_seen: bool


Missed = Message | Edited | Deleted | Cursors | Joined | Removed | Settings | OwnPrivacy


@dataclass(frozen=True, slots=True)
class CatchUpPage:
    """All of (after, ``up_to``] with its revisions, ascending; ``done``: that is all there is."""

    items: list[tuple[int, Missed]]
    up_to: int
    done: bool


def page(connection: sqlite3.Connection, viewer: Viewer, after: int, limit: int) -> CatchUpPage:
    """The next ``limit`` things (at least) after revision ``after`` that the viewer may see."""
    connection.execute("BEGIN")  # one snapshot, so that the page is complete up to the head it saw
    try:
        return _page(connection, viewer, after, limit)
    finally:
        connection.execute("COMMIT")


def _page(connection: sqlite3.Connection, viewer: Viewer, after: int, limit: int) -> CatchUpPage:
    head = _head(connection, viewer.business_no)
    items: list[tuple[int, Missed]] = []
    bound = head  # complete up to here
    for granted, id_, since_revision in _changed(connection, viewer, after):
        if since_revision > after:
            items.append((since_revision, Joined(picture(connection, viewer, granted))))
            continue
        found = _messages(connection, granted, id_, after, limit)
        if len(found) == limit:
            bound = min(bound, found[-1][0])
        items += found
        items += _changes(connection, granted, id_, after)
        items += _cursors(connection, granted, id_, after)
    items += _of_business(connection, viewer, after)
    items = sorted((item for item in items if item[0] <= bound), key=lambda item: item[0])
    if len(items) > limit:
        bound = items[limit - 1][0]
        items = [item for item in items if item[0] <= bound]
    return CatchUpPage(items, bound, bound >= head)


def _head(connection: sqlite3.Connection, business_no: int) -> int:
    (head,) = connection.execute(
        "SELECT max(coalesce((SELECT max(revision) FROM head WHERE business_no = ?1), 0),"
        " coalesce((SELECT max(revision) FROM audit WHERE business_no = ?1), 0))",
        (business_no,),
    ).fetchone()
    return int(head)


def _changed(
    connection: sqlite3.Connection, viewer: Viewer, after: int
) -> list[tuple[Granted, str, int]]:
    """(conversation, its id, since which revision it is the viewer's) for those that moved."""
    if viewer.role is Role.OWNER:
        sql = (
            "SELECT c.no, 1, c.id, c.created_revision FROM head h"
            " JOIN conversation c ON c.no = h.conversation_no"
            " WHERE h.business_no = ?1 AND h.revision > ?3"
        )
    else:
        sql = (
            "SELECT c.no, m.since_seq, c.id, m.since_revision FROM member m"
            " JOIN head h ON h.conversation_no = m.conversation_no AND h.revision > ?3"
            " JOIN conversation c ON c.no = m.conversation_no"
            " WHERE m.business_no = ?1 AND m.person = ?2"
        )
    rows = connection.execute(sql, (viewer.business_no, viewer.person, after))
    everything = sees_all_history(viewer.role)
    return [(Granted(no, 1 if everything else seq), id_, rev) for no, seq, id_, rev in rows]


def _messages(
    connection: sqlite3.Connection, granted: Granted, id_: str, after: int, limit: int
) -> list[tuple[int, Missed]]:
    start = max(granted.first_key, _first_after(connection, granted.no, after))
    rows = connection.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM message WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
        (start, granted.last_key, limit),
    )
    return [(row[1], message(id_, row)) for row in rows]


def _first_after(connection: sqlite3.Connection, no: int, after: int) -> int:
    """The key of the first entry with a later revision: both rise together, so halve the range."""
    low, high = 1, last_seq(connection, no) + 1
    while low < high:
        middle = (low + high) // 2
        (revision,) = connection.execute(
            "SELECT revision FROM message WHERE id = ?", (no << SEQ_BITS | middle,)
        ).fetchone()
        if revision > after:
            high = middle
        else:
            low = middle + 1
    return no << SEQ_BITS | low


def _changes(
    connection: sqlite3.Connection, granted: Granted, id_: str, after: int
) -> list[tuple[int, Missed]]:
    """Edits and deletions of messages that the device holds; newer ones come in their new state."""
    rows = connection.execute(
        f"SELECT ch.revision, ch.seq, ch.at, ch.author, ch.deleted, m.text, m.deleted_at"
        f" FROM change ch JOIN message m ON m.id = (ch.conversation_no << {SEQ_BITS} | ch.seq)"
        " WHERE ch.conversation_no = ?1 AND ch.revision > ?2 AND m.revision <= ?2 AND m.id >= ?3"
        " ORDER BY ch.revision",
        (granted.no, after, granted.first_key),
    )
    found: list[tuple[int, Missed]] = []
    for revision, seq, at, author, deleted, text, deleted_at in rows:
        if deleted:
            found.append((revision, Deleted(id_, seq, at, author)))
        elif not deleted_at:
            found.append((revision, Edited(id_, seq, at, author, text)))
    return found


def _cursors(
    connection: sqlite3.Connection, granted: Granted, id_: str, after: int
) -> list[tuple[int, Missed]]:
    rows = connection.execute(
        "SELECT person, delivered_up_to, delivered_at, read_up_to, read_at, revision FROM cursor"
        " WHERE conversation_no = ? AND revision > ? ORDER BY revision",
        (granted.no, after),
    ).fetchall()
    return [
        (
            revision,
            Cursors(
                id_,
                (
                    MemberCursor(
                        person=person,
                        delivered_up_to=delivered,
                        delivered_at=delivered_at,
                        read_up_to=read,
                        read_at=read_at,
                    ),
                ),
            ),
        )
        for person, delivered, delivered_at, read, read_at, revision in rows
    ]


def _of_business(
    connection: sqlite3.Connection, viewer: Viewer, after: int
) -> list[tuple[int, Missed]]:
    items: list[tuple[int, Missed]] = []
    removals = connection.execute(
        "SELECT r.revision, c.id, r.seq, r.at, r.author FROM removal r"
        " JOIN conversation c ON c.no = r.conversation_no"
        " WHERE r.business_no = ? AND r.person = ? AND r.revision > ?",
        (viewer.business_no, viewer.person, after),
    )
    items += [(revision, Removed(*rest)) for revision, *rest in removals]
    revision, read_receipts, last_seen = connection.execute(
        "SELECT revision, read_receipts, last_seen FROM business WHERE no = ?",
        (viewer.business_no,),
    ).fetchone()
    if revision > after:
        items.append((revision, Settings(bool(read_receipts), bool(last_seen))))
    revision, read_receipts, last_seen = connection.execute(
        "SELECT privacy_revision, read_receipts, last_seen FROM person"
        " WHERE business_no = ? AND id = ?",
        (viewer.business_no, viewer.person),
    ).fetchone()
    if revision > after:
        items.append((revision, OwnPrivacy(bool(read_receipts), bool(last_seen))))
    return items


def too_far_behind(connection: sqlite3.Connection, viewer: Viewer, after: int, limit: int) -> bool:
    """Whether more than ``limit`` entries after revision ``after`` wait for the viewer."""
    missed = 0
    for granted, _, since_revision in _changed(connection, viewer, after):
        if since_revision <= after:
            first = max(granted.first_key, _first_after(connection, granted.no, after))
            missed += last_seq(connection, granted.no) + 1 - (first & SEQ_MASK)
            if missed > limit:
                return True
    return False
