"""What was said or noted so long ago that it is to be erased, a few at a time (EX-21)."""

import json
import sqlite3

import msgspec

from domain.retention import expired_before
from storage import notes
from storage.access import snapshot
from storage.due import START, Position
from storage.erasure import COVERED, LEFT
from storage.keys import SEQ_BITS, SEQ_MASK


class Expired(msgspec.Struct, frozen=True):
    """Of a conversation what is to be erased: ``seqs``, all up to ``up_to``, and ``notes``."""

    business: str
    business_no: int
    conversation: str
    seqs: tuple[int, ...]
    up_to: int
    notes: tuple[str, ...] = ()


class ExpiredPage(msgspec.Struct, frozen=True):
    """``next`` is where the next page begins, `storage.due.START` at the end."""

    found: tuple[Expired, ...]
    next: Position


def expired(
    connection: sqlite3.Connection, now: int, after: Position, conversations: int, messages: int
) -> ExpiredPage:
    """Of the next ``conversations`` that are placed where not all is kept for ever.

    Of each at most ``messages``, and as many notes: what is left is found again, once these are
    noted.
    """
    with snapshot(connection):
        rows = connection.execute(
            "SELECT p.business_no, p.location, p.conversation_no, b.id, c.id, c.expired_up_to"
            " FROM location l CROSS JOIN placement p ON p.business_no = l.business_no"
            "  AND p.location = l.id JOIN conversation c ON c.no = p.conversation_no"
            " JOIN business b ON b.no = p.business_no WHERE l.retention_days IS NOT NULL"
            " AND (p.business_no, p.location, p.conversation_no) > (?, ?, ?)"
            " ORDER BY p.business_no, p.location, p.conversation_no LIMIT ?",
            (*(after or (0, "", 0)), conversations),
        ).fetchall()
        found: dict[int, Expired] = {}
        for business_no, _, no, business, conversation, done in rows:
            if no in found or (before := _cutoff(connection, business_no, no, now)) is None:
                continue
            said = _said_before(connection, no, done, before, messages)
            noted = notes.left_before(connection, no, before, messages)
            authors = [who for _, who, _ in said] + [who for _, who in noted]
            if authors and not _is_covered(connection, business_no, no, authors):
                seqs = tuple(seq for seq, _, left in said if left)
                up_to = said[-1][0] if said else done
                ids = tuple(id_ for id_, _ in noted)
                found[no] = Expired(business, business_no, conversation, seqs, up_to, ids)
    last = tuple(rows[-1][:3]) if len(rows) == conversations else START
    return ExpiredPage(tuple(found.values()), last)


def _cutoff(connection: sqlite3.Connection, business_no: int, no: int, now: int) -> int | None:
    days = connection.execute(
        "SELECT l.retention_days FROM placement p JOIN location l ON l.business_no = ?"
        " AND l.id = p.location WHERE p.conversation_no = ?",
        (business_no, no),
    ).fetchall()
    return expired_before([each for (each,) in days], now)


def _said_before(
    connection: sqlite3.Connection, no: int, done: int, before: int, limit: int
) -> list[tuple[int, str, bool]]:
    """(seq, author, whether something is left) of what follows, up to the first that is younger."""
    rows = connection.execute(
        f"SELECT m.id & {SEQ_MASK}, m.author, {LEFT}, m.at FROM message m"
        f" WHERE m.id > (?1 << {SEQ_BITS} | ?2) AND m.id <= (?1 << {SEQ_BITS} | {SEQ_MASK})"
        " AND m.kind = 'text' ORDER BY m.id LIMIT ?3",
        (no, done, limit),
    ).fetchall()
    said = []
    for seq, author, left, at in rows:
        if at >= before:
            break
        said.append((seq, author, bool(left)))
    return said


def _is_covered(
    connection: sqlite3.Connection, business_no: int, no: int, authors: list[str]
) -> bool:
    """Whether a hold covers the conversation, or who said something of it."""
    (found,) = connection.execute(
        f"WITH {COVERED} SELECT EXISTS (SELECT 1 FROM covered WHERE no = ?2) OR EXISTS ("
        " SELECT 1 FROM hold WHERE business_no = ?1 AND kind = 'person'"
        "  AND id IN (SELECT value FROM json_each(?3)))",
        (business_no, no, json.dumps(authors)),
    ).fetchone()
    return bool(found)


def note(connection: sqlite3.Connection, expired: Expired) -> None:
    """It has been erased: the next time begins behind it, and the file is to be written anew."""
    notes.forget(connection, expired.business_no, expired.conversation, expired.notes)
    connection.execute(
        "UPDATE conversation SET expired_up_to = max(expired_up_to, ?)"
        " WHERE business_no = ? AND id = ?",
        (expired.up_to, expired.business_no, expired.conversation),
    )
    connection.execute("INSERT OR IGNORE INTO setting VALUES (?, '')", (OWED + expired.business,))


OWED = "wash:"
"""With a business's id the name of a setting: some of what it erased is still in the file."""


def owed(connection: sqlite3.Connection) -> list[str]:
    """The businesses for which the file is to be written anew."""
    rows = connection.execute(
        "SELECT substr(name, length(?1) + 1) FROM setting WHERE substr(name, 1, length(?1)) = ?1",
        (OWED,),
    )
    return [business for (business,) in rows]


def paid(connection: sqlite3.Connection, business: str) -> None:
    """It has been written anew for ``business``."""
    connection.execute("DELETE FROM setting WHERE name = ?", (OWED + business,))
