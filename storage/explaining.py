"""Why a message is where it is, and how a conversation came to be handled as it is."""

import sqlite3

import msgspec

from domain.events import Handling, Routed
from domain.imports import DEVICE
from domain.roles import Role
from storage.access import Viewer, grant, snapshot
from storage.history import receipts
from storage.keys import message_key


class Explained(msgspec.Struct, frozen=True):
    """What is stored about the place of a message.

    ``author_role``: what its author is now, ``""`` for the business itself. ``why``: ``None`` where
    nothing was routed. ``imported``: where it was placed then, ``None`` if it was not imported.
    ``delivered``: who has it, and since when (ms); ``names`` of all who occur.
    """

    seq: int
    author: str
    author_role: str
    why: Routed | None
    imported: tuple[str, ...] | None
    delivered: dict[str, int]
    names: dict[str, str]


class HandlingRecord(msgspec.Struct, frozen=True):
    """One change of the handling, and the handling after it."""

    revision: int
    at: int
    author: str
    kind: str
    handling: Handling


_decode_why = msgspec.json.Decoder(Routed).decode
_decode_handling = msgspec.json.Decoder(Handling).decode


def message(
    connection: sqlite3.Connection, viewer: Viewer, conversation: str, seq: int
) -> Explained | None:
    """Why what was said at ``seq`` is where it is; ``None``: nothing to see there."""
    with snapshot(connection):
        granted = grant(connection, viewer, conversation)
        if granted is None:
            return None
        row = connection.execute(
            "SELECT m.author, coalesce(p.role, ''), iif(m.device = ?, m.revision, 0)"
            " FROM message m LEFT JOIN person p"
            " ON p.business_no = m.business_no AND p.id = m.author"
            " WHERE m.id = ? AND m.id >= ? AND m.kind = 'text'",
            (DEVICE, message_key(granted.no, seq), granted.first_key),
        ).fetchone()
        if row is None:
            return None
        author, role, imported_at = row
        imported = _placed(connection, granted.no, imported_at) if imported_at else None
        why = None
        if role == Role.CUSTOMER and imported is None:
            found = connection.execute(
                "SELECT why FROM routing WHERE conversation_no = ? AND seq <= ?"
                " ORDER BY seq DESC LIMIT 1",
                (granted.no, seq),
            ).fetchone()
            why = None if found is None else _decode_why(found[0])
        people = {author} if why is None else {author, *why.recipients, *why.live, *why.denied}
        names = {
            id_: name
            for id_ in people
            for (name,) in connection.execute(
                "SELECT name FROM person WHERE business_no = ? AND id = ?",
                (viewer.business_no, id_),
            )
        }
    seen = receipts(connection, viewer, conversation, seq) or []
    delivered = {each.person: each.delivered_at for each in seen if each.delivered_at}
    return Explained(seq, author, role, why, imported, delivered, names)


def _placed(connection: sqlite3.Connection, no: int, revision: int) -> tuple[str, ...]:
    """Where conversation ``no`` was by ``revision``, which is none of the handling."""
    row = connection.execute(
        "SELECT detail FROM handling_change WHERE conversation_no = ? AND revision < ?"
        " ORDER BY revision DESC LIMIT 1",
        (no, revision),
    ).fetchone()
    return () if row is None else _decode_handling(row[0]).locations


def changes(
    connection: sqlite3.Connection, viewer: Viewer, conversation: str, before: int, limit: int
) -> list[HandlingRecord] | None:
    """Changes of the handling below the revision ``before``, newest first; for the team."""
    with snapshot(connection):
        granted = grant(connection, viewer, conversation)
        if granted is None:
            return None
        rows = connection.execute(
            "SELECT revision, at, author, kind, detail FROM handling_change"
            " WHERE conversation_no = ? AND revision < ? ORDER BY revision DESC LIMIT ?",
            (granted.no, before, limit),
        ).fetchall()
    return [
        HandlingRecord(revision, at, author, kind, _decode_handling(detail))
        for revision, at, author, kind, detail in rows
    ]
