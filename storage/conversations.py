"""Pictures of conversations: one, or a page of mine with last message, unread and members."""

import sqlite3
from dataclasses import dataclass

from domain.limits import UNREAD_MAX
from domain.roles import Role, sees_all_history
from domain.views import Conversation, Member
from storage.access import SEQ_MASK, Granted, Viewer, grant
from storage.history import MESSAGE_COLUMNS, fitting, message
from storage.write_events import SEQ_BITS


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of conversations; ``next`` goes into the next request, ``None`` at the end."""

    conversations: tuple[Conversation, ...]
    next: str | None


def view(connection: sqlite3.Connection, viewer: Viewer, conversation: str) -> Conversation | None:
    """The picture of one conversation, or ``None``: no access or no such thing."""
    granted = grant(connection, viewer, conversation)
    return None if granted is None else picture(connection, viewer, granted)


def page(
    connection: sqlite3.Connection, viewer: Viewer, before: str | None, limit: int
) -> ListPage:
    """The viewer's conversations, latest activity first."""
    upper = int(before) if before is not None and before.isdigit() else 2**63 - 1
    if viewer.role is Role.OWNER:
        sql = (
            "SELECT h.conversation_no, 1, h.activity FROM head h"
            " WHERE h.business_no = ?1 AND h.activity < ?3"
            " ORDER BY h.activity DESC LIMIT ?4"
        )
    else:
        sql = (
            "SELECT h.conversation_no, m.since_seq, h.activity FROM member m"
            " JOIN head h ON h.conversation_no = m.conversation_no"
            " WHERE m.business_no = ?1 AND m.person = ?2 AND h.activity < ?3"
            " ORDER BY h.activity DESC LIMIT ?4"
        )
    rows = connection.execute(sql, (viewer.business_no, viewer.person, upper, limit + 1)).fetchall()
    everything = sees_all_history(viewer.role)
    pictures = tuple(
        picture(connection, viewer, Granted(no, 1 if everything else since_seq))
        for no, since_seq, _ in rows[:limit]
    )
    texts = [0 if p.last_message is None else len(p.last_message.text) for p in pictures]
    kept = fitting(texts)
    return ListPage(pictures[:kept], str(rows[kept - 1][2]) if len(rows) > kept else None)


def picture(connection: sqlite3.Connection, viewer: Viewer, granted: Granted) -> Conversation:
    """The picture of a conversation that the viewer may read. Nothing in it is hidden yet."""
    id_, kind, title, created_at, created_by, revision = connection.execute(
        "SELECT c.id, c.kind, c.title, c.created_at, c.created_by, h.revision FROM conversation c"
        " JOIN head h ON h.conversation_no = c.no WHERE c.no = ?",
        (granted.no,),
    ).fetchone()
    members = _members(connection, viewer, granted.no)
    last = connection.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM message WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
        (granted.first_key, granted.last_key),
    ).fetchone()
    mine = next((m for m in members if m.person == viewer.person), None)
    return Conversation(
        id=id_,
        kind=kind,
        title=title,
        created_at=created_at,
        created_by=created_by,
        members=members,
        last_seq=last_seq(connection, granted.no),
        last_message=None if last is None else message(id_, last),
        unread=_unread(connection, viewer, granted, mine.read_up_to if mine is not None else 0),
        revision=revision,
    )


def last_seq(connection: sqlite3.Connection, no: int) -> int:
    """The seq of the newest entry, 0 if there is none."""
    (key,) = connection.execute(
        "SELECT max(id) FROM message WHERE id BETWEEN ? AND ?",
        (no << SEQ_BITS, no << SEQ_BITS | SEQ_MASK),
    ).fetchone()
    return 0 if key is None else int(key) & SEQ_MASK


def _members(connection: sqlite3.Connection, viewer: Viewer, no: int) -> tuple[Member, ...]:
    rows = connection.execute(
        "SELECT p.id, p.name, p.role, p.last_seen_at, c.delivered_up_to, c.delivered_at,"
        " c.read_up_to, c.read_at FROM person p"
        " LEFT JOIN cursor c ON c.conversation_no = ?2 AND c.person = p.id"
        " WHERE p.business_no = ?1 AND p.id IN ("
        "  SELECT id FROM person WHERE business_no = ?1 AND role = 'owner' AND active = 1"
        "  UNION SELECT person FROM member WHERE conversation_no = ?2) ORDER BY p.id",
        (viewer.business_no, no),
    )
    return tuple(
        Member(
            person=id_,
            name=name,
            role=role,
            delivered_up_to=delivered_up_to or 0,
            delivered_at=delivered_at or 0,
            read_up_to=read_up_to or 0,
            read_at=read_at or 0,
            last_seen_at=last_seen_at,
        )
        for (
            id_,
            name,
            role,
            last_seen_at,
            delivered_up_to,
            delivered_at,
            read_up_to,
            read_at,
        ) in rows
    )


def _unread(
    connection: sqlite3.Connection, viewer: Viewer, granted: Granted, read_up_to: int
) -> int:
    """Counted anew each time: no stored counter that could drift from the log (R14)."""
    (count,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM message WHERE id > ? AND id BETWEEN ? AND ?"
        " AND author <> ? AND kind = 'text' AND deleted_at = 0 LIMIT ?)",
        (
            granted.no << SEQ_BITS | read_up_to,
            granted.first_key,
            granted.last_key,
            viewer.person,
            UNREAD_MAX,
        ),
    ).fetchone()
    return int(count)
