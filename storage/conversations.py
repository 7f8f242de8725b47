"""Pictures of conversations: of one, or of a list with last message, unread and members.

However many conversations are asked for, each kind of row is read by one statement: statements are
what a query costs, for each hands the interpreter lock to and fro.
"""

import json
import sqlite3
from collections.abc import Sequence
from sys import intern

from domain.roles import TEAM
from domain.views import Conversation, Handling, Member, Message
from storage.access import LISTED, Granted, Viewer, grant, snapshot
from storage.channel_rows import channel
from storage.history import MESSAGE, message
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.marks import MARK
from storage.notes import LAST_NOTE
from storage.unread import LAST, count, counted, source, team_reads


def view(connection: sqlite3.Connection, viewer: Viewer, conversation: str) -> Conversation | None:
    """The picture of one conversation, or ``None``: no access or no such thing."""
    with snapshot(connection):
        granted = grant(connection, viewer, conversation)
        return None if granted is None else pictures(connection, viewer, [granted])[0]


def pictures(
    connection: sqlite3.Connection, viewer: Viewer, conversations: Sequence[Granted]
) -> list[Conversation]:
    """The pictures of conversations that the viewer may read, in that order. Nothing is hidden yet.

    To be called within a `snapshot`.
    """
    reads = team_reads(connection, viewer, conversations)
    wanted = counted(conversations, reads)
    members, moved = _members(connection, viewer, wanted)
    last = _last_messages(connection, wanted)
    handled = _handlings(connection, wanted) if viewer.role in TEAM else {}
    rows = connection.execute(
        "SELECT c.no, c.id, c.kind, c.title, c.created_at, c.created_by,"
        f" max(c.created_revision, {_LAST_CHANGE}, iif(?3, {LAST_NOTE}, 0)),"
        f" {LAST} & {SEQ_MASK}, {count(viewer)}, {MARK}, iif(?3, {_CHANNEL}, '')"
        f" FROM {source(viewer)} l JOIN conversation c ON c.no = l.no",
        (wanted, viewer.person, viewer.role in TEAM),
    )
    found = {
        no: Conversation(
            id=id_,
            kind=kind,
            title=title,
            created_at=created_at,
            created_by=created_by,
            members=tuple(members.get(no, ())),
            last_seq=end or 0,
            last_message=last.get(no),
            unread=unread,
            revision=max(
                revision,
                moved.get(no, 0),
                last[no].revision if no in last else 0,
                handled[no][0] if no in handled else 0,
                abs(mark),
                reads[no][1] if no in reads else 0,
            ),
            handling=handled[no][1] if no in handled else None,
            marked=mark > 0,
            team_read_up_to=reads[no][0] if no in reads else None,
            channel=channel(on),
        )
        for no, id_, kind, title, created_at, created_by, revision, end, unread, mark, on in rows
    }
    return [found[granted.no] for granted in conversations]


# The newest edit or deletion in conversation l.no of what the viewer may see.
_LAST_CHANGE = (
    "coalesce((SELECT revision FROM change WHERE conversation_no = l.no"
    f" AND (l.no << {SEQ_BITS} | seq) >= l.first_key ORDER BY revision DESC LIMIT 1), 0)"
)


_CHANNEL = (
    "(SELECT h.channel FROM head h WHERE h.business_no = c.business_no"
    " AND h.conversation_no = l.no)"
)


def _handlings(connection: sqlite3.Connection, wanted: str) -> dict[int, tuple[int, Handling]]:
    """How each conversation is handled that ever was, or where a customer waits; since when."""
    rows = connection.execute(
        "SELECT l.no, coalesce(g.revision, 0), g.locations, g.status, g.snoozed_until, g.assignee,"
        f" h.waiting_since, g.alerted FROM {LISTED} l JOIN conversation c ON c.no = l.no"
        " JOIN head h ON h.business_no = c.business_no AND h.conversation_no = l.no"
        " LEFT JOIN handling g ON g.conversation_no = l.no"
        " WHERE g.conversation_no IS NOT NULL OR h.waiting_since",
        (wanted,),
    )
    return {no: (revision, handling(*row)) for no, revision, *row in rows}


def handling(
    locations: str | None,
    status: str | None,
    snoozed_until: int | None,
    assignee: str | None,
    waiting_since: int,
    alerted: int | None,
) -> Handling:
    """The picture of a row of `handling`, if there is one, and of when a customer began to wait."""
    return Handling(
        locations=tuple(json.loads(locations or "[]")),
        status=intern(status or "open"),  # defaults are left out where they are the same object
        snoozed_until=snoozed_until or 0,
        assignee=assignee or "",
        waiting_since=waiting_since,
        alerted=alerted or 0,
    )


def _last_messages(connection: sqlite3.Connection, wanted: str) -> dict[int, Message]:
    """The newest entry of each conversation that the viewer may see."""
    rows = connection.execute(
        f"SELECT l.no, c.id, {MESSAGE} FROM {LISTED} l JOIN conversation c ON c.no = l.no"
        " JOIN message m ON m.id = (SELECT max(id) FROM message WHERE id"
        f" BETWEEN l.first_key AND l.no << {SEQ_BITS} | {SEQ_MASK})",
        (wanted,),
    )
    return {no: message(id_, column) for no, id_, column in rows}


def _members(
    connection: sqlite3.Connection, viewer: Viewer, wanted: str
) -> tuple[dict[int, list[Member]], dict[int, int]]:
    """Who is in each conversation, and the owners, in the order of their ids.

    And which revision moved a cursor last, or what is shown of it, as far as the viewer may know.
    """
    rows = connection.execute(
        f"WITH listed AS {LISTED}, inside AS ("
        " SELECT l.no, m.person FROM listed l JOIN member m ON m.conversation_no = l.no"
        " UNION SELECT l.no, o.id FROM person o INDEXED BY person_owner CROSS JOIN listed l"
        "  WHERE o.business_no = ?2 AND o.role = 'owner' AND o.active = 1), chosen AS ("
        " SELECT b.read_receipts AND v.read_receipts AS shows,"
        "  max(b.revision, v.privacy_revision) AS revision"
        "  FROM business b JOIN person v ON v.business_no = b.no AND v.id = ?3 WHERE b.no = ?2)"
        " SELECT i.no, p.id, p.name, p.role, p.active, p.last_seen_at, c.delivered_up_to,"
        " c.delivered_at, c.read_up_to, c.read_at,"
        " max(coalesce(iif(p.id = ?3 OR (chosen.shows AND p.read_receipts),"
        "  c.revision, c.delivered_revision), 0), p.privacy_revision, chosen.revision)"
        " FROM inside i"
        " CROSS JOIN chosen"
        " CROSS JOIN person p ON p.business_no = ?2 AND p.id = i.person"
        " LEFT JOIN cursor c ON c.conversation_no = i.no AND c.person = i.person"
        " ORDER BY i.no, p.id",
        (wanted, viewer.business_no, viewer.person),
    )
    members: dict[int, list[Member]] = {}
    moved: dict[int, int] = {}
    for no, id_, name, role, active, seen_at, delivered, delivered_at, read, read_at, rev in rows:
        moved[no] = max(moved.get(no, 0), rev)
        member = Member(
            person=id_,
            name=name,
            role=role,
            active=bool(active),
            delivered_up_to=delivered or 0,
            delivered_at=delivered_at or 0,
            read_up_to=read or 0,
            read_at=read_at or 0,
            last_seen_at=seen_at,
        )
        members.setdefault(no, []).append(member)
    return members, moved
