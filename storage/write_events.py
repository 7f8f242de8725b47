"""How each event becomes rows: one method per event, called on the writer's thread."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec

from domain.events import (
    AccessRevoked,
    BusinessChanged,
    ConversationCreated,
    Event,
    LocationChanged,
    MemberAdded,
    MemberRemoved,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    OwnershipTransferred,
    PersonChanged,
    PrivacyChanged,
    ReceiptsAdvanced,
)
from storage.rows import Insert, Statements

SEQ_BITS = 32
"""A message's key is ``conversation_no << SEQ_BITS | seq``."""

_encode = msgspec.msgpack.Encoder().encode
_KNOWN_CONVERSATIONS = 100_000


class EventRows:
    """Collects the rows of one commit. ``flush`` writes them; ``clear`` forgets them."""

    def __init__(self) -> None:
        self._messages = Insert(
            "INSERT INTO message (id, business_no, revision, kind, at, author, text, person, role,"
            " reply_to, device, client_message_id, digest)",
            13,
        )
        self._heads = Insert(
            "INSERT INTO head (conversation_no, business_no, revision, activity)",
            4,
            "ON CONFLICT (conversation_no) DO UPDATE SET revision = excluded.revision,"
            " activity = max(activity, excluded.activity)",
        )
        self._receipts = Insert("INSERT INTO receipt (conversation_no, revision, at, steps)", 4)
        self._cursors = Insert(
            "INSERT INTO cursor (conversation_no, person, delivered_up_to, delivered_at,"
            " read_up_to, read_at, revision)",
            7,
            "ON CONFLICT (conversation_no, person) DO UPDATE SET"
            " delivered_up_to = excluded.delivered_up_to, delivered_at = excluded.delivered_at,"
            " read_up_to = excluded.read_up_to, read_at = excluded.read_at,"
            " revision = excluded.revision",
        )
        self._rest = Statements()
        self._head: dict[int, tuple[int, int, int]] = {}
        self._conversation_nos: dict[tuple[int, str], int] = {}
        self._created: list[tuple[int, str]] = []
        self._writers: dict[type, Callable[[sqlite3.Connection, int, int, Any], None]] = {
            MessageSent: self._message_sent,
            MessageEdited: self._message_edited,
            MessageDeleted: self._message_deleted,
            ConversationCreated: self._conversation_created,
            MemberAdded: self._member_added,
            MemberRemoved: self._member_removed,
            ReceiptsAdvanced: self._receipts_advanced,
            BusinessChanged: self._business_changed,
            LocationChanged: self._location_changed,
            PersonChanged: self._person_changed,
            PrivacyChanged: self._privacy_changed,
            OwnershipTransferred: self._ownership_transferred,
            AccessRevoked: self._access_revoked,
        }

    def add(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: Event
    ) -> None:
        """Collect the rows of ``event``; a new conversation is written at once, for its number."""
        self._writers[type(event)](connection, business_no, revision, event)

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what was collected."""
        for no, (business_no, revision, activity) in self._head.items():
            self._heads.add(no, business_no, revision, activity)
        self._head.clear()
        for insert in (self._messages, self._heads, self._receipts, self._cursors):
            insert.write(connection)
        self._rest.write(connection)
        self._created.clear()

    def clear(self) -> None:
        """Forget what was collected, and conversations whose creation was rolled back."""
        for insert in (self._messages, self._heads, self._receipts, self._cursors):
            insert.rows.clear()
        self._rest.clear()
        self._head.clear()
        for key in self._created:
            self._conversation_nos.pop(key, None)
        self._created.clear()

    def _no(self, connection: sqlite3.Connection, business_no: int, conversation: str) -> int:
        key = (business_no, conversation)
        no = self._conversation_nos.get(key)
        if no is None:
            row = connection.execute(
                "SELECT no FROM conversation WHERE business_no = ? AND id = ?", key
            ).fetchone()
            no = int(row[0])
            if len(self._conversation_nos) >= _KNOWN_CONVERSATIONS:
                self._conversation_nos.clear()
            self._conversation_nos[key] = no
        return no

    def _touch(self, no: int, business_no: int, revision: int, *, entry: bool) -> None:
        earlier = self._head.get(no)
        activity = revision if entry else (earlier[2] if earlier is not None else 0)
        self._head[no] = (business_no, revision, activity)

    def _message_sent(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MessageSent
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        self._messages.add(
            no << SEQ_BITS | event.seq,
            business_no,
            revision,
            "text",
            event.at,
            event.author,
            event.text,
            "",
            "",
            event.reply_to,
            event.device,
            event.client_message_id,
            event.digest,
        )
        self._touch(no, business_no, revision, entry=True)

    def _entry(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: MemberAdded | MemberRemoved,
        kind: str,
    ) -> int:
        no = self._no(connection, business_no, event.conversation)
        self._messages.add(
            no << SEQ_BITS | event.seq,
            business_no,
            revision,
            kind,
            event.at,
            event.author,
            event.member.name,
            event.member.id,
            event.member.role,
            0,
            None,
            None,
            None,
        )
        self._touch(no, business_no, revision, entry=True)
        return no

    def _message_edited(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MessageEdited
    ) -> None:
        self._replace(connection, business_no, revision, event, event.text)

    def _message_deleted(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MessageDeleted
    ) -> None:
        self._replace(connection, business_no, revision, event, None)

    def _replace(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: MessageEdited | MessageDeleted,
        text: str | None,
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        key = no << SEQ_BITS | event.seq
        self._rest.add(
            "INSERT INTO version SELECT id, ?, max(at, edited_at), text FROM message WHERE id = ?",
            revision,
            key,
        )
        changed = "deleted_at" if text is None else "edited_at"
        self._rest.add(
            f"UPDATE message SET text = ?, {changed} = ? WHERE id = ?", text or "", event.at, key
        )
        self._rest.add(
            "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?)",
            no,
            revision,
            event.seq,
            event.at,
            event.author,
            text is None,
        )
        self._touch(no, business_no, revision, entry=False)

    def _conversation_created(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: ConversationCreated,
    ) -> None:
        no = connection.execute(
            "INSERT INTO conversation (business_no, id, kind, title, created_at, created_by,"
            " created_revision) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                business_no,
                event.conversation,
                event.kind,
                event.title,
                event.at,
                event.author,
                revision,
            ),
        ).lastrowid
        assert no is not None
        self._conversation_nos[business_no, event.conversation] = no
        self._created.append((business_no, event.conversation))
        for member in event.members:
            self._join(no, member.id, business_no, 1, revision)
        self._touch(no, business_no, revision, entry=True)

    def _join(self, no: int, person: str, business_no: int, since_seq: int, revision: int) -> None:
        self._rest.add(
            "INSERT INTO member VALUES (?, ?, ?, ?, ?)",
            no,
            person,
            business_no,
            since_seq,
            revision,
        )

    def _member_added(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MemberAdded
    ) -> None:
        no = self._entry(connection, business_no, revision, event, "member_added")
        self._join(no, event.member.id, business_no, event.seq, revision)

    def _member_removed(
        self, connection: sqlite3.Connection, business_no: int, revision: int, event: MemberRemoved
    ) -> None:
        kind = "member_left" if event.left else "member_removed"
        no = self._entry(connection, business_no, revision, event, kind)
        self._rest.add(
            "DELETE FROM member WHERE conversation_no = ? AND person = ?", no, event.member.id
        )
        self._rest.add(
            "INSERT INTO removal VALUES (?, ?, ?, ?, ?, ?, ?)",
            business_no,
            event.member.id,
            revision,
            no,
            event.seq,
            event.at,
            event.author,
        )

    def _receipts_advanced(
        self,
        connection: sqlite3.Connection,
        business_no: int,
        revision: int,
        event: ReceiptsAdvanced,
    ) -> None:
        no = self._no(connection, business_no, event.conversation)
        steps = []
        for advance in event.advances:
            cursor = advance.cursor
            steps.append(
                (
                    advance.person,
                    cursor.delivered_up_to if advance.delivered else 0,
                    cursor.read_up_to if advance.read else 0,
                )
            )
            self._cursors.add(
                no,
                advance.person,
                cursor.delivered_up_to,
                cursor.delivered_at,
                cursor.read_up_to,
                cursor.read_at,
                revision,
            )
        self._receipts.add(no, revision, event.at, _encode(steps))
        self._touch(no, business_no, revision, entry=False)

    def _audit(
        self, business_no: int, revision: int, at: int, author: str, kind: str, **detail: object
    ) -> None:
        self._rest.add(
            "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)",
            business_no,
            revision,
            at,
            author,
            kind,
            json.dumps(detail),
        )

    def _business_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: BusinessChanged
    ) -> None:
        self._rest.add(
            "UPDATE business SET name = ?, read_receipts = ?, last_seen = ?, revision = ?"
            " WHERE no = ?",
            event.name,
            event.read_receipts,
            event.last_seen,
            revision,
            business_no,
        )
        self._audit(business_no, revision, event.at, event.author, "business_changed")

    def _location_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: LocationChanged
    ) -> None:
        self._rest.add(
            "INSERT INTO location VALUES (?, ?, ?, ?) ON CONFLICT (business_no, id)"
            " DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone",
            business_no,
            event.location,
            event.name,
            event.time_zone,
        )
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            "location_changed",
            location=event.location,
        )

    def _person_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: PersonChanged
    ) -> None:
        person = event.person
        self._rest.add(
            "INSERT INTO person (business_no, id, name, role, active, locations, access_revision)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (business_no, id) DO UPDATE SET"
            " name = excluded.name, role = excluded.role, active = excluded.active,"
            " locations = excluded.locations,"
            " access_revision = max(access_revision, excluded.access_revision)",
            business_no,
            person.id,
            person.name,
            person.role,
            person.active,
            json.dumps(event.locations),
            revision if event.access else 0,
        )
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            "person_changed",
            person=person.id,
            role=person.role,
            active=person.active,
        )

    def _privacy_changed(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: PrivacyChanged
    ) -> None:
        self._rest.add(
            "UPDATE person SET read_receipts = ?, last_seen = ?, privacy_revision = ?"
            " WHERE business_no = ? AND id = ?",
            event.read_receipts,
            event.last_seen,
            revision,
            business_no,
            event.person,
        )
        self._audit(business_no, revision, event.at, event.person, "privacy_changed")

    def _ownership_transferred(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: OwnershipTransferred
    ) -> None:
        for person, role in ((event.former, event.former_role), (event.owner, "owner")):
            self._rest.add(
                "UPDATE person SET role = ?, access_revision = ? WHERE business_no = ? AND id = ?",
                role,
                revision,
                business_no,
                person,
            )
        self._audit(
            business_no,
            revision,
            event.at,
            event.author,
            "ownership_transferred",
            former=event.former,
            owner=event.owner,
        )

    def _access_revoked(
        self, _: sqlite3.Connection, business_no: int, revision: int, event: AccessRevoked
    ) -> None:
        if event.token:
            self._rest.add(
                "INSERT OR REPLACE INTO revoked_token VALUES (?, ?)", event.token, event.expires_at
            )
        else:
            self._rest.add(
                "UPDATE person SET tokens_from = ? WHERE business_no = ? AND id = ?",
                event.at,
                business_no,
                event.person,
            )
        self._audit(
            business_no, revision, event.at, event.author, "access_revoked", person=event.person
        )
