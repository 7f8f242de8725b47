"""Reading one conversation: pages of messages, their receipts and their versions."""

import sqlite3
from contextlib import closing
from itertools import chain

import msgspec

from domain.channels import APP
from domain.roles import Role
from domain.views import Message, MessageReceipt, Version
from storage.access import Granted, Viewer, grant, snapshot
from storage.attachment_rows import decode_attachments
from storage.channel_rows import channel
from storage.keys import SEQ_MASK, message_key
from storage.pages import PAGE_BYTES, encoded_size, fitting

MESSAGE = (
    "json_array(m.id, m.revision, m.at, m.author, m.text, m.client_message_id,"
    " CASE WHEN m.kind = 'text' AND m.reply_to = 0 AND m.edited_at = 0 AND m.deleted_at = 0"
    " AND m.location = '' AND m.attachments = '' AND m.channel = '' THEN NULL"
    " ELSE json_array(m.kind, m.person, m.role, m.reply_to,"
    "  iif(m.deleted_at, 0, m.edited_at), m.deleted_at, m.location, m.attachments,"
    "  m.channel)"
    " END)"
)
"""A row of `message m` in one column: each column costs as much, and few messages have them all."""

_decode_steps = msgspec.msgpack.Decoder(list[tuple[str, int, int]]).decode

_Rare = tuple[str, str, str, int, int, int, str, str, str]
_Row = tuple[int, int, int, str, str, str | None, _Rare | None]
_NOTHING_RARE: _Rare = ("text", "", "", 0, 0, 0, "", "", "")
_decode_row = msgspec.json.Decoder(_Row).decode
_decode_rows = msgspec.json.Decoder(list[_Row]).decode


def message(conversation: str, column: str) -> Message:
    """The picture of a `MESSAGE`."""
    return _picture(conversation, _decode_row(column))


def _picture(conversation: str, row: _Row) -> Message:
    key, revision, at, author, text, client_id, rare = row
    kind, person, role, reply_to, edited_at, deleted_at, location, attachments, on = (
        rare or _NOTHING_RARE
    )
    return Message(
        conversation=conversation,
        seq=key & SEQ_MASK,
        revision=revision,
        at=at,
        author=author,
        kind=kind,
        text=text,
        person=person,
        role=role,
        reply_to=reply_to,
        client_message_id=client_id or "",
        edited_at=edited_at,
        deleted_at=deleted_at,
        location=location,
        attachments=decode_attachments(attachments) if attachments else (),
        channel=channel(on) if on else APP,
    )


def page(
    connection: sqlite3.Connection,
    viewer: Viewer,
    conversation: str,
    before: int | None,
    after: int | None,
    limit: int,
) -> tuple[list[Message], bool] | None:
    """Messages in ascending seq, and whether there are more in that direction; ``None``: no access.

    One indexed range, no counting: one row more than asked for says whether there is more.
    ``limit`` is at least 1; of ``before`` and ``after``, at most one is given.
    """
    with snapshot(connection):
        granted = grant(connection, viewer, conversation)
        if granted is None:
            return None
        low, high, order = granted.first_key, granted.last_key, "DESC"
        if after is not None:
            low, order = max(low, message_key(granted.no, after) + 1), "ASC"
        elif before is not None:
            high = message_key(granted.no, before) - 1
        # One row for all: a thread that fetches rows gives up the interpreter lock at each.
        (found,) = connection.execute(
            "SELECT group_concat(message) FROM"
            f" (SELECT {MESSAGE} AS message FROM message m WHERE m.id BETWEEN ? AND ?"
            f" ORDER BY m.id {order} LIMIT ?)",
            (low, high, limit + 1),
        ).fetchone()
    rows = _decode_rows(f"[{found or ''}]")
    kept = fitting(
        [len(row[4]) if row[6] is None else len(row[4]) + len(row[6][6]) for row in rows[:limit]]
    )
    more = len(rows) > kept
    del rows[kept:]
    if order == "DESC":
        rows.reverse()
    return [_picture(conversation, row) for row in rows], more


def receipts(
    connection: sqlite3.Connection, viewer: Viewer, conversation: str, seq: int
) -> list[MessageReceipt] | None:
    """When each other member who could see the message had it, and read it (DT-04, C-25)."""
    with snapshot(connection):
        granted = grant(connection, viewer, conversation)
        if granted is None:
            return None
        sent = connection.execute(
            "SELECT revision, author FROM message WHERE id = ? AND id >= ?",
            (message_key(granted.no, seq), granted.first_key),
        ).fetchone()
        if sent is None:
            return None
        revision, author = sent
        reached = _reached(connection, viewer, granted, seq)
        reached.pop(author, None)
        delivered, read = _times(connection, granted, seq, revision, reached)
    return [
        MessageReceipt(person=p, delivered_at=delivered.get(p, 0), read_at=read.get(p, 0))
        for p in reached
    ]


def _reached(
    connection: sqlite3.Connection, viewer: Viewer, granted: Granted, seq: int
) -> dict[str, tuple[bool, bool]]:
    """Who could see the message, and whether it was delivered to them, and read."""
    rows = connection.execute(
        "WITH inside AS (SELECT id AS person FROM person"
        "  WHERE business_no = ?1 AND role = 'owner' AND active = 1"
        " UNION SELECT m.person FROM member m"
        "  JOIN person p ON p.business_no = ?1 AND p.id = m.person"
        "  WHERE m.conversation_no = ?2 AND (m.since_seq <= ?3 OR p.role <> 'customer'))"
        " SELECT i.person, coalesce(c.delivered_up_to >= ?3, 0), coalesce(c.read_up_to >= ?3, 0)"
        " FROM inside i LEFT JOIN cursor c ON c.conversation_no = ?2 AND c.person = i.person"
        " ORDER BY i.person",
        (viewer.business_no, granted.no, seq),
    )
    return {person: (bool(delivered), bool(read)) for person, delivered, read in rows}


def _times(
    connection: sqlite3.Connection,
    granted: Granted,
    seq: int,
    revision: int,
    reached: dict[str, tuple[bool, bool]],
) -> tuple[dict[str, int], dict[str, int]]:
    """When the cursors went over ``seq``: read from the steps until all that did are found."""
    to_deliver = {person for person, (delivered, _) in reached.items() if delivered}
    to_read = {person for person, (_, read) in reached.items() if read}
    delivered_at: dict[str, int] = {}
    read_at: dict[str, int] = {}
    rows = connection.execute(
        "SELECT at, steps FROM receipt WHERE conversation_no = ? AND revision > ?"
        " ORDER BY revision",
        (granted.no, revision),
    )
    for at, steps in rows:
        if not (to_deliver or to_read):
            break
        for person, delivered_up_to, read_up_to in _decode_steps(steps):
            if delivered_up_to >= seq and person in to_deliver:
                to_deliver.discard(person)
                delivered_at[person] = at
            if read_up_to >= seq and person in to_read:
                to_read.discard(person)
                read_at[person] = at
    return delivered_at, read_at


class Versions(msgspec.Struct, frozen=True):
    """What a message has said, oldest first; ``more``: there are older ones."""

    versions: tuple[Version, ...]
    more: bool


def versions(
    connection: sqlite3.Connection,
    viewer: Viewer,
    conversation: str,
    seq: int,
    skip: int = 0,
    room: int = PAGE_BYTES,
) -> Versions | None:
    """What the message has said: for owners, and the author until it is deleted.

    Without the newest ``skip``, the newest that go on a page with ``room`` bytes for them.
    """
    with snapshot(connection):
        granted = grant(connection, viewer, conversation)
        if granted is None:
            return None
        key = message_key(granted.no, seq)
        row = connection.execute(
            "SELECT author, text, max(at, edited_at), deleted_at FROM message"
            " WHERE id = ? AND id >= ? AND kind = 'text'",
            (key, granted.first_key),
        ).fetchone()
        if row is None:
            return None
        author, *present, deleted_at = row
        if viewer.role is not Role.OWNER and (author != viewer.person or deleted_at):
            return None
        now = [] if deleted_at else [present]
        earlier = connection.execute(
            "SELECT text, at FROM version WHERE message_id = ? ORDER BY revision DESC"
            " LIMIT -1 OFFSET ?",
            (key, max(0, skip - len(now))),
        )
        found: list[Version] = []
        with closing(earlier):
            for text, at in chain(now[skip:], earlier):
                version = Version(text=text, at=at)
                room -= encoded_size(version)
                if room < 0 and found:
                    return Versions(tuple(reversed(found)), True)
                found.append(version)
    return Versions(tuple(reversed(found)), False)
