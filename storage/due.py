"""What of conversations has fallen due by itself, over all businesses, a page at a time.

Each page begins behind a position of the page before, so that what cannot be done for now does not
stand in the way of the rest; whoever has come to the end begins again.
"""

import json
import sqlite3
from dataclasses import dataclass, field

from domain.commands import Tend
from domain.hours import open_before
from domain.locations import Location, LocationStatus
from domain.retention import DAY_MS
from storage.access import snapshot
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.people import locations

Position = tuple[int | str, ...]
START: Position = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A conversation in which something may be due, and what it is told."""

    business: str
    conversation: str
    tend: Tend = field(default_factory=Tend)


@dataclass(frozen=True, slots=True)
class DuePage:
    """``next`` is `START` at the end."""

    found: tuple[Due, ...]
    next: Position


def snoozes(connection: sqlite3.Connection, now: int, after: Position, limit: int) -> DuePage:
    """Conversations that were to be snoozed until ``now`` or before."""
    rows = connection.execute(
        "SELECT b.id, c.id, g.snoozed_until, g.conversation_no FROM handling g"
        " JOIN conversation c ON c.no = g.conversation_no JOIN business b ON b.no = c.business_no"
        " WHERE g.status = 'snoozed' AND g.snoozed_until <= ?"
        " AND (g.snoozed_until, g.conversation_no) > (?, ?)"
        " ORDER BY g.snoozed_until, g.conversation_no LIMIT ?",
        (now, *(after or (0, 0)), limit),
    ).fetchall()
    return _page(rows, limit)


def displaced(connection: sqlite3.Connection, after: Position, limit: int) -> DuePage:
    """Conversations that are placed at a location that takes part no more."""
    rows = connection.execute(
        "SELECT b.id, c.id, p.business_no, p.location, p.conversation_no FROM location l"
        " CROSS JOIN placement p ON p.business_no = l.business_no AND p.location = l.id"
        " JOIN conversation c ON c.no = p.conversation_no JOIN business b ON b.no = p.business_no"
        " WHERE l.status <> 'open'"
        " AND (p.business_no, p.location, p.conversation_no) > (?, ?, ?)"
        " ORDER BY p.business_no, p.location, p.conversation_no LIMIT ?",
        (*(after or (0, "", 0)), limit),
    ).fetchall()
    return _page(rows, limit)


def _page(rows: list[tuple[str, str, *tuple[int | str, ...]]], limit: int) -> DuePage:
    found = tuple(Due(business, conversation) for business, conversation, *_ in rows)
    return DuePage(found, tuple(rows[-1][2:]) if len(rows) == limit else START)


def quiet(connection: sqlite3.Connection, now: int, after: Position, limit: int) -> DuePage:
    """Open conversations at a location that closes them by itself, where nobody waits and nothing
    has been said for as many days as it says. Others of their locations may allow more.
    """
    rows = connection.execute(
        "SELECT b.id, c.id, m.id, m.at, p.business_no, p.location, p.conversation_no"
        " FROM location l INDEXED BY location_with_auto_close"
        " CROSS JOIN placement p ON p.business_no = l.business_no AND p.location = l.id"
        " CROSS JOIN handling g ON g.conversation_no = p.conversation_no AND g.status = 'open'"
        " CROSS JOIN head h ON h.business_no = p.business_no"
        "  AND h.conversation_no = p.conversation_no AND h.waiting_since = 0"
        " JOIN message m ON m.id = (SELECT max(id) FROM message"
        f"  WHERE id BETWEEN g.conversation_no << {SEQ_BITS}"
        f"  AND g.conversation_no << {SEQ_BITS} | {SEQ_MASK})"
        f" AND m.at <= ?1 - l.auto_close_days * {DAY_MS}"
        " JOIN conversation c ON c.no = p.conversation_no JOIN business b ON b.no = p.business_no"
        " WHERE l.auto_close_days > 0 AND l.status = 'open'"
        " AND (p.business_no, p.location, p.conversation_no) > (?2, ?3, ?4)"
        " ORDER BY p.business_no, p.location, p.conversation_no LIMIT ?5",
        (now, *(after or (0, "", 0)), limit),
    ).fetchall()
    found = tuple(
        Due(business, conversation, Tend(last_seq=key & SEQ_MASK, last_at=at))
        for business, conversation, key, at, *_ in rows
    )
    return DuePage(found, tuple(rows[-1][4:]) if len(rows) == limit else START)


def without_assignee(connection: sqlite3.Connection, after: Position, limit: int) -> DuePage:
    """Conversations whose assignee does not see them any more, or is gone."""
    rows = connection.execute(
        "SELECT b.id, c.id, g.assignee, g.conversation_no"
        " FROM handling g INDEXED BY handling_by_assignee"
        " JOIN conversation c ON c.no = g.conversation_no JOIN business b ON b.no = c.business_no"
        " WHERE g.assignee <> '' AND g.status <> 'closed'"
        " AND (g.assignee, g.conversation_no) > (?, ?) AND NOT EXISTS ("
        "  SELECT 1 FROM person w WHERE w.business_no = c.business_no AND w.id = g.assignee"
        "   AND w.active AND w.role <> 'customer' AND (w.role = 'owner'"
        "    OR EXISTS (SELECT 1 FROM member m WHERE m.conversation_no = c.no AND m.person = w.id)"
        "    OR w.inbox AND EXISTS (SELECT 1 FROM placement p, json_each(w.locations) at"
        "     WHERE p.conversation_no = c.no AND p.location = at.value)))"
        " ORDER BY g.assignee, g.conversation_no LIMIT ?",
        (*(after or ("", 0)), limit),
    ).fetchall()
    return _page(rows, limit)


def left(connection: sqlite3.Connection, after: Position, limit: int) -> DuePage:
    """Conversations in which somebody waits who was erased. Others may wait there, too."""
    rows = connection.execute(
        "SELECT b.id, c.id, e.business_no, e.person, c.no FROM erasure e"
        " CROSS JOIN member m ON m.business_no = e.business_no AND m.person = e.person"
        " CROSS JOIN head h ON h.business_no = m.business_no"
        "  AND h.conversation_no = m.conversation_no AND h.waiting_since > 0"
        " JOIN conversation c ON c.no = m.conversation_no JOIN business b ON b.no = c.business_no"
        " WHERE (e.business_no, e.person, c.no) > (?, ?, ?)"
        " ORDER BY e.business_no, e.person, c.no LIMIT ?",
        (*(after or (0, "", 0)), limit),
    ).fetchall()
    return _page(rows, limit)


def unplaced(connection: sqlite3.Connection, after: Position, limit: int) -> DuePage:
    """Conversations at no location in which a customer waits who has an open one."""
    rows = connection.execute(
        "SELECT b.id, c.id, h.business_no, h.conversation_no FROM head h INDEXED BY head_by_waiting"
        " JOIN conversation c ON c.no = h.conversation_no AND c.kind = 'group'"
        " JOIN business b ON b.no = h.business_no"
        " LEFT JOIN handling g ON g.conversation_no = h.conversation_no"
        " WHERE h.waiting_since > 0 AND coalesce(g.locations, '[]') = '[]'"
        " AND (h.business_no, h.conversation_no) > (?, ?)"
        " AND EXISTS (SELECT 1 FROM member m CROSS JOIN person p ON p.business_no = m.business_no"
        "  AND p.id = m.person AND p.role = 'customer', json_each(p.locations) at"
        "  CROSS JOIN location l ON l.business_no = m.business_no AND l.id = at.value"
        "   AND l.status = 'open' WHERE m.conversation_no = h.conversation_no)"
        " ORDER BY h.business_no, h.conversation_no LIMIT ?",
        (*(after or (0, 0)), limit),
    ).fetchall()
    return _page(rows, limit)


def unanswered(
    connection: sqlite3.Connection, now: int, after: Position, businesses: int, limit: int
) -> DuePage:
    """Where a customer has waited for longer than a location allows, and nobody was alerted.

    Of ``businesses`` businesses at the most, and ``limit`` of each. ``after``: the last business.
    """
    found: list[Due] = []
    with snapshot(connection):
        rows = connection.execute(
            "SELECT DISTINCT business_no FROM location WHERE alert_minutes > 0 AND status = 'open'"
            " AND business_no > ? ORDER BY business_no LIMIT ?",
            (*(after or (0,)), businesses),
        ).fetchall()
        for (business_no,) in rows:
            found += _unanswered_of(connection, business_no, now, limit)
    return DuePage(tuple(found), rows[-1] if len(rows) == businesses else START)


def _unanswered_of(
    connection: sqlite3.Connection, business_no: int, now: int, limit: int
) -> list[Due]:
    alerting = [
        place
        for place in locations(connection, business_no)
        if place.alert_minutes and place.status is LocationStatus.OPEN
    ]
    cutoffs = {place.id: _cutoff(place, now) for place in alerting}
    known = {id_: since for id_, since in cutoffs.items() if since is not None}
    if not known:
        return []
    # At random among what is due: what cannot be told for now does not keep out the others.
    rows = connection.execute(
        "SELECT b.id, c.id FROM head h"
        " CROSS JOIN handling g ON g.conversation_no = h.conversation_no"
        "  AND g.alerted <> h.waiting_since AND g.status = 'open'"
        " JOIN conversation c ON c.no = h.conversation_no JOIN business b ON b.no = h.business_no"
        " WHERE h.business_no = ?1 AND h.waiting_since > 0 AND h.waiting_since <= ?2 AND EXISTS ("
        "  SELECT 1 FROM json_each(?3) due JOIN placement p ON p.business_no = h.business_no"
        "   AND p.location = due.key AND p.conversation_no = h.conversation_no"
        "   WHERE h.waiting_since <= due.value)"
        " ORDER BY random() LIMIT ?4",
        (business_no, max(known.values()), json.dumps(known), limit),
    )
    return [Due(business, conversation) for business, conversation in rows]


def _cutoff(place: Location, now: int) -> int | None:
    """Who began to wait at ``place`` then or before has waited for too long."""
    return open_before(place.hours, place.zone, now, place.alert_minutes)
