"""Who may read what: every query about a conversation passes through here."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.roles import Role, sees_all_history
from storage.keys import SEQ_BITS, SEQ_MASK, message_key


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads."""

    business_no: int
    person: str
    role: Role


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
    if since_seq is None:
        return Granted(no, 1) if viewer.role is Role.OWNER else None
    return visible(viewer, no, since_seq)


def visible(viewer: Viewer, no: int, since_seq: int) -> Granted:
    """A conversation that the viewer is in since ``since_seq``."""
    return Granted(no, 1 if sees_all_history(viewer.role) else since_seq)


def readable(viewer: Viewer) -> str:
    """A table (no, first_key) of all that `grant` gives the viewer; ``?1`` business, ``?2`` they.

    Where a query knows the conversation it looks it up; without that it goes through those that the
    viewer is in, and not through all there are.
    """
    if viewer.role is Role.OWNER:
        return (
            f"(SELECT c.no AS no, (c.no << {SEQ_BITS} | 1) AS first_key FROM conversation c"
            " WHERE c.business_no = ?1)"
        )
    since = "1" if sees_all_history(viewer.role) else "m.since_seq"
    return (
        f"(SELECT m.conversation_no AS no, (m.conversation_no << {SEQ_BITS} | {since}) AS first_key"
        " FROM member m WHERE m.business_no = ?1 AND m.person = ?2)"
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


def listed(conversations: Iterable[Granted]) -> str:
    """The parameter of `LISTED`: one statement reads all of ``conversations``."""
    return json.dumps([(granted.no, granted.first_key) for granted in conversations])


LISTED = (
    "(SELECT json_extract(value, '$[0]') AS no, json_extract(value, '$[1]') AS first_key"
    " FROM json_each(?1))"
)
"""A table of conversations with the first key that the viewer may see; ``?1`` is from `listed`."""
