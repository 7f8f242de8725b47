"""What was said around one person, across their conversations, newest first.

Who is in few conversations: each is in order already, and the newest entry of each says which of
them the next page can come from. Who is in many: the index's entries are in the order of the whole
business, and every so many belongs to one of theirs. Unless theirs have been silent for long: then
each of them is looked at all the same.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from domain.views import Message
from storage.access import Viewer, ever_in, readable, sees_person, snapshot
from storage.catch_up import FIRST_AFTER
from storage.history import MESSAGE, message
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.log import newest_revision
from storage.pages import PAGE_CHARACTERS
from storage.search_index import REVISION_BITS, entry_id
from storage.unindexed import UNINDEXED, unindexed

FEW = 32
"""Conversations of a person up to which each of them is looked at."""

SPAN = 20_000
"""Revisions of the business that are walked through for a page of who is in many."""

REVISION_MAX = (1 << REVISION_BITS) - 1
REVISION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Newest first; ``next`` goes into the next request, ``None`` at the end."""

    messages: tuple[Message, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Talk:
    """A conversation: from where on it may be seen, and its newest entry before the page."""

    no: int
    first_key: int
    newest: int


def page(
    connection: sqlite3.Connection, viewer: Viewer, person: str, before: str | None, limit: int
) -> TimelinePage | None:
    """Entries of conversations that ``person`` is or was in, as far as the viewer may read them.

    ``limit`` is at least 1; fewer, if more would not fit a page. ``None``: the viewer does not know
    that person, or there is none such.
    """
    with snapshot(connection):
        subject = connection.execute(
            "SELECT p.role = 'owner' AND p.active FROM person p"
            f" WHERE p.business_no = ?1 AND p.id = ?3 AND {sees_person(viewer)}",
            (viewer.business_no, viewer.person, person),
        ).fetchone()
        if subject is None:
            return None
        theirs = _ALL if subject[0] else _THEIRS
        until = _position(before)
        found = _newest(connection, viewer, person, theirs, until, limit + 1)
        shown, end = _messages(connection, [key for _, key in found[:limit]])
    # It ends with what was found last, which may have been deleted since and not be shown.
    return TimelinePage(tuple(shown), str(found[end - 1][0]) if len(found) > end else None)


def _messages(connection: sqlite3.Connection, keys: Sequence[int]) -> tuple[list[Message], int]:
    """The messages of ``keys`` that fit a page, and how many of the keys that took."""
    rows = connection.execute(
        f"SELECT k.key, c.id, {MESSAGE} FROM json_each(?) k CROSS JOIN message m ON m.id = k.value"
        f" JOIN conversation c ON c.no = m.id >> {SEQ_BITS}"
        " WHERE m.deleted_at = 0 ORDER BY k.key",
        (json.dumps(keys),),
    )
    shown: list[Message] = []
    room = PAGE_CHARACTERS
    with closing(rows):
        for place, conversation, column in rows:
            entry = message(conversation, column)
            room -= len(entry.text)
            if room < 0 and shown:
                return shown, place
            shown.append(entry)
    return shown, len(keys)


def _position(before: str | None) -> int:
    if before is None or not (before.isdecimal() and len(before) <= REVISION_DIGITS):
        return REVISION_MAX
    return min(int(before), REVISION_MAX)


_THEIRS = ever_in("?3")

# An owner is in all there are; of which those are read that the viewer may.
_ALL = "(SELECT conversation_no AS no FROM head WHERE business_no = ?1 AND ?3 <> '')"


def _newest(
    connection: sqlite3.Connection,
    viewer: Viewer,
    person: str,
    theirs: str,
    until: int,
    count: int,
) -> list[tuple[int, int]]:
    """(revision, key) of the newest ``count`` messages before ``until``, the newest first."""
    heads = _heads(connection, viewer, person, theirs, FEW + 1)
    if len(heads) > FEW:
        found = _from_entries(connection, viewer, person, theirs, until, count)
        if found is not None:
            return found
        heads = _heads(connection, viewer, person, theirs, ALL)
    return _from_talks(connection, _talks(connection, heads, until), until, count)


ALL = -1
"""As a limit of SQLite's: none."""


def _heads(
    connection: sqlite3.Connection, viewer: Viewer, person: str, theirs: str, limit: int
) -> list[tuple[int, int, int]]:
    """(no, key of the first that may be seen, revision of the newest) of their conversations."""
    return connection.execute(
        f"SELECT r.no, r.first_key, h.activity FROM {_either(theirs, viewer)}"
        " CROSS JOIN head h ON h.business_no = ?1 AND h.conversation_no = r.no LIMIT ?4",
        (viewer.business_no, viewer.person, person, limit),
    ).fetchall()


def _either(theirs: str, viewer: Viewer) -> str:
    """Conversations that are theirs and the viewer's, from the side that has fewer."""
    if theirs is _ALL:
        return f"{readable(viewer)} r"
    return f"{theirs} t CROSS JOIN {readable(viewer, one_by_one=True)} r ON r.no = t.no"


def _from_entries(
    connection: sqlite3.Connection,
    viewer: Viewer,
    person: str,
    theirs: str,
    until: int,
    count: int,
) -> list[tuple[int, int]] | None:
    """As `_newest`, from the entries of the index and what it does not hold yet.

    ``None``: there is too much of that, or there are too few in the `SPAN` before ``until``.
    """
    keys = unindexed(connection, viewer, None)
    if keys is None:
        return None
    until = min(until, newest_revision(connection, viewer.business_no) + 1)
    after = max(0, until - SPAN)
    low = entry_id(viewer.business_no, 0)
    parameters = (viewer.business_no, viewer.person, person)
    visible = readable(viewer, one_by_one=True)
    about = "1" if theirs is _ALL else f"r.no IN (SELECT no FROM {theirs})"
    found = set(
        connection.execute(
            "SELECT e.id - ?4, e.message_id FROM search_entry e"
            f" CROSS JOIN {visible} r ON r.no = e.message_id >> {SEQ_BITS}"
            f" WHERE e.id > ?4 + ?7 AND e.id < ?5 AND ?3 <> '' AND {about}"
            f" AND e.message_id >= r.first_key AND e.message_id & {SEQ_MASK} <> 0"
            " ORDER BY e.id DESC LIMIT ?6",
            (*parameters, low, low + until, count, after),
        ).fetchall()
    )
    found.update(
        connection.execute(
            "SELECT m.revision, m.id FROM json_each(?7) k JOIN message m ON m.id = k.value"
            f" CROSS JOIN {visible} r ON r.no = m.id >> {SEQ_BITS}"
            f" WHERE m.revision > ?4 AND m.revision < ?5 AND ?3 <> '' AND {about}"
            " AND m.id >= r.first_key AND m.kind = 'text' LIMIT ?6",
            (*parameters, after, until, UNINDEXED, json.dumps(keys)),
        ).fetchall()
    )
    if len(found) < count and after:
        return None
    return sorted(found, reverse=True)[:count]


def _talks(
    connection: sqlite3.Connection, heads: Sequence[tuple[int, int, int]], until: int
) -> list[_Talk]:
    """The conversations with something before revision ``until``, the latest of these first."""
    ready = [_Talk(*head) for head in heads if head[2] < until]
    later = [(no, first_key) for no, first_key, activity in heads if activity >= until]
    if later:
        ready += [
            _Talk(*row) for row in connection.execute(_BEFORE, (json.dumps(later), until - 1))
        ]
    return sorted(ready, key=lambda talk: talk.newest, reverse=True)


_LISTED = (
    "(SELECT json_extract(value, '$[0]') AS no, json_extract(value, '$[1]') AS first_key"
    " FROM json_each(?1))"
)

# Of conversations ?1 the newest entry up to revision ?2 that may be seen.
_BEFORE = (
    f"SELECT l.no, l.first_key, m.revision FROM {_LISTED} l"
    f" CROSS JOIN message m ON m.id = {FIRST_AFTER} - 1 WHERE m.id >= l.first_key"
)


def _from_talks(
    connection: sqlite3.Connection, talks: Sequence[_Talk], until: int, count: int
) -> list[tuple[int, int]]:
    """As `_newest`: of these conversations, as many as can have one of the newest."""
    found: list[tuple[int, int]] = []
    for start in range(0, len(talks), count):
        some = talks[start : start + count]
        if len(found) >= count and found[count - 1][0] > some[0].newest:
            break
        listed = json.dumps([(talk.no, talk.first_key) for talk in some])
        found += connection.execute(_LAST_OF_EACH, (listed, until - 1, count)).fetchall()
        found.sort(reverse=True)
        del found[count:]
    return found


_LAST_OF_EACH = (
    f"SELECT m.revision, m.id FROM {_LISTED} l CROSS JOIN message m ON m.id IN"
    f" (SELECT x.id FROM message x WHERE x.id >= l.first_key AND x.id < {FIRST_AFTER}"
    "  AND x.kind = 'text' AND x.deleted_at = 0 ORDER BY x.id DESC LIMIT ?3)"
    " ORDER BY m.revision DESC LIMIT ?3"
)
