"""What actors start from: the state of a conversation or a business as it is stored."""

import json
import sqlite3
from collections.abc import Iterable
from sys import intern

import msgspec

from domain.business import Business, Colleague
from domain.commands import Accepted
from domain.conversation import REMEMBERED, Conversation, Entry, Sent, SentKey, remember_sent
from domain.events import Cursor, Handling, Person, Routed
from domain.permissions import granted
from domain.policies import Policies
from domain.roles import Role
from domain.routing import CustomerFacts
from storage import appointments, people
from storage import webhooks as hooks
from storage.access import Viewer, grant, snapshot
from storage.channel_rows import channel
from storage.handling_rows import Hidden
from storage.keys import SEQ_BITS, SEQ_MASK, message_key


def conversation(
    connection: sqlite3.Connection, business_no: int, conversation_id: str
) -> Conversation | None:
    """The state of a conversation with its newest `REMEMBERED` entries, or ``None``."""
    with snapshot(connection):
        row = connection.execute(
            "SELECT no, kind, title, creation FROM conversation WHERE business_no = ? AND id = ?",
            (business_no, conversation_id),
        ).fetchone()
        if row is None:
            return None
        no, kind, title, creation = row
        members = connection.execute(
            "SELECT p.id, p.name, p.role, m.since_seq FROM member m"
            " JOIN person p ON p.business_no = m.business_no AND p.id = m.person"
            " WHERE m.conversation_no = ? ORDER BY m.since_revision, p.id",
            (no,),
        ).fetchall()
        present = {id_: Person(id_, name, Role(role)) for id_, name, role, _ in members}
        since = {id_: since_seq for id_, _, _, since_seq in members if since_seq > 1}
        state = Conversation(conversation_id, kind, title, present, creation=creation, since=since)
        cursors = connection.execute(
            "SELECT person, delivered_up_to, delivered_at, read_up_to, read_at FROM cursor"
            " WHERE conversation_no = ?",
            (no,),
        )
        state.cursors = {person: Cursor(*cursor) for person, *cursor in cursors}
        _take_up_handling(connection, business_no, no, state)
        _remember(connection, no, state)
    return state


def _take_up_handling(
    connection: sqlite3.Connection, business_no: int, no: int, state: Conversation
) -> None:
    state.waiting_since, state.heard_at, state.team_read_up_to, on = connection.execute(
        "SELECT waiting_since, heard_at, team_read_up_to, channel FROM head WHERE business_no = ?"
        " AND conversation_no = ?",
        (business_no, no),
    ).fetchone()
    state.channel = channel(on)
    row = connection.execute(
        "SELECT locations, status, snoozed_until, assignee, hidden, alerted FROM handling"
        " WHERE conversation_no = ?",
        (no,),
    ).fetchone()
    if row is not None:
        locations, status, snoozed_until, assignee, stored, alerted = row
        hidden = _decode_hidden(stored)
        state.handling = Handling(
            tuple(json.loads(locations)),
            intern(status),
            snoozed_until,
            assignee,
            hidden.trigger,
            hidden.away,
            alerted,
        )
    why = connection.execute(
        "SELECT why FROM routing WHERE conversation_no = ? ORDER BY seq DESC LIMIT 1", (no,)
    ).fetchone()
    state.routed = None if why is None else _decode_why(why[0])


_decode_hidden = msgspec.json.Decoder(Hidden).decode
_decode_why = msgspec.json.Decoder(Routed).decode


def customer_facts(
    connection: sqlite3.Connection, business_no: int, customer: str, now: int
) -> tuple[CustomerFacts, int]:
    """By what a customer's message is routed at ``now``, and until when (ms) that holds."""
    with snapshot(connection):
        row = connection.execute(
            "SELECT locations FROM person WHERE business_no = ? AND id = ?", (business_no, customer)
        ).fetchone()
        newest = connection.execute(
            "SELECT json_group_array(p.location) FROM placement p WHERE p.conversation_no ="
            " (SELECT m.conversation_no FROM member m JOIN head h"
            "   ON h.business_no = m.business_no AND h.conversation_no = m.conversation_no"
            "  WHERE m.business_no = ? AND m.person = ? AND h.heard_at > 0"
            "  AND EXISTS (SELECT 1 FROM placement q WHERE q.conversation_no = m.conversation_no)"
            "  ORDER BY h.heard_at DESC LIMIT 1)",
            (business_no, customer),
        ).fetchone()
        last = appointments.last_location(connection, business_no, customer, now)
        visited = appointments.visited_until(connection, business_no, customer, now)
        coming = appointments.next_of(connection, business_no, customer, now)
    locations = () if row is None else tuple(sorted(json.loads(row[0])))
    until = 2**63 - 1 if coming is None else coming.start
    places = tuple(sorted(json.loads(newest[0])))
    return CustomerFacts(locations, last or "", places, visited), until


def _remember(connection: sqlite3.Connection, no: int, state: Conversation) -> None:
    rows = connection.execute(
        "SELECT id, author, kind, deleted_at, device, client_message_id, digest, revision, at"
        " FROM message WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?",
        (message_key(no, 1), message_key(no, SEQ_MASK), REMEMBERED),
    ).fetchall()
    for key, author, kind, deleted_at, device, client_id, digest, revision, at in reversed(rows):
        seq = state.last_seq = key & SEQ_MASK
        state.recent[seq] = Entry(author, kind == "text", bool(deleted_at))
        if client_id is not None:
            sent = Sent(digest, Accepted(seq, revision, at))
            remember_sent(state, (author, device, client_id), sent)


def entry(
    connection: sqlite3.Connection, business_no: int, conversation_id: str, seq: int
) -> Entry | None:
    """One place of the log that the actor no longer has at hand."""
    row = connection.execute(
        f"SELECT m.author, m.kind, m.deleted_at FROM {_RANGE}",
        (business_no, conversation_id, *_places(seq, seq)),
    ).fetchone()
    return None if row is None else Entry(row[0], row[1] == "text", bool(row[2]))


def authors(
    connection: sqlite3.Connection, business_no: int, conversation_id: str, first: int, last: int
) -> set[str]:
    """Who wrote the entries ``first`` to ``last``."""
    rows = connection.execute(
        f"SELECT DISTINCT m.author FROM {_RANGE}",
        (business_no, conversation_id, *_places(first, last)),
    )
    return {author for (author,) in rows}


def sent(
    connection: sqlite3.Connection, business_no: int, keys: Iterable[SentKey]
) -> dict[SentKey, Sent]:
    """Those of ``keys`` that name a stored message of the business, and their one answer."""
    found: dict[SentKey, Sent] = {}
    for person, device, client_message_id in keys:
        row = connection.execute(
            "SELECT digest, id, revision, at FROM message WHERE client_message_id = ?"
            " AND device = ? AND author = ? AND business_no = ?",
            (client_message_id, device, person, business_no),
        ).fetchone()
        if row is not None:
            digest, key, revision, at = row
            found[person, device, client_message_id] = Sent(
                digest, Accepted(key & SEQ_MASK, revision, at)
            )
    return found


def would_be_new(
    connection: sqlite3.Connection, viewer: Viewer, conversation: str, key: SentKey
) -> bool:
    """Whether a message of ``viewer`` would be a new one, in a conversation they are in."""
    with snapshot(connection):
        if grant(connection, viewer, conversation) is None:
            return False
        return not sent(connection, viewer.business_no, [key])


_RANGE = (
    "conversation c JOIN message m"
    f" ON m.id BETWEEN (c.no << {SEQ_BITS} | ?3) AND (c.no << {SEQ_BITS} | ?4)"
    " WHERE c.business_no = ?1 AND c.id = ?2"
)


def _places(first: int, last: int) -> tuple[int, int]:
    """Within the conversation, whatever was asked for."""
    return message_key(0, first), message_key(0, last)


def business(connection: sqlite3.Connection, business_id: str) -> Business | None:
    """A business with its owners and who hides what, or ``None``."""
    with snapshot(connection):
        row = connection.execute(
            "SELECT b.no, b.name, b.read_receipts, b.last_seen, b.policies, coalesce(p.id, '')"
            " FROM business b LEFT JOIN business p ON p.no = b.parent_no WHERE b.id = ?",
            (business_id,),
        ).fetchone()
        if row is None:
            return None
        no, name, read_receipts, last_seen, policies, parent = row
        hiding = connection.execute(
            "SELECT id, read_receipts, last_seen FROM person WHERE business_no = ?"
            " AND (read_receipts = 0 OR last_seen = 0)",
            (no,),
        ).fetchall()
        team = connection.execute(
            "SELECT id, role, locations, permissions FROM person WHERE business_no = ?"
            " AND role IN ('owner', 'manager', 'staff') AND active = 1",
            (no,),
        ).fetchall()
        blocked = connection.execute(
            "SELECT id FROM person WHERE business_no = ? AND blocked AND role = 'customer'", (no,)
        ).fetchall()
        erased = connection.execute(
            "SELECT person FROM erasure WHERE business_no = ?", (no,)
        ).fetchall()
        places = {location.id: location for location in people.locations(connection, no)}
        webhooks, send_hook = hooks.webhooks(connection, no), hooks.send_hook(connection, no)
    return Business(
        business_id,
        no,
        name,
        bool(read_receipts),
        bool(last_seen),
        frozenset(id_ for id_, role, *_ in team if role == "owner"),
        {id_ for id_, shows, _ in hiding if not shows},
        {id_ for id_, _, shows in hiding if not shows},
        {id_: _colleague(Role(role), at, own) for id_, role, at, own in team},
        places,
        msgspec.json.decode(policies, type=Policies),
        parent,
        webhooks=webhooks,
        send_hook=send_hook,
        blocked={id_ for (id_,) in blocked},
        erased={id_ for (id_,) in erased},
    )


def _colleague(role: Role, locations: str, own: str | None) -> Colleague:
    return Colleague(
        role, frozenset(json.loads(locations)), granted(role, people.permissions_of(own))
    )
