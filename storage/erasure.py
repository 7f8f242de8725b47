"""Where something of a person may be stored, table by table, and how it is removed (EX-21, R38).

`TABLES` names every table there is. A new one is declared here, or a test fails: either with what
removes a person from it, or with the reason why it holds nothing of anybody. An id is nobody's
personal data: it stays, so that conversations hold together and the audit log can be read.

What an eraser does, it may do twice: after a kill it begins anew.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from domain.erasure import DELETED_NAME, Titled
from domain.record_events import HoldKind
from storage import answers
from storage.access import snapshot
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.notes import forget_deleted
from storage.search_index import withdraw

CONVERSATIONS = 500
"""Conversations that are looked through for what somebody said in one reading."""

Remove = Callable[[sqlite3.Connection, int, str], None]


@dataclass(frozen=True, slots=True)
class Removed:
    """The table holds something of people. ``by``: what removes it, ``then``: afterwards, here."""

    by: str
    then: Remove | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """The table holds nothing of anybody but ids, numbers and times."""

    why: str


class Unfinished(msgspec.Struct, frozen=True):
    """Somebody who was erased, of whom there may be something left."""

    business: str
    business_no: int
    person: str


class Said(msgspec.Struct, frozen=True):
    """What somebody said, by conversation, in a part of the business's conversations.

    ``next``: where the next part begins; ``None``: this was the last one.
    """

    found: tuple[tuple[str, tuple[int, ...]], ...]
    next: int | None


# --- the tables -----------------------------------------------------------------------------------


def _names_in_entries(connection: sqlite3.Connection, business_no: int, person: str) -> None:
    """Entries that say who came and went are called by name."""
    connection.execute(
        f"WITH {_THEIRS} UPDATE message SET text = '{DELETED_NAME}' WHERE id IN ("
        f" SELECT m.id FROM theirs t CROSS JOIN message m ON m.id BETWEEN t.no << {SEQ_BITS}"
        f"  AND t.no << {SEQ_BITS} | {SEQ_MASK}"
        f" WHERE m.kind <> 'text' AND m.person = ?2 AND m.text <> '{DELETED_NAME}')",
        (business_no, person),
    )


def _titles_in_the_index(connection: sqlite3.Connection, business_no: int, person: str) -> None:
    """Of conversations that lost theirs; what becomes of messages, the index follows by itself."""
    keys = connection.execute(
        f"WITH {_THEIRS} SELECT t.no << {SEQ_BITS} FROM theirs t"
        " JOIN conversation c ON c.no = t.no AND c.title = ''",
        (business_no, person),
    ).fetchall()
    withdraw(connection, [key for (key,) in keys])


def _answers(connection: sqlite3.Connection, business_no: int, _: str) -> None:
    """All of the business: whom an answer tells of, nobody noted."""
    answers.forget_all(connection, business_no)


def _refused_records(connection: sqlite3.Connection, business_no: int, _: str) -> None:
    """All of the business: what was refused may be about anybody, under whatever id."""
    connection.execute("DELETE FROM import_refusal WHERE business_no = ?", (business_no,))


def _titles_of_appointments(connection: sqlite3.Connection, business_no: int, person: str) -> None:
    connection.execute(
        "UPDATE appointment SET title = '' WHERE business_no = ? AND customer = ?",
        (business_no, person),
    )


_THEIRS = (
    "theirs AS (SELECT conversation_no AS no FROM member WHERE business_no = ?1 AND person = ?2"
    " UNION SELECT conversation_no FROM removal WHERE business_no = ?1 AND person = ?2"
    " UNION SELECT no FROM conversation WHERE business_no = ?1 AND created_by = ?2)"
)
"""Conversations that person ``?2`` is or was a member of, or began."""

_EVENT = "the event of the erasure (`storage.erasure_rows`)"
_INDEXER = "the indexer, which follows the log (`storage.search_index`)"
_KEEPER = "the keeper of attachments (`server.attachments.keeper`)"

TABLES: Mapping[str, Removed | Nothing] = {
    "account": Removed(_EVENT),
    "answered": Removed("removing all of the business", _answers),
    "api_key": Nothing("it is the business's, and so is its name"),
    "appointment": Removed("emptying the titles of a customer's", _titles_of_appointments),
    "attachment": Removed(_KEEPER),
    "audit": Nothing("ids, roles and numbers: it says so itself (`domain.audit`)"),
    "business": Nothing("a business is no person"),
    "change": Nothing("which message was changed by whom, by ids"),
    "conversation": Removed(_EVENT),
    "cursor": Nothing("how far somebody got, by ids"),
    "displacement": Nothing("ids"),
    "erasure": Nothing("ids"),
    "handling": Nothing("ids"),
    "handling_change": Nothing("ids"),
    "head": Nothing("numbers"),
    "hold": Nothing("ids"),
    "import": Nothing("counts, under a name that is the business's"),
    "import_refusal": Removed("removing all of the business", _refused_records),
    "location": Nothing("a location is no person"),
    "log": Nothing("numbers"),
    "member": Nothing("who is in which conversation, by ids"),
    "message": Removed("its conversation's actor; names in entries here", _names_in_entries),
    "mark": Nothing("ids"),
    "note": Removed("its conversation's actor; what is left of deleted ones here", forget_deleted),
    "note_change": Nothing("ids"),
    "person": Removed(_EVENT),
    "person_address": Removed(_EVENT),
    "placement": Nothing("ids"),
    "receipt": Nothing("how far somebody got, by ids"),
    "removal": Nothing("who left which conversation, by ids"),
    "revoked_token": Nothing("ids of tokens"),
    "routing": Nothing("ids"),
    "saved_reply": Nothing("what the business says to everybody"),
    "search": Removed(_INDEXER),
    "search_entry": Nothing("numbers"),
    "search_position": Nothing("numbers"),
    "search_residue": Nothing("numbers"),
    "search_span": Nothing("numbers"),
    "search_text": Removed(f"{_INDEXER}; titles here", _titles_in_the_index),
    "send_hook": Nothing("the business's own"),
    "setting": Nothing("the server's own"),
    "sign_in": Removed(_EVENT),
    "sign_in_link": Removed(_EVENT),
    "version": Removed("its conversation's actor"),
    "webhook": Nothing("the business's own"),
    "webhook_attempt": Nothing("how the business's server answered: a status, a reason of ours"),
    "webhook_dead_letter": Nothing("which event failed, by its revision"),
    "webhook_lane": Nothing("how far an id's events have been delivered"),
}
"""Tables of the index itself (`search_data` and the like) go with `search`."""


def removals() -> tuple[Remove, ...]:
    """What is to be done here, each in a transaction of its own."""
    found = (held.then for held in TABLES.values() if isinstance(held, Removed))
    return tuple(each for each in found if each is not None)


# --- questions ------------------------------------------------------------------------------------


def unfinished(connection: sqlite3.Connection) -> list[Unfinished]:
    """Of whom something may be left, oldest first."""
    rows = connection.execute(
        "SELECT b.id, e.business_no, e.person FROM erasure e JOIN business b ON b.no ="
        " e.business_no WHERE e.finished_at = 0 ORDER BY e.at"
    )
    return [Unfinished(*row) for row in rows]


def finished(connection: sqlite3.Connection, business_no: int, person: str) -> bool | None:
    """Whether nothing is left of somebody; ``None``: they were not erased."""
    row = connection.execute(
        "SELECT finished_at > 0 FROM erasure WHERE business_no = ? AND person = ?",
        (business_no, person),
    ).fetchone()
    return None if row is None else bool(row[0])


def finish(connection: sqlite3.Connection, business_no: int, person: str, now: int) -> None:
    """Nothing is left of ``person``."""
    connection.execute(
        "UPDATE erasure SET finished_at = ? WHERE business_no = ? AND person = ?",
        (now, business_no, person),
    )


def said(connection: sqlite3.Connection, business_no: int, person: str, after: int) -> Said:
    """What ``person`` said, and of which something is left, in the conversations after ``after``.

    All conversations are looked through: somebody of the team may have said something anywhere.
    """
    with snapshot(connection):
        nos = connection.execute(
            "SELECT conversation_no FROM head WHERE business_no = ? AND conversation_no > ?"
            " ORDER BY conversation_no LIMIT ?",
            (business_no, after, CONVERSATIONS),
        ).fetchall()
        if not nos:
            return Said((), None)
        first, last = nos[0][0], nos[-1][0]
        rows = connection.execute(
            f"SELECT c.id, m.id & {SEQ_MASK} FROM message m"
            f" JOIN conversation c ON c.no = m.id >> {SEQ_BITS}"
            f" WHERE m.id BETWEEN ? << {SEQ_BITS} AND ? << {SEQ_BITS} | {SEQ_MASK}"
            f" AND m.business_no = ? AND m.author = ? AND m.kind = 'text' AND {LEFT}",
            (first, last, business_no, person),
        ).fetchall()
    found: dict[str, list[int]] = {}
    for conversation, seq in rows:
        found.setdefault(conversation, []).append(seq)
    return Said(
        tuple((conversation, tuple(seqs)) for conversation, seqs in found.items()),
        last if len(nos) == CONVERSATIONS else None,
    )


LEFT = "(m.digest IS NOT NULL OR m.deleted_at = 0)"
"""The condition that something is left of message ``m``."""


def conversations(connection: sqlite3.Connection, business_no: int, person: str) -> list[str]:
    """Whose actors may know ``person`` by name."""
    rows = connection.execute(
        f"WITH {_THEIRS} SELECT c.id FROM theirs t JOIN conversation c ON c.no = t.no ORDER BY 1",
        (business_no, person),
    )
    return [id_ for (id_,) in rows]


def titled(connection: sqlite3.Connection, business_no: int, person: str) -> tuple[Titled, ...]:
    """The conversations with a title that ``person`` began, or is or was in."""
    rows = connection.execute(
        f"WITH {_THEIRS} SELECT c.id, c.title, c.created_by FROM theirs t"
        " JOIN conversation c ON c.no = t.no WHERE c.title <> ''",
        (business_no, person),
    )
    return tuple(Titled(*row) for row in rows)


def hold(
    connection: sqlite3.Connection, business_no: int, kind: HoldKind, id_: str
) -> tuple[bool, bool]:
    """Whether there is such a person or conversation, and whether it is on hold."""
    exists, held = connection.execute(
        f"SELECT EXISTS (SELECT 1 FROM {kind.value} WHERE business_no = ?1 AND id = ?2),"
        " EXISTS (SELECT 1 FROM hold WHERE business_no = ?1 AND kind = ?3 AND id = ?2)",
        (business_no, id_, kind.value),
    ).fetchone()
    return bool(exists), bool(held)


COVERED = (
    "covered AS MATERIALIZED (SELECT c.no FROM hold h JOIN conversation c"
    "  ON c.business_no = h.business_no AND c.id = h.id"
    "  WHERE h.business_no = ?1 AND h.kind = 'conversation'"
    " UNION SELECT m.conversation_no FROM hold h JOIN member m"
    "  ON m.business_no = h.business_no AND m.person = h.id"
    "  WHERE h.business_no = ?1 AND h.kind = 'person'"
    " UNION SELECT r.conversation_no FROM hold h JOIN removal r"
    "  ON r.business_no = h.business_no AND r.person = h.id"
    "  WHERE h.business_no = ?1 AND h.kind = 'person')"
)
"""The conversations of business ``?1`` that a hold covers."""


def covered(connection: sqlite3.Connection, business_no: int, person: str) -> bool:
    """Whether a hold covers ``person``, a conversation they are or were in, or what they said."""
    (found,) = connection.execute(
        f"WITH {COVERED}, {_THEIRS} SELECT EXISTS (SELECT 1 FROM hold WHERE business_no = ?1"
        "  AND kind = 'person' AND id = ?2)"
        " OR EXISTS (SELECT 1 FROM covered v JOIN theirs t ON t.no = v.no)"
        " OR EXISTS (SELECT 1 FROM covered v CROSS JOIN message m"
        f"  ON m.id BETWEEN v.no << {SEQ_BITS} AND v.no << {SEQ_BITS} | {SEQ_MASK}"
        "  AND m.author = ?2)",
        (business_no, person),
    ).fetchone()
    return bool(found)
