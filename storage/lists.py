"""Lists of conversations: mine, those of them that fit a filter, and the queue of a location."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.channels import APP, Channel
from domain.roles import TEAM, Role
from domain.views import Conversation
from storage.access import (
    THE_TEAMS,
    WORKS_AT,
    Granted,
    Viewer,
    is_the_teams,
    readable,
    snapshot,
    visible,
)
from storage.channel_rows import column
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

RECENT = 1_000
"""Among so many of the business's latest conversations a page is looked for first: most are there,
and what is older is found from what was asked for."""

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
    channel: Channel | None = None

    @property
    def of_team(self) -> bool:
        """Whether it asks how conversations are handled."""
        return self.waiting or self.of_handling or (self.location, self.channel) != (None, None)

    @property
    def of_handling(self) -> bool:
        """Whether it asks for a state or an assignee."""
        return self.status is not None or self.assignee is not None


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
    fits: list[Candidate] = []
    for _ in range(SCAN // CHUNK):
        candidates = _candidates(connection, viewer, before, CHUNK, wanted)
        fits += _unread(connection, viewer, candidates)
        if len(fits) > limit:
            return fits[:limit], fits[limit - 1][1]
        if len(candidates) < CHUNK:
            return fits, None
        before = candidates[-1][1]
    return fits, before


def _candidates(
    connection: sqlite3.Connection, viewer: Viewer, before: int, limit: int, wanted: ListFilter
) -> list[Candidate]:
    """The latest that fit, whether they are unread or not."""
    if viewer.role not in TEAM:
        return _of_customer(connection, viewer, before, limit)
    if not wanted.assignee:  # those of one person are few, and looked up by it
        floor = _floor(connection, viewer, before, wanted)
        found = _of_team(connection, viewer, before, limit, wanted, floor)
        if floor == 0 or len(found) == limit:
            return found
    return _of_team(connection, viewer, before, limit, wanted, None)


def _floor(connection: sqlite3.Connection, viewer: Viewer, before: int, wanted: ListFilter) -> int:
    """The activity of the last of the `RECENT` before ``before``; 0 if there are no more."""
    index, fits = _by_activity(wanted)
    row = connection.execute(
        f"SELECT h.activity FROM head h INDEXED BY {index} WHERE h.business_no = ?1 AND {fits}"
        " AND h.activity < ?2 ORDER BY h.activity DESC LIMIT 1 OFFSET ?3",
        (viewer.business_no, before, RECENT),
    ).fetchone()
    return 0 if row is None else int(row[0])


def _by_activity(wanted: ListFilter) -> tuple[str, str]:
    """An index by activity that holds all heads that may fit, the fewest, and what holds of them.

    Of the app it is all of them: on another channel are few, or none, of many businesses.
    """
    if wanted.channel not in (None, APP):
        return "head_by_channel", f"h.channel <> '' AND h.channel = '{wanted.channel}'"
    if wanted.waiting:
        return "head_waiting_by_activity", "h.waiting_since > 0"
    return "head_by_activity", "1"


def _of_team(
    connection: sqlite3.Connection,
    viewer: Viewer,
    before: int,
    limit: int,
    wanted: ListFilter,
    floor: int | None,
) -> list[Candidate]:
    """The latest that fit: of those down to ``floor`` one after the other; without, from where
    there are fewest, to be put in order."""
    source = "head h"
    if floor is not None:
        source = f"head h INDEXED BY {_by_activity(wanted)[0]}"
    elif wanted.location is not None:
        source = f"placement s {_AT_HEAD} AND s.business_no = ?1 AND s.location = ?5"
    elif wanted.assignee:
        source = f"handling s {_AT_HEAD} AND s.assignee <> '' AND s.assignee = ?7"
    if wanted.of_handling:
        source += " LEFT JOIN handling g ON g.conversation_no = h.conversation_no"
    conditions = " AND ".join(_conditions(viewer, wanted, floor))
    rows = connection.execute(
        f"SELECT h.conversation_no, h.activity FROM {source} WHERE h.business_no = ?1"
        f" AND h.activity < ?3 AND {conditions} ORDER BY h.activity DESC LIMIT ?9",
        (
            viewer.business_no,
            viewer.person,
            before,
            floor,
            wanted.location,
            wanted.status,
            wanted.assignee,
            None if wanted.channel is None else column(wanted.channel),
            limit,
        ),
    )
    return [(Granted(no, 1), activity) for no, activity in rows]


def _conditions(viewer: Viewer, wanted: ListFilter, floor: int | None) -> Iterator[str]:
    """What holds of a conversation that fits and that the viewer sees."""
    yield "1" if floor is None else "h.activity >= ?4"
    if floor is not None and wanted.location is not None:
        yield (
            "EXISTS (SELECT 1 FROM placement p WHERE p.conversation_no = h.conversation_no"
            " AND p.location = ?5)"
        )
    if wanted.waiting:
        yield "h.waiting_since > 0"
    if wanted.channel is not None:
        yield "h.channel = ?8" if wanted.channel is APP else "h.channel <> '' AND h.channel = ?8"
    if wanted.status is not None:
        yield "coalesce(g.status, 'open') = ?6"
    if wanted.assignee is not None:
        yield "coalesce(g.assignee, '') = ?7"
    if viewer.role is not Role.OWNER:
        few = floor is not None or wanted.assignee
        no = "h.conversation_no"
        yield is_the_teams(no) if few else f"{no} IN {THE_TEAMS}"


_AT_HEAD = "CROSS JOIN head h ON h.business_no = ?1 AND h.conversation_no = s.conversation_no"


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
        if waiting:
            rows = _longest_waiting(connection, viewer, location, before, limit + 1)
        else:
            open_there = ListFilter(location=location, status="open")
            latest = _candidates(connection, viewer, _position(before), limit + 1, open_there)
            rows = [(granted.no, str(activity)) for granted, activity in latest]
        found = pictures(connection, viewer, [Granted(no, 1) for no, _ in rows[:limit]])
    kept = fitting(map(_size, found), PAGE_BYTES)
    return ListPage(tuple(found[:kept]), rows[kept - 1][1] if len(rows) > kept else None)


def _sees_queue(connection: sqlite3.Connection, viewer: Viewer, location: str) -> bool:
    row = connection.execute(
        f"SELECT 1 FROM location WHERE business_no = ?1 AND id = ?3 AND (?4 OR id IN {WORKS_AT})",
        (viewer.business_no, viewer.person, location, viewer.role is Role.OWNER),
    ).fetchone()
    return row is not None


def _longest_waiting(
    connection: sqlite3.Connection, viewer: Viewer, location: str, before: str | None, limit: int
) -> list[tuple[int, str]]:
    """(conversation, the position behind it)."""
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


def _size(picture: Conversation) -> int:
    """Bytes of a picture once it says how its members are."""
    return encoded_size(picture) + PRESENCE_BYTES * len(picture.members)


def _position(before: str | None) -> int:
    if before is None or not (before.isdecimal() and len(before) <= ACTIVITY_DIGITS):
        return 2**63 - 1
    return int(before)


def _of_customer(
    connection: sqlite3.Connection, viewer: Viewer, before: int, limit: int
) -> list[Candidate]:
    """A customer has few: all of theirs are put in order."""
    rows = connection.execute(
        f"SELECT h.conversation_no, r.since_seq, h.activity FROM {readable(viewer)} r"
        " CROSS JOIN head h ON h.business_no = ?1 AND h.conversation_no = r.no"
        " WHERE h.activity < ?3 ORDER BY h.activity DESC LIMIT ?4",
        (viewer.business_no, viewer.person, before, limit),
    )
    return [(visible(viewer, no, since_seq), activity) for no, since_seq, activity in rows]
