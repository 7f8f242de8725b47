"""What is stored of one person, for a copy of it (EX-21): read in pages, each of one moment."""

import json
import sqlite3

import msgspec

from domain.appointments import Appointment
from domain.channels import Channel
from domain.views import Attachment
from storage import uploads
from storage.access import snapshot
from storage.attachment_rows import decode_attachments
from storage.channel_rows import channel
from storage.erasure import CONVERSATIONS
from storage.keys import SEQ_BITS, SEQ_MASK
from storage.uploads import Upload

MESSAGES = 200
"""Messages of a page."""


class Membership(msgspec.Struct, frozen=True):
    """A conversation that they are in; from ``since_seq`` on, and how far they got."""

    conversation: str
    title: str
    since_seq: int
    delivered_up_to: int
    read_up_to: int


class OwnVersion(msgspec.Struct, frozen=True):
    """What a message said before it was edited or deleted."""

    text: str
    at: int


class OwnMessage(msgspec.Struct, frozen=True):
    """Something that they said, wherever, with all that it ever said."""

    conversation: str
    seq: int
    at: int
    text: str
    reply_to: int
    edited_at: int
    deleted_at: int
    device: str
    attachments: tuple[Attachment, ...]
    versions: tuple[OwnVersion, ...]
    channel: Channel


class OwnPage(msgspec.Struct, frozen=True):
    """``next`` is where the next page begins; ``None``: this was the last one."""

    messages: tuple[OwnMessage, ...]
    next: int | None


class OwnSignIn(msgspec.Struct, frozen=True):
    """A device that is signed in."""

    device: str
    created_at: int
    last_used_at: int


class OwnRecord(msgspec.Struct, frozen=True):
    """What is stored of them beside their person and what they said."""

    memberships: tuple[Membership, ...]
    appointments: tuple[Appointment, ...]
    uploads: tuple[Upload, ...]
    email: str
    """Of their account, or ``""``."""
    sign_ins: tuple[OwnSignIn, ...]


def record(connection: sqlite3.Connection, business_no: int, person: str) -> OwnRecord:
    """All of it but what they said."""
    key = (business_no, person)
    with snapshot(connection):
        memberships = connection.execute(
            "SELECT c.id, c.title, m.since_seq, coalesce(u.delivered_up_to, 0),"
            " coalesce(u.read_up_to, 0) FROM member m JOIN conversation c"
            " ON c.no = m.conversation_no LEFT JOIN cursor u"
            " ON u.conversation_no = m.conversation_no AND u.person = m.person"
            " WHERE m.business_no = ? AND m.person = ? ORDER BY c.no",
            key,
        ).fetchall()
        booked = connection.execute(
            "SELECT json_object('id', id, 'customer', customer, 'staff', staff, 'location',"
            " location, 'start', starts_at, 'end', ends_at, 'status', status, 'title', title)"
            " FROM appointment WHERE business_no = ?1 AND (customer = ?2 OR staff = ?2)"
            " ORDER BY starts_at, id",
            key,
        ).fetchall()
        account = connection.execute(
            "SELECT email FROM account WHERE business_no = ? AND person = ?", key
        ).fetchone()
        signed_in = connection.execute(
            "SELECT device, created_at, last_used_at FROM sign_in"
            " WHERE business_no = ? AND person = ? ORDER BY created_at",
            key,
        ).fetchall()
        uploaded = uploads.all_of(connection, business_no, person)
    return OwnRecord(
        tuple(Membership(*row) for row in memberships),
        tuple(msgspec.json.decode(row, type=Appointment) for (row,) in booked),
        tuple(uploaded),
        "" if account is None else account[0],
        tuple(OwnSignIn(*row) for row in signed_in),
    )


def own_messages(
    connection: sqlite3.Connection, business_no: int, person: str, after: int
) -> OwnPage:
    """What ``person`` said, after the message of key ``after``, in the order of keys."""
    with snapshot(connection):
        nos = connection.execute(
            "SELECT conversation_no FROM head WHERE business_no = ? AND conversation_no >= ?"
            " ORDER BY conversation_no LIMIT ?",
            (business_no, after >> SEQ_BITS, CONVERSATIONS),
        ).fetchall()
        if not nos:
            return OwnPage((), None)
        end = nos[-1][0] << SEQ_BITS | SEQ_MASK
        rows = connection.execute(
            f"SELECT m.id, c.id, m.id & {SEQ_MASK}, m.at, m.text, m.reply_to, m.edited_at,"
            " m.deleted_at, coalesce(m.device, ''), m.attachments,"
            " (SELECT json_group_array(json_array(v.text, v.at)) FROM (SELECT text, at FROM version"
            "  WHERE message_id = m.id ORDER BY revision) v), m.channel"
            f" FROM message m JOIN conversation c ON c.no = m.id >> {SEQ_BITS}"
            " WHERE m.id > ? AND m.id <= ? AND m.business_no = ? AND m.author = ?"
            " AND m.kind = 'text' ORDER BY m.id LIMIT ?",
            (after, end, business_no, person, MESSAGES),
        ).fetchall()
    following = end if len(nos) == CONVERSATIONS else None
    if len(rows) == MESSAGES:
        following = rows[-1][0]
    return OwnPage(tuple(_own(*row[1:]) for row in rows), following)


def _own(  # noqa: PLR0913 - the columns of a row
    conversation: str,
    seq: int,
    at: int,
    text: str,
    reply_to: int,
    edited_at: int,
    deleted_at: int,
    device: str,
    attachments: str,
    versions: str,
    on: str,
) -> OwnMessage:
    return OwnMessage(
        conversation,
        seq,
        at,
        text,
        reply_to,
        edited_at,
        deleted_at,
        device,
        decode_attachments(attachments) if attachments else (),
        tuple(OwnVersion(*each) for each in json.loads(versions)),
        channel(on),
    )
