"""Who may read what: every query about a conversation passes through here.

A conversation is read by its members, by owners, and by who of the team works where it is placed
(C-27). Live connections are held to the same by `Conversation.admits` and `Business.staff_at`.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from domain.roles import TEAM, Role, sees_all_history
from storage.keys import SEQ_BITS, SEQ_MASK, message_key


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads. ``shares_unread``: counts where a customer is are those of the team (EX-24)."""

    business_no: int
    person: str
    role: Role
    shares_unread: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """A conversation that the viewer may read, from ``since_seq`` on."""

    no: int
    since_seq: int

    @property
    def first_key(self) -> int:
        return message_key(self.no, self.since_seq)

    @property
    def last_key(self) -> int:
        return message_key(self.no, SEQ_MASK)


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """What is read inside is of one moment: a right that was checked cannot have gone since."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def grant(connection: sqlite3.Connection, viewer: Viewer, conversation: str) -> Granted | None:
    """What of ``conversation`` the viewer may read; ``None`` if nothing, or there is none such."""
    row = connection.execute(
        "SELECT c.no, m.since_seq FROM conversation c"
        " LEFT JOIN member m ON m.conversation_no = c.no AND m.person = ?3"
        " WHERE c.business_no = ?1 AND c.id = ?2",
        (viewer.business_no, conversation, viewer.person),
    ).fetchone()
    if row is None:
        return None
    no, since_seq = row
    if since_seq is not None:
        return visible(viewer, no, since_seq)
    if viewer.role is Role.OWNER or _works_where_it_is(connection, viewer, no):
        return Granted(no, 1)
    return None


def _works_where_it_is(connection: sqlite3.Connection, viewer: Viewer, no: int) -> bool:
    if viewer.role not in TEAM:
        return False
    row = connection.execute(
        f"SELECT 1 FROM placement WHERE conversation_no = ?3 AND location IN {WORKS_AT} LIMIT 1",
        (viewer.business_no, viewer.person, no),
    ).fetchone()
    return row is not None


WORKS_AT = (
    "(SELECT at.value FROM person w, json_each(w.locations) at"
    " WHERE w.business_no = ?1 AND w.id = ?2 AND w.inbox AND w.active)"
)
"""The locations whose conversations person ``?2`` of the team sees; ``?1`` is the business."""


def readable(viewer: Viewer, *, one_by_one: bool = False) -> str:
    """A table of all that `grant` gives the viewer: no, first_key, since_seq, since_revision.

    ``?1`` is the business, ``?2`` the person. What they see in two ways is there once, and since
    the earlier of the two. ``one_by_one``: for who asks of some conversations whether they are in
    it, rather than what all is.
    """
    if viewer.role is Role.OWNER:
        return (
            f"(SELECT no, (no << {SEQ_BITS} | 1) AS first_key, 1 AS since_seq,"
            " created_revision AS since_revision FROM conversation WHERE business_no = ?1)"
        )
    if viewer.role in TEAM:  # who sees all of what they see
        return (
            f"(SELECT c.no, (c.no << {SEQ_BITS} | 1) AS first_key, 1 AS since_seq,"
            f" {_SINCE_REVISION} AS since_revision FROM conversation c"
            f" WHERE {is_the_teams('c.no') if one_by_one else f'c.no IN {THE_TEAMS}'})"
        )
    return (
        f"(SELECT conversation_no AS no, (conversation_no << {SEQ_BITS} | since_seq) AS first_key,"
        " since_seq, since_revision FROM member WHERE business_no = ?1 AND person = ?2)"
    )


def some_of_readable(connection: sqlite3.Connection, viewer: Viewer, most: int) -> list[int]:
    """The conversations that the viewer may read, if they are ``most`` at most; else some more."""
    table = f"(SELECT conversation_no AS no FROM {THE_TEAMS})"
    if viewer.role is Role.OWNER or viewer.role not in TEAM:
        table = readable(viewer)
    rows = connection.execute(
        f"SELECT DISTINCT r.no FROM {table} r WHERE ?1 <> 0 AND ?2 <> '' LIMIT ?3",
        (viewer.business_no, viewer.person, most + 1),
    )
    return [no for (no,) in rows]


THE_TEAMS = (
    "(SELECT conversation_no FROM placement"
    f"  WHERE business_no = ?1 AND location IN {WORKS_AT}"
    " UNION ALL SELECT conversation_no FROM member WHERE business_no = ?1 AND person = ?2)"
)
"""What person ``?2`` of the team may read who is no owner; ``?1`` is the business. What they see in
several ways is there several times."""


def is_the_teams(no: str) -> str:
    """The condition that ``no`` is in `THE_TEAMS`, without reading them all."""
    return (
        f"(EXISTS (SELECT 1 FROM placement seen_at WHERE seen_at.conversation_no = {no}"
        f"  AND seen_at.location IN {WORKS_AT})"
        f" OR EXISTS (SELECT 1 FROM member seen_by WHERE seen_by.conversation_no = {no}"
        "  AND seen_by.person = ?2))"
    )


_SINCE_REVISION = (
    "(SELECT min(since_revision) FROM (SELECT since_revision FROM member"
    "  WHERE conversation_no = c.no AND person = ?2"
    " UNION ALL SELECT since_revision FROM placement"
    f"  WHERE conversation_no = c.no AND location IN {WORKS_AT}))"
)


def visible(viewer: Viewer, no: int, since_seq: int) -> Granted:
    """A conversation that the viewer is in since ``since_seq``."""
    return Granted(no, 1 if sees_all_history(viewer.role) else since_seq)


def ever_in(person: str) -> str:
    """A table of the conversations (no) that somebody is or was in; ``?1`` is the business, and
    ``person`` the parameter that says who."""
    return (
        f"(SELECT conversation_no AS no FROM member WHERE business_no = ?1 AND person = {person}"
        f" UNION SELECT conversation_no FROM removal WHERE business_no = ?1 AND person = {person})"
    )


def sees_person(viewer: Viewer) -> str:
    """The condition that the viewer may know of person ``p``; ``?1`` is the business, ``?2`` they.

    The team knows everybody; a customer the owners, and those who share a conversation with them.
    """
    if viewer.role is not Role.CUSTOMER:
        return "1"
    return (
        "(p.role = 'owner' AND p.active OR EXISTS (SELECT 1 FROM member me JOIN member other"
        "  ON other.conversation_no = me.conversation_no AND other.person = p.id"
        "  WHERE me.business_no = ?1 AND me.person = ?2))"
    )


def listed(conversations: Iterable[Granted], reads: Mapping[int, int] | None = None) -> str:
    """The parameter of `LISTED`: one statement reads all of ``conversations``.

    ``reads``: how far the team has read those in which it shares a count, in a third place.
    """
    if not reads:
        return json.dumps([(granted.no, granted.first_key) for granted in conversations])
    return json.dumps([(each.no, each.first_key, reads.get(each.no)) for each in conversations])


LISTED = (
    "(SELECT json_extract(value, '$[0]') AS no, json_extract(value, '$[1]') AS first_key"
    " FROM json_each(?1))"
)
"""A table of conversations with the first key that the viewer may see; ``?1`` is from `listed`."""
