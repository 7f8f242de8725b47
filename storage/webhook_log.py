"""Reading a business's log for its webhooks: which events there were.

The log is not a table of its own (`docs/decisions/0002`): each event left its revision where it was
stored. A revision is one event, so a stretch of the log is as long as its revisions say, and every
table finds its part of the stretch by a key.
"""

import sqlite3

import msgspec

from domain.imports import DEVICE, IMPORTED
from domain.webhook_order import LOCATION, PERSON, LogEntry
from domain.webhooks import EventType
from storage.access import snapshot
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.log import newest_revision

STRETCH = 1_000
"""Revisions that are read at once."""

CONVERSATIONS = 5_000
"""Conversations that are looked at in one reading."""


def _first_after(revision: str) -> str:
    """The key of the first entry of conversation ``l.no`` after ``revision``.

    Keys and revisions rise together, so the range is halved until it is found.
    """
    last = (
        f"coalesce((SELECT max(id) FROM message WHERE id BETWEEN l.no << {SEQ_BITS}"
        f" AND l.no << {SEQ_BITS} | {SEQ_MASK}), l.no << {SEQ_BITS})"
    )
    return (
        f"(WITH RECURSIVE halving(low, high) AS (SELECT l.no << {SEQ_BITS} | 1, {last} + 1"
        f" UNION ALL SELECT iif(m.{revision}, low, m.id + 1), iif(m.{revision}, m.id, high)"
        " FROM halving JOIN message m ON m.id = (low + high) / 2 WHERE low < high)"
        " SELECT low FROM halving WHERE low = high)"
    )


# What was imported happened elsewhere: nobody is told of it (EX-41).
# A customer's own conversation may have begun here; then what was imported is the first that was
# said in it.
_BEGUN_ELSEWHERE = "substr(c.creation, 1, 7) = CAST('import:' AS BLOB)"
_IMPORTED = f"(SELECT i.device FROM message i WHERE i.id = c.no << {SEQ_BITS} | 1) IS '{DEVICE}'"
_CREATED = (
    f"iif({_BEGUN_ELSEWHERE}, 0, c.created_revision) AS created_revision, {_IMPORTED} AS imported"
)
_LAST_IMPORTED = (
    f"(SELECT max(i.revision) FROM message i WHERE i.id BETWEEN l.no << {SEQ_BITS}"
    f" AND l.no << {SEQ_BITS} | {SEQ_MASK} AND i.device = '{DEVICE}')"
)

# Of the conversations l: what happened in them after ?2, up to ?3.
_OF_CONVERSATIONS = (
    "SELECT m.revision, CASE m.kind WHEN 'text' THEN 'message.sent'"
    "  WHEN 'member_added' THEN 'member.added' ELSE 'member.removed' END AS type,"
    f"  l.id AS lane, m.id & {SEQ_MASK} AS seq"
    f"  FROM l CROSS JOIN message f ON f.id = {_first_after('revision > ?2')}"
    "  AND f.revision <= ?3 CROSS JOIN message m"
    f"  ON m.id BETWEEN f.id AND {_first_after('revision > ?3')} - 1"
    f"  AND m.device IS NOT '{DEVICE}'"
    " UNION ALL SELECT ch.revision, iif(ch.deleted, 'message.deleted', 'message.edited'), l.id,"
    "  ch.seq FROM l CROSS JOIN change ch ON ch.conversation_no = l.no"
    "  AND ch.revision > ?2 AND ch.revision <= ?3"
    " UNION ALL SELECT r.revision, 'receipt.advanced', l.id, 0 FROM l CROSS JOIN receipt r"
    "  ON r.conversation_no = l.no AND r.revision > ?2 AND r.revision <= ?3"
    f"  AND (NOT l.imported OR r.revision > {_LAST_IMPORTED} + 1)"
    " UNION ALL SELECT h.revision, 'handling.changed', l.id, 0 FROM l CROSS JOIN handling_change h"
    "  ON h.conversation_no = l.no AND h.revision > ?2 AND h.revision <= ?3"
    f"  AND h.kind <> '{IMPORTED}'"
    " UNION ALL SELECT l.created_revision, 'conversation.created', l.id, 0 FROM l"
    "  WHERE l.created_revision > ?2 AND l.created_revision <= ?3"
)

_OF_THE_DESK = (
    "SELECT a.revision, iif(a.kind = 'location_changed', 'location.changed', 'person.changed')"
    f" AS type, iif(a.kind <> 'location_changed', '{PERSON}' || a.person,"
    f" '{LOCATION}' || json_extract(a.detail, '$.location')) AS lane, 0 AS seq"
    " FROM audit a WHERE a.business_no = ?1 AND a.revision > ?2 AND a.revision <= ?3"
    " AND a.kind IN ('person_changed', 'person_erased', 'location_changed')"
)

_MOVED = (
    f"WITH l AS MATERIALIZED (SELECT c.no, c.id, {_CREATED} FROM head h"
    " CROSS JOIN conversation c ON c.no = h.conversation_no"
    " WHERE h.business_no = ?1 AND h.revision > ?2 AND h.conversation_no > ?4"
    " ORDER BY h.conversation_no LIMIT ?5)"
)
_THIS = (
    f"WITH l AS (SELECT c.no, c.id, {_CREATED} FROM conversation c"
    " WHERE c.business_no = ?1 AND c.id = ?4)"
)

_decode_entries = msgspec.json.Decoder(list[tuple[int, EventType, str, int]]).decode


def _ascending(column: str) -> list[LogEntry]:
    return sorted(
        (LogEntry(*row) for row in _decode_entries(column)), key=lambda entry: entry.revision
    )


class Stretch(msgspec.Struct):
    """A part of the log after ``after``, up to ``up_to``, as far as it has been read.

    ``last_no`` is the last conversation that was looked at; ``whole``: there are no further ones.
    """

    after: int
    up_to: int = 0
    last_no: int = 0
    whole: bool = False
    entries: list[LogEntry] = []


def read(connection: sqlite3.Connection, business_no: int, stretch: Stretch) -> Stretch:
    """Read on in ``stretch``; call it until it is whole. Its entries are in no order until then.

    In several readings, for in a large business it may take too long for one. They give the same
    as one: what is stored up to a revision stays as it is.
    """
    if not stretch.up_to:
        stretch.up_to = min(newest_revision(connection, business_no), stretch.after + STRETCH)
        if stretch.up_to <= stretch.after:
            stretch.up_to, stretch.whole = stretch.after, True
            return stretch
    desk = f" UNION ALL {_OF_THE_DESK}" if not stretch.last_no else ""
    # One row for all: a thread that fetches rows gives up the interpreter lock at each.
    found, last_no, looked_at = connection.execute(
        f"{_MOVED} SELECT (SELECT json_group_array(json_array(revision, type, lane, seq))"
        f" FROM ({_OF_CONVERSATIONS}{desk})), (SELECT max(no) FROM l), (SELECT count(*) FROM l)",
        (business_no, stretch.after, stretch.up_to, stretch.last_no, CONVERSATIONS),
    ).fetchone()
    stretch.entries += _ascending(found)
    stretch.last_no, stretch.whole = last_no or 0, looked_at < CONVERSATIONS
    if stretch.whole:
        stretch.entries.sort(key=lambda entry: entry.revision)
    return stretch


def of_lane(
    connection: sqlite3.Connection, business_no: int, lane: str, after: int, up_to: int
) -> tuple[list[LogEntry], int]:
    """The same of one lane alone, not beyond ``up_to``.

    Of `STRETCH` revisions, or of more while the lane has nothing in them.
    """
    with snapshot(connection):
        end = min(up_to, after + STRETCH)
        while True:
            found = _of_lane(connection, business_no, lane, after, end)
            if found or end >= up_to:
                return found, end
            after, end = end, min(up_to, end + 64 * (end - after))


def _of_lane(
    connection: sqlite3.Connection, business_no: int, lane: str, after: int, up_to: int
) -> list[LogEntry]:
    if lane.startswith("@"):
        sql = (
            "SELECT json_group_array(json_array(revision, type, lane, seq))"
            f" FROM ({_OF_THE_DESK}) WHERE lane = ?4"
        )
    else:
        sql = (
            f"{_THIS} SELECT json_group_array(json_array(revision, type, lane, seq))"
            f" FROM ({_OF_CONVERSATIONS})"
        )
    (found,) = connection.execute(sql, (business_no, after, up_to, lane)).fetchone()
    return _ascending(found)


def before(connection: sqlite3.Connection, business_no: int, at: int) -> int:
    """A revision such that nothing up to it is of ``at`` or later, by the times that are stored.

    The last one that is known to be older: of an entry, a creation or a change of the business. Not
    of what was imported: its time says nothing of when it came into the log.
    """
    with snapshot(connection):
        (found,) = connection.execute(
            f"WITH l AS (SELECT c.no, iif({_BEGUN_ELSEWHERE}, 0, c.created_revision)"
            " AS created_revision, c.created_at FROM conversation c WHERE c.business_no = ?1)"
            " SELECT max(revision) FROM ("
            " SELECT m.revision FROM l JOIN message m ON m.id = "
            f"{_first_after('at >= ?2')} - 1 AND m.device IS NOT '{DEVICE}'"
            " UNION ALL SELECT created_revision FROM l WHERE created_at < ?2"
            " UNION ALL SELECT revision FROM audit WHERE business_no = ?1 AND at < ?2)",
            (business_no, at),
        ).fetchone()
    return int(found or 0)
