"""What is unread: of one person, or of the team where its business says so (EX-24).

Counted anew each time: no stored counter that could drift from the log (R14).
"""

import sqlite3
from collections.abc import Sequence

from domain.limits import UNREAD_MAX
from storage.access import LISTED, Granted, Viewer, listed
from storage.keys import SEQ_BITS, SEQ_MASK

UNREAD_SPAN = 5_000
"""Newest entries among which the unread ones are counted, for who writes and never reads."""

LAST = (
    f"(SELECT max(id) FROM message WHERE id BETWEEN l.no << {SEQ_BITS}"
    f" AND l.no << {SEQ_BITS} | {SEQ_MASK})"
)
"""The key of the newest entry of conversation ``l.no``; NULL if there is none."""

_MINE = "coalesce((SELECT read_up_to FROM cursor WHERE conversation_no = l.no AND person = ?2), 0)"


def _after(read_up_to: str) -> str:
    return (
        f"SELECT 1 FROM message WHERE id BETWEEN max(l.first_key, (l.no << {SEQ_BITS}) + 1"
        f" + {read_up_to}, {LAST} - {UNREAD_SPAN - 1}) AND l.no << {SEQ_BITS} | {SEQ_MASK}"
        " AND author <> ?2 AND kind = 'text' AND deleted_at = 0"
    )


_PERSONAL = _after(_MINE)
_OF_TEAM = (
    _after(f"max({_MINE}, coalesce(l.team_read, 0))") + " AND (l.team_read IS NULL OR EXISTS"
    " (SELECT 1 FROM person a WHERE a.business_no = message.business_no AND a.id = message.author"
    " AND a.role = 'customer'))"
)
_LISTED_SHARED = (
    "(SELECT json_extract(value, '$[0]') AS no, json_extract(value, '$[1]') AS first_key,"
    " json_extract(value, '$[2]') AS team_read FROM json_each(?1))"
)

_CUSTOMER_THERE = (
    "EXISTS (SELECT 1 FROM member me"
    " JOIN person p ON p.business_no = me.business_no AND p.id = me.person"
    " WHERE me.conversation_no = l.no AND p.role = 'customer')"
)

TEAM_CURSORS = (
    "SELECT c.id, '', 0, 0, h.team_read_up_to, 0, h.team_read_revision"
    f" FROM {LISTED} l JOIN conversation c ON c.no = l.no"
    " JOIN head h ON h.business_no = c.business_no AND h.conversation_no = l.no"
    f" AND h.team_read_revision > ?2 WHERE {_CUSTOMER_THERE}"
)
"""How far the team has read where that rose after revision ``?2``, as the cursor of nobody."""


def source(viewer: Viewer) -> str:
    """The list of conversations in which is counted what the viewer has not read: `counted`."""
    return _LISTED_SHARED if viewer.shares_unread else LISTED


def entries(viewer: Viewer) -> str:
    """A row for each entry of conversation ``l.no`` of `source` that is unread for person ``?2``.

    Where the team shares a count: of customers alone, and after what anybody of the team has read.
    """
    return _OF_TEAM if viewer.shares_unread else _PERSONAL


def count(viewer: Viewer) -> str:
    """How many of `entries` there are, as far as they are counted."""
    return f"(SELECT count(*) FROM ({entries(viewer)} LIMIT {UNREAD_MAX}))"


def team_reads(
    connection: sqlite3.Connection, viewer: Viewer, conversations: Sequence[Granted]
) -> dict[int, tuple[int, int]]:
    """How far the team has read, and when that rose, where it shares a count with the viewer."""
    if not viewer.shares_unread:
        return {}
    rows = connection.execute(
        f"SELECT l.no, h.team_read_up_to, h.team_read_revision FROM {LISTED} l JOIN head h"
        f" ON h.business_no = ?2 AND h.conversation_no = l.no WHERE {_CUSTOMER_THERE}",
        (listed(conversations), viewer.business_no),
    )
    return {no: (read_up_to, revision) for no, read_up_to, revision in rows}


def counted(conversations: Sequence[Granted], reads: dict[int, tuple[int, int]]) -> str:
    """The parameter of `source`, and of `LISTED`."""
    return listed(conversations, {no: read_up_to for no, (read_up_to, _) in reads.items()})
