"""Lists of conversations: mine, those of them that fit a filter, and the queue of a location."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from domain.roles import TEAM, Role
from domain.views import Conversation
from storage.access import (
    THE_TEAMS,
    WORKS_AT,
    Granted,
    Viewer,
    readable,
    snapshot,
    visible,
)
from storage.conversations import pictures
from storage.marks import MARK
from storage.pages import PAGE_BYTES, encoded_size, fitting
from storage.unread import counted, entries, source, team_reads

ACTIVITY_DIGITS = 18
"""A revision has no more; what is longer is no position that we gave out."""

PRESENCE_BYTES = len(',"state":"offline","last_seen_at":1793000000000')

SCAN = 500
"""Conversations that are looked at for a page of the unread, at most: few may be, of very many."""

CHUNK = 100
"""Of so many at a time it is asked whether they are unread."""

Candidate = tuple[Granted, int]
"""A conversation that may be read, and its activity."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of conversations; ``next`` goes into the next request, ``None`` at the end."""

    conversations: tuple[Conversation, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which conversations: all that is said of them holds. What is ``None`` or ``False`` says
    nothing; ``assignee=""``: nobody's. All but ``unread`` is for the team alone.
    """

    location: str | None = None
    status: str | None = None
    assignee: str | None = None
    waiting: bool = False
    unread: bool = False

    @property
    def of_team(self) -> bool:
        """Whether it asks how conversations are handled."""
        handled = (self.location, self.status, self.assignee)
        return self.waiting or any(asked is not None for asked in handled)


EVERYTHING = ListFilter()


def page(
    connection: sqlite3.Connection,
    viewer: Viewer,
    before: str | None,
    limit: int,
    wanted: ListFilter = EVERYTHING,
) -> ListPage:
    """The viewer's conversations, latest activity first; ``limit`` is at least 1.

    Fewer, if more would not fit a page, or if the unread ones are asked for and `SCAN` have been
    looked at: there is a ``next`` then, though the page may even be empty.
    """
    with snapshot(connection):
        rows, more = _wanted(connection, viewer, _position(before), limit, wanted)
        found = pictures(connection, viewer, [granted for granted, _ in rows])
    kept = fitting(map(_size, found), PAGE_BYTES)
    if kept < len(rows):
        return ListPage(tuple(found[:kept]), str(rows[kept - 1][1]))
    return ListPage(tuple(found), None if more is None else str(more))


def _wanted(
    connection: sqlite3.Connection, viewer: Viewer, before: int, limit: int, wanted: ListFilter
) -> tuple[list[Candidate], int | None]:
    """What fits, and the activity of the last one looked at if there may be more behind it."""
    if not wanted.unread:
        rows = _candidates(connection, viewer, before, limit + 1, wanted)
        return rows[:limit], rows[limit - 1][1] if len(rows) > limit else None
    candidates = _candidates(connection, viewer, before, SCAN, wanted)
    fits: list[Candidate] = []
    for start in range(0, len(candidates), CHUNK):
        fits += _unread(connection, viewer, candidates[start : start + CHUNK])
        if len(fits) > limit:
            return fits[:limit], fits[limit - 1][1]
    return fits, candidates[-1][1] if len(candidates) == SCAN else None


def _candidates(
    connection: sqlite3.Connection, viewer: Viewer, before: int, limit: int, wanted: ListFilter
) -> list[Candidate]:
    """The latest that fit, whether they are unread or not; from where there are fewest."""
    if not wanted.of_team:
        return _latest(connection, viewer, before, limit)
    source, conditions = "head h", list[str]()
    at_head = "CROSS JOIN head h ON h.business_no = ?1 AND h.conversation_no = s.conversation_no"
    if wanted.location is not None:
        source = f"placement s {at_head}"
        conditions.append("s.business_no = ?1 AND s.location = ?5")
    elif wanted.assignee:
        source = f"handling s {at_head}"
        conditions.append("s.assignee <> '' AND s.assignee = ?7")
    if wanted.waiting:
        conditions.append("h.waiting_since > 0")
    if wanted.status is not None:
        conditions.append("coalesce(g.status, 'open') = ?6")
    if wanted.assignee is not None:
        conditions.append("coalesce(g.assignee, '') = ?7")
    rows = connection.execute(
        f"SELECT h.conversation_no, h.activity FROM {source}"
        " LEFT JOIN handling g ON g.conversation_no = h.conversation_no"
        f" WHERE h.business_no = ?1 AND h.activity < ?3 AND {' AND '.join(conditions)}"
        f" AND (?8 OR h.conversation_no IN {THE_TEAMS}) ORDER BY h.activity DESC LIMIT ?4",
        (
            viewer.business_no,
            viewer.person,
            before,
            limit,
            wanted.location,
            wanted.status,
            wanted.assignee,
            viewer.role is Role.OWNER,
        ),
    )
    return [(Granted(no, 1), activity) for no, activity in rows]


def _unread(
    connection: sqlite3.Connection, viewer: Viewer, rows: Sequence[Candidate]
) -> list[Candidate]:
    granted = [each for each, _ in rows]
    found = connection.execute(
        f"SELECT l.no FROM {source(viewer)} l WHERE EXISTS ({entries(viewer)}) OR {MARK} > 0",
        (counted(granted, team_reads(connection, viewer, granted)), viewer.person),
    )
    numbers = {no for (no,) in found}
    return [row for row in rows if row[0].no in numbers]


def queue(
    connection: sqlite3.Connection,
    viewer: Viewer,
    location: str,
    before: str | None,
    limit: int,
    *,
    waiting: bool,
) -> ListPage | None:
    """Open conversations placed at a location, latest activity first; ``None``: not the viewer's.

    Of owners, and of who works there. ``waiting``: those in which a customer waits, longest first.
    """
    with snapshot(connection):
        if not _sees_queue(connection, viewer, location):
            return None
        rows = _placed(connection, viewer, location, before, limit + 1, waiting=waiting)
        granted = [Granted(no, 1) for no, _ in rows[:limit]]
        found = pictures(connection, viewer, granted)
    kept = fitting(map(_size, found), PAGE_BYTES)
    return ListPage(tuple(found[:kept]), rows[kept - 1][1] if len(rows) > kept else None)


def _sees_queue(connection: sqlite3.Connection, viewer: Viewer, location: str) -> bool:
    row = connection.execute(
        f"SELECT 1 FROM location WHERE business_no = ?1 AND id = ?3 AND (?4 OR id IN {WORKS_AT})",
        (viewer.business_no, viewer.person, location, viewer.role is Role.OWNER),
    ).fetchone()
    return row is not None


def _placed(
    connection: sqlite3.Connection,
    viewer: Viewer,
    location: str,
    before: str | None,
    limit: int,
    *,
    waiting: bool,
) -> list[tuple[int, str]]:
    """(conversation, the position behind it)."""
    if waiting:
        since, _, no = (before or "0.0").partition(".")
        rows = connection.execute(
            "SELECT h.conversation_no, h.waiting_since || '.' || h.conversation_no FROM head h"
            " CROSS JOIN placement p ON p.business_no = h.business_no AND p.location = ?2"
            "  AND p.conversation_no = h.conversation_no"
            " JOIN handling g ON g.conversation_no = h.conversation_no AND g.status = 'open'"
            " WHERE h.business_no = ?1 AND h.waiting_since > 0"
            " AND (h.waiting_since, h.conversation_no) > (?3, ?4)"
            " ORDER BY h.waiting_since, h.conversation_no LIMIT ?5",
            (viewer.business_no, location, int(since), int(no or 0), limit),
        )
        return rows.fetchall()
    rows = connection.execute(
        "SELECT h.conversation_no, CAST(h.activity AS TEXT) FROM placement p"
        " CROSS JOIN handling g ON g.conversation_no = p.conversation_no AND g.status = 'open'"
        " CROSS JOIN head h ON h.business_no = ?1 AND h.conversation_no = p.conversation_no"
        " WHERE p.business_no = ?1 AND p.location = ?2 AND h.activity < ?3"
        " ORDER BY h.activity DESC LIMIT ?4",
        (viewer.business_no, location, _position(before), limit),
    )
    return rows.fetchall()


def _size(picture: Conversation) -> int:
    """Bytes of a picture once it says how its members are."""
    return encoded_size(picture) + PRESENCE_BYTES * len(picture.members)


def _position(before: str | None) -> int:
    if before is None or not (before.isdecimal() and len(before) <= ACTIVITY_DIGITS):
        return 2**63 - 1
    return int(before)


def _latest(
    connection: sqlite3.Connection, viewer: Viewer, before: int, limit: int
) -> list[Candidate]:
    """Of the team's all heads are read, which have no index by activity; a customer has few."""
    if viewer.role in TEAM:  # ?2 is named for all, though an owner needs no asking
        mine = "" if viewer.role is Role.OWNER else f"AND h.conversation_no IN {THE_TEAMS}"
        sql = (
            "SELECT h.conversation_no, 1, h.activity FROM head h WHERE h.business_no = ?1"
            f" AND h.activity < ?3 AND ?2 <> '' {mine} ORDER BY h.activity DESC LIMIT ?4"
        )
    else:
        sql = (
            f"SELECT h.conversation_no, r.since_seq, h.activity FROM {readable(viewer)} r"
            " CROSS JOIN head h ON h.business_no = ?1 AND h.conversation_no = r.no"
            " WHERE h.activity < ?3 ORDER BY h.activity DESC LIMIT ?4"
        )
    rows = connection.execute(sql, (viewer.business_no, viewer.person, before, limit))
    return [(visible(viewer, no, since_seq), activity) for no, since_seq, activity in rows]
