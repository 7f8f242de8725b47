"""Who may read what: every query about a conversation passes through here."""

import sqlite3
from dataclasses import dataclass

from domain.roles import Role, sees_all_history
from storage.write_events import SEQ_BITS

SEQ_MASK = (1 << SEQ_BITS) - 1


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
        return self.no << SEQ_BITS | self.since_seq

    @property
    def last_key(self) -> int:
        return self.no << SEQ_BITS | SEQ_MASK


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
    return Granted(no, 1 if sees_all_history(viewer.role) else since_seq)
