"""What an event that a webhook is told of was about, read when it is told."""

import json
import sqlite3

import msgspec

from domain.events import Handling
from domain.webhook_events import (
    ConversationData,
    DeletedData,
    HandlingData,
    Happened,
    LocationData,
    MemberData,
    MessageData,
    PersonData,
    Reached,
    ReceiptData,
)
from domain.webhook_order import LOCATION, PERSON, LogEntry
from domain.webhooks import EventType
from storage.access import snapshot
from storage.keys import message_key

_decode_handling = msgspec.json.Decoder(Handling).decode
_decode_steps = msgspec.msgpack.Decoder(list[tuple[str, int, int]]).decode


def happened(connection: sqlite3.Connection, business_no: int, entry: LogEntry) -> Happened | None:
    """What ``entry`` was about; ``None``: there is nothing (any more) that may be told of it.

    A text is as it was then, but empty once the message is deleted; what people hide of their
    reading is left out; people and locations are as they are now.
    """
    with snapshot(connection):
        if entry.lane.startswith(PERSON):
            return _person(connection, business_no, entry)
        if entry.lane.startswith(LOCATION):
            return _location(connection, business_no, entry)
        row = connection.execute(
            "SELECT no FROM conversation WHERE business_no = ? AND id = ?",
            (business_no, entry.lane),
        ).fetchone()
        if row is None:
            return None
        (no,) = row
        match entry.type:
            case EventType.CONVERSATION_CREATED:
                return _created(connection, business_no, no, entry)
            case EventType.HANDLING_CHANGED:
                return _handled(connection, no, entry)
            case EventType.RECEIPT_ADVANCED:
                return _receipt(connection, business_no, no, entry)
            case EventType.MEMBER_ADDED | EventType.MEMBER_REMOVED:
                return _member(connection, no, entry)
            case _:
                return _message(connection, business_no, no, entry)


def _message(
    connection: sqlite3.Connection, business_no: int, no: int, entry: LogEntry
) -> Happened | None:
    key = message_key(no, entry.seq)
    row = connection.execute(
        "SELECT m.at, m.author, iif(m.deleted_at, '', coalesce((SELECT v.text FROM version v"
        "  WHERE v.message_id = m.id AND v.revision > ?2 ORDER BY v.revision LIMIT 1), m.text)),"
        " m.reply_to, m.client_message_id, m.deleted_at,"
        " coalesce((SELECT p.role FROM person p WHERE p.business_no = ?3 AND p.id = m.author), ''),"
        " coalesce((SELECT h.locations FROM handling h WHERE h.conversation_no = ?4), '[]')"
        " FROM message m WHERE m.id = ?1",
        (key, entry.revision, business_no, no),
    ).fetchone()
    if row is None:
        return None
    at, author, text, reply_to, client_message_id, deleted_at, role, locations = row
    if entry.type is not EventType.MESSAGE_SENT:
        change = connection.execute(
            "SELECT at, author FROM change WHERE conversation_no = ? AND revision = ?",
            (no, entry.revision),
        ).fetchone()
        if change is None:
            return None
        at, author = change
    if entry.type is EventType.MESSAGE_DELETED:
        return Happened(at, DeletedData(conversation=entry.lane, seq=entry.seq, author=author))
    return Happened(
        at,
        MessageData(
            conversation=entry.lane,
            locations=tuple(json.loads(locations)),
            seq=entry.seq,
            author=author,
            role=role,
            text=text,
            reply_to=reply_to,
            client_message_id=client_message_id or "",
            deleted_at=deleted_at,
        ),
    )


def _member(connection: sqlite3.Connection, no: int, entry: LogEntry) -> Happened | None:
    row = connection.execute(
        "SELECT at, author, person, text, role FROM message WHERE id = ?",
        (message_key(no, entry.seq),),
    ).fetchone()
    if row is None:
        return None
    at, author, person, name, role = row
    return Happened(
        at,
        MemberData(
            conversation=entry.lane,
            seq=entry.seq,
            author=author,
            person=person,
            name=name,
            role=role,
        ),
    )


def _created(
    connection: sqlite3.Connection, business_no: int, no: int, entry: LogEntry
) -> Happened | None:
    at, kind, title, author, members = connection.execute(
        "SELECT created_at, kind, title, created_by, (SELECT json_group_array(id) FROM"
        " (SELECT person AS id FROM member WHERE conversation_no = no UNION SELECT id FROM person"
        "  WHERE business_no = ?2 AND role = 'owner' AND active = 1 ORDER BY id))"
        " FROM conversation WHERE no = ?1",
        (no, business_no),
    ).fetchone()
    return Happened(
        at,
        ConversationData(
            conversation=entry.lane,
            kind=kind,
            title=title,
            author=author,
            members=tuple(json.loads(members)),
        ),
    )


def _handled(connection: sqlite3.Connection, no: int, entry: LogEntry) -> Happened | None:
    row = connection.execute(
        "SELECT at, author, kind, detail FROM handling_change"
        " WHERE conversation_no = ? AND revision = ?",
        (no, entry.revision),
    ).fetchone()
    if row is None:
        return None
    at, author, kind, detail = row
    handling = _decode_handling(detail)
    return Happened(
        at,
        HandlingData(
            conversation=entry.lane,
            kind=kind,
            author=author,
            locations=handling.locations,
            status=handling.status,
            snoozed_until=handling.snoozed_until,
            assignee=handling.assignee,
            alerted=handling.alerted,
        ),
    )


def _receipt(
    connection: sqlite3.Connection, business_no: int, no: int, entry: LogEntry
) -> Happened | None:
    row = connection.execute(
        "SELECT at, steps FROM receipt WHERE conversation_no = ? AND revision = ?",
        (no, entry.revision),
    ).fetchone()
    if row is None:
        return None
    at, steps = row
    reached = []
    for person, delivered, read in _decode_steps(steps):
        shown = connection.execute(
            "SELECT b.read_receipts AND p.read_receipts FROM business b JOIN person p"
            " ON p.business_no = b.no AND p.id = ? WHERE b.no = ?",
            (person, business_no),
        ).fetchone()
        read_up_to = read if shown is not None and shown[0] else 0
        if delivered or read_up_to:
            reached.append(Reached(person=person, delivered_up_to=delivered, read_up_to=read_up_to))
    if not reached:
        return None
    return Happened(at, ReceiptData(conversation=entry.lane, receipts=tuple(reached)))


def _at(connection: sqlite3.Connection, business_no: int, entry: LogEntry) -> int:
    row = connection.execute(
        "SELECT at FROM audit WHERE business_no = ? AND revision = ?",
        (business_no, entry.revision),
    ).fetchone()
    return 0 if row is None else int(row[0])


def _person(connection: sqlite3.Connection, business_no: int, entry: LogEntry) -> Happened | None:
    row = connection.execute(
        "SELECT id, name, role, active, locations FROM person WHERE business_no = ? AND id = ?",
        (business_no, entry.lane.removeprefix(PERSON)),
    ).fetchone()
    if row is None:
        return None
    id_, name, role, active, locations = row
    return Happened(
        _at(connection, business_no, entry),
        PersonData(
            person=id_,
            name=name,
            role=role,
            active=bool(active),
            locations=tuple(json.loads(locations)),
        ),
    )


def _location(connection: sqlite3.Connection, business_no: int, entry: LogEntry) -> Happened | None:
    row = connection.execute(
        "SELECT id, name, time_zone FROM location WHERE business_no = ? AND id = ?",
        (business_no, entry.lane.removeprefix(LOCATION)),
    ).fetchone()
    if row is None:
        return None
    id_, name, zone = row
    return Happened(
        _at(connection, business_no, entry), LocationData(location=id_, name=name, time_zone=zone)
    )
