"""What a person who was away may see after a revision: a page at a time, in revision order.

Messages come in their present state, cursors as they stand now: applying them to what the device
holds gives the same as loading afresh (R42). Nothing is skipped: a page ends at its ``up_to``, and
no revision comes twice, so that who takes only a part of a page can go on after any item.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter

import msgspec

from domain.roles import TEAM, Role
from domain.views import MemberCursor
from storage.access import (
    LISTED,
    WORKS_AT,
    Granted,
    Viewer,
    listed,
    readable,
    snapshot,
    visible,
)
from storage.attachment_rows import decode_attachments
from storage.catch_up_people import desk as desk_of
from storage.catch_up_people import people
from storage.conversations import handling, pictures
from storage.history import MESSAGE, message
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.log import newest_revision
from storage.marks import missed as missed_marks
from storage.missed import Cursors, Deleted, Edited, Handled, Item, Joined, Removed, Settled
from storage.notes import missed as missed_notes
from storage.notes import missed_count
from storage.pages import PAGE_BYTES, encoded_size, fitting
from storage.unread import TEAM_CURSORS

CHANGED_MAX = 1_000
"""Conversations that moved: beyond it, loading afresh costs less than catching up."""

PICTURES = 16
"""Conversations that are read at once, for a page that a few large ones may fill."""


@dataclass(frozen=True, slots=True)
class CatchUpPage:
    """All of (after, ``up_to``] with its revisions, ascending; ``done``: that is all there is."""

    items: list[Item]
    up_to: int
    done: bool


def page(connection: sqlite3.Connection, viewer: Viewer, after: int, limit: int) -> CatchUpPage:
    """The next things after revision ``after`` that the viewer may see, at most ``limit``.

    Fewer, if more would not fit a page. Not beyond a change of what the viewer may see: a reset
    follows, for whoever stands before it.
    """
    with snapshot(connection):
        head = newest_revision(connection, viewer.business_no)
        desk = desk_of(connection, viewer)
        reach = head if desk.access_revision <= after else desk.access_revision - 1
        moved = _moved(connection, viewer, after)
        known = listed(granted for granted, since_revision in moved if since_revision <= after)
        found = [
            *_beginning(_messages(connection, known, after, limit), limit),
            *_beginning(_changes(connection, known, after, limit), limit),
            *_beginning(_cursors(connection, viewer, desk.shows_reads, known, after, limit), limit),
            *_beginning(_removals(connection, viewer, after, limit), limit),
            *_beginning(_displacements(connection, viewer, after, limit), limit),
            *_beginning(_handlings(connection, viewer, known, after, limit), limit),
            *_beginning(missed_marks(connection, viewer, known, after, limit), limit),
            *_beginning(missed_notes(connection, viewer, known, after, limit), limit),
            *_beginning(people(connection, viewer, after, limit), limit),
            *_beginning(desk.items(after), limit),
        ]
        reach = _end(found, reach, limit)
        new = {rev: granted for granted, rev in moved if after < rev <= reach}
        found += _beginning(_joined(connection, viewer, new), limit)
    up_to = _end(found, reach, limit)
    shown = sorted((item for item, _ in found if item[0] <= up_to), key=itemgetter(0))
    return CatchUpPage(shown, up_to, up_to >= head)


_Sized = tuple[Item, int]
"""With its size in bytes."""


def _beginning(items: Iterable[Item], limit: int) -> list[_Sized]:
    """Of items that ascend what can be on the page, and the first one that no longer fits it."""
    found: list[_Sized] = []
    room = PAGE_BYTES
    for item in items:
        size = encoded_size(item[1])
        found.append((item, size))
        room -= size
        if room < 0 or len(found) >= limit:
            break
    return found


def _end(found: list[_Sized], reach: int, limit: int) -> int:
    """Up to where the page is complete: the last revision that fits it, or all that there is.

    Each kind of thing was read until it alone fills the page, so what fits of all is here.
    """
    ascending = sorted((item[0], size) for item, size in found)
    kept = min(fitting((size for _, size in ascending), PAGE_BYTES), limit)
    all_fit = kept == len(ascending) < limit
    return reach if all_fit else min(reach, ascending[kept - 1][0])


def _moved(connection: sqlite3.Connection, viewer: Viewer, after: int) -> list[tuple[Granted, int]]:
    """(conversation, since which revision it is the viewer's) for those that moved."""
    if viewer.role is Role.OWNER:
        sql = (
            "SELECT c.no, 1, c.created_revision FROM head h"
            " JOIN conversation c ON c.no = h.conversation_no"
            " WHERE h.business_no = ?1 AND h.revision > ?3"
        )
    else:
        # Of very many few have moved; a customer is in few.
        tables = ("head h", f"{readable(viewer)} r")
        first, then = tables if viewer.role in TEAM else reversed(tables)
        sql = (
            f"SELECT r.no, r.since_seq, r.since_revision FROM {first} CROSS JOIN {then}"
            " WHERE h.business_no = ?1 AND h.conversation_no = r.no AND h.revision > ?3"
        )
    rows = connection.execute(sql, (viewer.business_no, viewer.person, after))
    return [(visible(viewer, no, since_seq), revision) for no, since_seq, revision in rows]


# The key of the newest entry of conversation l.no.
_LAST = (
    f"coalesce((SELECT max(id) FROM message WHERE id BETWEEN l.no << {SEQ_BITS}"
    f" AND l.no << {SEQ_BITS} | {SEQ_MASK}), l.no << {SEQ_BITS})"
)

# The key of the first entry after revision ?2 that the viewer may see, beyond the newest if there
# is none. Keys and revisions rise together, so the range is halved until it is found.
FIRST_AFTER = (
    f"(WITH RECURSIVE halving(low, high) AS (SELECT l.first_key, {_LAST} + 1"
    " UNION ALL SELECT iif(m.revision > ?2, low, m.id + 1), iif(m.revision > ?2, m.id, high)"
    " FROM halving JOIN message m ON m.id = (low + high) / 2 WHERE low < high)"
    " SELECT low FROM halving WHERE low = high)"
)


# What is wanted is chosen first, for sorting would read every text that was missed; then texts are
# read row by row, in its order, which CROSS JOIN keeps, until the page is full.
def _messages(connection: sqlite3.Connection, known: str, after: int, limit: int) -> Iterator[Item]:
    rows = connection.execute(
        f"SELECT w.revision, w.conversation, {MESSAGE} FROM"
        " (SELECT m.revision, m.id, c.id AS conversation"
        f"  FROM {LISTED} l JOIN conversation c ON c.no = l.no"
        f"  JOIN message m ON m.id BETWEEN {FIRST_AFTER} AND l.no << {SEQ_BITS} | {SEQ_MASK}"
        "  ORDER BY m.revision LIMIT ?3) w"
        " CROSS JOIN message m ON m.id = w.id",
        (known, after, limit),
    )
    with closing(rows):
        for revision, id_, column in rows:
            yield revision, message(id_, column)


def _changes(connection: sqlite3.Connection, known: str, after: int, limit: int) -> Iterator[Item]:
    """Of each message the newest edit, or its deletion, and attachments that were settled.

    Also of newer messages, for the device may hold one of its own. An erased one has no version
    left: of it only that it was deleted is told, once more where it had been before.
    """
    rows = connection.execute(
        "SELECT w.revision, w.conversation, w.seq, w.at, w.author, w.deleted, m.text,"
        " w.attachment, m.attachments FROM"
        " (SELECT ch.revision, c.id AS conversation, ch.seq, ch.at, ch.author, ch.deleted,"
        f"  (l.no << {SEQ_BITS} | ch.seq) AS key, ch.attachment"
        f"  FROM {LISTED} l JOIN conversation c ON c.no = l.no"
        f"  JOIN change ch {SEEN_CHANGE}"
        "  WHERE ch.attachment <> '' OR ch.revision = coalesce((SELECT max(v.revision)"
        f"   FROM version v WHERE v.message_id = (l.no << {SEQ_BITS} | ch.seq)),"
        "   iif(ch.deleted, ch.revision, 0))"
        "  ORDER BY ch.revision LIMIT ?3) w"
        " CROSS JOIN message m ON m.id = w.key",
        (known, after, limit),
    )
    with closing(rows):
        for revision, id_, seq, at, author, deleted, text, attachment, column in rows:
            if attachment:  # as it is now; a message that is gone shows none
                now = {each.id: each.state for each in decode_attachments(column or "[]")}
                if attachment in now:
                    yield revision, Settled(id_, seq, attachment, now[attachment])
            elif deleted:
                yield revision, Deleted(id_, seq, at, author)
            else:
                yield revision, Edited(id_, seq, at, author, text)


SEEN_CHANGE = (
    "ON ch.conversation_no = l.no AND ch.revision > ?2"
    f" AND (l.no << {SEQ_BITS} | ch.seq) >= l.first_key"
)
"""A change after revision ``?2`` of a message in list ``l`` that the viewer may see."""


def _cursors(
    connection: sqlite3.Connection, viewer: Viewer, reads: bool, known: str, after: int, limit: int
) -> Iterator[Item]:
    """Cursors as they stand, those that moved together as one.

    Where the viewer does not see ``reads``, a cursor moves only when it was delivered. How far the
    team has read is the cursor of nobody.
    """
    team = f" UNION ALL {TEAM_CURSORS}" if viewer.shares_unread else ""
    rows = connection.execute(
        "SELECT s.revision, s.id, json_group_array(json_array(s.person, s.delivered_up_to,"
        " s.delivered_at, s.read_up_to, s.read_at)) FROM"
        " (SELECT c.id, cu.person, cu.delivered_up_to, cu.delivered_at, cu.read_up_to, cu.read_at,"
        "  iif(cu.person = ?4 OR (?5 AND p.read_receipts), cu.revision, cu.delivered_revision)"
        "  AS revision"
        f"  FROM {LISTED} l JOIN conversation c ON c.no = l.no"
        "  JOIN cursor cu ON cu.conversation_no = l.no AND cu.revision > ?2"
        f"  JOIN person p ON p.business_no = c.business_no AND p.id = cu.person{team}) s"
        " WHERE s.revision > ?2 GROUP BY s.revision, s.id ORDER BY s.revision LIMIT ?3",
        (known, after, limit, viewer.person, reads),
    )
    with closing(rows):
        for revision, id_, together in rows:
            moved = sorted(_decode_cursors(together))
            team_read_up_to = 0 if moved[0][0] else moved.pop(0)[3]
            yield revision, Cursors(id_, tuple(map(_cursor, moved)), team_read_up_to)


_decode_cursors = msgspec.json.Decoder(list[tuple[str, int, int, int, int]]).decode


def _cursor(row: tuple[str, int, int, int, int]) -> MemberCursor:
    person, delivered_up_to, delivered_at, read_up_to, read_at = row
    return MemberCursor(
        person=person,
        delivered_up_to=delivered_up_to,
        delivered_at=delivered_at,
        read_up_to=read_up_to,
        read_at=read_at,
    )


def _joined(
    connection: sqlite3.Connection, viewer: Viewer, new: dict[int, Granted]
) -> Iterator[Item]:
    """Conversations that the viewer came into, whole."""
    ascending = sorted(new.items(), key=itemgetter(0))
    for start in range(0, len(ascending), PICTURES):
        some = ascending[start : start + PICTURES]
        shown = pictures(connection, viewer, [granted for _, granted in some])
        for (revision, _), picture in zip(some, shown, strict=True):
            yield revision, Joined(picture)


def _removals(
    connection: sqlite3.Connection, viewer: Viewer, after: int, limit: int
) -> Iterator[Item]:
    """Of what the viewer is not a member any more, nor sees for where they work."""
    still = ""
    if viewer.role in TEAM:
        still = (
            " AND NOT EXISTS (SELECT 1 FROM placement WHERE conversation_no = r.conversation_no"
            f" AND location IN {WORKS_AT})"
        )
    rows = connection.execute(
        "SELECT r.revision, c.id, r.seq, r.at, r.author FROM removal r"
        " JOIN conversation c ON c.no = r.conversation_no"
        f" WHERE r.business_no = ?1 AND r.person = ?2 AND r.revision > ?3{still}"
        " ORDER BY r.revision LIMIT ?4",
        (viewer.business_no, viewer.person, after, limit),
    )
    with closing(rows):
        for revision, *rest in rows:
            yield revision, Removed(*rest)


def _displacements(
    connection: sqlite3.Connection, viewer: Viewer, after: int, limit: int
) -> Iterator[Item]:
    """What was placed where the viewer works and is shown to them no more; each once, the last."""
    if viewer.role not in TEAM or viewer.role is Role.OWNER:
        return
    rows = connection.execute(
        "SELECT max(d.revision), c.id, d.seq, d.at, d.author FROM displacement d"
        " JOIN conversation c ON c.no = d.conversation_no"
        f" WHERE d.business_no = ?1 AND d.location IN {WORKS_AT} AND d.revision > ?3"
        f" AND d.conversation_no NOT IN (SELECT no FROM {readable(viewer)})"
        " GROUP BY d.conversation_no ORDER BY 1 LIMIT ?4",
        (viewer.business_no, viewer.person, after, limit),
    )
    with closing(rows):
        for revision, *rest in rows:
            yield revision, Removed(*rest)


def _handlings(
    connection: sqlite3.Connection, viewer: Viewer, known: str, after: int, limit: int
) -> Iterator[Item]:
    """How conversations are handled, where that has changed."""
    if viewer.role not in TEAM:
        return
    rows = connection.execute(
        "SELECT g.revision, c.id, g.locations, g.status, g.snoozed_until, g.assignee,"
        f" h.waiting_since, g.alerted FROM {LISTED} l JOIN handling g ON g.conversation_no = l.no"
        " JOIN conversation c ON c.no = l.no"
        " JOIN head h ON h.business_no = c.business_no AND h.conversation_no = l.no"
        " WHERE g.revision > ?2 ORDER BY g.revision LIMIT ?3",
        (known, after, limit),
    )
    with closing(rows):
        for revision, id_, *row in rows:
            yield revision, Handled(id_, handling(*row))


def too_far_behind(connection: sqlite3.Connection, viewer: Viewer, after: int, limit: int) -> bool:
    """Whether more than ``limit`` entries and changes wait after revision ``after``.

    Changes of entries and of people; each edit counts. Or entries in too many places.
    """
    with snapshot(connection):
        moved = _moved(connection, viewer, after)
        if len(moved) > CHANGED_MAX:
            return True
        known = listed(granted for granted, since_revision in moved if since_revision <= after)
        (missed,) = connection.execute(
            f"SELECT total({_LAST} + 1 - {FIRST_AFTER}) FROM {LISTED} l", (known, after)
        ).fetchone()
        (changes,) = connection.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {LISTED} l JOIN change ch {SEEN_CHANGE}"
            " LIMIT ?3)",
            (known, after, limit + 1),
        ).fetchone()
        changes += missed_count(connection, viewer, known, after, limit + 1)
        missed_people = people(connection, viewer, after, limit + 1)
    return bool(missed + changes + len(missed_people) > limit)
